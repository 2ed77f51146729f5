//! `POST /refreshtoken`.

use super::*;

/// After a lost response, in milliseconds.
const LOST: [u128; 1] = [2000];

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
            .fails(3, SANITIZED)
            .waits(&LOST),
        case(R, "500 repeats the token", |fixture| error(500, &fixture.old_token))
            .fails(3, "*** (500)")
            .waits(&LOST),
        with_bytes(R, "truncated token", |body| http("HTTP/1.1 200 OK", &body)[..80].to_vec())
            .fails(3, INCOMPLETE)
            .waits(&LOST),
        with_body(R, "duplicate token", duplicate("Token")).fails(3, NO_TOKEN).waits(&LOST),
        with_response(R, "arrays instead of objects", 200, json!({"data": [null, "t0ken"]}))
            .fails(3, NO_TOKEN)
            .waits(&LOST),
    ];
    let missing = missing(
        R,
        Expected::Unchanged(3),
        NO_TOKEN,
        [
            ("token is a number", "/data/Token", json!(-1)),
            ("token with control characters", "/data/Token", json!(CONTROL_CHARS)),
        ],
    );
    cases.extend(missing.into_iter().map(|case| case.waits(&LOST)));
    cases
}

#[test]
fn refresh_response_is_validated() {
    run(cases());
}
