//! When the stored token was obtained, for tokens with an unknown expiry.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::token::Token;

/// The member `auth_token_record`. It counts only for the token whose fingerprint it has: other programs
/// replace the token and keep the record.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenRecord {
    fingerprint: String,
    /// In seconds since 1970, by this machine's clock.
    pub obtained_at: u64,
    /// In seconds, if known.
    lifetime: Option<u64>,
}

impl TokenRecord {
    /// The record of a token that was obtained at this time, in seconds since 1970.
    pub fn new(token: &Token, obtained_at: u64, lifetime: Option<Duration>) -> Self {
        let lifetime = lifetime.map(|lifetime| lifetime.as_secs());
        TokenRecord { fingerprint: fingerprint(token.expose()), obtained_at, lifetime }
    }

    pub fn matches(&self, token: &Token) -> bool {
        self.fingerprint == fingerprint(token.expose())
    }

    /// In seconds. An unknown lifetime is assumed to be the shortest.
    pub fn lifetime(&self) -> u64 {
        const SHORTEST: u64 = 24 * 60 * 60;
        self.lifetime.unwrap_or(SHORTEST)
    }
}

/// FNV-1a. The hash need not be strong: the token itself is in the same file.
pub(super) fn fingerprint(token: &str) -> String {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x100_0000_01b3;
    let hash =
        token.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_stable_and_tells_tokens_apart() {
        // From the specification of FNV-1a. Files of earlier versions hold such fingerprints.
        assert_eq!(fingerprint("foobar"), "85944171f73967e8");
        assert_ne!(fingerprint("foobaz"), fingerprint("foobar"));
    }
}
