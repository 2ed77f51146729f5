//! A rapyuta.io token, and JWTs.

use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::secret::Secret;

#[derive(Deserialize)]
struct Times {
    exp: Option<Box<RawValue>>,
    iat: Option<Box<RawValue>>,
    sub: Option<Box<RawValue>>,
    email: Option<Box<RawValue>>,
}

/// In bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// A token that can go into an `Authorization` header. Opaque, or a JWT.
#[derive(Clone, Debug)]
pub struct Token(Secret);

impl Token {
    /// Reads a token that stands alone or after `Bearer `.
    ///
    /// `None` unless it consists of visible ASCII characters, at most 64 KiB.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let token = match text.strip_prefix("Bearer") {
            Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => rest.trim(),
            _ => text,
        };
        let fits = (1..=MAX_LENGTH).contains(&token.len());
        let valid = fits && token.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Token(Secret::new(token)))
    }

    /// The `exp` claim (RFC 7519 §4.1.4) in seconds since 1970. `None` if the token is not a JWT or has no such claim.
    pub fn expires_at(&self) -> Option<u64> {
        json::numeric_date(&self.claims()?.exp?)
    }

    /// The `iat` claim (RFC 7519 §4.1.6) in seconds since 1970, if there is one.
    pub fn issued_at(&self) -> Option<u64> {
        json::numeric_date(&self.claims()?.iat?)
    }

    /// Whether both tokens name an account, and not the same one.
    pub fn names_other_account(&self, other: &Token) -> bool {
        let (Some(own), Some(other)) = (self.claims(), other.claims()) else { return false };
        let differ = |own: Option<Box<RawValue>>, other: Option<Box<RawValue>>| {
            let [own, other] =
                [own, other].map(|name| json::string(name).map(|name| name.to_lowercase()));
            own.is_some() && other.is_some() && own != other
        };
        differ(own.email, other.email) || differ(own.sub, other.sub)
    }

    fn claims(&self) -> Option<Times> {
        json::object(&Jwt::decode(self)?.claims).ok()
    }

    /// Whether the token has the form of a JWT. The signature is not checked.
    pub fn is_jwt(&self) -> bool {
        Jwt::decode(self).is_some()
    }
}

impl Deref for Token {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.0
    }
}

/// A JWT (RFC 7519) in JWS compact form (RFC 7515 §7.1): decoded, but not parsed. The signature is not
/// checked.
pub struct Jwt {
    /// The JOSE header.
    pub header: Vec<u8>,
    pub claims: Vec<u8>,
}

impl Jwt {
    /// `None` unless the text has three parts of unpadded base64url.
    pub fn decode(token: &Secret) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let mut part = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        let (header, claims, _signature) = (part()?, part()?, part()?);
        parts.next().is_none().then_some(Jwt { header, claims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_visible_ascii_with_or_without_scheme() {
        for (text, token) in [
            ("abc.DEF-_~", Some("abc.DEF-_~")),
            (" Bearer  abc\n", Some("abc")),
            ("BearerToken", Some("BearerToken")),
            ("Bearer", None),
            ("Bearer ", None),
            ("", None),
            ("abc def", None),
            ("a\r\nX-Evil: 1", None),
            ("tökén", None),
        ] {
            let parsed = Token::parse(text);
            assert_eq!(parsed.as_ref().map(|token| token.expose()), token, "{text:?}");
        }
    }

    #[test]
    fn expires_at_reads_exp_of_a_jwt() {
        let with = |claims: &str| {
            let [header, claims, signature] = ["{\"alg\":\"RS256\"}", claims, "signature"]
                .map(|part| URL_SAFE_NO_PAD.encode(part));
            Token::parse(&format!("{header}.{claims}.{signature}")).unwrap()
        };
        assert_eq!(with("{\"exp\":1700000000}").expires_at(), Some(1_700_000_000));
        assert_eq!(with("{\"sub\":\"ada\"}").expires_at(), None);
        assert_eq!(with("[1700000000]").expires_at(), None);
        assert_eq!(Token::parse("opaque").unwrap().expires_at(), None);
    }

    #[test]
    fn decode_requires_three_unpadded_parts() {
        let decodes = |text: &str| Jwt::decode(&Secret::new(text)).is_some();
        assert!(decodes("e30.e30.e30"));
        for text in ["e30.e30", "e30.e30==.e30", "e30.e30.e30.e30"] {
            assert!(!decodes(text), "{text}");
        }
    }
}
