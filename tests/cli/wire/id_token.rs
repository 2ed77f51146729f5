//! The id_token that the token endpoint returns.

use super::*;

/// Tokens of which only the id_token is odd.
fn with_id_token(name: &str, make: impl Fn(&Scene) -> String + 'static) -> Case {
    answered(Call::Token, &format!("id_token, {name}"), move |scene| {
        Answer::json(200, scene.tokens(&make(scene)))
    })
}

pub fn with_claims(name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    with_id_token(name, move |scene| jwt(GOOD_HEADER, &edit(scene.claims().to_string())))
}

pub fn cases() -> Vec<Case> {
    let claim = |name: &str, pointer: &'static str, value: Value| {
        with_id_token(name, move |scene| {
            let mut claims = scene.claims();
            put(&mut claims, pointer, value.clone());
            jwt(GOOD_HEADER, &render(&claims))
        })
    };
    let header = |name: &str, header: &'static str| {
        with_id_token(name, move |scene| jwt(header, &scene.claims().to_string()))
    };
    let shape = |name: &str, edit: fn(String) -> String| {
        with_id_token(name, move |scene| edit(jwt(GOOD_HEADER, &scene.claims().to_string())))
    };
    let unreadable = "an id_token that cannot be read";
    let others: Vec<_> =
        (0..20_000).map(|number| format!("client-{number}")).chain(["rio-cli".into()]).collect();
    let mut cases = vec![
        claim("an end beyond any number", "/exp", verbatim("1e400")),
        claim("an end of 2^64-1", "/exp", json!(u64::MAX)),
        claim("an end with a fraction", "/exp", verbatim("4102444800.5")),
        claim("a claim nobody knows, nested deep", "/extra", nested(100_000)),
        with_claims("a claim nobody knows, twice", |claims| {
            claims.replacen('{', r#"{"x":1,"x":2,"#, 1)
        }),
        claim("no email", "/email", json!(GONE)).stores("email_id", json!(null)).says("Logged in."),
        claim("an email that is a number", "/email", verbatim("1e400"))
            .stores("email_id", json!(null)),
        claim("an email nested deep", "/email", nested(10_000)).stores("email_id", json!(null)),
        claim("an empty email", "/email", json!("  ")).stores("email_id", json!(null)),
        claim("an email that steers", "/email", json!(HOSTILE))
            .stores("email_id", HOSTILE)
            .says(&format!("Logged in as {TAMED}.")),
        header("a header with more in it", r#"{"alg":"ES256","jwk":{"x":[[[]]]},"x":1e400}"#),
        header("an algorithm of none", r#"{"alg":"none"}"#).fails(1, "is not signed"),
        header("an algorithm of NoNe", r#"{"alg":"NoNe"}"#).fails(1, "is not signed"),
        header("no algorithm", "{}").fails(1, "is not signed"),
        header("an algorithm of null", r#"{"alg":null}"#).fails(1, unreadable),
        header("an algorithm that is a number", r#"{"alg":5}"#).fails(1, unreadable),
        header("an algorithm twice", r#"{"alg":"RS256","alg":"none"}"#).fails(1, unreadable),
        header("an extension", r#"{"alg":"RS256","crit":["b64"]}"#).fails(1, "an extension"),
        header("extensions that are no list", r#"{"alg":"RS256","crit":5}"#)
            .fails(1, "an extension"),
        header("an array for a header", r#"["RS256"]"#).fails(1, unreadable),
        header("nothing for a header", "").fails(1, unreadable),
        shape("a line break", |token| token.replacen('.', ".\n", 1)).fails(1, unreadable),
        shape("a blank after it", |token| token + " ").fails(1, unreadable),
        shape("the other alphabet", |token| token.replacen('.', ".+/", 1)).fails(1, unreadable),
        with_claims("claims and more", |claims| claims + "{}").fails(1, unreadable),
        with_claims("half the claims", |claims| claims[..60].to_owned()).fails(1, unreadable),
        with_claims("the issuer twice", twice("iss")).fails(1, unreadable),
        with_claims("the audience twice", twice("aud")).fails(1, unreadable),
        with_claims("the email twice", twice("email")).fails(1, unreadable),
        with_id_token("a long list of audiences, and we are the one", {
            let others = others.clone();
            move |scene| {
                let mut claims = scene.claims();
                claims["aud"] = json!(others);
                claims["azp"] = json!("rio-cli");
                jwt(GOOD_HEADER, &claims.to_string())
            }
        }),
    ];
    for (name, pointer, value, says) in [
        ("no issuer", "/iss", json!(GONE), unreadable),
        ("an issuer that is a number", "/iss", json!(5), unreadable),
        ("another issuer", "/iss", json!("https://evil.example"), "is from another login server"),
        ("an issuer that steers", "/iss", json!(HOSTILE), "is from another login server"),
        ("no audience", "/aud", json!(GONE), unreadable),
        ("an audience that is a number", "/aud", json!(5), unreadable),
        ("audiences that are numbers", "/aud", json!([5]), unreadable),
        ("an audience nested deep", "/aud", nested(100_000), unreadable),
        ("an empty list of audiences", "/aud", json!([]), "is for another program"),
        ("another audience", "/aud", json!("rio-cli2"), "is for another program"),
        ("a long list of audiences", "/aud", json!(others), "is for another program"),
        ("another party", "/azp", json!("evil"), "is for another program"),
        ("a party that is a number", "/azp", json!(5), unreadable),
        ("no end", "/exp", json!(GONE), unreadable),
        ("an end of -1", "/exp", json!(-1), unreadable),
        ("an end of -1e400", "/exp", verbatim("-1e400"), unreadable),
        ("an end of 0", "/exp", json!(0), "ended at 1970-01-01 00:00:00 UTC"),
        ("an end of 1.5", "/exp", json!(1.5), "ended at 1970-01-01 00:00:01 UTC"),
        ("no token", "/rio_token", json!(GONE), "holds no rapyuta.io token"),
        ("a token in a list", "/rio_token", json!(["x"]), "holds no rapyuta.io token"),
        ("a token that steers", "/rio_token", json!(HOSTILE), "holds no rapyuta.io token"),
    ] {
        cases.push(claim(name, pointer, value).fails(1, says).hides("FORGED"));
    }
    cases
}

#[test]
fn whatever_an_id_token_holds_is_told_or_used() {
    run(cases());
}
