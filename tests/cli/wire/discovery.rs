//! `GET /.well-known/openid-configuration`.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Discovery as D;
    let far = "x".repeat(70 * 1024);
    let answer =
        |name, status, body: Value| answered(D, name, move |_| Answer::json(status, body.clone()));
    let mut cases = vec![
        // What does not matter is not looked at.
        changed(D, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        changed(D, "a member nobody knows, beyond any number", "/extra", verbatim("1e400")),
        edited(D, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        edited(D, "spaces and line breaks around it", |body| format!("\r\n\t {body} \n")),
        answered(D, "JSON that is called plain text", |scene| {
            text(200, &scene.good(D).to_string())
        }),
        answered(D, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(D).to_string())
        }),
        answered(D, "JSON without a type", |scene| {
            Answer::raw(http(LAST, scene.good(D).to_string()))
        }),
        raw(D, "an answer after the answer", |body| {
            let forged = http("HTTP/1.1 200 OK", r#"{"device_code":"x","user_code":"FORGED"}"#);
            [http("HTTP/1.1 200 OK", body), forged].concat()
        })
        .hides("FORGED"),
        // What is not the login server.
        answered(D, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        answered(D, "204", |_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))
            .fails(3, "something else than was asked for (status 204)"),
        answered(D, "plain words", |_| text(200, "It works!")).fails(3, SENSELESS).hides("works"),
        answer("an array", 200, json!([{}])).fails(3, SENSELESS),
        answer("an object with nothing in it", 200, json!({})).fails(3, SENSELESS),
        edited(D, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
        edited(D, "an object and more", |body| body + "}").fails(3, SENSELESS),
        edited(D, "half an object", |body| body[..body.len() / 2].to_owned()).fails(3, SENSELESS),
        edited(D, "a byte order mark", |body| format!("\u{feff}{body}")).fails(3, SENSELESS),
        answered(D, "UTF-16", |scene| {
            let units = scene
                .good(D)
                .to_string()
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>();
            Answer::text(200, "application/json; charset=utf-16", units)
        })
        .fails(3, SENSELESS),
        edited(D, "the issuer twice", twice("issuer")).fails(3, SENSELESS),
        edited(D, "the token endpoint twice", twice("token_endpoint")).fails(3, SENSELESS),
        // A no, and trouble.
        answer("404 as JSON", 404, json!({"error": "no such page"}))
            .fails(1, "refused the request for its endpoints: no such page (404)"),
        answered(D, "404 with nothing", |_| text(404, "")).fails(1, "an error (status 404)"),
        answer("403 with words that steer", 403, json!({"error": HOSTILE})).fails(1, TAMED),
        answer("an error that is an object", 400, json!({"error": {"error": 7}}))
            .fails(1, "an error (status 400)"),
        answer("500 as JSON", 500, json!({"error": "broken"}))
            .fails(3, "broken (500)")
            .says(OWN_TROUBLE),
        answer("429 as JSON", 429, json!({"error": "slowly"}))
            .fails(3, "slowly (429)")
            .says("The server asks to wait"),
        answered(D, "half a head", |_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Ty"))
            .fails_thrice(CLOSED),
    ];
    // What cannot be read.
    let unexpected = [
        ("the issuer is missing", "/issuer", json!(GONE)),
        ("the issuer is a number", "/issuer", json!(5)),
        ("the issuer is an array", "/issuer", json!(["x"])),
        ("the issuer is nested deep", "/issuer", nested(100_000)),
        ("the token endpoint is missing", "/token_endpoint", json!(GONE)),
        ("the token endpoint is an object", "/token_endpoint", json!({"url": "x"})),
        ("the device endpoint is true", "/device_authorization_endpoint", json!(true)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(D, End::Unchanged(3), unexpected));
    // What can be read, and is not to be used.
    let (device, token) = ("/device_authorization_endpoint", "/token_endpoint");
    cases.extend(rows(
        D,
        End::Unchanged(1),
        [
            ("no device endpoint", device, json!(GONE), "offers no login by device code"),
            ("an issuer that steers", "/issuer", json!(HOSTILE), TAMED),
            ("an issuer without end", "/issuer", json!(far), "xxx..."),
            ("an empty issuer", "/issuer", json!(""), "says it is the login server of"),
            ("an empty endpoint", token, json!(""), "sent a token_endpoint that is not"),
            ("a path for an endpoint", token, json!("/token"), "that is not a full URL"),
            ("an endpoint with ESC", token, json!("https://a.example/\u{1b}[2J"), "no URL has"),
            ("an endpoint with C1", token, json!("https://a.example/\u{9b}2J"), "no URL has"),
            ("an endpoint with NUL", token, json!("https://a.example/\u{0}"), "no URL has"),
            (
                "an endpoint with two lines",
                token,
                json!("https://a.example/\r\nX: y"),
                "no URL has",
            ),
            (
                "an endpoint turned around",
                device,
                json!("https://a.example/\u{202e}"),
                "no URL has",
            ),
            (
                "an endpoint without TLS",
                device,
                json!("http://10.0.0.1/x"),
                "only https:// is safe",
            ),
            ("a script for an endpoint", token, json!("javascript:alert(1)"), "that is not a"),
            (
                "an endpoint with a password",
                token,
                json!("https://a:pw@b.example"),
                "a user name in it",
            ),
            ("an endpoint at no port", token, json!("https://b.example:99999/"), "does not exist"),
            (
                "an endpoint without end",
                token,
                json!(format!("https://b.example/{far}")),
                "is not a URL",
            ),
        ],
    ));
    cases
}

#[test]
fn whatever_answers_the_discovery_is_told_or_used() {
    run(cases());
}
