//! `POST /oauth2/device/auth`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::DeviceAuthorization as D;
    let answer =
        |name, status, body: Value| answered(D, name, move |_| Answer::json(status, body.clone()));
    let far = format!("https://a.example/{}", "x".repeat(70 * 1024));
    let mut cases = vec![
        changed(D, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        edited(D, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        changed(D, "no complete address", "/verification_uri_complete", json!(GONE))
            .hides("has the code in it"),
        changed(D, "a complete address that is null", "/verification_uri_complete", json!(null))
            .hides("has the code in it"),
        changed(D, "a complete address that is a number", "/verification_uri_complete", json!(5))
            .hides("has the code in it"),
        changed(D, "a complete address that steers", "/verification_uri_complete", json!(HOSTILE))
            .hides("FORGED"),
        changed(
            D,
            "a complete address elsewhere",
            "/verification_uri_complete",
            json!("https://evil.example"),
        )
        .hides("evil"),
        changed(D, "another spelling beside, a number", "/verification_url", json!(5)),
        changed(D, "a device code that steers", "/device_code", json!(HOSTILE)).hides("FORGED"),
        changed(D, "a device code of 64 KiB", "/device_code", json!("x".repeat(64 * 1024)))
            .hides("xxx"),
        answered(D, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(D).to_string())
        }),
        answered(D, "201", |scene| Answer::json(201, scene.good(D))),
        edited(D, "exactly 1 MiB", |body| padded(body, MIB)),
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
        answered(D, "503 with Retry-After", |_| error(503, "busy").header("Retry-After", "1"))
            .fails(3, "busy (503)"),
        answered(D, "502 as a page", |_| page(502)).fails(3, "a web page (status 502)"),
        answered(D, "a captive portal's page", |_| page(200)).fails(3, PAGE).says(PORTAL),
        answered(D, "a redirect elsewhere", |scene| {
            text(307, "").header("Location", &format!("{}/device", scene.elsewhere()))
        })
        .fails(3, REDIRECT),
        answered(D, "no answer", |_| Answer::hang_up()).fails(3, CLOSED),
        raw(D, "half a body", |body| http("HTTP/1.1 200 OK", &body)[..120].to_vec()).fails(3, CUT),
        answered(D, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        edited(D, "1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        edited(D, "the user code twice", twice("user_code")).fails(3, SENSELESS),
        edited(D, "the device code twice", twice("device_code")).fails(3, SENSELESS),
        edited(D, "the interval twice", twice("interval")).fails(3, SENSELESS),
        edited(D, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no device code", "/device_code", json!(GONE)),
        ("a device code of null", "/device_code", json!(null)),
        ("a device code that is a number", "/device_code", json!(5)),
        ("no user code", "/user_code", json!(GONE)),
        ("a user code that is a number", "/user_code", json!(12345678)),
        ("a user code in an array", "/user_code", json!(["a"])),
        ("no address", "/verification_uri", json!(GONE)),
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
            ("a user code with ESC", user_code, json!("AB\u{1b}[2J"), unusable),
            ("a user code with C1", user_code, json!("AB\u{9b}31m"), unusable),
            ("a user code with NUL", user_code, json!("AB\u{0}CD"), unusable),
            ("a user code with DEL", user_code, json!("AB\u{7f}CD"), unusable),
            ("a user code of two lines", user_code, json!("AB\nFORGED"), unusable),
            ("a user code turned around", user_code, json!("AB\u{202e}CD"), unusable),
            ("an empty user code", user_code, json!(""), unusable),
            ("a user code of blanks", user_code, json!("   "), unusable),
            ("a user code that nobody types", user_code, json!("A".repeat(65)), unusable),
            ("an empty device code", "/device_code", json!(""), unusable),
            ("an address with ESC", page, json!("https://a.example/\u{1b}[2J"), "no URL has"),
            ("an address turned around", page, json!("https://a.example/\u{202e}"), "no URL has"),
            ("an address of two lines", page, json!("https://a.example/\nFORGED"), "no URL has"),
            ("an address that is an option", page, json!("--help"), "that is not a full URL"),
            ("an address that is a script", page, json!("javascript:alert(1)"), "that is not a"),
            ("an address without TLS", page, json!("http://a.example/"), "only https:// is safe"),
            ("an address without end", page, json!(far), "is not a URL"),
        ],
    ));
    for (name, expires_in, lasts) in [
        ("2^64-1", json!(u64::MAX), "1 day"),
        ("2^64", verbatim("18446744073709551616"), "1 day"),
        ("-1", json!(-1), "10 minutes"),
        ("1.5", json!(1.5), "10 minutes"),
        ("1e400", verbatim("1e400"), "10 minutes"),
        ("0", json!(0), "10 minutes"),
        ("text", json!("soon"), "10 minutes"),
        ("a number in quotes", json!("120"), "2 minutes"),
        ("null", json!(null), "10 minutes"),
        ("missing", json!(GONE), "10 minutes"),
        ("nested deep", nested(10_000), "10 minutes"),
        ("one second", json!(1), "1 second"),
    ] {
        let name = format!("a life of {name}");
        let says = format!("The code lasts {lasts}.");
        cases.push(changed(D, &name, "/expires_in", expires_in).says(&says));
    }
    for (name, interval, wait) in [
        ("2^64-1", json!(u64::MAX), POLL),
        ("2^64", verbatim("18446744073709551616"), POLL),
        ("as long as the code's life", json!(600), POLL),
        ("-1", json!(-1), POLL),
        ("1.5", json!(1.5), POLL),
        ("1e400", verbatim("1e400"), POLL),
        ("0", json!(0), POLL),
        ("text", json!("abc"), POLL),
        ("a number in quotes", json!("7"), 7050),
        ("null", json!(null), POLL),
        ("missing", json!(GONE), POLL),
        ("nested deep", nested(10_000), POLL),
        ("one second", json!(1), 1050),
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
