//! The claims of an id_token, and what makes one acceptable (OIDC Core §3.1.3.7).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::jwt::Jwt;
use crate::secret::Secret;
use crate::token::Token;

/// How far the clocks of this machine and of the server may differ.
const LEEWAY: u64 = 5 * 60;

/// What is kept of an id_token.
#[derive(Debug)]
pub struct Claims {
    /// The claim `rio_token`: it becomes the stored `auth_token`.
    pub rio_token: Token,
    /// The claim `email`, if it is there and is text.
    pub email: Option<String>,
}

/// Why an id_token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Not three parts of base64url around JSON objects, or a claim of the wrong type, or twice.
    Malformed,
    /// `alg` is `none` or missing (step 7, and RFC 8725 §3.2).
    Unsigned,
    /// `crit` names extensions, and none is understood here (RFC 7515 §4.1.11).
    Critical,
    /// `iss` is not the issuer that was asked (step 2).
    Issuer,
    /// `aud` does not hold the client id, or `azp` is another's (steps 3 to 5).
    Audience,
    /// Past `exp`, or without it (step 9); it ended at this time, in seconds since 1970.
    Expired(u64),
    /// No usable `rio_token`.
    NoToken,
}

impl Claims {
    /// Accepts an id_token that came straight from the token endpoint over validated TLS, which is
    /// why its signature may go unchecked (step 6). `now` is in seconds since 1970.
    pub fn accept(
        id_token: &Secret,
        issuer: &str,
        client_id: &str,
        now: u64,
    ) -> Result<Claims, Rejection> {
        let jwt = Jwt::decode(id_token).ok_or(Rejection::Malformed)?;
        check_header(&jwt.header)?;
        let payload: Payload = json::object(&jwt.claims).map_err(|_| Rejection::Malformed)?;
        if !same_issuer(&payload.iss, issuer) {
            return Err(Rejection::Issuer);
        }
        check_audience(&payload, client_id)?;
        let exp = json::numeric_date(&payload.exp).ok_or(Rejection::Malformed)?;
        if now > exp.saturating_add(LEEWAY) {
            return Err(Rejection::Expired(exp));
        }
        Ok(Claims {
            rio_token: payload
                .rio_token
                .and_then(|claim| Token::parse(&json::text(&claim)?))
                .ok_or(Rejection::NoToken)?,
            email: payload.email.as_deref().and_then(json::text).filter(|email| !email.is_empty()),
        })
    }
}

/// Whether two issuers are one but for a final `/`.
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

fn check_header(header: &[u8]) -> Result<(), Rejection> {
    let header: Header = json::object(header).map_err(|_| Rejection::Malformed)?;
    if header.alg.is_empty() || header.alg.eq_ignore_ascii_case("none") {
        return Err(Rejection::Unsigned);
    }
    match header.crit {
        None => Ok(()),
        Some(_) => Err(Rejection::Critical),
    }
}

