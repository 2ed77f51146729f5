//! A wrong wall clock: commands report it where it matters, and no wait depends on it.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::{Answer, Authority, Call, EMAIL, PASSWORD, Platform};
use serde_json::json;

use crate::network::tls::trusting;
use crate::robot::skip::skip;
use crate::robot::{FakeClock, Outcome, Robot, binary, is_static};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const LOGIN: [&str; 4] = ["auth", "login", "--yes", "--no-browser"];
const BY_PASSWORD: [&str; 7] = ["auth", "login", "--yes", "--email", EMAIL, "--password", "-"];
const TOKEN: [&str; 4] = ["auth", "token", "--password", "-"];
const REFRESH: [&str; 2] = ["auth", "refresh-token"];
const LOGOUT: [&str; 2] = ["auth", "logout"];
const STATUS: [&str; 2] = ["auth", "status"];
const VERIFY: [&str; 3] = ["auth", "status", "--verify"];

#[expect(clippy::disallowed_methods, reason = "the platform issues tokens at the real time")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn in_ten_years() -> SystemTime {
    now() + 3652 * DAY
}

/// The year, as messages show it.
fn year(time: SystemTime) -> String {
    rio::text::date_and_time(rio::text::unix_seconds(time))[.."2036-".len()].to_owned()
}

/// Runs a command at this wall clock, on a robot that is logged in. The platform's clock is right.
fn run(arguments: &[&str], utc: SystemTime) -> (Robot, Vec<u8>, Outcome) {
    let platform = Platform::start();
    platform.allow_early_polls();
    platform.approve_after(1);
    platform.date(Some(httpdate::fmt_http_date(now())));
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let stdin = if arguments.contains(&"-") { PASSWORD } else { "" };
    let outcome = robot.rio(arguments).stdin(stdin).run_at(&FakeClock::at(utc));
    (robot, before, outcome)
}

#[track_caller]
fn shows(outcome: &Outcome, text: &str) {
    assert!(outcome.stdout.contains(text), "wanted on standard output: {text}\n{outcome}");
}

// A clock in 1970, as on a robot without a battery.

#[test]
fn clock_in_1970_is_reported_and_the_token_counts_as_valid() {
    const SAID: &str =
        "this machine's clock reads 1970-01-01 00:01:40 UTC, which is wrong\n  Set the clock.\n";
    let utc = UNIX_EPOCH + Duration::from_secs(100);
    run(&STATUS, utc).2.exits(0).says(SAID);
    let (_, _, outcome) = run(&VERIFY, utc);
    shows(&outcome, " behind the server's");
    outcome.exits(0).says(SAID);
    // Also without a login, and with --json.
    let clock = FakeClock::at(utc);
    Robot::new().rio(&STATUS).run_at(&clock).exits(1).says(SAID);
    let outcome = Robot::new().rio(&["auth", "status", "--json"]).run_at(&clock).exits(1);
    assert_eq!(outcome.says(SAID).json()["logged_in"], false);
}

#[test]
fn clock_before_1970_reads_1970() {
    let outcome = run(&STATUS, UNIX_EPOCH - 400 * DAY).2.exits(0);
    outcome.says("clock reads 1970-01-01 00:00:00 UTC, which is wrong");
}

#[test]
fn only_an_impossible_clock_is_reported() {
    let earliest = UNIX_EPOCH + Duration::from_secs(rio::machine::clock::EARLIEST);
    for (utc, warned) in [
        (earliest - DAY, true),
        (earliest - Duration::from_secs(1), true),
        (earliest, false),
        (now(), false),
        (in_ten_years(), false),
    ] {
        let (_, _, outcome) = run(&STATUS, utc);
        assert_eq!(outcome.stderr.contains("which is wrong"), warned, "{outcome}");
    }
}

#[test]
fn clock_in_1970_does_not_stop_commands() {
    let utc = UNIX_EPOCH + Duration::from_secs(100);
    for arguments in [&LOGIN[..], &BY_PASSWORD, &TOKEN, &REFRESH, &LOGOUT] {
        run(arguments, utc).2.exits(0);
    }
}

