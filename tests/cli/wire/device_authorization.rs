//! `POST /oauth2/device/auth`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::DeviceAuthorization as D;
    let answer =
        |name, status, body: Value| answered(D, name, move |_| Answer::json(status, body.clone()));
    let far = format!("https://a.example/{}", "x".repeat(70 * 1024));
    let mut cases = vec![
        changed(D, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        changed(D, "a complete address that is null", "/verification_uri_complete", json!(null))
            .hides("has the code in it"),
        changed(D, "a complete address that is a number", "/verification_uri_complete", json!(5))
            .hides("has the code in it"),
        changed(D, "another spelling beside, a number", "/verification_url", json!(5)),
        changed(D, "a device code that steers", "/device_code", json!(HOSTILE)).hides("FORGED"),
        changed(D, "a device code of 64 KiB", "/device_code", json!("x".repeat(64 * 1024)))
            .hides("xxx"),
        answered(D, "201", |scene| Answer::json(201, scene.good(D))),
        // None of it is sent a second time.
        answer("a refusal", 400, json!({"error": "invalid_client", "error_description": "who?"}))
            .fails(1, "refused the request for a code: invalid_client: who? (400)"),
        answer(
            "a refusal that steers",
            400,
            json!({"error": HOSTILE, "error_description": HOSTILE}),
        )
        .fails(1, &format!("{TAMED}: {TAMED} (400)")),
        answer("a refusal without end", 400, json!({"error": "y".repeat(5000)}))
            .fails(1, "yyy... (400)")
            .hides(&"y".repeat(201)),
        answer("a refusal in the platform's words", 403, json!({"response": {"error": "not you"}}))
            .fails(1, "not you (403)"),
        answer("an error that is a number", 400, json!({"error": 5}))
            .fails(1, "an error (status 400)"),
        answer("an error beside nothing, and 200", 200, json!({"error": "invalid_client"}))
            .fails(3, SENSELESS),
        edited(D, "an error that comes twice", |_| r#"{"error":"a","error":"b"}"#.to_owned())
            .fails(3, SENSELESS),
        answer("429", 429, json!({})).fails(3, "(status 429)").says("The server asks to wait"),
        edited(D, "the user code twice", twice("user_code")).fails(3, SENSELESS),
        edited(D, "the device code twice", twice("device_code")).fails(3, SENSELESS),
        edited(D, "the interval twice", twice("interval")).fails(3, SENSELESS),
        edited(D, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("a device code of null", "/device_code", json!(null)),
        ("a device code that is a number", "/device_code", json!(5)),
        ("a user code that is a number", "/user_code", json!(12345678)),
        ("a user code in an array", "/user_code", json!(["a"])),
        ("an address of null", "/verification_uri", json!(null)),
        ("an address that is a number", "/verification_uri", json!(5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(D, End::Unchanged(3), unexpected));
    let (user_code, page, unusable) =
        ("/user_code", "/verification_uri", "a code that cannot be shown");
    cases.extend(rows(
        D,
        End::Unchanged(1),
        [
            ("a user code with C1", user_code, json!("AB\u{9b}31m"), unusable),
            ("a user code with NUL", user_code, json!("AB\u{0}CD"), unusable),
            ("a user code with DEL", user_code, json!("AB\u{7f}CD"), unusable),
            ("a user code that nobody types", user_code, json!("A".repeat(65)), unusable),
            ("an empty device code", "/device_code", json!(""), unusable),
            ("an address turned around", page, json!("https://a.example/\u{202e}"), "no URL has"),
            ("an address of two lines", page, json!("https://a.example/\nFORGED"), "no URL has"),
            ("an address without end", page, json!(far), "is not a URL"),
        ],
    ));
    for (name, expires_in, lasts) in [
        ("2^64", verbatim("18446744073709551616"), "1 day"),
        ("1.5", json!(1.5), "10 minutes"),
        ("1e400", verbatim("1e400"), "10 minutes"),
        ("nested deep", nested(10_000), "10 minutes"),
        ("one second", json!(1), "1 second"),
    ] {
        let name = format!("a life of {name}");
        let says = format!("The code lasts {lasts}.");
        cases.push(changed(D, &name, "/expires_in", expires_in).says(&says));
    }
    for (name, interval, wait) in [
        ("2^64", verbatim("18446744073709551616"), POLL),
        ("as long as the code's life", json!(600), POLL),
        ("nested deep", nested(10_000), POLL),
    ] {
        let name = format!("an interval of {name}");
        cases.push(changed(D, &name, "/interval", interval).waits(&[wait]));
    }
    cases
}

#[test]
fn whatever_answers_the_request_for_a_code_is_told_or_used() {
    run(cases());
}
