//! `GET /user/info`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserInfo as I;
    let verify = |name: &str, answer: MakeAnswer| {
        let case = case(I, &format!("status --verify, {name}"), answer).command(VERIFY);
        Case { expected: Expected::Unchanged(0), ..case }
    };
    let dated = |date: &'static str| -> MakeAnswer {
        Box::new(move |_| Answer::json(200, json!({"data": {"email": EMAIL}})).header("Date", date))
    };
    let mut cases = vec![
        with_member(I, "email with control characters", "/data/email", json!(CONTROL_CHARS))
            .stores("email_id", CONTROL_CHARS)
            .says(&format!("Logged in as {SANITIZED}.")),
        with_member(I, "blank email", "/data/email", json!("")).stores("email_id", json!(null)),
        with_member(I, "unknown member, number out of range", "/data/extra", raw_json("-1e400")),
        with_member(
            I,
            "email too large for the config file",
            "/data/email",
            json!("e".repeat(MIB - 100)),
        )
        .fails(1, NO_EMAIL)
        .hides("eee"),
        with_body(I, "duplicate email", duplicate("email")).fails(1, NO_EMAIL),
        with_response(I, "arrays instead of objects", 200, json!({"data": [EMAIL]}))
            .fails(1, NO_EMAIL),
        with_response(I, "401", 401, json!({"error": "who?"}))
            .fails(1, "rejected the token: who? (401)"),
        with_response(
            I,
            "401 with control characters",
            401,
            json!({"response": {"error": CONTROL_CHARS}}),
        )
        .fails(1, SANITIZED),
        case(I, "401 repeats the token", |fixture| {
            error(401, &format!("Bearer {}", fixture.token))
        })
        .fails(1, "rejected the token: Bearer *** (401)"),
        case(I, "401 hides the token", |fixture| {
            let (head, tail) = fixture.token.split_at(9);
            error(401, &format!("{head}\u{1b}{tail}"))
        })
        .fails(1, "*** (401)"),
        case(I, "404 without a body", |_| text(404, "")).fails(1, "an error (status 404)"),
        with_response(I, "500", 500, json!({"error": "broken"})).fails(3, "broken (500)"),
        case(I, "503 with Retry-After 2^64-1", |_| {
            error(503, "busy").header("Retry-After", "18446744073709551615")
        })
        .fails(3, "busy (503)"),
        verify("Date in 9999", dated("Fri, 31 Dec 9999 23:59:59 GMT")).says("sent no valid date"),
        verify("Date in 1970", dated("Thu, 01 Jan 1970 00:00:00 GMT")).says("sent no valid date"),
        verify("email is a number", Box::new(|_| Answer::json(200, json!({"data": {"email": 5}}))))
            .fails(1, NO_EMAIL),
    ];
    cases.extend(missing(
        I,
        Expected::Unchanged(1),
        NO_EMAIL,
        [
            ("data is missing", "/data", json!(ABSENT)),
            ("data deeply nested", "/data", nested(100_000)),
            ("email is missing", "/data/email", json!(ABSENT)),
            ("email is null", "/data/email", json!(null)),
            ("email is a fraction", "/data/email", json!(1.5)),
        ],
    ));
    cases
}

#[test]
fn user_info_response_is_validated() {
    run(cases());
}
