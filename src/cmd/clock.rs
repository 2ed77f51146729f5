//! Whether this machine's clock is right.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::host::clock::EARLIEST;
use crate::text;

/// Clocks that differ by up to this many seconds are reported as equal.
const TOLERANCE: u64 = 5;

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

/// How many seconds this machine's clock is ahead of the server's.
pub fn offset(now: u64, server: SystemTime) -> i64 {
    let server = text::unix_seconds(server);
    let difference = i64::try_from(now.abs_diff(server)).unwrap_or(i64::MAX);
    if now >= server { difference } else { difference.saturating_neg() }
}

/// "1 hour ahead of the server's".
pub fn difference(offset: i64) -> String {
    let difference = text::in_words(Duration::from_secs(offset.unsigned_abs()));
    match offset {
        _ if offset.unsigned_abs() <= TOLERANCE => "matches the server's".to_owned(),
        ..0 => format!("{difference} behind the server's"),
        _ => format!("{difference} ahead of the server's"),
    }
}
