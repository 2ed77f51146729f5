//! Validates an id_token (OpenID Connect Core §3.1.3.7, whose step numbers are cited here).

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::machine::clock;
use crate::secret::Secret;
use crate::text;
use crate::token::{Jwt, Token};

/// In bytes: four times what RFC 5321 allows. A longer one is ignored.
const MAX_EMAIL: usize = 1024;

/// The claims that rio uses.
#[derive(Debug)]
pub struct Claims {
    /// The token of rapyuta.io. It becomes the stored `auth_token`.
    pub rio_token: Token,
    /// A login works without it.
    pub email: Option<String>,
}

/// Why an id_token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidIdToken {
    /// Not a JWT, a claim of the wrong type, or a duplicate claim.
    Malformed,
    /// No `alg`, or `none` (step 7, RFC 8725 §3.2).
    Unsigned,
    /// `crit` names extensions that must be understood (RFC 7515 §4.1.11). rio supports none.
    Critical,
    /// `iss` is not the issuer (step 2).
    Issuer,
    /// `aud` does not contain the client id, or `azp` is not the client id (steps 3 to 5).
    Audience,
    /// `exp`, in seconds since 1970, has passed (step 9).
    Expired(u64),
    /// No `rio_token` that can go into an HTTP header.
    NoToken,
}

/// Completes "the id_token".
impl fmt::Display for InvalidIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidIdToken::Malformed => "is malformed",
            InvalidIdToken::Unsigned => "is not signed",
            InvalidIdToken::Critical => "requires an unknown extension (crit)",
            InvalidIdToken::Issuer => "was issued by another server",
            InvalidIdToken::Audience => "was issued to another client",
            InvalidIdToken::NoToken => "contains no rapyuta.io token",
            InvalidIdToken::Expired(exp) => {
                return write!(f, "expired at {}", text::date_and_time(*exp));
            }
        })
    }
}

impl Claims {
    /// Validates an id_token at `now`, in seconds since 1970.
    ///
    /// The signature is not checked: the token came straight from the token endpoint, over TLS (step 6).
    pub fn validate(
        id_token: &Secret,
        issuer: &str,
        client_id: &str,
        now: u64,
    ) -> Result<Claims, InvalidIdToken> {
        let jwt = Jwt::decode(id_token).ok_or(InvalidIdToken::Malformed)?;
        check_header(&jwt.header)?;
        let payload: Payload = json::object(&jwt.claims).map_err(|_| InvalidIdToken::Malformed)?;
        if !same_issuer(&payload.iss, issuer) {
            return Err(InvalidIdToken::Issuer);
        }
        check_audience(&payload, client_id)?;
        let exp = json::numeric_date(&payload.exp).ok_or(InvalidIdToken::Malformed)?;
        if now > exp.saturating_add(clock::LEEWAY) {
            return Err(InvalidIdToken::Expired(exp));
        }
        let rio_token = json::string(payload.rio_token).and_then(|token| Token::parse(&token));
        Ok(Claims {
            rio_token: rio_token.ok_or(InvalidIdToken::NoToken)?,
            email: json::string(payload.email)
                .filter(|email| !email.is_empty() && email.len() <= MAX_EMAIL),
        })
    }
}

