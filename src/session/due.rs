//! Whether a token is due for a refresh.

use std::time::Duration;

use crate::config::TokenRecord;
use crate::machine::clock;
use crate::token::Token;

/// Whether a token must be refreshed so that it is valid for longer than `wanted`. `record` is that of this
/// token. `now` is in seconds since 1970.
///
/// A token is due if its expiry is unknown, or if the clock is wrong. Otherwise it is never due before a third
/// of its lifetime, even if its whole lifetime is shorter than `wanted`.
pub fn is_due(token: &Token, record: Option<&TokenRecord>, wanted: Duration, now: u64) -> bool {
    let Some(validity) = Validity::of(token, record, now) else { return true };
    let Validity { start, lifetime } = validity;
    let is_clock_wrong = now < clock::EARLIEST || is_ahead(start, now);
    let age = now.saturating_sub(start);
    is_clock_wrong || age >= lifetime / 3 && lifetime.saturating_sub(age) <= wanted.as_secs()
}

fn is_ahead(time: u64, now: u64) -> bool {
    time > now.saturating_add(clock::LEEWAY)
}

/// When a token became valid, in seconds since 1970, and for how many seconds.
struct Validity {
    start: u64,
    lifetime: u64,
}

impl Validity {
    fn of(token: &Token, record: Option<&TokenRecord>, now: u64) -> Option<Self> {
        let (issued, expires) = (token.issued_at(), token.expires_at());
        let obtained = record.map(|record| record.obtained_at);
        let start = match (issued, obtained) {
            // The server's clock is ahead. Otherwise this machine's clock may have been wrong at the login.
            (Some(issued), Some(obtained)) if is_ahead(issued, now) => issued.min(obtained),
            (Some(issued), _) => issued,
            // The token may be old: it does not tell its age, and no record does.
            (None, None) if expires.is_some() => 0,
            (None, obtained) => obtained?,
        };
        let lifetime = match expires {
            Some(expires) => expires.saturating_sub(issued.unwrap_or(start)),
            None => record?.lifetime(),
        };
        Some(Validity { start, lifetime })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const NOW: u64 = 1_800_000_000;
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn record_counts_only_while_the_token_seems_to_be_from_the_future() {
        let wanted = Duration::from_secs(2 * DAY);
        // When the server issued a token of seven days, and when this machine obtained it.
        for (issued, obtained, now, due) in [
            // The clock of the server is ahead.
            (NOW + 9 * DAY, NOW, NOW, false),
            (NOW + 9 * DAY, NOW, NOW + 5 * DAY - 1, false),
            (NOW + 9 * DAY, NOW, NOW + 5 * DAY, true),
            (NOW + DAY, NOW, NOW, false),
            (NOW + DAY, NOW, NOW + 5 * DAY - 1, false),
            (NOW + DAY, NOW, NOW + 6 * DAY, true),
            // The clock of the machine was behind, and has been set.
            (NOW, NOW - 8 * DAY, NOW + 60, false),
            (NOW, NOW - 8 * DAY, NOW + 5 * DAY - 1, false),
            (NOW, NOW - 8 * DAY, NOW + 5 * DAY, true),
            (NOW, NOW, NOW + 5 * DAY - 1, false),
            // A token that was old when it was passed to `rio auth login --auth-token`.
            (NOW - 5 * DAY, NOW, NOW, true),
        ] {
            let claims = format!("{{\"iat\":{issued},\"exp\":{}}}", issued + 7 * DAY);
            let [header, claims] = ["{}", &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
            let token = Token::parse(&format!("{header}.{claims}.c2ln")).unwrap();
            let record = TokenRecord::new(&token, obtained, None);
            assert_eq!(
                is_due(&token, Some(&record), wanted, now),
                due,
                "{issued}, {obtained}, {now}"
            );
        }
    }
}
