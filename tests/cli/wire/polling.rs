//! `POST /oauth2/token` while the user has not approved yet.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let pending = || error(400, "authorization_pending");
    let mut cases = Vec::new();
    // The error member decides, whatever the status.
    for status in [500, 503] {
        let body = json!({"error": "authorization_pending", "error_description": CONTROL_CHARS});
        let case = with_response(T, &format!("pending with {status}"), status, body);
        cases.push(case.then_ok().hides("retrying").hides("FORGED"));
    }
    cases.push(
        case(T, "pending as text/html", |_| {
            Answer::text(400, "text/html", r#"{"error":"authorization_pending"}"#)
        })
        .then_ok()
        .hides("retrying"),
    );
    for (name, interval, wait) in [
        ("1.5", json!(1.5), 10_050),
        ("1e400", raw_json("1e400"), 10_050),
        ("array", json!([30]), 10_050),
    ] {
        let body = json!({"error": "slow_down", "interval": interval});
        let case = with_response(T, &format!("slow_down with interval {name}"), 400, body);
        cases.push(case.then(move |_| pending()).then_ok().waits(&[POLL, wait, wait]));
    }
    // Transient failures do not end the login.
    let transient: [(&str, MakeAnswer, &str); 15] = [
        ("503 as JSON", Box::new(|_| error(503, "busy")), "an error (status 503)"),
        (
            "500 with control characters",
            Box::new(|_| error(500, CONTROL_CHARS)),
            "an error (status 500)",
        ),
        ("504", Box::new(|_| text(504, "upstream")), "an error (status 504)"),
        ("599", Box::new(|_| text(599, "")), "an error (status 599)"),
        ("408", Box::new(|_| text(408, "")), "an error (status 408)"),
        ("425", Box::new(|_| text(425, "")), "an error (status 425)"),
        ("400 without a body", Box::new(|_| text(400, "")), "an error (status 400)"),
        ("403 as text", Box::new(|_| text(403, "RBAC")), "an error (status 403)"),
        (
            "400 with 2 MiB",
            Box::new(|_| text(400, &" ".repeat(2 * MIB))),
            "more than 1 MiB (status 400)",
        ),
        ("511 from a captive portal", Box::new(|_| web_page(511)), "a web page (status 511)"),
        ("truncated status line", Box::new(|_| Answer::raw("HTTP/1.")), CLOSED),
        ("truncated header", Box::new(|_| Answer::raw("HTTP/1.1 200 OK\r\nDate: ")), CLOSED),
        (
            "truncated error body",
            Box::new(|_| Answer::raw("HTTP/1.1 400 Bad\r\nContent-Length: 90\r\n\r\n{\"error\"")),
            "an incomplete response (status 400)",
        ),
        (
            "temporarily_unavailable",
            Box::new(|_| error(400, "temporarily_unavailable")),
            "an error (status 400)",
        ),
        (
            "tokens with 500",
            Box::new(|fixture| Answer::json(500, fixture.good_body(T))),
            "an error (status 500)",
        ),
    ];
    for (name, answer, says) in transient {
        let case = case(T, name, answer).then_ok().says(says).says("; retrying.");
        cases.push(case.says("Logged in as").hides("Hotel").waits(&[POLL, BACKOFF]));
    }
    // The code is valid for 600 s. A longer wait ends one interval before the code expires.
    let until_expiry = 600_000 - POLL + 50 - 5000;
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, wait) in [
        (" 30 ", 30_050),
        ("1e400", BACKOFF),
        ("", BACKOFF),
        ("18446744073709551616", BACKOFF),
        ("Tuesday, 24-Nov-26 05:37:20 GMT", 20_050),
        ("Tue Nov 24 05:37:20 2026", 20_050),
        ("Fri, 31 Dec 9999 23:59:59 GMT", until_expiry),
        ("Tue, 99 Nov 2026 99:99:99 GMT", BACKOFF),
    ] {
        let name = format!("503 with Retry-After {retry_after:?}");
        let case = case(T, &name, move |_| {
            error(503, "busy").header("Date", date).header("Retry-After", retry_after)
        });
        cases.push(case.then_ok().waits(&[POLL, wait]));
    }
    cases.extend([
        case(T, "pending with Retry-After", |_| {
            error(400, "authorization_pending").header("Retry-After", "30")
        })
        .then_ok()
        .waits(&[POLL, 30_050]),
        case(T, "duplicate Retry-After", |_| {
            error(503, "busy").header("Retry-After", "30").header("Retry-After", "40")
        })
        .then_ok()
        .waits(&[POLL, 30_050]),
        with_bytes(T, "Retry-After is not ASCII", |_| {
            http("HTTP/1.1 503 Busy\r\nRetry-After: \u{9b}30", "{}")
        })
        .then_ok()
        .waits(&[POLL, BACKOFF]),
        // Final errors.
        with_response(
            T,
            "denied with control characters",
            403,
            json!({"error": "access_denied", "error_description": CONTROL_CHARS}),
        )
        .fails(1, "the login was denied (access_denied)")
        .hides("FORGED"),
        with_response(T, "unknown client", 401, json!({"error": "invalid_client"}))
            .fails(1, "invalid_client (401)"),
        with_response(T, "error repeats the device code", 400, json!({"error": DEVICE_CODE}))
            .fails(1, "*** (400)"),
        with_response(
            T,
            "error hides the device code",
            400,
            json!({
                "error": "invalid_request",
                "error_description": DEVICE_CODE.replace("c0de", "c0\u{0}de"),
            }),
        )
        .fails(1, "invalid_request: *** (400)"),
        with_response(T, "error is a number", 400, json!({"error": 5}))
            .fails(1, "rejected the login (status 400)"),
        with_response(T, "empty error", 400, json!({"error": ""}))
            .fails(1, "rejected the login (status 400)"),
        case(T, "duplicate error", |_| {
            Answer::text(
                400,
                "application/json",
                r#"{"error":"slow_down","error":"access_denied"}"#,
            )
        })
        .fails(1, "an error (status 400)"),
        case(T, "tokens with 400", |fixture| Answer::json(400, fixture.good_body(T)))
            .fails(1, "an error (status 400)"),
        case(T, "404 as JSON", |_| error(404, "no such page")).fails(1, "no such page (404)"),
    ]);
    for (name, error, description, says) in [
        ("a description", "on_fire", json!("Run!"), "the login: on_fire: Run! (400)"),
        ("an empty description", "on_fire", json!(""), "the login: on_fire (400)"),
        ("a blank description", "on_fire", json!(" \n"), "the login: on_fire (400)"),
        ("an invisible description", "on_fire", json!("\u{1b}\u{7}"), "the login: on_fire (400)"),
        ("a numeric description", "on_fire", json!(7), "the login: on_fire (400)"),
        ("a description alone", "", json!("Run!"), "the login: Run! (400)"),
    ] {
        let body = json!({"error": error, "error_description": description});
        cases.push(with_response(T, &format!("error with {name}"), 400, body).fails(1, says));
    }
    cases
}

#[test]
fn poll_response_decides_whether_polling_continues() {
    run(cases());
}