/// Whether two issuers are the same, except for a final `/`.
pub fn same_issuer(one: &str, other: &str) -> bool {
    one.strip_suffix('/').unwrap_or(one) == other.strip_suffix('/').unwrap_or(other)
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: String,
    crit: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: Box<RawValue>,
    email: Option<Box<RawValue>>,
    rio_token: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

fn check_header(header: &[u8]) -> Result<(), InvalidIdToken> {
    let header: Header = json::object(header).map_err(|_| InvalidIdToken::Malformed)?;
    if header.alg.is_empty() || header.alg.eq_ignore_ascii_case("none") {
        return Err(InvalidIdToken::Unsigned);
    }
    header.crit.map_or(Ok(()), |_| Err(InvalidIdToken::Critical))
}

fn check_audience(payload: &Payload, client_id: &str) -> Result<(), InvalidIdToken> {
    let audiences = match &payload.aud {
        Audience::One(audience) => std::slice::from_ref(audience),
        Audience::Many(audiences) => audiences,
    };
    let authorized = match &payload.azp {
        Some(azp) => azp == client_id,
        None => audiences.len() <= 1,
    };
    let contained = audiences.iter().any(|audience| audience == client_id);
    if contained && authorized { Ok(()) } else { Err(InvalidIdToken::Audience) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    const NOW: u64 = 1_800_000_000;

    fn encode(json: &str) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    fn validate_text(header: &str, claims: &str) -> Result<Claims, InvalidIdToken> {
        let token = format!("{}.{}.{}", encode(header), encode(claims), encode("signature"));
        Claims::validate(&Secret::new(token), "https://oidc.example", "rio-cli", NOW)
    }

    fn good() -> Value {
        json!({"iss": "https://oidc.example", "aud": "rio-cli", "exp": NOW + 60,
               "email": "ada@example.com", "rio_token": "t0ken"})
    }

    /// The good claims with these changes. A null removes a claim.
    fn validate_with(changes: Value) -> Result<Claims, InvalidIdToken> {
        let mut claims = good();
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap().clone() {
            members.insert(name, value);
        }
        members.retain(|_, value| !value.is_null());
        validate_text("{\"alg\":\"RS256\"}", &claims.to_string())
    }

    #[test]
    fn valid_id_token_yields_token_and_email() {
        let claims = validate_with(json!({})).unwrap();
        assert_eq!(claims.rio_token.expose(), "t0ken");
        assert_eq!(claims.email.as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn each_claim_is_validated() {
        use InvalidIdToken::*;
        let cases = [
            ("issuer with a final slash", json!({"iss": "https://oidc.example/"}), None),
            ("another issuer", json!({"iss": "https://evil.example"}), Some(Issuer)),
            ("no issuer", json!({"iss": null}), Some(Malformed)),
            ("audience in a list of one", json!({"aud": ["rio-cli"]}), None),
            ("another audience", json!({"aud": "other"}), Some(Audience)),
            ("an empty list of audiences", json!({"aud": []}), Some(Audience)),
            ("several audiences without azp", json!({"aud": ["rio-cli", "x"]}), Some(Audience)),
            (
                "several audiences, azp is the client",
                json!({"aud": ["rio-cli", "x"], "azp": "rio-cli"}),
                None,
            ),
            (
                "several audiences, azp is another client",
                json!({"aud": ["rio-cli", "x"], "azp": "x"}),
                Some(Audience),
            ),
            ("one audience, azp is another client", json!({"azp": "x"}), Some(Audience)),
            ("an audience that is a number", json!({"aud": 5}), Some(Malformed)),
            ("expired within the leeway", json!({"exp": NOW - 300}), None),
            ("expired before the leeway", json!({"exp": NOW - 301}), Some(Expired(NOW - 301))),
            ("exp with a fraction", json!({"exp": NOW as f64 + 0.5}), None),
            ("no exp", json!({"exp": null}), Some(Malformed)),
            ("exp is text", json!({"exp": "soon"}), Some(Malformed)),
            ("no token", json!({"rio_token": null}), Some(NoToken)),
            ("an empty token", json!({"rio_token": ""}), Some(NoToken)),
            ("a token with a line break", json!({"rio_token": "a\r\nX: y"}), Some(NoToken)),
            ("a token that is not ASCII", json!({"rio_token": "tökén"}), Some(NoToken)),
            ("a token that is a number", json!({"rio_token": 7}), Some(NoToken)),
            ("unknown claims", json!({"nonce": [], "extra": {"a": 1}}), None),
        ];
        for (name, changes, expected) in cases {
            assert_eq!(validate_with(changes).err(), expected, "{name}");
        }
    }

    #[test]
    fn missing_or_odd_email_is_accepted() {
        for email in [json!(null), json!(""), json!(7), json!({"a": 1})] {
            let claims = validate_with(json!({"email": email})).unwrap();
            assert_eq!(claims.email, None, "{email}");
        }
    }

    #[test]
    fn header_without_algorithm_or_with_crit_is_rejected() {
        let claims = good().to_string();
        for (header, expected) in [
            ("{\"alg\":\"RS256\",\"typ\":\"JWT\"}", None),
            ("{\"alg\":\"none\"}", Some(InvalidIdToken::Unsigned)),
            ("{\"alg\":\"NoNe\"}", Some(InvalidIdToken::Unsigned)),
            ("{}", Some(InvalidIdToken::Unsigned)),
            ("{\"alg\":\"RS256\",\"crit\":[\"x\"]}", Some(InvalidIdToken::Critical)),
            ("{\"alg\":5}", Some(InvalidIdToken::Malformed)),
            ("[]", Some(InvalidIdToken::Malformed)),
        ] {
            assert_eq!(validate_text(header, &claims).err(), expected, "{header}");
        }
    }

    #[test]
    fn duplicate_claim_is_malformed() {
        let twice = good().to_string().replacen('{', "{\"rio_token\":\"other\",", 1);
        let accepted = validate_text("{\"alg\":\"RS256\"}", &twice);
        assert_eq!(accepted.err(), Some(InvalidIdToken::Malformed));
    }

    #[test]
    fn text_that_is_no_jwt_is_malformed() {
        for text in ["", "a", "a.b", "a.b.c", "....", "e30.e30.e30.e30"] {
            let accepted = Claims::validate(&Secret::new(text), "i", "c", NOW);
            assert_eq!(accepted.err(), Some(InvalidIdToken::Malformed), "{text:?}");
        }
    }
}
