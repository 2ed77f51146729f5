//! `POST /user/logout`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserLogout as O;
    let told = |name: &str, answer: Make| answered(O, name, answer).says("You are logged out.");
    let untold = |name: &str, says: &str, answer: Make| {
        answered(O, name, answer).says("the server could not be told").says(says)
    };
    vec![
        told("an odd answer", Box::new(|_| Answer::json(200, json!([HOSTILE])))).hides("FORGED"),
        told("a token that is no longer good", Box::new(|_| error(401, HOSTILE))).hides("FORGED"),
        untold("a captive portal's page", PAGE, Box::new(|_| page(200))),
        untold("400 that steers", TAMED, Box::new(|_| error(400, HOSTILE))),
        untold("404 with nothing", "an error (status 404)", Box::new(|_| text(404, ""))),
        untold(
            "500 that repeats the token",
            "(status 500)",
            Box::new(|scene| error(500, &scene.old_token)),
        ),
        untold("429", "slowly (429)", Box::new(|_| error(429, "slowly"))),
    ]
}

#[test]
fn whatever_answers_a_logout_the_login_is_forgotten() {
    run(cases());
}
