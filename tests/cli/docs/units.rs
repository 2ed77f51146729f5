//! The systemd units in `src/dist/systemd`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use platform::{Answer, Call, Platform};
use rio::machine::clock::Clock;
use serde_json::json;

use crate::robot::skip::installed;
use crate::robot::{FakeClock, Outcome, Robot, binary};

const SERVICE: &str = include_str!("../../../src/dist/systemd/rio-refresh.service");
const LOGIN: &str = include_str!("../../../src/dist/systemd/rio-login.service");
const TIMER: &str = include_str!("../../../src/dist/systemd/rio-refresh.timer");

/// The value of a setting.
fn setting(unit: &'static str, key: &str) -> &'static str {
    unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap()
}

/// The options of the refresh in the service.
fn options() -> &'static str {
    setting(SERVICE, "Environment=\"OPTIONS").strip_suffix('"').unwrap()
}

/// The arguments of the refresh in the service.
pub fn arguments() -> Vec<&'static str> {
    let (_, refresh) = setting(SERVICE, "ExecStart").split_once(" || rio ").unwrap();
    let refresh = refresh.strip_suffix("$$OPTIONS'").unwrap();
    refresh.split_whitespace().chain(options().split(' ')).collect()
}

/// A time of the timer, in seconds.
pub fn timer(key: &str) -> u64 {
    let value = setting(TIMER, key);
    60 * value.strip_suffix("min").expect("minutes").parse::<u64>().unwrap()
}

#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = installed("systemd-analyze") else { return };
    let directory = tempfile::tempdir().unwrap();
    let units = [
        ("rio-refresh.service", SERVICE),
        ("rio-refresh.timer", TIMER),
        ("rio-login.service", LOGIN),
    ];
    let mut command = Command::new(analyze);
    // The man page that they name is not installed here.
    command.args(["verify", "--man=no"]);
    for (name, text) in units {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // The machine's own units may cause warnings.
    assert!(output.status.success() && !stderr.contains("rio-"), "{stderr}");
}

#[test]
fn service_refreshes_token_that_expires_within_five_days() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let start = FakeClock::new();
    for (days, refreshes) in [(2, 0), (3, 1)] {
        let clock = FakeClock::at(start.utc() + Duration::from_secs(days * 24 * 60 * 60));
        robot.rio(&arguments()).run_at(&clock).exits(0);
        assert_eq!(platform.calls(Call::RefreshToken).len(), refreshes);
    }
}

/// Runs a command of the service that is written as `sh -c '...'`.
fn run_shell(robot: &Robot, command: &str) -> Outcome {
    let script = command.strip_prefix("sh -c '").unwrap().strip_suffix('\'').unwrap();
    let script = script.replace("$$", "$");
    let mut command = robot.command(Path::new("/bin/sh"));
    command.env("OPTIONS", options());
    command.args(["-c", &format!("rio() {{ {} \"$@\"; }}; {script}", binary().display())]);
    let output = command.output().unwrap();
    Outcome::of(&command, output)
}

#[test]
fn service_does_nothing_only_while_no_token_is_stored() {
    let platform = Platform::start();
    platform.token_lifetime(0);
    let (robot, _) = Robot::logged_in(&platform);
    let new = platform.issue_token();
    platform.answer(Call::RefreshToken, Answer::json(200, json!({"data": {"token": new}})));
    let service = || run_shell(&robot, setting(SERVICE, "ExecStart"));
    robot.rio(&["auth", "status"]).run().exits(1);
    service().exits(0).says("Token refreshed");
    let requests = platform.requests().len();
    robot.set_config(json!({"auth_token": null}));
    let outcome = service().exits(0).prints("");
    assert_eq!(outcome.stderr, "");
    // The log of a service that fails says why.
    fs::write(robot.config_path(), "[]").unwrap();
    service().exits(1).says("config file");
    assert_eq!(platform.requests().len(), requests);
}

#[test]
fn check_that_is_not_due_has_a_lower_priority_in_the_journal() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let path = robot.home().join("log");
    let log = File::create(&path).unwrap();
    let metadata = log.metadata().unwrap();
    let stream = format!("{}:{}", metadata.dev(), metadata.ino());
    for (stream, starts_with) in [(&*stream, "<6>The token does"), ("1:1", "The token does")] {
        log.set_len(0).unwrap();
        let mut command = robot.rio(&arguments()).command();
        let append = File::options().append(true).open(&path).unwrap();
        command.env("JOURNAL_STREAM", stream).stderr(append);
        assert!(command.status().unwrap().success());
        let logged = fs::read_to_string(&path).unwrap();
        assert!(logged.starts_with(starts_with), "{logged}");
    }
}
