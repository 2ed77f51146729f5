//! `POST /user/login`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogin as L;
    let mut cases = vec![
        with_body(L, "Token instead of token", |body| body.replace("token", "Token")),
        with_member(L, "Token is null, beside token", "/data/Token", json!(null)),
        with_member(L, "unknown member, deeply nested", "/data/extra", nested(100_000)),
        with_body(L, "duplicate token", duplicate("token")).fails(1, NO_TOKEN),
        with_body(L, "duplicate data", |body| body.replacen('{', r#"{"data":{},"#, 1))
            .fails(1, NO_TOKEN),
        // serde also deserializes a struct from an array.
        with_response(L, "arrays instead of objects", 200, json!({"data": ["t0ken", null]}))
            .fails(1, NO_TOKEN)
            .hides("t0ken"),
        with_response(L, "error with status 200", 200, json!({"error": CONTROL_CHARS}))
            .fails(1, &format!("rejected the login: {SANITIZED} (200)")),
        with_response(L, "wrong password", 401, json!({"error": "wrong password"}))
            .fails(1, &format!("rejected the login for {EMAIL}: wrong password (401)"))
            .says("SSO"),
        with_response(L, "error with control characters", 401, json!({"error": CONTROL_CHARS}))
            .fails(1, SANITIZED),
        with_response(
            L,
            "nested error with control characters",
            400,
            json!({"response": {"error": CONTROL_CHARS}}),
        )
        .fails(1, SANITIZED),
        with_response(
            L,
            "error repeats the password",
            401,
            json!({"error": format!("{PASSWORD}?")}),
        )
        .fails(1, "***? (401)"),
        with_response(
            L,
            "error hides the password",
            401,
            json!({"error": PASSWORD.replace("horse", "ho\u{202e}rse")}),
        )
        .fails(1, "*** (401)"),
        with_response(
            L,
            "error splits the password over lines",
            401,
            json!({"error": PASSWORD.replace(' ', "\n")}),
        )
        .fails(1, "*** (401)"),
        with_response(L, "error is an array", 401, json!({"error": ["wrong"]}))
            .fails(1, "(status 401)"),
        with_response(L, "error body is an array", 403, json!(["wrong"]))
            .fails(3, "an error (status 403)")
            .says(CAPTIVE_PORTAL),
        case(L, "error deeply nested", |_| {
            let body = json!({"error": nested(100_000)});
            Answer::text(401, "application/json", to_json(&body))
        })
        .fails(1, "(status 401)"),
        case(L, "422 without a body", |_| text(422, "")).fails(1, "an error (status 422)"),
        case(L, "401 with a web page", |_| web_page(401)).fails(1, "(status 401)"),
        case(L, "407 with a web page", |_| web_page(407))
            .fails(3, "a web page (status 407)")
            .hides("SSO"),
        case(L, "429 with Retry-After 3600", |_| {
            error(429, "slowly").header("Retry-After", "3600")
        })
        .fails(3, "slowly (429)")
        .says("The server asks clients to wait"),
        with_response(L, "500 repeats the password", 500, json!({"error": PASSWORD}))
            .fails(3, "*** (500)"),
    ];
    cases.extend(missing(
        L,
        Expected::Unchanged(1),
        NO_TOKEN,
        [
            ("data is null", "/data", json!(null)),
            ("data is a string", "/data", json!("t0ken")),
            ("data deeply nested", "/data", nested(100_000)),
            ("token is null", "/data/token", json!(null)),
            ("token with control characters", "/data/token", json!(CONTROL_CHARS)),
        ],
    ));
    cases
}

#[test]
fn user_login_response_is_validated() {
    run(cases());
}
