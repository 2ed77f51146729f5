//! `POST /refreshtoken`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::RefreshToken as R;
    let answer =
        |name, status, body: Value| answered(R, name, move |_| Answer::json(status, body.clone()));
    let no_longer = "the stored token is no longer good";
    let mut cases = vec![
        changed(R, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        answer("400", 400, json!({"error": HOSTILE})).fails(1, no_longer).hides("FORGED"),
        answered(R, "403 as a page", |_| page(403)).fails(3, PORTAL).hides("no longer"),
        answer("500 that steers", 500, json!({"error": HOSTILE})).fails(3, TAMED),
        answered(R, "500 that repeats the token", |scene| error(500, &scene.old_token))
            .fails(3, "(status 500)"),
        raw(R, "half a token", |body| http("HTTP/1.1 200 OK", &body)[..80].to_vec()).fails(3, CUT),
        edited(R, "the token twice", twice("Token")).fails(3, SENSELESS),
        answer("lists for objects", 200, json!({"data": [null, "t0ken"]})).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("a token that is a number", "/data/Token", json!(-1)),
        ("a token that steers", "/data/Token", json!(HOSTILE)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(R, End::Unchanged(3), unexpected));
    cases
}

#[test]
fn whatever_answers_a_refresh_is_told_or_used() {
    run(cases());
}
