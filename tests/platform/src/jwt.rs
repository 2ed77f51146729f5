//! Tokens that look right, and the randomness in them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A JWT in its compact form. Its signature has the size of RS256's and signs nothing.
pub fn jwt(header: Value, claims: Value) -> String {
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    // 342 digits are 256 bytes and four bits over, which have to be zero: hence the last digit.
    let signature = random(341, BASE64URL);
    format!("{}.{}.{signature}A", encode(header), encode(claims))
}

/// Something that nobody guesses, for codes and opaque tokens.
pub(crate) fn random_token() -> String {
    random(43, BASE64URL)
}

/// So many letters out of an alphabet. The standard library's only randomness is that of its hash maps.
pub(crate) fn random(length: u64, alphabet: &str) -> String {
    let letters = alphabet.as_bytes();
    let dice = RandomState::new();
    (0..length)
        .map(|position| dice.hash_one(position) % letters.len() as u64)
        .map(|letter| char::from(letters[letter as usize]))
        .collect()
}
