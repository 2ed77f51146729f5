//! `POST /oauth2/token` while the user has not approved yet.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let answer = |name: &str, status, body: Value| {
        answered(T, name, move |_| Answer::text(status, "application/json", render(&body)))
    };
    let pending = || error(400, "authorization_pending");
    let mut cases = Vec::new();
    // The error member decides, whatever is around it.
    for status in [500, 503] {
        let body = json!({"error": "authorization_pending", "error_description": HOSTILE});
        let case = answer(&format!("pending with {status}"), status, body);
        cases.push(case.then_good().hides("still trying").hides("FORGED"));
    }
    cases.push(
        answered(T, "pending that is called a web page", |_| {
            Answer::text(400, "text/html", r#"{"error":"authorization_pending"}"#)
        })
        .then_good()
        .hides("still trying"),
    );
    for (name, interval, wait) in [
        ("1.5", json!(1.5), 10_050),
        ("1e400", verbatim("1e400"), 10_050),
        ("a list", json!([30]), 10_050),
    ] {
        let body = json!({"error": "slow_down", "interval": interval});
        let case = answer(&format!("slow_down beside an interval of {name}"), 400, body);
        cases.push(case.then(move |_| pending()).then_good().waits(&[POLL, wait, wait]));
    }
    // Trouble that may pass ends nothing.
    let passing: [(&str, Make, &str); 12] = [
        ("503 as JSON", Box::new(|_| error(503, "busy")), "an error (status 503)"),
        ("500 that steers", Box::new(|_| error(500, HOSTILE)), "an error (status 500)"),
        ("504", Box::new(|_| text(504, "upstream")), "an error (status 504)"),
        ("599", Box::new(|_| text(599, "")), "an error (status 599)"),
        ("408", Box::new(|_| text(408, "")), "an error (status 408)"),
        ("425", Box::new(|_| text(425, "")), "an error (status 425)"),
        ("a captive portal that says so", Box::new(|_| page(511)), "a web page (status 511)"),
        ("half a status line", Box::new(|_| Answer::raw("HTTP/1.")), CLOSED),
        ("half a head", Box::new(|_| Answer::raw("HTTP/1.1 200 OK\r\nDate: ")), CLOSED),
        (
            "half a body of an error",
            Box::new(|_| Answer::raw("HTTP/1.1 400 Bad\r\nContent-Length: 90\r\n\r\n{\"error\"")),
            "a message that breaks off (status 400)",
        ),
        (
            "temporarily_unavailable",
            Box::new(|_| error(400, "temporarily_unavailable")),
            "an error (status 400)",
        ),
        (
            "the tokens with 500",
            Box::new(|scene| Answer::json(500, scene.good(T))),
            "an error (status 500)",
        ),
    ];
    for (name, trouble, says) in passing {
        let case = answered(T, name, trouble).then_good().says(says).says("; still trying.");
        cases.push(case.says("Logged in as").hides("Hotel").waits(&[POLL, LATER]));
    }
    cases.extend([]);
    // The code lives 600 s; the poll that it bounds comes as it ends.
    let to_the_end = 600_000 - POLL + 50;
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, wait) in [
        (" 30 ", 30_050),
        ("1e400", LATER),
        ("", LATER),
        ("18446744073709551616", LATER),
        ("Tuesday, 24-Nov-26 05:37:20 GMT", 20_050),
        ("Tue Nov 24 05:37:20 2026", 20_050),
        ("Fri, 31 Dec 9999 23:59:59 GMT", to_the_end),
        ("Tue, 99 Nov 2026 99:99:99 GMT", LATER),
    ] {
        let name = format!("503 and Retry-After of {retry_after:?}");
        let case = answered(T, &name, move |_| {
            error(503, "busy").header("Date", date).header("Retry-After", retry_after)
        });
        cases.push(case.then_good().waits(&[POLL, wait]));
    }
    cases.extend([
        answered(T, "pending and Retry-After", |_| {
            error(400, "authorization_pending").header("Retry-After", "30")
        })
        .then_good()
        .waits(&[POLL, 30_050]),
        answered(T, "two of Retry-After", |_| {
            error(503, "busy").header("Retry-After", "30").header("Retry-After", "40")
        })
        .then_good()
        .waits(&[POLL, 30_050]),
        raw(T, "Retry-After that is no text", |_| {
            http("HTTP/1.1 503 Busy\r\nRetry-After: \u{9b}30", "{}")
        })
        .then_good()
        .waits(&[POLL, LATER]),
        // The end of it.
        answer(
            "denied, with words that steer",
            403,
            json!({"error": "access_denied", "error_description": HOSTILE}),
        )
        .fails(1, "the login was denied in the browser")
        .hides("FORGED"),
        answer("a client that nobody knows", 401, json!({"error": "invalid_client"}))
            .fails(1, "invalid_client (401)"),
        answer("an error that is the device code", 400, json!({"error": DEVICE_CODE}))
            .fails(1, "(status 400)"),
        answer(
            "a device code hidden in the words",
            400,
            json!({
                "error": "invalid_request",
                "error_description": DEVICE_CODE.replace("c0de", "c0\u{0}de"),
            }),
        )
        .fails(1, "(status 400)"),
        answer("an error of another type", 400, json!({"error": 5}))
            .fails(1, "an error (status 400)"),
        answer("an empty error", 400, json!({"error": ""})).fails(1, "an error (status 400)"),
        answered(T, "the error twice", |_| {
            Answer::text(
                400,
                "application/json",
                r#"{"error":"slow_down","error":"access_denied"}"#,
            )
        })
        .fails(1, "an error (status 400)"),
        answered(T, "nothing, and a no", |_| text(400, "")).fails(1, "an error (status 400)"),
        answered(T, "the tokens, and a no", |scene| Answer::json(400, scene.good(T)))
            .fails(1, "an error (status 400)"),
        answered(T, "404 as JSON", |_| error(404, "no such page")).fails(1, "no such page (404)"),
        answered(T, "a no of 2 MiB", |_| text(400, &" ".repeat(2 * MIB)))
            .fails(1, "more than 1 MiB (status 400)"),
    ]);
    cases
}

#[test]
fn whatever_answers_a_poll_ends_the_wait_or_does_not() {
    run(cases());
}
