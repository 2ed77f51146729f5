//! Words on a screen: what may be printed, and times as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The text without what could steer a terminal or turn it around: control characters (a line break
/// becomes a blank), bidirectional overrides, invisible separators.
pub fn printable(text: &str) -> String {
    // As nearly all text is.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .filter(|c| is_printable(*c))
        .collect()
}

/// Whether the character shows itself and changes nothing about others.
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path as one word of a shell command.
pub fn shell_word(path: &std::path::Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// At most `limit` characters of a stranger's text, on one line.
pub fn excerpt(text: &str, limit: usize) -> String {
    let text = printable(text);
    let text = text.trim();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How wide text is made, for it is read at 80 columns best, and there is no more on a serial line.
pub const WIDTH: usize = 80;

/// Breaks text between words for so many columns, each line indented by `column` blanks and ended; a
/// longer word keeps a line to itself.
pub fn wrap(text: &str, column: usize, width: usize) -> String {
    let indent = " ".repeat(column);
    let mut wrapped = String::new();
    let mut line = indent.clone();
    for word in text.split_whitespace() {
        if widths([&line, word]).saturating_add(1) > width && line.len() > column {
            wrapped.push_str(&format!("{line}\n"));
            line.clone_from(&indent);
        }
        if line.len() > column {
            line.push(' ');
        }
        line.push_str(word);
    }
    format!("{wrapped}{line}\n")
}

/// Breaks a finished line that is too wide between words. It goes on below its second column, if that
/// leaves half of the screen; a longer word keeps a line to itself, from the margin, as it is copied.
pub fn fold(line: &str, width: usize) -> String {
    let column = second_column(line);
    let indent = " ".repeat(if column > width / 2 { 2 } else { column });
    let mut folded = String::new();
    let (mut current, mut rest) = ("".to_owned(), line);
    while !rest.trim_start().is_empty() {
        let (blanks, from_word) = rest.split_at(rest.len().saturating_sub(rest.trim_start().len()));
        let (word, after) = from_word.split_at(from_word.find(' ').unwrap_or(from_word.len()));
        if widths([&current, blanks, word]) <= width {
            current.push_str(blanks);
        } else {
            if !current.is_empty() {
                folded.push_str(&format!("{current}\n"));
            }
            current.clear();
            if widths([&indent, word]) <= width {
                current.push_str(&indent);
            }
        }
        current.push_str(word);
        rest = after;
    }
    format!("{folded}{current}{rest}")
}

/// Where the text begins that stands behind a label and two or more blanks; else where all begins.
fn second_column(line: &str) -> usize {
    let text = line.trim_start();
    let first = line.len().saturating_sub(text.len());
    let Some((label, rest)) = text.split_once("  ") else { return first };
    let gap = rest.len().saturating_sub(rest.trim_start().len()).saturating_add(2);
    widths([label]).saturating_add(first).saturating_add(gap)
}

fn widths<const N: usize>(parts: [&str; N]) -> usize {
    parts.iter().map(|part| part.chars().count()).sum()
}

/// A length of time in its two largest units: "6 days 3 hours", "10 minutes", "1 second".
pub fn in_words(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = duration.as_secs();
    let mut words = Vec::new();
    for (length, unit) in UNITS {
        let count = rest.checked_div(length).unwrap_or_default();
        rest = rest.checked_rem(length).unwrap_or_default();
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            words.push(format!("{count} {unit}{plural}"));
        } else if !words.is_empty() {
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

/// Seconds since 1970 as RFC 3339 in UTC, or `None` beyond the year 9999.
pub fn rfc3339(unix_seconds: u64) -> Option<String> {
    const LAST: u64 = 253_402_300_799;
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds.min(LAST)))?;
    (unix_seconds <= LAST).then(|| humantime::format_rfc3339_seconds(time).to_string())
}

/// A point in time as a person reads it: "2026-11-24 05:37:00 UTC".
pub fn date_and_time(unix_seconds: u64) -> String {
    match rfc3339(unix_seconds) {
        Some(text) => text.replace('T', " ").replace('Z', " UTC"),
        None => "after the year 9999".to_owned(),
    }
}

/// Seconds since 1970; a clock set before that reads 0.
pub fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_printable() {
        assert_eq!(printable("a\u{1b}[31mb\u{7}c\u{9b}2Jd\u{7f}"), "a[31mbc2Jd");
        assert_eq!(printable("gnp.\u{202e}exe\u{2066}x\u{200f}"), "gnp.exex");
        assert_eq!(printable("one\r\ntwo\tthree"), "one  two three");
        assert_eq!(printable("Zürich 東京 🤖"), "Zürich 東京 🤖");
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("  too many é attempts ", 10), "too many é...");
        assert_eq!(excerpt("short", 10), "short");
    }

    #[test]
    fn text_is_broken_between_words_and_never_within_one() {
        let long = "x".repeat(90);
        assert_eq!(wrap(&format!("one {long} two"), 2, WIDTH), format!("  one\n  {long}\n  two\n"));
        let words = "word ".repeat(40);
        assert!(
            wrap(&words, 4, WIDTH)
                .lines()
                .all(|line| line.len() <= 80 && line.starts_with("    word"))
        );
    }

    #[test]
    fn a_line_that_is_too_wide_goes_on_below_its_second_column() {
        for (line, folded) in [
            ("  Token    ends soon", "  Token    ends soon"),
            ("  Token    ends in 7 days", "  Token    ends in 7\n           days"),
            ("  1  Acme Robotics  org-acme", "  1  Acme Robotics\n     org-acme"),
            ("Enter a number or a name.", "Enter a number or a\nname."),
            ("  File     /home/ada/config", "  File\n/home/ada/config"),
            ("  a-long-label-of-20  text", "  a-long-label-of-20\n  text"),
            ("", ""),
        ] {
            assert_eq!(fold(line, 22), folded);
        }
    }

    #[test]
    fn durations_are_said_in_their_two_largest_units() {
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
    fn times_are_utc_and_survive_any_number() {
        assert_eq!(rfc3339(1_795_498_620).as_deref(), Some("2026-11-24T05:37:00Z"));
        assert_eq!(date_and_time(1_795_498_620), "2026-11-24 05:37:00 UTC");
        assert_eq!(rfc3339(u64::MAX), None);
        assert_eq!(date_and_time(u64::MAX), "after the year 9999");
    }
}
