//! `POST /oauth2/device/auth`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::DeviceAuthorization as D;
    let long = format!("https://a.example/{}", "x".repeat(70 * 1024));
    let longest = format!("{:x<2048}", "https://a.example/");
    let mut cases = vec![
        with_member(D, "URI of 2,048 bytes", "/verification_uri", json!(longest)).says(&longest),
        with_member(D, "unknown member, deeply nested", "/extra", nested(100_000)),
        with_member(D, "no complete URI", "/verification_uri_complete", json!(ABSENT))
            .says("/device\n")
            .says(USER_CODE)
            .hides("?user_code="),
        with_member(D, "complete URI is null", "/verification_uri_complete", json!(null))
            .says("/device\n")
            .says(USER_CODE)
            .hides("?user_code="),
        with_member(D, "complete URI is a number", "/verification_uri_complete", json!(5))
            .hides("has the code in it"),
        with_member(D, "verification_url is a number", "/verification_url", json!(5)),
        with_member(D, "device code with control characters", "/device_code", json!(CONTROL_CHARS))
            .hides("FORGED"),
        with_member(D, "device code of 64 KiB", "/device_code", json!("x".repeat(64 * 1024)))
            .hides("xxx"),
        case(D, "201", |fixture| Answer::json(201, fixture.good_body(D))),
        with_response(
            D,
            "error with a description",
            400,
            json!({"error": "invalid_client", "error_description": "who?"}),
        )
        .fails(1, "rejected the login (device authorization): invalid_client: who? (400)"),
        with_response(
            D,
            "error with control characters",
            400,
            json!({"error": CONTROL_CHARS, "error_description": CONTROL_CHARS}),
        )
        .fails(1, &format!("{SANITIZED}: {SANITIZED} (400)")),
        with_response(D, "error of 5000 characters", 400, json!({"error": "y".repeat(5000)}))
            .fails(1, "yyy... (400)")
            .hides(&"y".repeat(201)),
        with_response(
            D,
            "error nested in response",
            403,
            json!({"response": {"error": "not you"}}),
        )
        .fails(1, "not you (403)"),
        with_response(D, "error is a number", 400, json!({"error": 5}))
            .fails(1, "rejected the login (device authorization) (status 400)"),
        with_response(D, "error with status 200", 200, json!({"error": "invalid_client"}))
            .fails(1, "invalid_client (200)"),
        with_body(D, "duplicate error", |_| r#"{"error":"a","error":"b"}"#.to_owned())
            .fails(1, "(no valid device_code)"),
        case(D, "502 with a web page", |_| web_page(502)).fails(3, "a web page (status 502)"),
        with_response(D, "429", 429, json!({}))
            .fails(3, "(status 429)")
            .says("The server asks clients to wait"),
        with_body(D, "duplicate user code", duplicate("user_code")).fails(1, NO_OBJECT),
        with_body(D, "duplicate device code", duplicate("device_code")).fails(1, NO_OBJECT),
        with_body(D, "duplicate interval", duplicate("interval")).fails(1, NO_OBJECT),
        with_body(D, "object in an array", |body| format!("[{body}]")).fails(1, NO_OBJECT),
    ];
    let (device_code, user_code, uri) = ("/device_code", "/user_code", "/verification_uri");
    let unusable = "a code that cannot be shown";
    cases.extend(failures(
        D,
        Expected::Unchanged(1),
        [
            ("blank user code", user_code, json!("  "), unusable),
            ("empty user code", user_code, json!(""), "(no valid user_code)"),
            ("no user code", user_code, json!(ABSENT), "(no valid user_code)"),
            ("no device code", device_code, json!(ABSENT), "(no valid device_code)"),
            ("no URI", uri, json!(ABSENT), "(no valid verification_uri)"),
            ("empty URI", uri, json!(""), "(no valid verification_uri)"),
            ("device code is null", device_code, json!(null), "(no valid device_code)"),
            ("device code is a number", device_code, json!(5), "(no valid device_code)"),
            ("empty device code", device_code, json!(""), "(no valid device_code)"),
            ("user code is a number", user_code, json!(12345678), "(no valid user_code)"),
            ("user code is an array", user_code, json!(["a"]), "(no valid user_code)"),
            ("URI is null", uri, json!(null), "(no valid verification_uri)"),
            ("URI is a number", uri, json!(5), "(no valid verification_uri)"),
            (
                "URI with a bidi override",
                uri,
                json!("https://a.example/\u{202e}"),
                "an invalid character",
            ),
            (
                "URI with a line break",
                uri,
                json!("https://a.example/\nFORGED"),
                "an invalid character",
            ),
            ("URI of 70 KiB", uri, json!(long), "is longer than 2,048 bytes"),
            ("URI of 2,049 bytes", uri, json!(longest + "x"), "is longer than 2,048 bytes"),
        ],
    ));
    for code in [
        "WDJB\u{1b}[8mMJHT",
        "WDJB\nMJHT",
        "WDJB\u{9b}31m",
        "WDJB\u{0}MJHT",
        "WDJB\u{7f}MJHT",
        // A bidi override, and an invisible letter.
        "WDJB\u{202e}MJHT",
        "WDJB\u{3164}MJHT",
        &"WDJBM".repeat(13),
        // Spaces where a user cannot see them.
        " WDJB",
        "WDJB ",
        "WDJB  MJHT",
        "WDJB\u{a0}MJHT",
        "WDJB\u{202f}MJHT",
        "WDJB\u{205f}MJHT",
        "WDJB\u{3000}MJHT",
        // For private use, not assigned, not a character, a mark alone, a soft hyphen, a variation selector.
        "WDJB\u{e000}",
        "WDJB\u{f0000}",
        "WDJB\u{378}",
        "WDJB\u{218d}",
        "WDJB\u{e01f0}",
        "WDJB\u{ffff}",
        "WDJB\u{fffd}",
        "WDJB\u{301}",
        "WDJB\u{ad}",
        "WDJB\u{fe0f}",
        "WDJB\u{2065}",
        "WDJB\u{2800}",
    ] {
        let case = with_member(D, &format!("user code {code:?}"), user_code, json!(code));
        cases.push(case.fails(1, unusable).hides("WDJB"));
    }
    for code in [
        "WDJB MJHT",
        "wdjb-mjht",
        "A_B/C+D=E?",
        "日本語コード",
        "Ünïcödé",
        "①②③",
        "¿§?",
        "→★♥",
        "42",
    ] {
        cases.push(with_member(D, &format!("user code {code}"), user_code, json!(code)).says(code));
    }
    for page in [
        "http://login.example/device",
        "http://10.0.0.1/device",
        "ftp://login.example/device",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "-version",
        "/device",
        "https://login.example@evil.example/",
        "https://login.example/\u{1b}[2J",
    ] {
        let case = with_member(D, &format!("URI {page:?}"), uri, json!(page));
        cases.push(case.fails(1, "sent an unusable response (verification_uri "));
    }
    for (name, expires_in, lasts) in [
        ("absent", json!(ABSENT), "10 minutes"),
        ("zero", json!(0), "10 minutes"),
        ("-1", json!(-1), "10 minutes"),
        ("text", json!("soon"), "10 minutes"),
        ("2^64", raw_json("18446744073709551616"), "1 day"),
        ("1.5", json!(1.5), "1 second"),
        ("1800.0", json!(1800.0), "30 minutes"),
        ("1.8e3 in quotes", json!("1.8e3"), "30 minutes"),
        ("0.5", json!(0.5), "10 minutes"),
        ("1e400", raw_json("1e400"), "10 minutes"),
        ("deeply nested", nested(10_000), "10 minutes"),
        ("one second", json!(1), "1 second"),
    ] {
        let name = format!("expires_in {name}");
        let says = format!("The code expires in {lasts}.");
        cases.push(with_member(D, &name, "/expires_in", expires_in).says(&says));
    }
    for (name, interval, wait) in [
        ("absent", json!(ABSENT), POLL),
        ("7", json!(7), 7050),
        ("in quotes", json!("7"), 7050),
        ("10.0", json!(10.0), 10_050),
        ("1e1", raw_json("1e1"), 10_050),
        ("6.1", json!(6.1), 7050),
        ("1.5", json!(1.5), POLL),
        ("1", json!(1), 1050),
        ("zero", json!(0), POLL),
        ("zero in quotes", json!("0"), POLL),
        ("-1", json!(-1), POLL),
        ("2^64", raw_json("18446744073709551616"), POLL),
        ("as long as expires_in", json!(600), POLL),
        ("deeply nested", nested(10_000), POLL),
    ] {
        let name = format!("interval {name}");
        cases.push(with_member(D, &name, "/interval", interval).waits(&[wait]));
    }
    cases
}

#[test]
fn device_authorization_response_is_validated() {
    run(cases());
}
