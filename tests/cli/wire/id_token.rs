//! The id_token that the token endpoint returns.

use super::*;

/// A good token response, except for the id_token.
fn with_id_token(name: &str, make: impl Fn(&Fixture) -> String + 'static) -> Case {
    case(Call::Token, &format!("id_token, {name}"), move |fixture| {
        Answer::json(200, fixture.tokens(&make(fixture)))
    })
}

pub fn with_claims(name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    with_id_token(name, move |fixture| jwt(GOOD_HEADER, &edit(fixture.claims().to_string())))
}

pub fn cases() -> Vec<Case> {
    let claim = |name: &str, pointer: &'static str, value: Value| {
        with_id_token(name, move |fixture| {
            let mut claims = fixture.claims();
            set(&mut claims, pointer, value.clone());
            jwt(GOOD_HEADER, &to_json(&claims))
        })
    };
    let header = |name: &str, header: &'static str| {
        with_id_token(name, move |fixture| jwt(header, &fixture.claims().to_string()))
    };
    let shape = |name: &str, edit: fn(String) -> String| {
        with_id_token(name, move |fixture| edit(jwt(GOOD_HEADER, &fixture.claims().to_string())))
    };
    let unreadable = "a login that is not valid (the id_token is malformed)";
    let others: Vec<_> =
        (0..20_000).map(|number| format!("client-{number}")).chain(["rio-cli".into()]).collect();
    let mut cases = vec![
        claim("exp out of range", "/exp", raw_json("1e400")),
        claim("exp 2^64-1", "/exp", json!(u64::MAX)),
        claim("exp with a fraction", "/exp", raw_json("4102444800.5")),
        claim("unknown claim, deeply nested", "/extra", nested(100_000)),
        with_claims("unknown claim, duplicated", |claims| {
            claims.replacen('{', r#"{"x":1,"x":2,"#, 1)
        }),
        claim("email is missing", "/email", json!(ABSENT))
            .stores("email_id", json!(null))
            .says("Logged in."),
        claim("email is a number", "/email", raw_json("1e400")).stores("email_id", json!(null)),
        claim("email deeply nested", "/email", nested(10_000)).stores("email_id", json!(null)),
        claim("blank email", "/email", json!("  ")).stores("email_id", json!(null)),
        claim("email with control characters", "/email", json!(CONTROL_CHARS))
            .stores("email_id", CONTROL_CHARS)
            .says(&format!("Logged in as {SANITIZED}.")),
        header("header with unknown members", r#"{"alg":"ES256","jwk":{"x":[[[]]]},"x":1e400}"#),
        header("alg none", r#"{"alg":"none"}"#).fails(1, "is not signed"),
        header("alg NoNe", r#"{"alg":"NoNe"}"#).fails(1, "is not signed"),
        header("alg is missing", "{}").fails(1, "is not signed"),
        header("alg is null", r#"{"alg":null}"#).fails(1, unreadable),
        header("alg is a number", r#"{"alg":5}"#).fails(1, unreadable),
        header("duplicate alg", r#"{"alg":"RS256","alg":"none"}"#).fails(1, unreadable),
        header("unknown crit", r#"{"alg":"RS256","crit":["b64"]}"#)
            .fails(1, "an unknown extension"),
        header("crit is a number", r#"{"alg":"RS256","crit":5}"#).fails(1, "an unknown extension"),
        header("header is an array", r#"["RS256"]"#).fails(1, unreadable),
        header("empty header", "").fails(1, unreadable),
        shape("line break", |token| token.replacen('.', ".\n", 1)).fails(1, unreadable),
        shape("trailing space", |token| token + " ").fails(1, unreadable),
        shape("standard base64 alphabet", |token| token.replacen('.', ".+/", 1))
            .fails(1, unreadable),
        with_claims("claims with trailing data", |claims| claims + "{}").fails(1, unreadable),
        with_claims("truncated claims", |claims| claims[..60].to_owned()).fails(1, unreadable),
        with_claims("duplicate iss", duplicate("iss")).fails(1, unreadable),
        with_claims("duplicate aud", duplicate("aud")).fails(1, unreadable),
        with_claims("duplicate email", duplicate("email")).fails(1, unreadable),
        with_id_token("20,000 audiences and azp is ours", {
            let others = others.clone();
            move |fixture| {
                let mut claims = fixture.claims();
                claims["aud"] = json!(others);
                claims["azp"] = json!("rio-cli");
                jwt(GOOD_HEADER, &claims.to_string())
            }
        }),
    ];
    for (name, pointer, value, says) in [
        ("iss is missing", "/iss", json!(ABSENT), unreadable),
        ("iss is a number", "/iss", json!(5), unreadable),
        (
            "iss of another server",
            "/iss",
            json!("https://evil.example"),
            "was issued by another server",
        ),
        (
            "iss with control characters",
            "/iss",
            json!(CONTROL_CHARS),
            "was issued by another server",
        ),
        ("aud is missing", "/aud", json!(ABSENT), unreadable),
        ("aud is a number", "/aud", json!(5), unreadable),
        ("aud contains a number", "/aud", json!([5]), unreadable),
        ("aud deeply nested", "/aud", nested(100_000), unreadable),
        ("aud is empty", "/aud", json!([]), "was issued to another client"),
        ("aud of another client", "/aud", json!("rio-cli2"), "was issued to another client"),
        ("20,000 audiences without azp", "/aud", json!(others), "was issued to another client"),
        ("azp of another client", "/azp", json!("evil"), "was issued to another client"),
        ("azp is a number", "/azp", json!(5), unreadable),
        ("exp is missing", "/exp", json!(ABSENT), unreadable),
        ("exp -1", "/exp", json!(-1), unreadable),
        ("exp -1e400", "/exp", raw_json("-1e400"), unreadable),
        ("exp 0", "/exp", json!(0), "expired at 1970-01-01 00:00:00 UTC"),
        ("exp 1.5", "/exp", json!(1.5), "expired at 1970-01-01 00:00:01 UTC"),
        ("rio_token is missing", "/rio_token", json!(ABSENT), "contains no rapyuta.io token"),
        ("rio_token is an array", "/rio_token", json!(["x"]), "contains no rapyuta.io token"),
        (
            "rio_token with control characters",
            "/rio_token",
            json!(CONTROL_CHARS),
            "contains no rapyuta.io token",
        ),
    ] {
        cases.push(claim(name, pointer, value).fails(1, says).hides("FORGED"));
    }
    cases
}

#[test]
fn id_token_is_validated() {
    run(cases());
}
