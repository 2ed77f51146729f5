//! `POST /user/logout`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogout as O;
    let told = |name: &str, answer: Make| answered(O, name, answer).says("You are logged out.");
    let untold = |name: &str, says: &str, answer: Make| {
        answered(O, name, answer).says("the server could not be told").says(says)
    };
    vec![
        told("nothing", Box::new(|_| text(200, ""))),
        told("204", Box::new(|_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))),
        told("an odd answer", Box::new(|_| Answer::json(200, json!([HOSTILE])))).hides("FORGED"),
        told("a token that is no longer good", Box::new(|_| error(401, HOSTILE))).hides("FORGED"),
        told("a token that may not", Box::new(|_| text(403, ""))),
        untold("a captive portal's page", PAGE, Box::new(|_| page(200))),
        untold("a filtering proxy's page", "a web page (status 403)", Box::new(|_| page(403))),
        untold("400 that steers", TAMED, Box::new(|_| error(400, HOSTILE))),
        untold("404 with nothing", "an error (status 404)", Box::new(|_| text(404, ""))),
        untold(
            "500 that repeats the token",
            "(status 500)",
            Box::new(|scene| error(500, &scene.old_token)),
        ),
        untold(
            "503 for a second",
            "busy (503)",
            Box::new(|_| error(503, "busy").header("Retry-After", "1")),
        ),
        untold("429", "slowly (429)", Box::new(|_| error(429, "slowly"))),
        untold("no answer", CLOSED, Box::new(|_| Answer::hang_up())),
        untold("no HTTP", NO_HTTP, Box::new(|_| Answer::raw("SSH-2.0-OpenSSH_9.6\r\n"))),
        untold(
            "a redirect elsewhere",
            REDIRECT,
            Box::new(|scene| {
                text(307, "").header("Location", &format!("{}/user/logout", scene.elsewhere()))
            }),
        ),
    ]
}

#[test]
fn whatever_answers_a_logout_the_login_is_forgotten() {
    run(cases());
}
