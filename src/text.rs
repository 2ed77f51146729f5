//! Text for a terminal: what is printable, line breaks, dates and durations.

use std::ffi::OsStr;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use unicode_width::UnicodeWidthChar;

/// Removes what could control a terminal or reorder text: control characters (a line break becomes a
/// space), bidirectional overrides, invisible characters.
pub fn printable(text: &str) -> String {
    // The usual case, without a look at each character.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .filter(|c| is_printable(*c))
        .collect()
}

/// Whether the character is visible and does not change how others look.
pub fn is_printable(c: char) -> bool {
    // Default_Ignorable_Code_Point in DerivedCoreProperties.txt, Unicode 14.0; and line separators
    // (2028, 2029), the blank Braille pattern (2800), interlinear annotations (FFF9 to FFFB).
    !matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        && !c.is_control()
}

/// The text without white space at its ends, or `None` if nothing is left.
pub fn not_blank(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A word or a path for a shell: quoted if it must be, and never an option.
pub fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = printable(&word.as_ref().to_string_lossy());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match word.starts_with('-') {
        true => shell_word(format!("./{word}")),
        false if !word.is_empty() && word.chars().all(is_plain) => word,
        false => quoted(&word),
    }
}

/// A word in quotes for a shell.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The system's message in lower case, without the error number.
pub fn io_error(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((message, _)) => message.to_lowercase(),
        None => text,
    }
}

/// At most `limit` columns of a text, on one line.
pub fn excerpt(text: &str, limit: usize) -> String {
    let text = printable(text);
    let text = text.trim();
    match first_columns(text, limit) {
        shown if shown.len() < text.len() => format!("{shown}..."),
        _ => text.to_owned(),
    }
}

/// A name in a message.
pub fn name(text: &str) -> String {
    excerpt(text, 100)
}

/// Other text of a server, a file or a user in a message.
pub fn detail(text: &str) -> String {
    excerpt(text, 300)
}

/// How many columns a terminal shows the text in.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    c.width().unwrap_or_default()
}

