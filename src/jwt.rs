//! The shape of a JWT (RFC 7519 in JWS compact form, RFC 7515 §7.1), signature unchecked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::json;
use crate::secret::Secret;

/// The decoded header and claims: JSON, as bytes. The claims of an id_token hold a token, so both
/// are wiped when dropped.
pub struct Jwt {
    /// The JOSE header.
    pub header: Zeroizing<Vec<u8>>,
    /// The claims set.
    pub claims: Zeroizing<Vec<u8>>,
}

impl Jwt {
    /// Takes apart three parts of unpadded base64url; `None` if the text is anything else.
    pub fn decode(token: &Secret) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let mut part = || URL_SAFE_NO_PAD.decode(parts.next()?).ok().map(Zeroizing::new);
        let (header, claims, _signature) = (part()?, part()?, part()?);
        parts.next().is_none().then_some(Jwt { header, claims })
    }
}

/// When a token ends, in seconds since 1970, if it is a JWT that says so.
pub fn expires_at(token: &Secret) -> Option<u64> {
    #[derive(Deserialize)]
    struct Expiry {
        exp: Box<RawValue>,
    }
    let claims: Expiry = json::object(&Jwt::decode(token)?.claims).ok()?;
    json::numeric_date(&claims.exp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn token(parts: &[String]) -> Secret {
        Secret::new(parts.join("."))
    }

    #[test]
    fn the_end_of_a_token_is_read_from_a_jwt_and_from_nothing_else() {
        let (header, signature) = (encode("{\"alg\":\"RS256\"}"), encode("signature"));
        let with = |claims: &str| token(&[header.clone(), encode(claims), signature.clone()]);
        assert_eq!(expires_at(&with("{\"exp\":1700000000}")), Some(1_700_000_000));
        assert_eq!(expires_at(&with("{\"sub\":\"ada\"}")), None);
        assert_eq!(expires_at(&with("[1700000000]")), None);
        assert_eq!(expires_at(&Secret::new("opaque")), None);
        assert_eq!(expires_at(&token(&[header.clone(), encode("{\"exp\":1}")])), None);
    }

    #[test]
    fn padding_and_a_fourth_part_are_refused() {
        let good = encode("{}");
        assert!(Jwt::decode(&token(&[good.clone(), good.clone(), good.clone()])).is_some());
        assert!(Jwt::decode(&token(&[good.clone(), format!("{good}=="), good.clone()])).is_none());
        assert!(Jwt::decode(&token(&[good.clone(), good.clone(), good.clone(), good])).is_none());
    }
}
