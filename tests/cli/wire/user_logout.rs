//! `POST /user/logout`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogout as O;
    let revoked = |name: &str, answer: MakeAnswer| case(O, name, answer).says("Logged out.");
    let warned = |name: &str, says: &str, answer: MakeAnswer| {
        case(O, name, answer).says("could not revoke the token").says(says)
    };
    vec![
        revoked(
            "array of control characters",
            Box::new(|_| Answer::json(200, json!([CONTROL_CHARS]))),
        )
        .hides("FORGED"),
        revoked("401 with control characters", Box::new(|_| error(401, CONTROL_CHARS)))
            .hides("FORGED"),
        warned("captive portal", WEB_PAGE, Box::new(|_| web_page(200))),
        warned("400 with control characters", SANITIZED, Box::new(|_| error(400, CONTROL_CHARS))),
        warned("404 without a body", "an error (status 404)", Box::new(|_| text(404, ""))),
        warned(
            "500 repeats the token",
            "*** (500)",
            Box::new(|fixture| error(500, &fixture.old_token)),
        ),
        warned("429", "slowly (429)", Box::new(|_| error(429, "slowly"))),
    ]
}

#[test]
fn logout_removes_login_whatever_the_response() {
    run(cases());
}
