//! `POST /refreshtoken`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::RefreshToken as R;
    let answer =
        |name, status, body: Value| answered(R, name, move |_| Answer::json(status, body.clone()));
    let no_longer = "the stored token is no longer good";
    let mut cases = vec![
        edited(R, "the other spelling", |body| body.replace("Token", "token")),
        changed(R, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        answer("400", 400, json!({"error": HOSTILE})).fails(1, no_longer).hides("FORGED"),
        answer("401", 401, json!({})).fails(1, no_longer),
        answer("404", 404, json!({"error": "no such token"})).fails(1, no_longer),
        answered(R, "403 with nothing", |_| text(403, "")).fails(1, no_longer),
        answered(R, "403 as a page", |_| page(403)).fails(3, PORTAL).hides("no longer"),
        answered(R, "a captive portal's page", |_| page(200)).fails(3, PAGE).hides("no longer"),
        answered(R, "a redirect elsewhere", |scene| {
            text(308, "").header("Location", &format!("{}/refreshtoken", scene.elsewhere()))
        })
        .fails(3, REDIRECT),
        answer("408", 408, json!({})).fails(3, "(status 408)").hides("no longer"),
        answer("429", 429, json!({})).fails(3, "The server asks to wait").hides("no longer"),
        answer("500 that steers", 500, json!({"error": HOSTILE})).fails(3, TAMED),
        answered(R, "500 that repeats the token", |scene| error(500, &scene.old_token))
            .fails(3, "(status 500)"),
        answered(R, "503", |_| error(503, "busy")).fails(3, "busy (503)"),
        answered(R, "no answer", |_| Answer::hang_up()).fails(3, CLOSED),
        raw(R, "half a token", |body| http("HTTP/1.1 200 OK", &body)[..80].to_vec()).fails(3, CUT),
        edited(R, "1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        edited(R, "the token twice", twice("Token")).fails(3, SENSELESS),
        answer("lists for objects", 200, json!({"data": [null, "t0ken"]})).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no data", "/data", json!(GONE)),
        ("no token", "/data/Token", json!(GONE)),
        ("a token that is a number", "/data/Token", json!(-1)),
        ("an empty token", "/data/Token", json!("")),
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
