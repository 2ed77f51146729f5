//! `POST /oauth2/token` while the user has not approved yet.

use super::*;

pub fn cases() -> Vec<Case> {
    use Call::Token as T;
    let pending = || error(400, "authorization_pending");
    let mut cases = Vec::new();
    // The error member decides, whatever the status.
    for status in [200, 400, 401, 403, 428, 500, 503] {
        let case = |code: &str| {
            let body = json!({"error": code, "error_description": CONTROL_CHARS});
            with_response(T, &format!("{code} with {status}"), status, body).hides("FORGED")
        };
        cases.extend([
            case("authorization_pending").then_ok().hides("retrying"),
            case("slow_down").then_ok().waits(&[POLL, 10_050]),
            case("access_denied")
                .fails(1, "the login was denied (access_denied)")
                .says("rio auth login")
                .hides(CAPTIVE_PORTAL),
        ]);
    }
    cases.push(
        case(T, "pending as text/html", |_| {
            Answer::text(400, "text/html", r#"{"error":"authorization_pending"}"#)
        })
        .then_ok()
        .hides("retrying"),
    );
    for (name, interval, wait) in [
        ("30", json!(30), 30_050),
        ("in quotes", json!("30"), 30_050),
        ("-1", json!(-1), 10_050),
        ("1.5", json!(1.5), 10_050),
        ("1e400", raw_json("1e400"), 10_050),
        ("array", json!([30]), 10_050),
    ] {
        let body = json!({"error": "slow_down", "interval": interval});
        let case = with_response(T, &format!("slow_down with interval {name}"), 400, body);
        cases.push(case.then(move |_| pending()).then_ok().waits(&[POLL, wait, wait]));
    }
    // Transient failures do not end the login.
    let transient: [(&str, MakeAnswer, &str); 18] = [
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
        ("429", Box::new(|_| error(429, "slowly")), "an error (status 429)"),
        ("not HTTP", Box::new(|_| Answer::raw("SSH-2.0-OpenSSH_9.6\r\n")), NOT_HTTP),
        ("truncated status line", Box::new(|_| Answer::raw("HTTP/1.")), CLOSED),
        ("truncated header", Box::new(|_| Answer::raw("HTTP/1.1 200 OK\r\nDate: ")), CLOSED),
        (
            "truncated error body",
            Box::new(|_| Answer::raw("HTTP/1.1 400 Bad\r\nContent-Length: 90\r\n\r\n{\"error\"")),
            "an incomplete response (status 400)",
        ),
        (
            "truncated body with 404",
            Box::new(|_| Answer::raw("HTTP/1.1 404 No\r\nContent-Length: 90\r\n\r\n{\"error\"")),
            "an incomplete response (status 404)",
        ),
        ("server_error", Box::new(|_| error(400, "server_error")), "an error (status 400)"),
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
    let transient =
        transient.into_iter().map(|(name, answer, says)| case(T, name, answer).says(says));
    // From a captive portal, a firewall or a proxy.
    let pages = [200, 401, 403, 404, 502, 511].map(|status| {
        let says = format!("a web page (status {status})");
        case(T, &format!("web page with {status}"), move |_| web_page(status)).says(&says)
    });
    let redirects = [301, 302, 303, 307, 308].map(|status| {
        let redirect = move |_: &Fixture| text(status, "").header("Location", "/portal");
        case(T, &format!("redirect with {status}"), redirect).says(REDIRECT)
    });
    for case in transient.chain(pages).chain(redirects) {
        let case = case.then_ok().says("; retrying.").says("Logged in as").hides("Hotel");
        cases.push(case.waits(&[POLL, BACKOFF]));
    }
    // The code is valid for 600 s. A longer wait ends one interval before the code expires.
    let until_expiry = 600_000 - POLL + 50 - 5000;
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, wait) in [
        (" 30 ", 30_050),
        ("1e400", BACKOFF),
        ("", BACKOFF),
        ("soon", BACKOFF),
        ("1", BACKOFF),
        ("18446744073709551616", BACKOFF),
        ("Tue, 24 Nov 2026 05:37:20 GMT", 20_050),
        ("Tue, 24 Nov 2026 05:36:00 GMT", BACKOFF),
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
        case(T, "429 with Retry-After", |_| error(429, "slowly").header("Retry-After", "30"))
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
        case(T, "expired_token", |_| error(400, "expired_token"))
            .fails(1, "the code expired")
            .says("rio auth login")
            .hides(CAPTIVE_PORTAL),
        case(T, "invalid_grant", |_| error(400, "invalid_grant"))
            .fails(1, "expired, was already used, or is unknown")
            .says("rio auth login")
            .hides("An earlier response was lost"),
        case(T, "invalid_grant after 500", |_| text(500, "oh no"))
            .then(|_| error(400, "invalid_grant"))
            .fails(1, "was already used")
            .says("An earlier response was lost. If you approved the login, that does not count.")
            .says("rio auth login")
            .waits(&[POLL, BACKOFF]),
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
        with_response(T, "unknown error with 200", 200, json!({"error": "on_fire"}))
            .fails(1, "on_fire (200)"),
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
