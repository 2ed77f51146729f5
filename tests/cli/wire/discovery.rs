//! `GET /.well-known/openid-configuration`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Discovery as D;
    let long = "x".repeat(70 * 1024);
    let mut cases = vec![
        // Accepted.
        with_member(D, "unknown member, deeply nested", "/extra", nested(100_000)),
        with_member(D, "unknown member, number out of range", "/extra", raw_json("1e400")),
        with_body(D, "unknown member, duplicated", |body| {
            body.replacen('{', r#"{"x":1,"x":2,"#, 1)
        }),
        with_body(D, "whitespace around the JSON", |body| format!("\r\n\t {body} \n")),
        case(D, "JSON as text/plain", |fixture| text(200, &fixture.good_body(D).to_string())),
        case(D, "JSON as text/html", |fixture| {
            Answer::text(200, "text/html", fixture.good_body(D).to_string())
        }),
        case(D, "JSON without Content-Type", |fixture| {
            Answer::raw(http("HTTP/1.1 200 OK", fixture.good_body(D).to_string()))
        }),
        with_bytes(D, "second response after the first", |body| {
            let reusable =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let forged = http("HTTP/1.1 200 OK", r#"{"device_code":"x","user_code":"FORGED"}"#);
            [reusable.as_bytes(), &forged].concat()
        })
        .hides("FORGED"),
        // Not a discovery document.
        case(D, "empty body", |_| text(200, "")).fails(3, UNEXPECTED),
        case(D, "204", |_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))
            .fails(3, "an unexpected response (status 204)"),
        case(D, "plain text", |_| text(200, "It works!")).fails(3, UNEXPECTED).hides("works"),
        with_response(D, "array", 200, json!([{}])).fails(1, NO_OBJECT),
        with_response(D, "empty object", 200, json!({})).fails(1, "(no valid issuer)"),
        with_body(D, "object in an array", |body| format!("[{body}]")).fails(1, NO_OBJECT),
        with_body(D, "object with trailing data", |body| body + "}").fails(3, UNEXPECTED),
        with_body(D, "truncated object", |body| body[..body.len() / 2].to_owned())
            .fails(3, UNEXPECTED),
        with_body(D, "byte order mark", |body| format!("\u{feff}{body}")).fails(3, UNEXPECTED),
        case(D, "UTF-16", |fixture| {
            let units = fixture
                .good_body(D)
                .to_string()
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>();
            Answer::text(200, "application/json; charset=utf-16", units)
        })
        .fails(3, UNEXPECTED),
        with_body(D, "duplicate issuer", duplicate("issuer")).fails(1, NO_OBJECT),
        with_body(D, "duplicate token endpoint", duplicate("token_endpoint")).fails(1, NO_OBJECT),
        // From a captive portal or a proxy.
        case(D, "web page", |_| web_page(200)).fails(3, WEB_PAGE).says(CAPTIVE_PORTAL),
        case(D, "web page in capitals", |_| {
            Answer::text(200, "TEXT/HTML", "<HTML>Welcome to Hotel WiFi</HTML>")
        })
        .fails(3, WEB_PAGE)
        .says(CAPTIVE_PORTAL)
        .hides("<H"),
        case(D, "502 with a web page", |_| web_page(502)).fails_after_retries("(status 502)"),
        case(D, "502 once", |_| web_page(502)).then_ok().waits(&[500, POLL]),
        // Errors.
        with_response(D, "unknown error with 200", 200, json!({"error": "on_fire"}))
            .fails(1, "on_fire (200)"),
        with_response(D, "404 as JSON", 404, json!({"error": "no such page"}))
            .fails(1, "rejected the login (discovery): no such page (404)"),
        case(D, "404 without a body", |_| text(404, "")).fails(1, "an error (status 404)"),
        with_response(D, "403 with control characters", 403, json!({"error": CONTROL_CHARS}))
            .fails(1, SANITIZED),
        with_response(D, "error is an object", 400, json!({"error": {"error": 7}}))
            .fails(1, "rejected the login (discovery) (status 400)"),
        with_response(D, "500 as JSON", 500, json!({"error": "broken"}))
            .fails(3, "broken (500)")
            .says(SERVER_ERROR),
        with_response(D, "429 as JSON", 429, json!({"error": "slowly"}))
            .fails(3, "slowly (429)")
            .says("The server asks clients to wait"),
        case(D, "truncated header", |_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Ty"))
            .fails_after_retries(CLOSED),
    ];
    // Valid JSON with values that are not accepted.
    let (device, token) = ("/device_authorization_endpoint", "/token_endpoint");
    let (no_issuer, no_token) = ("(no valid issuer)", "(no valid token_endpoint)");
    let no_device_flow = "does not support a login by phone (device_authorization_endpoint)";
    cases.extend(failures(
        D,
        Expected::Unchanged(1),
        [
            ("issuer is missing", "/issuer", json!(ABSENT), no_issuer),
            ("issuer is null", "/issuer", json!(null), no_issuer),
            ("issuer is a number", "/issuer", json!(5), no_issuer),
            ("issuer is an array", "/issuer", json!(["x"]), no_issuer),
            ("issuer is deeply nested", "/issuer", nested(100_000), no_issuer),
            ("empty issuer", "/issuer", json!(""), no_issuer),
            ("token endpoint is missing", token, json!(ABSENT), no_token),
            ("token endpoint is null", token, json!(null), no_token),
            ("token endpoint is an object", token, json!({"url": "x"}), no_token),
            ("empty endpoint", token, json!(""), no_token),
            ("device endpoint is missing", device, json!(ABSENT), no_device_flow),
            ("device endpoint is null", device, json!(null), no_device_flow),
            ("device endpoint is a boolean", device, json!(true), no_device_flow),
            ("another issuer", "/issuer", json!("https://evil.example"), "evil.example"),
            (
                "issuer without the port",
                "/issuer",
                json!("http://127.0.0.1"),
                "says that it is another login server (issuer: ",
            ),
            ("issuer with control characters", "/issuer", json!(CONTROL_CHARS), SANITIZED),
            ("issuer of 70 KiB", "/issuer", json!(long), "xxx..."),
            ("endpoint is a path", token, json!("/token"), "(token_endpoint is not a full URL"),
            (
                "endpoint with ESC",
                token,
                json!("https://a.example/\u{1b}[2J"),
                "an invalid character",
            ),
            (
                "endpoint with C1",
                token,
                json!("https://a.example/\u{9b}2J"),
                "an invalid character",
            ),
            ("endpoint with NUL", token, json!("https://a.example/\u{0}"), "an invalid character"),
            (
                "endpoint with a line break",
                token,
                json!("https://a.example/\r\nX: y"),
                "an invalid character",
            ),
            (
                "endpoint with a bidi override",
                device,
                json!("https://a.example/\u{202e}"),
                "an invalid character",
            ),
            ("endpoint without TLS", device, json!("http://10.0.0.1/x"), "is not an https:// URL"),
            (
                "token endpoint without TLS",
                token,
                json!("http://a.example/"),
                "is not an https:// URL",
            ),
            ("endpoint is a file", token, json!("file:///etc/passwd"), "(token_endpoint is not"),
            (
                "endpoint is a script",
                token,
                json!("javascript:alert(1)"),
                "(token_endpoint is not a",
            ),
            (
                "endpoint with a password",
                token,
                json!("https://a:pw@b.example"),
                "contains a user name",
            ),
            (
                "endpoint with an invalid port",
                token,
                json!("https://b.example:99999/"),
                "an invalid port",
            ),
            (
                "endpoint of 70 KiB",
                token,
                json!(format!("https://b.example/{long}")),
                "is longer than 2,048 bytes",
            ),
        ],
    ));
    cases
}

#[test]
fn discovery_response_is_validated() {
    run(cases());
}
