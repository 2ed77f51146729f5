//! Which requests are sent again, and after which wait.

use platform::{Answer, Call, PASSWORD, Platform};
use rio::machine::random::Fraction;
use serde_json::json;

use super::{GET, MakeAnswer, POST, page, raw_ok, robot_at, unavailable};
use crate::robot::{ClosedPort, FakeClock, Robot};

#[test]
fn get_is_tried_three_times_after_transient_failure() {
    let failing: [(&str, MakeAnswer); 6] = [
        ("502", || Answer::json(502, json!({}))),
        ("502 as a page", || page(502)),
        ("503", unavailable),
        ("504", || Answer::text(504, "text/plain", "")),
        ("no answer", Answer::hang_up),
        ("half a body", || raw_ok("Content-Length: 500", r#"{"data":{"em"#)),
    ];
    for (name, failure) in failing {
        for (failures, exit, waits) in
            [(3, 3, &[500, 1000][..]), (2, 0, &[500, 1000]), (1, 0, &[500])]
        {
            println!("case: {name}, {failures} times");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            (0..failures).for_each(|_| platform.answer(Call::UserInfo, failure()));
            let clock = FakeClock::new();
            robot.rio(&GET).run_at(&clock).exits(exit);
            assert_eq!(platform.requests().len(), waits.len() + 1);
            assert_eq!(clock.sleeps_in_ms(), waits);
        }
    }
}

#[test]
fn refused_connection_is_tried_three_times() {
    let closed = ClosedPort::new();
    for (arguments, method) in
        [(&GET[..], "GET"), (&POST, "POST"), (&["auth", "refresh-token"], "POST")]
    {
        let robot = robot_at(&closed.url()).env("RIO_DEBUG", "1");
        let clock = FakeClock::new();
        let outcome = robot.rio(arguments).stdin(PASSWORD).run_at(&clock).exits(3);
        let outcome = outcome.says(&closed.address()).says("connection refused").hides(PASSWORD);
        let tries = outcome.stderr.matches(&format!("debug: {method} ")).count();
        assert_eq!(tries, 3, "{outcome}");
        assert_eq!(clock.sleeps_in_ms(), [500, 1000], "{outcome}");
    }
}

#[test]
fn jitter_doubles_retry_wait_at_most() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let clock = FakeClock::new();
    clock.set_jitter(Fraction::new(u32::MAX));
    platform.answer(Call::UserInfo, unavailable());
    platform.answer(Call::UserInfo, unavailable().header("Retry-After", "5"));
    robot.rio(&GET).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps_in_ms(), [1000, 10_000]);
}

#[test]
fn retry_wait_of_binary_has_jitter() {
    let closed = ClosedPort::new();
    let robot = robot_at(&closed.url()).env("RIO_DEBUG", "1");
    let outcome = robot.rio(&GET).run().exits(3);
    let words = outcome.stderr.lines().filter_map(|line| line.strip_prefix("rio: debug: wait "));
    let waits: Vec<f64> =
        words.map(|words| words.trim_end_matches(" s").parse().unwrap()).collect();
    assert_eq!(waits.len(), 2, "{outcome}");
    assert!((0.5..=1.0).contains(&waits[0]) && (1.0..=2.0).contains(&waits[1]), "{outcome}");
    // By chance, this fails once in twenty thousand runs.
    assert_ne!(waits, [0.5, 1.0], "{outcome}");
}

#[test]
fn get_is_tried_once_after_permanent_failure() {
    for status in [400, 401, 403, 404, 408, 429, 500, 501, 505] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, Answer::json(status, json!({"error": "no"})));
        let clock = FakeClock::new();
        let outcome = robot.rio(&GET).run_at(&clock);
        assert_ne!(outcome.code, Some(0), "{status}\n{outcome}");
        assert_eq!(platform.requests().len(), 1, "{status}\n{outcome}");
        assert_eq!(clock.sleeps_in_ms(), [0; 0], "{status}\n{outcome}");
    }
}

#[test]
fn retry_honours_retry_after_up_to_five_seconds() {
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, waits) in [
        ("0", &[500][..]),
        ("1", &[1000]),
        ("3", &[3000]),
        ("5", &[5000]),
        // Dates count from the server's clock.
        ("Tue, 24 Nov 2026 05:37:04 GMT", &[4000]),
        ("Tue, 24 Nov 2026 05:36:00 GMT", &[500]),
        ("soon", &[500]),
        ("-1", &[500]),
        ("1.5", &[500]),
        // Too long for a user at a prompt.
        ("6", &[]),
        ("120", &[]),
        ("99999999999999999999", &[500]),
        ("Tue, 24 Nov 2026 05:37:06 GMT", &[]),
        ("Fri, 31 Dec 9999 23:59:59 GMT", &[]),
    ] {
        println!("case: {retry_after}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let answer = unavailable().header("Retry-After", retry_after).header("Date", date);
        platform.answer(Call::UserInfo, answer);
        let clock = FakeClock::in_1970();
        let outcome = robot.rio(&GET).run_at(&clock);
        assert_eq!(clock.sleeps_in_ms(), waits, "{outcome}");
        outcome.exits(if waits.is_empty() { 3 } else { 0 });
        assert_eq!(platform.requests().len(), waits.len() + 1);
    }
}

#[test]
fn post_that_may_have_arrived_is_sent_once() {
    for (name, answer, exit) in [
        ("no answer", Answer::hang_up(), 3),
        ("half an answer", Answer::raw("HTTP/1.1 200 OK\r\nContent-Le"), 3),
        ("408", Answer::json(408, json!({})), 3),
        ("429", Answer::json(429, json!({})), 3),
        ("500", Answer::json(500, json!({})), 3),
        ("502", Answer::json(502, json!({})), 3),
        ("503", unavailable(), 3),
        ("503 with Retry-After", unavailable().header("Retry-After", "1"), 3),
        ("504", Answer::json(504, json!({})), 3),
        ("a page", page(200), 3),
        ("400", Answer::json(400, json!({})), 1),
        ("401", Answer::json(401, json!({})), 1),
        ("403", Answer::json(403, json!({})), 1),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserLogin, answer);
        let clock = FakeClock::new();
        let outcome = robot.rio(&POST).stdin(PASSWORD).run_at(&clock).exits(exit);
        outcome.prints("").hides(PASSWORD);
        assert_eq!(platform.requests().len(), 1);
        assert_eq!(clock.sleeps_in_ms(), [0; 0]);
    }
}

#[test]
fn every_post_is_sent_once() {
    for (call, arguments, exit) in [
        (Call::RefreshToken, &["auth", "refresh-token"][..], 3),
        (Call::UserLogout, &["auth", "logout"], 0),
        (Call::DeviceAuthorization, &["auth", "login", "--yes"], 3),
    ] {
        for answer in [Answer::hang_up(), unavailable()] {
            println!("case: {call:?}");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            platform.answer(call, answer);
            robot.rio(arguments).run_at(&FakeClock::new()).exits(exit);
            assert_eq!(platform.calls(call).len(), 1);
        }
    }
}