// A clock that is ahead.

#[test]
fn clock_ahead_is_shown_with_the_expired_token() {
    let (_, _, outcome) = run(&STATUS, in_ten_years());
    shows(&outcome, "has expired");
    shows(&outcome, &format!("reads {}", year(in_ten_years())));
    shows(&outcome, "set it if that is wrong");
    outcome.exits(1);
    // A valid token gives no reason to doubt the clock.
    let (_, _, outcome) = run(&STATUS, now());
    assert!(!outcome.stdout.contains("Clock"), "{outcome}");
}

#[test]
fn verify_shows_how_far_the_clock_is_ahead() {
    let (_, _, outcome) = run(&VERIFY, in_ten_years());
    shows(&outcome, "accepts the token");
    shows(&outcome, " ahead of the server's");
    assert!(!outcome.stdout.contains("has expired"), "{outcome}");
    outcome.exits(0);
}

#[test]
fn clock_ahead_fails_the_device_login_and_changes_nothing() {
    let (robot, before, outcome) = run(&LOGIN, in_ten_years());
    let outcome = outcome.exits(1).says("the id_token expired at").says("If it is wrong, set it");
    outcome.says(&format!("This machine's clock reads {}", year(in_ten_years())));
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn clock_ahead_does_not_stop_other_commands() {
    for arguments in [&BY_PASSWORD[..], &TOKEN, &REFRESH, &LOGOUT] {
        run(arguments, in_ten_years()).2.exits(0);
    }
}

// A clock that is set while rio waits.

/// What the wall clock is set to during each wait.
fn steps() -> Vec<SystemTime> {
    let (right, epoch) = (now(), UNIX_EPOCH);
    vec![epoch, in_ten_years(), right - DAY, epoch - 400 * DAY, right + DAY, right]
}

/// A clock that is set during each wait, and is right in the end.
fn stepped() -> Rc<FakeClock> {
    let clock = FakeClock::in_1970();
    clock.on_sleep(|clock, wait| {
        let steps = steps();
        clock.set_utc(*steps.get(wait - 1).unwrap_or(&steps[steps.len() - 1]));
    });
    clock
}

#[test]
fn setting_the_clock_does_not_change_the_interval() {
    let platform = Platform::start();
    platform.allow_early_polls();
    platform.approve_after(8);
    platform.answer(Call::Token, Answer::json(400, json!({"error": "slow_down"})));
    let (robot, clock) = (Robot::of(&platform), stepped());
    robot.rio(&LOGIN).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps(), [&[5][..], &[10; 9]].concat());
}

#[test]
fn setting_the_clock_does_not_change_the_back_off() {
    let platform = Platform::start();
    platform.allow_early_polls();
    platform.approve_after(1);
    // Half a response, because a poll without one is sent again.
    (0..4).for_each(|_| platform.answer(Call::Token, Answer::raw("HTTP/1.1 4")));
    let (robot, clock) = (Robot::of(&platform), stepped());
    robot.rio(&LOGIN).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps(), [5, 10, 20, 30, 30, 5]);
}

#[test]
fn setting_the_clock_does_not_change_the_deadline() {
    let waits = |clock: Rc<FakeClock>| {
        let platform = Platform::start();
        platform.allow_early_polls();
        platform.expires_in(42);
        let robot = Robot::of(&platform);
        robot.rio(&LOGIN).run_at(&clock).exits(1).says("the code expired before");
        clock.sleeps_in_ms()
    };
    let undisturbed = waits(FakeClock::new());
    assert_eq!(undisturbed.iter().sum::<u128>(), 9 * 5050);
    assert_eq!(waits(stepped()), undisturbed);
}

