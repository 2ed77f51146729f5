//! A QR code in characters, for a phone's camera before a terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// What the code is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// White on black by escape sequences, so that it scans whatever colors the terminal has. Without
    /// them the terminal is taken to be light on dark.
    pub color: bool,
    /// Half blocks, two modules to a character; else two characters to a module.
    pub half_blocks: bool,
}

/// The light margin, in modules: what the standard asks for (ISO/IEC 18004), and what phones can do with.
const MARGINS: [i32; 2] = [4, 2];

const WHITE_ON_BLACK: &str = "\x1b[0;97;40m";
const PLAIN: &str = "\x1b[0m";

/// Draws a text with the widest margin that fits into this many columns and lines; `None` if none does.
/// Nothing is ever cut.
pub fn draw(text: &str, ink: Ink, columns: usize, lines: usize) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    MARGINS.into_iter().find_map(|margin| {
        let modules = usize::try_from(code.size().checked_add(margin.checked_mul(2)?)?).ok()?;
        let (width, height) = match ink.half_blocks {
            true => (modules, modules.div_ceil(2)),
            false => (modules.checked_mul(2)?, modules),
        };
        (width <= columns && height <= lines).then(|| rows(&code, ink, margin))
    })
}

fn rows(code: &QrCode, ink: Ink, margin: i32) -> Vec<String> {
    let (start, end) = (0_i32.saturating_sub(margin), code.size().saturating_add(margin));
    // Beyond its sides the code has light modules.
    let light = |x: i32, y: i32| !code.get_module(x, y);
    let step = if ink.half_blocks { 2 } else { 1 };
    (start..end)
        .step_by(step)
        .map(|y| {
            let row: String = (start..end)
                .map(|x| match (ink.half_blocks, light(x, y), light(x, y.saturating_add(1))) {
                    (true, true, true) => "\u{2588}",
                    (true, true, false) => "\u{2580}",
                    (true, false, true) => "\u{2584}",
                    (true, false, false) => " ",
                    (false, true, _) => "##",
                    (false, false, _) => "  ",
                })
                .collect();
            match ink.color {
                true => format!("{WHITE_ON_BLACK}{}{PLAIN}", solid(&row)),
                false => row,
            }
        })
        .collect()
}

/// Hash signs leave gaps, and so do blocks where the lines of the screen stand apart; reversed blanks do
/// not.
fn solid(row: &str) -> String {
    row.replace('#', "\u{2588}")
        .replace('\u{2588}', "\x1b[7m \x1b[27m")
        .replace("\x1b[27m\x1b[7m", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: Ink = Ink { color: false, half_blocks: true };
    const SIGNS: Ink = Ink { color: false, half_blocks: false };

    fn uri(length: usize) -> String {
        let mut uri = "https://oidc.example/device?user_code=".to_owned();
        uri.extend("WDJBMJHT".chars().cycle().take(length - uri.len()));
        uri
    }

    fn size(rows: &[String]) -> (usize, usize) {
        (rows[0].chars().count(), rows.len())
    }

    #[test]
    fn a_uri_of_a_hundred_characters_fits_a_screen_of_80_by_24_with_room_for_words() {
        let rows = draw(&uri(100), BLOCKS, 80, 21).unwrap();
        assert_eq!(size(&rows), (41, 21));
        let rows = draw(&uri(100), BLOCKS, 80, 23).unwrap();
        assert_eq!(size(&rows), (45, 23), "with the full margin where there is room");
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_never_cut() {
        assert_eq!(draw(&uri(100), BLOCKS, 80, 20), None);
        assert_eq!(draw(&uri(100), BLOCKS, 40, 24), None);
        assert_eq!(draw(&uri(100), SIGNS, 80, 24), None);
        assert_eq!(draw(&uri(4000), BLOCKS, 500, 500), None, "more than any code holds");
        assert_eq!(size(&draw(&uri(60), SIGNS, 100, 45).unwrap()), (82, 41));
    }

    #[test]
    fn every_row_is_as_wide_and_the_margin_is_light() {
        for ink in [BLOCKS, SIGNS] {
            let rows = draw(&uri(60), ink, 200, 200).unwrap();
            assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()));
            assert!(rows[0].chars().all(|c| c != ' '), "{ink:?}");
        }
    }

    #[test]
    fn escapes_are_only_there_with_color() {
        let color = Ink { color: true, ..BLOCKS };
        assert!(draw(&uri(60), color, 200, 200).unwrap().iter().all(|row| row.ends_with(PLAIN)));
        assert!(!draw(&uri(60), BLOCKS, 200, 200).unwrap().concat().contains('\x1b'));
    }
}
