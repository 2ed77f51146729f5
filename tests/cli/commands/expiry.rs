//! When a token expires: whether a refresh is due, `--min-valid`, and the warnings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::{Answer, Call, EMAIL, PASSWORD, Platform, jwt};
use rio::machine::clock::Clock;
use serde_json::{Value, json};

use super::concurrent_refresh::{MIN_VALID, REFRESH, lock_path, rotating, stored_token};
use crate::robot::{FakeClock, Robot};

pub const HOUR: u64 = 60 * 60;
pub const DAY: u64 = 24 * HOUR;
/// 2027-01-15 08:00:00 UTC.
pub const NOW: u64 = 1_800_000_000;

pub fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

fn jwt_of(issued: u64, expires: u64) -> String {
    jwt(json!({"alg": "RS256"}), json!({"iat": issued, "exp": expires}))
}

/// Whether `--if-expires-within` refreshes this token at this time.
fn is_due(token: &str, record: Value, within: &str, now: u64) -> bool {
    let platform = Platform::start();
    platform.answer(Call::RefreshToken, Answer::json(200, json!({"data": {"token": "new"}})));
    let robot = Robot::of(&platform);
    robot.set_config(json!({"auth_token": token, "email_id": EMAIL}));
    if !record.is_null() {
        robot.set_config(json!({"auth_token_record": record}));
    }
    let before = robot.config_bytes();
    let arguments = ["auth", "refresh-token", "--silent", "--json", "--if-expires-within", within];
    let outcome = robot.rio(&arguments).run_at(&FakeClock::at(at(now))).exits(0);
    let refreshed = outcome.json()["refreshed"].as_bool().unwrap();
    assert_eq!(platform.requests().len(), usize::from(refreshed), "{outcome}");
    assert_eq!(robot.config_bytes() == before, !refreshed, "{outcome}");
    if !refreshed {
        // Uses up the answer.
        robot.rio(&REFRESH).run_at(&FakeClock::at(at(now))).exits(0);
    }
    refreshed
}

#[test]
fn jwt_is_due_shortly_before_it_expires() {
    let week = jwt_of(NOW, NOW + 7 * DAY);
    let day = jwt_of(NOW, NOW + DAY);
    let unknown_start = jwt(json!({"alg": "RS256"}), json!({"exp": NOW + 7 * DAY}));
    for (token, within, now, due) in [
        (&week, "2d", NOW, false),
        (&week, "2d", NOW + 5 * DAY - 1, false),
        (&week, "2d", NOW + 5 * DAY, true),
        (&week, "1h 30m", NOW + 7 * DAY - 91 * 60, false),
        (&week, "1h 30m", NOW + 7 * DAY - 90 * 60, true),
        // Expired.
        (&week, "2d", NOW + 9 * DAY, true),
        // Never before a third of the lifetime.
        (&day, "2d", NOW + 8 * HOUR - 1, false),
        (&day, "2d", NOW + 8 * HOUR, true),
        // The clock is wrong: 1970, or before the token was issued.
        (&week, "2d", 100, true),
        (&week, "2d", NOW - 6 * 60, true),
        (&week, "2d", NOW - 4 * 60, false),
        (&unknown_start, "2d", NOW + 5 * DAY - 1, false),
        (&unknown_start, "2d", NOW + 5 * DAY, true),
    ] {
        assert_eq!(is_due(token, Value::Null, within, now), due, "{within} at {now}");
    }
}

/// The record that `rio` writes with this token at `NOW`.
fn record(password: bool) -> (String, Value) {
    let platform = Platform::start();
    platform.opaque_tokens();
    let (robot, token) = Robot::logged_in(&platform);
    let arguments: &[&str] = match password {
        true => &["auth", "login", "--silent", "--email", EMAIL, "--password", "-"],
        false => &["auth", "login", "--silent", "--auth-token", "-"],
    };
    let stdin = if password { PASSWORD } else { &token };
    robot.rio(arguments).stdin(stdin).run_at(&FakeClock::at(at(NOW))).exits(0).hides("expire");
    robot.rio(&["auth", "status"]).run_at(&FakeClock::at(at(NOW))).exits(0).hides("7 days");
    let config = robot.config();
    robot.rio(&["auth", "logout"]).run_at(&FakeClock::at(at(NOW))).exits(0);
    assert_eq!(robot.config()["auth_token_record"], Value::Null);
    (config["auth_token"].as_str().unwrap().to_owned(), config["auth_token_record"].clone())
}

#[test]
fn opaque_token_is_judged_by_its_record() {
    let (by_password, week) = record(true);
    let (given, day) = record(false);
    for (token, record, within, now, due) in [
        (&by_password, &week, "2d", NOW, false),
        (&by_password, &week, "2d", NOW + 5 * DAY - 1, false),
        (&by_password, &week, "2d", NOW + 5 * DAY, true),
        (&by_password, &week, "2d", NOW + 9 * DAY, true),
        (&by_password, &week, "2d", 100, true),
        (&by_password, &week, "2d", NOW - HOUR, true),
        (&given, &day, "1h", NOW + 23 * HOUR - 1, false),
        (&given, &day, "1h", NOW + 23 * HOUR, true),
        (&given, &day, "4d", NOW + 8 * HOUR - 1, false),
        (&given, &day, "4d", NOW + 8 * HOUR, true),
        // A record counts only for its own token.
        (&given, &week, "1h", NOW, true),
        (&given, &Value::Null, "1h", NOW, true),
        (&given, &json!("no record"), "1h", NOW, true),
    ] {
        assert_eq!(is_due(token, record.clone(), within, now), due, "{record} {within} at {now}");
    }
}

