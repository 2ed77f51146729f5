//! `GET /user/info`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::UserInfo as I;
    let answer =
        |name, status, body: Value| answered(I, name, move |_| Answer::json(status, body.clone()));
    let verified = |name: &str, answer: Make| {
        let case = answered(I, &format!("status --verify, {name}"), answer).with(VERIFY);
        Case { end: End::Unchanged(0), ..case }
    };
    let dated = |date: &'static str| -> Make {
        Box::new(move |_| Answer::json(200, json!({"data": {"email": EMAIL}})).header("Date", date))
    };
    let mut cases = vec![
        changed(I, "an email that steers", "/data/email", json!(HOSTILE))
            .stores("email_id", HOSTILE)
            .says(&format!("Logged in as {TAMED}.")),
        changed(I, "an empty email", "/data/email", json!("")).stores("email_id", json!(null)),
        changed(I, "a member nobody knows, beyond any number", "/data/extra", verbatim("-1e400")),
        changed(
            I,
            "an email that no config file holds",
            "/data/email",
            json!("e".repeat(MIB - 100)),
        )
        .fails(1, "would become larger than 1 MiB")
        .hides("eee"),
        edited(I, "the email twice", twice("email")).fails(3, SENSELESS),
        answer("lists for objects", 200, json!({"data": [EMAIL]})).fails(3, SENSELESS),
        answer("401", 401, json!({"error": "who?"})).fails(1, "refused the token: who? (401)"),
        answer("401 that steers", 401, json!({"response": {"error": HOSTILE}})).fails(1, TAMED),
        answered(I, "401 that repeats the token", |scene| {
            error(401, &format!("Bearer {}", scene.token))
        })
        .fails(1, "(status 401)"),
        answered(I, "a token hidden in the words", |scene| {
            let (head, tail) = scene.token.split_at(9);
            error(401, &format!("{head}\u{1b}{tail}"))
        })
        .fails(1, "(status 401)"),
        answered(I, "404 with nothing", |_| text(404, "")).fails(1, "an error (status 404)"),
        answer("500", 500, json!({"error": "broken"})).fails(3, "broken (500)"),
        answered(I, "503 for ever", |_| {
            error(503, "busy").header("Retry-After", "18446744073709551615")
        })
        .fails(3, "busy (503)"),
        verified("a date beyond all others", dated("Fri, 31 Dec 9999 23:59:59 GMT"))
            .says("behind the server's"),
        verified("a date before all others", dated("Thu, 01 Jan 1970 00:00:00 GMT"))
            .says("ahead of the server's"),
        verified(
            "an email of another type",
            Box::new(|_| Answer::json(200, json!({"data": {"email": 5}}))),
        )
        .fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no data", "/data", json!(GONE)),
        ("data nested deep", "/data", nested(100_000)),
        ("no email", "/data/email", json!(GONE)),
        ("an email of null", "/data/email", json!(null)),
        ("an email that is a number", "/data/email", json!(1.5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(I, End::Unchanged(3), unexpected));
    cases
}

#[test]
fn whatever_answers_the_check_of_a_token_is_told_or_used() {
    run(cases());
}
