//! The id_token. One part is the whole text; several parts are the header, the claims and the signature of
//! a JWT. Each token that rio accepts is checked again with serde_json alone.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use rio::oauth::id_token::Claims;
use rio::secret::Secret;
use rio::token::Token;
use serde_json::Value;

const ISSUER: &str = "https://oidc.example";
const CLIENT: &str = "rio-cli";
const NOW: u64 = 1_800_000_000;

fn value(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Checks each rule, except for numbers that `Value` cannot hold.
fn check_accepted(token: &str, accepted: &Claims) {
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let (Some(header), Some(claims)) = (value(parts[0]), value(parts[1])) else { return };
    let alg = header["alg"].as_str().unwrap();
    assert!(!alg.is_empty() && !alg.eq_ignore_ascii_case("none"));
    assert!(header["crit"].is_null());
    let issuer = claims["iss"].as_str().unwrap();
    assert_eq!(issuer.strip_suffix('/').unwrap_or(issuer), ISSUER);
    let audiences = match &claims["aud"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    };
    assert!(audiences.contains(&CLIENT.into()));
    assert!(claims["azp"] == CLIENT || (claims["azp"].is_null() && audiences.len() == 1));
    if let Some(exp) = claims["exp"].as_f64() {
        assert!(exp + 301.0 >= NOW as f64, "{exp}");
    }
    let token = claims["rio_token"].as_str().and_then(Token::parse).unwrap();
    assert_eq!(token.expose(), accepted.rio_token.expose());
    let email = claims["email"].as_str().filter(|email| !email.is_empty());
    assert_eq!(email, accepted.email.as_deref());
}

fuzz_target!(|input: &[u8]| {
    let parts: Vec<_> = fuzz::parts(input).collect();
    let token = match parts.as_slice() {
        [text] => String::from_utf8_lossy(text).into_owned(),
        several => {
            let encoded: Vec<_> = several.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            encoded.join(".")
        }
    };
    let secret = Secret::new(token.as_str());
    let _ = Token::parse(&token).and_then(|token| token.expires_at());
    if let Ok(claims) = Claims::validate(&secret, ISSUER, CLIENT, NOW) {
        check_accepted(&token, &claims);
    }
});
