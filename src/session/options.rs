//! Options that several commands take.

use std::time::Duration;

use crate::error::Error;
use crate::text;

/// How much of an invalid value a message shows, in characters.
const LONGEST_VALUE: usize = 40;

/// The value of an option that takes a duration.
pub fn duration(option: &str, value: Option<&str>) -> Result<Option<Duration>, Error> {
    let Some(value) = value else { return Ok(None) };
    let duration = text::parse_duration(value).ok_or_else(|| {
        Error::usage(
            format!("'{}' is not a duration ({option})", text::excerpt(value, LONGEST_VALUE)),
            "Use a number with the unit d, h, m or s, such as 2d, 12h, 90m or '1h 30m'.",
        )
    })?;
    Ok(Some(duration))
}

pub fn check_not_blank(option: &str, value: Option<&str>) -> Result<(), Error> {
    match value {
        Some(value) if value.trim().is_empty() => {
            Err(Error::usage(format!("{option} is empty"), "Pass a value, or omit it."))
        }
        _ => Ok(()),
    }
}

/// The option that forbids prompts, for messages.
pub fn silent_option(silent: bool, no_interactive: bool) -> Option<&'static str> {
    match (silent, no_interactive) {
        (true, _) => Some("--silent"),
        (false, true) => Some("--no-interactive"),
        (false, false) => None,
    }
}