#[test]
fn clock_corrected_while_waiting_lets_the_login_succeed() {
    for wrong in [UNIX_EPOCH, in_ten_years()] {
        let platform = Platform::start();
        platform.allow_early_polls();
        platform.approve_after(1);
        let (robot, clock) = (Robot::of(&platform), FakeClock::at(wrong));
        clock.on_sleep(|clock, _| clock.set_utc(now()));
        robot.rio(&LOGIN).run_at(&clock).exits(0);
        assert_eq!(clock.sleeps(), [5, 5]);
    }
}

#[test]
fn setting_the_clock_does_not_change_the_retry_pause() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    (0..2).for_each(|_| platform.answer(Call::UserInfo, Answer::hang_up()));
    let clock = stepped();
    robot.rio(&VERIFY).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps_in_ms(), [500, 1000]);
}

// rustls reads the real clock, so these tests fake it.

const FAKETIME: &str = "/usr/bin/faketime";

/// Whether the binary can run with a fake clock.
fn faketime_works() -> bool {
    if !Path::new(FAKETIME).exists() {
        skip("needs faketime (Debian: apt install faketime)");
        return false;
    }
    if is_static(&binary()) {
        skip("needs a dynamically linked rio: faketime replaces library functions");
        return false;
    }
    true
}

/// The real binary, with a wall clock that starts in this year and the real monotonic clock.
fn run_in(year: &str, robot: &Robot, arguments: &[&str]) -> Outcome {
    let stdin = if arguments.contains(&"-") { PASSWORD } else { "" };
    let rio = robot.rio(arguments).stdin(stdin);
    let plain = rio.command();
    let mut command = robot.command(FAKETIME);
    command.args(["-f", &format!("@{year}-06-01 12:00:00")]).arg(plain.get_program());
    command.args(plain.get_args());
    command.env("TZ", "UTC").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    rio.run_command(command)
}

#[test]
fn tls_error_shows_the_clock_and_how_to_fix_it() {
    if !faketime_works() {
        return;
    }
    let in_ten_years = year(in_ten_years());
    let in_ten_years = in_ten_years.trim_end_matches('-');
    for (year, what) in [("1970", "is not valid yet"), (in_ten_years, "has expired")] {
        let authority = Authority::new();
        let platform = Platform::start_tls(&authority.certify(&["127.0.0.1"]));
        let (robot, token) = Robot::logged_in(&platform);
        let robot = trusting(robot, &authority);
        let before = robot.config_bytes();
        let clock = format!("by this machine's clock ({year}-06-01 12:");
        for arguments in [&VERIFY[..], &LOGIN, &BY_PASSWORD, &TOKEN, &REFRESH] {
            println!("case: {year}, {arguments:?}");
            let outcome = run_in(year, &robot, arguments).exits(3).hides(PASSWORD).hides(&token);
            outcome.says(what).says(&clock).says("Set the clock");
            assert_eq!(robot.config_bytes(), before);
        }
        // status needs no server: it works, and reports the clock.
        let outcome = run_in(year, &robot, &STATUS).exits(if year == "1970" { 0 } else { 1 });
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(&format!("reads {year}-06-01 12:")), "{outcome}");
        assert!(said.to_lowercase().contains("set "), "{outcome}");
        // logout removes the login anyway.
        let outcome = run_in(year, &robot, &LOGOUT).exits(0).says("could not revoke the token");
        outcome.says("could not revoke the token").says(what).says(&clock);
        assert_eq!(robot.config()["auth_token"], json!(null));
        assert!(platform.requests().is_empty(), "nothing was sent");
    }
}

#[test]
fn wrong_clock_within_the_certificate_validity_works() {
    if !faketime_works() {
        return;
    }
    // The control of the test above: the clock fails it, not faketime.
    let authority = Authority::new();
    let platform = Platform::start_tls(
        &authority.certify_for(&["127.0.0.1"], UNIX_EPOCH + 100 * DAY..UNIX_EPOCH + 300 * DAY),
    );
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority);
    run_in("1970", &robot, &VERIFY).exits(0).says("clock reads 1970-06-01 12:");
}