#[test]
fn refreshed_opaque_token_is_not_due_again() {
    let platform = rotating();
    platform.opaque_tokens();
    let (robot, _) = Robot::logged_in(&platform);
    for _ in 0..3 {
        robot.rio(&MIN_VALID).run().exits(0).prints(&format!("{}\n", stored_token(&robot)));
    }
    let arguments = [&REFRESH[..], &["--if-expires-within", "4d"]].concat();
    robot.rio(&arguments).run().exits(0).prints("").hides("expire");
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn refresh_that_is_not_due_says_when_the_token_expires() {
    let robot = Robot::new();
    let token = jwt_of(NOW, NOW + 7 * DAY);
    robot.write_config(&json!({"auth_token": token}));
    let arguments = [&REFRESH[..], &["--if-expires-within", "2d"]].concat();
    let clock = FakeClock::at(at(NOW));
    robot.rio(&arguments).run_at(&clock).exits(0).prints("").says("expires in 7 days");
    let outcome = robot.rio(&[&arguments[..], &["--json"]].concat()).run_at(&clock).exits(0);
    assert_eq!(
        outcome.json(),
        json!({"refreshed": false, "token": {
            "kind": "jwt",
            "expires_at": "2027-01-22T08:00:00Z",
            "expires_at_unix": NOW + 7 * DAY,
            "expired": false,
        }})
    );
}

#[test]
fn shorter_lifetime_is_a_warning() {
    for (lifetime, warns) in [(7 * DAY, false), (DAY, true)] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.token_lifetime(lifetime);
        let outcome = robot.rio(&REFRESH).run_at(&FakeClock::new()).exits(0);
        assert_eq!(outcome.stderr.contains("warning"), warns, "{outcome}");
    }
}

#[test]
fn min_valid_sends_nothing_for_a_valid_token() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let clock = FakeClock::new();
    let outcome = robot.rio(&MIN_VALID).run_at(&clock).exits(0).prints(&format!("{token}\n"));
    assert_eq!(outcome.stderr, "");
    assert!(platform.requests().is_empty());
    assert_eq!(robot.config_bytes(), before);
    assert!(!lock_path(&robot).exists());
}

#[test]
fn min_valid_warns_about_a_token_that_is_valid_for_less() {
    let platform = rotating();
    let (robot, old) = Robot::logged_in(&platform);
    let arguments = ["auth", "token", "--current", "--min-valid", "30d"];
    let clock = FakeClock::new();
    // Not due before a third of its lifetime.
    robot.rio(&arguments).run_at(&clock).exits(0).prints(&format!("{old}\n")).says("warning");
    let later = FakeClock::at(clock.utc() + Duration::from_secs(3 * DAY));
    let outcome = robot.rio(&arguments).run_at(&later).exits(0).says("warning");
    assert_eq!(outcome.stdout, format!("{}\n", stored_token(&robot)));
    assert_ne!(stored_token(&robot), old);
}

#[test]
fn failed_min_valid_prints_nothing_and_never_prompts() {
    for (answer, exit) in [
        (Answer::json(401, json!({"error": "no"})), 1),
        (Answer::json(503, json!({})), 3),
        (Answer::hang_up(), 3),
        (Answer::json(404, json!({})), 1),
    ] {
        let platform = Platform::start();
        platform.opaque_tokens();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::RefreshToken, answer);
        let run = robot.rio(&MIN_VALID).stdin(&format!("{PASSWORD}\n")).run();
        run.exits(exit).prints("").hides("Password");
        assert!(platform.calls(Call::UserLogin).is_empty());
    }
}

#[test]
fn current_warns_if_the_token_has_expired() {
    let robot = Robot::new();
    for (expires, warns) in [(NOW - 1, true), (NOW + 60, false)] {
        let token = jwt_of(NOW - DAY, expires);
        robot.write_config(&json!({"auth_token": token}));
        let run = robot.rio(&MIN_VALID[..3]).run_at(&FakeClock::at(at(NOW)));
        let outcome = run.exits(0).prints(&format!("{token}\n"));
        assert_eq!(outcome.stderr.contains("warning: the token expired"), warns, "{outcome}");
    }
}

#[test]
fn duration_without_unit_is_a_usage_error() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for value in ["10", "", "soon", "-1h", "1w", "1.5h"] {
        let clock = FakeClock::new();
        let within = format!("--if-expires-within={value}");
        robot.rio(&["auth", "refresh-token", &within]).run_at(&clock).exits(2).says("such as 2d");
        let min_valid = format!("--min-valid={value}");
        let arguments = ["auth", "token", "--current", &min_valid];
        robot.rio(&arguments).run_at(&clock).exits(2).prints("").says("--min-valid");
    }
    let arguments = ["auth", "token", "--min-valid", "10m"];
    robot.rio(&arguments).run_at(&FakeClock::new()).exits(2).says("--current");
    assert!(platform.requests().is_empty());
}
