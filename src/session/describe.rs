//! A token's expiry and its account, in words and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::machine::clock;
use crate::text;
use crate::token::Token;

/// "expires in 7 days (2027-01-15 08:00:00 UTC)". Both times are in seconds since 1970.
pub fn expiry(expires_at: u64, now: u64) -> String {
    let date = text::date_and_time(expires_at);
    let difference = text::in_words(Duration::from_secs(rounded(expires_at.abs_diff(now))));
    match expires_at {
        // The clock was never set, so the difference means nothing.
        _ if now < clock::EARLIEST => format!("expires on {date}"),
        _ if expires_at <= now => format!("expired {difference} ago ({date})"),
        _ => format!("expires in {difference} ({date})"),
    }
}

/// The token's kind and expiry, as `--json` prints them.
pub fn token_json(token: &Token, now: u64) -> Value {
    let expires_at = token.expires_at();
    json!({
        "kind": if token.is_jwt() { "jwt" } else { "opaque" },
        "expires_at": expires_at.and_then(text::rfc3339),
        "expires_at_unix": expires_at,
        "expired": expires_at.is_some_and(|expires_at| expires_at <= now),
    })
}

/// " as EMAIL", if the email is known.
pub fn account_suffix(email: Option<&str>) -> String {
    email.map(|email| format!(" as {}", text::name(email))).unwrap_or_default()
}

/// Rounds to hours or minutes: a token of 7 days that is a second old does not expire in "6 days 23 hours".
fn rounded(seconds: u64) -> u64 {
    let unit = match seconds {
        86_400.. => 3_600,
        3_600.. => 60,
        _ => 1,
    };
    seconds.saturating_add(unit / 2).checked_div(unit).unwrap_or_default().saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_relative_and_absolute() {
        const NOW: u64 = 1_800_000_000;
        for (expires_at, now, words) in [
            (NOW + 7 * 86_400 - 1, NOW, "expires in 7 days (2027-01-22 07:59:59 UTC)"),
            (NOW + 86_400 + 5_400, NOW, "expires in 1 day 2 hours (2027-01-16 09:30:00 UTC)"),
            (NOW + 3_599, NOW, "expires in 59 minutes 59 seconds (2027-01-15 08:59:59 UTC)"),
            (NOW, NOW, "expired 0 seconds ago (2027-01-15 08:00:00 UTC)"),
            (NOW - 7_200, NOW, "expired 2 hours ago (2027-01-15 06:00:00 UTC)"),
            (NOW, 100, "expires on 2027-01-15 08:00:00 UTC"),
        ] {
            assert_eq!(expiry(expires_at, now), words);
        }
    }
}
