//! Whether this machine's clock is right.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::machine::clock::EARLIEST;
use crate::text;

/// Clocks that differ by up to this many seconds are reported as equal.
const TOLERANCE: u64 = 5;

/// 2100-01-01 00:00:00 UTC as a Unix time. A later date of a server is wrong.
const YEAR_2100: u64 = 4_102_444_800;

pub const NO_DATE: &str = "the server sent no valid date";

pub const ADVICE: &str = "Set the clock, then try again.";

/// What the clock reads. A clock that was never set is an error.
pub fn reading(now: u64) -> Result<String, Error> {
    let reads = text::date_and_time(now);
    match now {
        ..EARLIEST => Err(Error::failure(
            format!("this machine's clock reads {reads}, which is wrong"),
            ADVICE,
        )),
        _ => Ok(reads),
    }
}

/// How many seconds this machine's clock is ahead of the server's. `None` if the server sent no date, or one
/// that is wrong.
pub fn offset(now: u64, server: Option<SystemTime>) -> Option<i64> {
    let server = text::unix_seconds(server?);
    let difference = i64::try_from(now.abs_diff(server)).unwrap_or(i64::MAX);
    let offset = if now >= server { difference } else { difference.saturating_neg() };
    (EARLIEST..YEAR_2100).contains(&server).then_some(offset)
}

/// "1 hour ahead of the server's clock".
pub fn difference(offset: i64) -> String {
    let difference = text::in_words(Duration::from_secs(offset.unsigned_abs()));
    match offset {
        _ if offset.unsigned_abs() <= TOLERANCE => "matches the server's clock".to_owned(),
        ..0 => format!("{difference} behind the server's clock"),
        _ => format!("{difference} ahead of the server's clock"),
    }
}