/// The beginning of a text that fits so many columns. Marks that have no width of their own end after many bytes.
pub fn first_columns(text: &str, limit: usize) -> &str {
    const BYTES_PER_COLUMN: usize = 16;
    let mut used = 0_usize;
    let end = text.char_indices().find(|(at, c)| {
        used = used.saturating_add(width(*c));
        used > limit || *at >= limit.saturating_mul(BYTES_PER_COLUMN)
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The text, filled up with spaces to so many columns.
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(columns(text)))
}

/// Columns of a serial console, and of help texts.
pub const WIDTH: usize = 80;

/// Breaks a text between words, each line indented by `column` spaces and ended by a line break.
pub fn wrap(text: &str, column: usize, width: usize) -> String {
    format!("{}\n", fold(&format!("{:column$}{text}", ""), width))
}

/// Breaks a line between words. The lines that follow start below its second column, if that leaves half of
/// the width. A word that is too long gets a line of its own, from the margin, so that it can be copied.
pub fn fold(line: &str, width: usize) -> String {
    let column = second_column(line);
    let indent = " ".repeat(if column > width / 2 { 2 } else { column });
    let (mut folded, mut current, mut rest) = (String::new(), String::new(), line);
    while let Some(start) = rest.find(|c| c != ' ') {
        let end = rest.char_indices().find(|(at, c)| *at > start && *c == ' ');
        let (word, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        if columns(&current) + columns(word) > width {
            let word = word.trim_start();
            if !current.is_empty() {
                folded.push_str(&current);
                folded.push('\n');
            }
            let fits = columns(&indent) + columns(word) <= width;
            current = if fits { format!("{indent}{word}") } else { word.to_owned() };
        } else {
            current.push_str(word);
        }
        rest = after;
    }
    format!("{folded}{current}{rest}")
}

/// The column of the text after a label and at least two spaces; without a label, of the text itself.
fn second_column(line: &str) -> usize {
    let text = line.trim_start();
    let label = text.split_once("  ").map(|(label, rest)| (label, rest.trim_start()));
    let text = label.map_or(text, |(_, text)| text);
    columns(line) - columns(text)
}

/// A duration in its two largest units: "6 days 3 hours", "10 minutes", "1 second".
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let largest = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    let words: Vec<String> = units
        .iter()
        .skip(largest)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

/// Parses a duration such as `90m`, `12h`, `2d` or `1h 30m`, with the larger unit first. `None` without a unit,
/// or for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut seconds, mut previous_unit, mut rest) = (0_u64, u64::MAX, text.trim());
    loop {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let mut after = after.chars();
        let unit = match after.next()? {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        if unit >= previous_unit {
            return None;
        }
        previous_unit = unit;
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after.as_str().trim_start();
        if rest.is_empty() {
            return Some(Duration::from_secs(seconds));
        }
    }
}

/// A Unix time as RFC 3339 in UTC; `None` after the year 9999.
pub fn rfc3339(unix_seconds: u64) -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let since_1970 = Some(unix_seconds).filter(|seconds| *seconds < YEAR_10000)?;
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(since_1970))?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// A Unix time for people: "2026-11-24 05:37:00 UTC".
pub fn date_and_time(unix_seconds: u64) -> String {
    match rfc3339(unix_seconds) {
        Some(text) => text.replace('T', " ").replace('Z', " UTC"),
        None => "after the year 9999".to_owned(),
    }
}

/// Seconds since 1970; 0 for an earlier time.
pub fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_removes_what_controls_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{7}c\u{9b}2Jd\u{7f}"), "a[31mbc2Jd");
        assert_eq!(printable("gnp.\u{202e}exe\u{2066}x\u{200f}"), "gnp.exex");
        assert_eq!(printable("one\r\ntwo\tthree"), "one  two three");
        assert_eq!(printable("Zürich 東京 🤖"), "Zürich 東京 🤖");
    }

    #[test]
    fn invisible_characters_are_not_printable() {
        for c in "\u{ad}\u{34f}\u{115f}\u{17b4}\u{180b}\u{200b}\u{2028}\u{2029}\u{2060}\u{2800}\u{3164}\u{fe0f}\
                  \u{feff}\u{ffa0}\u{fff0}\u{fffb}\u{1bca0}\u{1d173}\u{e0001}\u{e0100}"
            .chars()
        {
            assert!(!is_printable(c), "{c:?}");
        }
        for c in "a~é東🤖\u{ae}\u{2801}\u{3165}\u{fffd}".chars() {
            assert!(is_printable(c), "{c:?}");
        }
    }

    #[test]
    fn excerpt_ends_between_characters() {
        assert_eq!(excerpt("  too many é attempts ", 10), "too many é...");
        assert_eq!(excerpt("東京ロボット", 5), "東京...");
        assert_eq!(excerpt("short", 10), "short");
    }

    #[test]
    fn excerpt_is_short_also_if_its_characters_have_no_width() {
        let marks = "\u{301}".repeat(10_000);
        assert!(excerpt(&format!("e{marks}"), 10).len() < 200);
        assert_eq!(excerpt("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
        assert_eq!(first_columns("e\u{301}e\u{301}", 1), "e\u{301}");
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (text, expected) in
            [("abc", 3), ("東京", 4), ("🤖", 2), ("Zu\u{308}rich", 6), ("ｶﾞ", 2), ("한국", 4)]
        {
            assert_eq!(columns(text), expected, "{text}");
        }
        assert_eq!(padded("東京", 6), "東京  ");
        assert_eq!(padded("東京", 3), "東京");
    }

    #[test]
    fn wrap_indents_each_line() {
        assert_eq!(wrap("one two three four", 4, 12), "    one two\n    three\n    four\n");
    }

    #[test]
    fn fold_continues_below_the_second_column() {
        for (line, folded) in [
            ("  Token    ends soon", "  Token    ends soon"),
            ("  Token    ends in 7 days", "  Token    ends in 7\n           days"),
            ("  1  Acme Robotics  org-acme", "  1  Acme Robotics\n     org-acme"),
            ("Enter a number or a name.", "Enter a number or a\nname."),
            ("  File     /home/ada/config", "  File\n/home/ada/config"),
            ("  a-long-label-of-20  text", "  a-long-label-of-20\n  text"),
            ("  1  東京ロボット  org-1", "  1  東京ロボット\n     org-1"),
            ("  東京ロボ  org-tokyo", "  東京ロボ  org-tokyo"),
            ("", ""),
        ] {
            assert_eq!(fold(line, 22), folded);
        }
    }

    #[test]
    fn duration_is_shown_in_its_two_largest_units() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (600, "10 minutes"),
            (61, "1 minute 1 second"),
            (3_600, "1 hour"),
            (86_400 * 6 + 3_600 * 3 + 59, "6 days 3 hours"),
            (86_400 + 5, "1 day"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn duration_needs_a_unit() {
        for (text, seconds) in [
            ("90m", 5_400),
            ("12h", 43_200),
            ("2d", 172_800),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            (" 45s ", 45),
            ("0m", 0),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text:?}");
        }
        for text in [
            "",
            " ",
            "0",
            "10",
            "h",
            "1h 30",
            "-1h",
            "1.5h",
            "5ms",
            "1w",
            "2 d",
            "1H",
            "1hm",
            "١h",
            "1h,30m",
            "1h 1h",
            "30m 1h",
            "99999999999999999999d",
            "18446744073709551615m",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn time_is_shown_in_utc_up_to_the_year_9999() {
        assert_eq!(rfc3339(1_795_498_620).as_deref(), Some("2026-11-24T05:37:00Z"));
        assert_eq!(date_and_time(1_795_498_620), "2026-11-24 05:37:00 UTC");
        assert_eq!(rfc3339(u64::MAX), None);
        assert_eq!(date_and_time(u64::MAX), "after the year 9999");
    }
}
