//! Decodes a JWT (RFC 7519) in JWS compact form (RFC 7515 §7.1) without checking its signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

/// Decoded, but not parsed.
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
    fn decode_requires_three_unpadded_parts() {
        let decodes = |text: &str| Jwt::decode(&Secret::new(text)).is_some();
        assert!(decodes("e30.e30.e30"));
        for text in ["e30.e30", "e30.e30==.e30", "e30.e30.e30.e30"] {
            assert!(!decodes(text), "{text}");
        }
    }
}