fn check_audience(payload: &Payload, client_id: &str) -> Result<(), Rejection> {
    let (contained, several) = match &payload.aud {
        Audience::One(aud) => (aud == client_id, false),
        Audience::Many(auds) => (auds.iter().any(|aud| aud == client_id), auds.len() > 1),
    };
    let authorized = match &payload.azp {
        Some(azp) => azp == client_id,
        None => !several,
    };
    if contained && authorized { Ok(()) } else { Err(Rejection::Audience) }
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

    fn accept_text(header: &str, claims: &str) -> Result<Claims, Rejection> {
        let token = format!("{}.{}.{}", encode(header), encode(claims), encode("signature"));
        Claims::accept(&Secret::new(token), "https://oidc.example", "rio-cli", NOW)
    }

    fn good() -> Value {
        json!({"iss": "https://oidc.example", "aud": "rio-cli", "exp": NOW + 60,
               "email": "ada@example.com", "rio_token": "t0ken"})
    }

    /// The good claims with these members put over them; null takes one away.
    fn accept_with(changes: Value) -> Result<Claims, Rejection> {
        let mut claims = good();
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap().clone() {
            members.insert(name, value);
        }
        members.retain(|_, value| !value.is_null());
        accept_text("{\"alg\":\"RS256\"}", &claims.to_string())
    }

    #[test]
    fn a_good_id_token_gives_its_token_and_email() {
        let claims = accept_with(json!({})).unwrap();
        assert_eq!(claims.rio_token.expose(), "t0ken");
        assert_eq!(claims.email.as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn each_claim_is_held_to_its_rule() {
        use Rejection::*;
        let cases = [
            ("issuer with a final slash", json!({"iss": "https://oidc.example/"}), None),
            ("another issuer", json!({"iss": "https://evil.example"}), Some(Issuer)),
            ("no issuer", json!({"iss": null}), Some(Malformed)),
            ("audience in a list of one", json!({"aud": ["rio-cli"]}), None),
            ("another audience", json!({"aud": "other"}), Some(Audience)),
            ("an empty list of audiences", json!({"aud": []}), Some(Audience)),
            ("several audiences without azp", json!({"aud": ["rio-cli", "x"]}), Some(Audience)),
            (
                "several audiences, azp is ours",
                json!({"aud": ["rio-cli", "x"], "azp": "rio-cli"}),
                None,
            ),
            (
                "several audiences, azp is another's",
                json!({"aud": ["rio-cli", "x"], "azp": "x"}),
                Some(Audience),
            ),
            ("one audience, azp is another's", json!({"azp": "x"}), Some(Audience)),
            ("an audience that is a number", json!({"aud": 5}), Some(Malformed)),
            ("expired within the leeway", json!({"exp": NOW - 299}), None),
            ("expired an hour ago", json!({"exp": NOW - 3600}), Some(Expired(NOW - 3600))),
            ("an end with a fraction", json!({"exp": NOW as f64 + 0.5}), None),
            ("no end", json!({"exp": null}), Some(Malformed)),
            ("an end in words", json!({"exp": "soon"}), Some(Malformed)),
            ("no token", json!({"rio_token": null}), Some(NoToken)),
            ("an empty token", json!({"rio_token": ""}), Some(NoToken)),
            ("a token with a line break", json!({"rio_token": "a\r\nX: y"}), Some(NoToken)),
            ("a token beyond ASCII", json!({"rio_token": "tökén"}), Some(NoToken)),
            ("a token that is a number", json!({"rio_token": 7}), Some(NoToken)),
            ("unknown claims", json!({"nonce": [], "extra": {"a": 1}}), None),
        ];
        for (name, changes, expected) in cases {
            assert_eq!(accept_with(changes).err(), expected, "{name}");
        }
    }

    #[test]
    fn a_missing_or_odd_email_does_not_stop_a_login() {
        for email in [json!(null), json!(""), json!(7), json!({"a": 1})] {
            let claims = accept_with(json!({"email": email})).unwrap();
            assert_eq!(claims.email, None, "{email}");
        }
    }

    #[test]
    fn the_header_must_name_an_algorithm_and_nothing_critical() {
        let claims = good().to_string();
        for (header, expected) in [
            ("{\"alg\":\"RS256\",\"typ\":\"JWT\"}", None),
            ("{\"alg\":\"none\"}", Some(Rejection::Unsigned)),
            ("{\"alg\":\"NoNe\"}", Some(Rejection::Unsigned)),
            ("{}", Some(Rejection::Unsigned)),
            ("{\"alg\":\"RS256\",\"crit\":[\"x\"]}", Some(Rejection::Critical)),
            ("{\"alg\":5}", Some(Rejection::Malformed)),
            ("[]", Some(Rejection::Malformed)),
        ] {
            assert_eq!(accept_text(header, &claims).err(), expected, "{header}");
        }
    }

    #[test]
    fn a_claim_that_is_read_may_not_come_twice() {
        let twice = good().to_string().replacen('{', "{\"rio_token\":\"other\",", 1);
        let accepted = accept_text("{\"alg\":\"RS256\"}", &twice);
        assert_eq!(accepted.err(), Some(Rejection::Malformed));
    }

    #[test]
    fn what_is_no_jwt_is_malformed() {
        for text in ["", "a", "a.b", "a.b.c", "....", "e30.e30.e30.e30"] {
            let accepted = Claims::accept(&Secret::new(text), "i", "c", NOW);
            assert_eq!(accepted.err(), Some(Rejection::Malformed), "{text:?}");
        }
    }
}
