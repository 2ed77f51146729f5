//! `POST /refreshtoken`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::RefreshToken as R;
    let rejected = "the stored token has expired or was revoked";
    let mut cases = vec![
        with_member(R, "unknown member, deeply nested", "/extra", nested(100_000)),
        with_response(R, "400", 400, json!({"error": CONTROL_CHARS}))
            .fails(1, rejected)
            .hides("FORGED"),
        case(R, "403 with a web page", |_| web_page(403))
            .fails(3, CAPTIVE_PORTAL)
            .hides("no longer"),
        with_response(R, "500 with control characters", 500, json!({"error": CONTROL_CHARS}))
            .fails(3, SANITIZED),
        case(R, "500 repeats the token", |fixture| error(500, &fixture.old_token))
            .fails(3, "*** (500)"),
        with_bytes(R, "truncated token", |body| http("HTTP/1.1 200 OK", &body)[..80].to_vec())
            .fails(3, INCOMPLETE),
        with_body(R, "duplicate token", duplicate("Token")).fails(1, NO_TOKEN),
        with_response(R, "arrays instead of objects", 200, json!({"data": [null, "t0ken"]}))
            .fails(1, NO_TOKEN),
    ];
    cases.extend(missing(
        R,
        Expected::Unchanged(1),
        NO_TOKEN,
        [
            ("token is a number", "/data/Token", json!(-1)),
            ("token with control characters", "/data/Token", json!(CONTROL_CHARS)),
        ],
    ));
    cases
}

#[test]
fn refresh_response_is_validated() {
    run(cases());
}
