//! `POST /oauth2/token` after the approval.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let mut cases = vec![
        with_member(T, "token_type Bearer", "/token_type", json!("Bearer")),
        with_member(T, "token_type BEARER", "/token_type", json!("BEARER")),
        with_member(T, "null error with tokens", "/error", json!(null)),
        with_member(T, "pending with tokens", "/error", json!("authorization_pending")).then_ok(),
        with_member(T, "denied with tokens", "/error", json!("access_denied"))
            .fails(1, "the login was denied"),
        with_response(T, "empty object", 200, json!({})).fails(1, "(no valid access_token)"),
        with_bytes(T, "truncated", |body| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{body}").into_bytes()
        })
        .fails(3, INCOMPLETE),
        with_bytes(T, "2 MiB", |_| http("HTTP/1.1 200 OK", " ".repeat(2 * MIB)))
            .fails(3, "answered the login with more than 1 MiB"),
        with_member(T, "expires_in out of range", "/expires_in", raw_json("1e400")),
        with_member(T, "expires_in deeply nested", "/expires_in", nested(100_000)),
        with_member(T, "scope is an array", "/scope", json!(["openid", 5])),
        with_member(T, "interval deeply nested", "/interval", nested(10_000)),
        with_body(T, "unknown member, duplicated", |body| {
            body.replacen('{', r#"{"x":1,"x":2,"#, 1)
        }),
        case(T, "tokens as text/plain", |fixture| text(200, &fixture.good_body(T).to_string())),
        // A device code can be redeemed only once, so a wrong label must not lose the tokens.
        case(T, "tokens as text/html", |fixture| {
            Answer::text(200, "text/html", fixture.good_body(T).to_string())
        }),
        case(T, "tokens with 201", |fixture| Answer::json(201, fixture.good_body(T))),
        with_body(T, "duplicate access token", duplicate("access_token")).fails(1, NO_OBJECT),
        with_body(T, "duplicate id_token", duplicate("id_token")).fails(1, NO_OBJECT),
        with_body(T, "duplicate token_type", duplicate("token_type")).fails(1, NO_OBJECT),
        with_body(T, "duplicate error with tokens", |body| {
            body.replacen('{', r#"{"error":"a","error":"b","#, 1)
        })
        .fails(1, NO_OBJECT),
    ];
    cases.extend(failures(
        T,
        Expected::Unchanged(1),
        [
            ("no access token", "/access_token", json!(ABSENT), "(no valid access_token)"),
            ("empty access token", "/access_token", json!(""), "(no valid access_token)"),
            ("no token_type", "/token_type", json!(ABSENT), "(no valid token_type)"),
            ("other token_type", "/token_type", json!("mac"), "(no valid token_type)"),
            // django-allauth and django-oauth-toolkit without OpenID Connect.
            ("no id_token", "/id_token", json!(ABSENT), "(no valid id_token)"),
            ("id_token is an object", "/id_token", json!({}), "(no valid id_token)"),
            ("access token is null", "/access_token", json!(null), "(no valid access_token)"),
            (
                "access token is a number",
                "/access_token",
                raw_json("1e400"),
                "(no valid access_token)",
            ),
            ("token_type is a number", "/token_type", json!(5), "(no valid token_type)"),
            (
                "token_type with control characters",
                "/token_type",
                json!(CONTROL_CHARS),
                "(no valid token_type)",
            ),
            ("id_token is null", "/id_token", json!(null), "(no valid id_token)"),
            ("empty id_token", "/id_token", json!(""), "(no valid id_token)"),
            ("empty error with tokens", "/error", json!(""), "rejected the login (status 200)"),
            ("numeric error with tokens", "/error", json!(5), "rejected the login (status 200)"),
            (
                "id_token with control characters",
                "/id_token",
                json!(CONTROL_CHARS),
                "(the id_token is malformed)",
            ),
            ("id_token with one part", "/id_token", json!("abc"), "(the id_token is malformed)"),
            ("id_token of dots", "/id_token", json!(".".repeat(100_000)), "is malformed"),
        ],
    ));
    cases
}

#[test]
fn token_response_is_validated() {
    run(cases());
}
