//! Draws a QR code on a terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// What the code is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Escape sequences set white on black. Without them, the code needs a terminal with a dark background.
    pub color: bool,
    /// A half block shows two modules. Without them, a module takes two characters.
    pub half_blocks: bool,
}

/// The light margin, in modules: what ISO/IEC 18004 requires, and what is enough for phones.
const MARGINS: [i32; 2] = [4, 2];

const WHITE_ON_BLACK: &str = "\x1b[0;97;40m";
const PLAIN: &str = "\x1b[0m";

/// Draws a text with the widest margin that fits a screen of which `lines_free` lines stay free. Otherwise
/// returns the reason.
pub fn draw(
    text: &str,
    style: Style,
    columns: usize,
    lines: usize,
    lines_free: usize,
) -> Result<Vec<String>, String> {
    let too_long = |_| "the URL is too long".to_owned();
    let code = QrCode::encode_text(text, QrCodeEcc::Low).map_err(too_long)?;
    let mut smallest = (0, 0);
    for margin in MARGINS {
        let modules = usize::try_from(code.size() + 2 * margin).unwrap_or(usize::MAX);
        let (width, height) = match style.half_blocks {
            true => (modules, modules.div_ceil(2)),
            false => (modules.saturating_mul(2), modules),
        };
        smallest = (width, height.saturating_add(lines_free));
        if smallest.0 <= columns && smallest.1 <= lines {
            return Ok(rows(&code, style, margin));
        }
    }
    Err(format!("it needs {} columns and {} lines", smallest.0, smallest.1))
}

fn rows(code: &QrCode, style: Style, margin: i32) -> Vec<String> {
    let (start, end) = (-margin, code.size() + margin);
    // Outside the code, `get_module` is false: light.
    let light = |x: i32, y: i32| !code.get_module(x, y);
    let step = if style.half_blocks { 2 } else { 1 };
    (start..end)
        .step_by(step)
        .map(|y| {
            let row: String = (start..end)
                .map(|x| match (style.half_blocks, light(x, y), light(x, y + 1)) {
                    (true, true, true) => "\u{2588}",
                    (true, true, false) => "\u{2580}",
                    (true, false, true) => "\u{2584}",
                    (true, false, false) => " ",
                    (false, true, _) => "##",
                    (false, false, _) => "  ",
                })
                .collect();
            match style.color {
                true => format!("{WHITE_ON_BLACK}{}{PLAIN}", solid(&row)),
                false => row,
            }
        })
        .collect()
}

/// Replaces `#` and full blocks, which leave gaps in many fonts, with reversed spaces.
fn solid(row: &str) -> String {
    row.replace('#', "\u{2588}")
        .replace('\u{2588}', "\x1b[7m \x1b[27m")
        .replace("\x1b[27m\x1b[7m", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: Style = Style { color: false, half_blocks: true };
    const SIGNS: Style = Style { color: false, half_blocks: false };

    fn uri(length: usize) -> String {
        let mut uri = "https://oidc.example/device?user_code=".to_owned();
        uri.extend("WDJBMJHT".chars().cycle().take(length - uri.len()));
        uri
    }

    fn size(rows: &[String]) -> (usize, usize) {
        (rows[0].chars().count(), rows.len())
    }

    #[test]
    fn code_of_100_characters_leaves_room_on_80_by_24() {
        let rows = draw(&uri(100), BLOCKS, 80, 21, 0).unwrap();
        assert_eq!(size(&rows), (41, 21));
        let rows = draw(&uri(100), BLOCKS, 80, 23, 0).unwrap();
        assert_eq!(size(&rows), (45, 23), "the full margin");
    }

    #[test]
    fn code_that_does_not_fit_is_not_drawn() {
        assert_eq!(
            draw(&uri(100), BLOCKS, 80, 20, 0).unwrap_err(),
            "it needs 41 columns and 21 lines"
        );
        assert!(draw(&uri(100), BLOCKS, 80, 23, 3).is_err());
        assert!(draw(&uri(100), BLOCKS, 40, 24, 0).is_err());
        assert!(draw(&uri(100), SIGNS, 80, 24, 0).is_err());
        assert!(draw(&uri(4000), BLOCKS, 500, 500, 0).is_err(), "more than a code can hold");
        assert_eq!(size(&draw(&uri(60), SIGNS, 100, 45, 0).unwrap()), (82, 41));
    }

    #[test]
    fn rows_are_equally_wide_and_the_margin_is_light() {
        for style in [BLOCKS, SIGNS] {
            let rows = draw(&uri(60), style, 200, 200, 0).unwrap();
            assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()));
            assert!(rows[0].chars().all(|c| c != ' '), "{style:?}");
        }
    }

    #[test]
    fn escape_sequences_need_color() {
        let color = Style { color: true, ..BLOCKS };
        assert!(draw(&uri(60), color, 200, 200, 0).unwrap().iter().all(|row| row.ends_with(PLAIN)));
        assert!(!draw(&uri(60), BLOCKS, 200, 200, 0).unwrap().concat().contains('\x1b'));
    }
}
