//! What `rio` says at a terminal while it waits for a server or another process.

use std::fs::File;
use std::thread;
use std::time::Duration;

use platform::{Call, Platform};

use crate::robot::Robot;
use crate::robot::terminal::{Terminal, at_terminal};

const VERIFY: [&str; 3] = ["auth", "status", "--verify"];
/// Longer than the second after which a wait is mentioned.
const LONG: Duration = Duration::from_millis(1300);

#[expect(clippy::disallowed_methods, reason = "sockets and processes use real time")]
fn let_time_pass() {
    thread::sleep(LONG);
}

#[test]
fn slow_request_is_named_until_the_response_arrives() {
    for (term, is_removed) in [("xterm", true), ("dumb", false)] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let robot = at_terminal(robot).env("TERM", term);
        platform.hold(Call::UserInfo);
        let mut terminal = Terminal::start(robot.rio(&VERIFY).command());
        let line = format!("Waiting for {}...", platform.host());
        terminal.waits_for(&line);
        platform.release();
        assert_eq!(terminal.ends(), 0);
        let removed = format!("{line}\r{:width$}\r", "", width = line.len());
        assert_eq!(terminal.text().contains(&removed), is_removed, "{}", terminal.text());
        assert_eq!(terminal.text().matches("Waiting").count(), 1, "{}", terminal.text());
    }
}

#[test]
fn lock_of_another_refresh_is_named() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    robot.rio(&["auth", "refresh-token"]).run().exits(0);
    let lock = robot.config_path().with_file_name(".config.json.refresh.lock");
    let lock = File::open(lock).unwrap();
    lock.lock().unwrap();
    let mut terminal = Terminal::start(robot.rio(&["auth", "refresh-token"]).command());
    terminal.waits_for("Waiting for another rio that refreshes the token...");
    lock.unlock().unwrap();
    terminal.waits_for("\r ");
    terminal.waits_for("Token refreshed");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn wait_is_not_mentioned_with_json_in_a_pipe_or_beside_the_status_line() {
    let platform = Platform::start();
    platform.interval(1);
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    thread::scope(|scope| {
        platform.hold(Call::UserInfo);
        scope.spawn(|| {
            let_time_pass();
            platform.release();
        });
        let outcome = robot.rio(&VERIFY).run().exits(0);
        assert!(!outcome.stderr.contains("Waiting"), "{outcome}");
    });

    platform.hold(Call::UserInfo);
    let mut terminal = Terminal::start(robot.rio(&[&VERIFY[..], &["--json"]].concat()).command());
    let_time_pass();
    platform.release();
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.text().contains("Waiting"), "{}", terminal.text());

    platform.hold(Call::Token);
    let login = ["auth", "login", "--yes", "--no-browser"];
    let mut terminal = Terminal::start(robot.rio(&login).command());
    terminal.waits_for("Waiting for approval");
    let_time_pass();
    let_time_pass();
    platform.approve();
    platform.release();
    terminal.waits_for("Logged in");
    // The requests before and after the polls may be slow, too.
    let shown = terminal.text();
    let (_, polling) = shown.split_once("Waiting for approval").unwrap();
    let (polling, _) = polling.split_once("Logged in").unwrap();
    assert!(!polling.contains(&format!("Waiting for {}", platform.host())), "{shown}");
}
