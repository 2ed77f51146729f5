//! `POST /oauth2/token` after the approval.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let mut cases = vec![
        changed(T, "a life beyond any number", "/expires_in", verbatim("1e400")),
        changed(T, "a life that is nested deep", "/expires_in", nested(100_000)),
        changed(T, "a scope that is a list", "/scope", json!(["openid", 5])),
        changed(T, "an interval that is nested deep", "/interval", nested(10_000)),
        edited(T, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        answered(T, "tokens that are called plain text", |scene| {
            text(200, &scene.good(T).to_string())
        }),
        // A code is good once: what is not taken for tokens now is lost.
        answered(T, "tokens that are called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(T).to_string())
        }),
        answered(T, "tokens with 201", |scene| Answer::json(201, scene.good(T))),
        edited(T, "the access token twice", twice("access_token")).fails(3, SENSELESS),
        edited(T, "the id_token twice", twice("id_token")).fails(3, SENSELESS),
        edited(T, "the type twice", twice("token_type")).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("an access token of null", "/access_token", json!(null)),
        ("an access token that is a number", "/access_token", verbatim("1e400")),
        ("a type that is a number", "/token_type", json!(5)),
        ("a type that steers", "/token_type", json!(HOSTILE)),
        ("an id_token of null", "/id_token", json!(null)),
        ("an error beside them", "/error", json!("")),
        ("an error of another type beside them", "/error", json!(5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(T, End::Unchanged(3), unexpected));
    cases.extend(rows(
        T,
        End::Unchanged(1),
        [
            ("an empty id_token", "/id_token", json!(""), "an id_token that cannot be read"),
            (
                "an id_token that steers",
                "/id_token",
                json!(HOSTILE),
                "an id_token that cannot be read",
            ),
            (
                "an id_token of one part",
                "/id_token",
                json!("abc"),
                "an id_token that cannot be read",
            ),
            ("an id_token of dots", "/id_token", json!(".".repeat(100_000)), "cannot be read"),
        ],
    ));
    cases
}

#[test]
fn whatever_comes_for_tokens_is_told_or_used() {
    run(cases());
}
