//! Random tokens, and JWTs with a fake signature.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A JWT in compact form. Its signature has the size of an RS256 signature but signs nothing.
pub fn jwt(header: Value, claims: Value) -> String {
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    // 342 digits encode 256 bytes and four more bits, which must be zero: hence the final `A`.
    let signature = random(341, BASE64URL);
    format!("{}.{}.{signature}A", encode(header), encode(claims))
}

/// A random string for device codes and opaque tokens.
pub(crate) fn random_token() -> String {
    random(43, BASE64URL)
}

/// This many random letters of an alphabet. The only random source in the standard library is its hash maps.
pub(crate) fn random(length: u64, alphabet: &str) -> String {
    let letters = alphabet.as_bytes();
    let dice = RandomState::new();
    (0..length)
        .map(|position| dice.hash_one(position) % letters.len() as u64)
        .map(|letter| char::from(letters[letter as usize]))
        .collect()
}
