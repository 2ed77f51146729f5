//! `rio auth token`.

use platform::{Answer, Call, EMAIL, PASSWORD, Platform, World};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Robot};

fn line(text: &str) -> String {
    format!("{text}\n")
}

/// Asserts that the platform accepts the token.
#[track_caller]
fn assert_live(platform: &Platform, token: &str) {
    let robot = Robot::of(platform);
    let mut config = platform.config();
    config["auth_token"] = token.into();
    robot.write_config(&config);
    robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new()).exits(0);
}

#[test]
fn token_prints_a_valid_token_and_nothing_else() {
    let platform = Platform::start();
    let (robot, stored) = Robot::logged_in(&platform);
    let outcome = robot.rio(&["auth", "token"]).stdin(&line(PASSWORD)).run().exits(0);
    let token = outcome.stdout.strip_suffix('\n').expect("a line").to_owned();
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{outcome}");
    assert_ne!(token, stored, "the token is new");
    assert_live(&platform, &token);
}

#[test]
fn level_selects_the_type_in_the_request() {
    for (options, expected) in [
        (&[][..], "type=low"),
        (&["--level", "0"][..], "type=low"),
        (&["--level", "1"][..], "type=med"),
        (&["--level", "2"][..], "type=high"),
        (&["--level=2"][..], "type=high"),
    ] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let arguments = [&["auth", "token"], options].concat();
        robot.rio(&arguments).stdin(&line(PASSWORD)).run_at(&FakeClock::new()).exits(0);
        let requests = platform.requests();
        assert_eq!(requests.len(), 1, "{options:?}");
        assert_eq!(requests[0].call, Some(Call::UserLogin), "{options:?}");
        assert_eq!(requests[0].query, expected, "{options:?}");
        assert_eq!(requests[0].json(), json!({"email": EMAIL, "password": PASSWORD}));
        assert_eq!(requests[0].header("Authorization"), None, "{options:?}");
    }
}

#[test]
fn invalid_level_is_a_usage_error() {
    for level in ["3", "-1", "", " ", "00", "01", "1.0", "low", "high", "١"] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        robot
            .rio(&["auth", "token", "--level", level])
            .stdin(&line(PASSWORD))
            .run_at(&FakeClock::new())
            .exits(2)
            .prints("")
            .says("--level");
        assert!(platform.requests().is_empty(), "{level:?}");
    }
}

#[test]
fn level_is_checked_before_the_config_file() {
    let robot = Robot::new();
    robot.write_config_text("[]");
    robot.rio(&["auth", "token", "--level", "9"]).run_at(&FakeClock::new()).exits(2);
}

#[test]
fn email_option_overrides_the_stored_email() {
    for (options, expected) in [
        (&[][..], "stored@example.com"),
        (&["--email", "given@example.com"][..], "given@example.com"),
        (&["--email=given@example.com"][..], "given@example.com"),
    ] {
        let platform = Platform::start();
        platform.answer(Call::UserLogin, Answer::json(200, json!({"data": {"token": "t0ken"}})));
        let robot = Robot::of(&platform);
        let mut config = platform.config();
        config["email_id"] = "stored@example.com".into();
        robot.write_config(&config);
        let arguments = [&["auth", "token"], options].concat();
        robot
            .rio(&arguments)
            .stdin("secret\n")
            .run_at(&FakeClock::new())
            .exits(0)
            .prints("t0ken\n")
            .says(&format!("Password for {expected}"));
        assert_eq!(platform.requests()[0].json()["email"], expected, "{options:?}");
    }
}

#[test]
fn missing_email_is_a_usage_error() {
    let platform = Platform::start();
    for email in [Value::Null, json!(""), json!("  ")] {
        let robot = Robot::of(&platform);
        let mut config = platform.config();
        config["email_id"] = email;
        robot.write_config(&config);
        robot
            .rio(&["auth", "token"])
            .stdin(&line(PASSWORD))
            .run_at(&FakeClock::new())
            .exits(2)
            .prints("")
            .says("--email");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn token_stores_nothing() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let options = ["auth", "token", "--level", "2", "--email", EMAIL];
    robot.rio(&options).stdin(&line(PASSWORD)).run().exits(0);
    assert_eq!(robot.config_bytes(), before);

    let robot = Robot::new().env("RIO_CONFIG", "none.json");
    robot.rio(&["auth", "token", "--current"]).run().exits(1);
    let left: Vec<_> = std::fs::read_dir(robot.home()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn password_is_read_from_prompt_option_or_stdin() {
    let pipe_with_return = format!("{PASSWORD}\r\n");
    let several_lines = format!("{PASSWORD}\nanother line\n");
    for (options, stdin, prompted, warned) in [
        (&["--password", PASSWORD][..], "", false, true),
        (&["--password=correct horse battery staple"][..], "", false, true),
        (&["--password", "-"][..], &*line(PASSWORD), false, false),
        (&["--password=-"][..], PASSWORD, false, false),
        (&["--password", "-"][..], &*pipe_with_return, false, false),
        (&["--password", "-"][..], &*several_lines, false, false),
        (&[][..], &*line(PASSWORD), true, false),
        (&[][..], PASSWORD, true, false),
        (&[][..], &*pipe_with_return, true, false),
    ] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let arguments = [&["auth", "token"], options].concat();
        let outcome = robot.rio(&arguments).stdin(stdin).run().exits(0);
        assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
        assert_eq!(outcome.stderr.contains("Password for"), prompted, "{outcome}");
        assert_eq!(outcome.stderr.matches("warning").count(), usize::from(warned), "{outcome}");
        assert!(!outcome.stderr.contains(PASSWORD), "{outcome}");
    }
}

#[test]
fn password_is_sent_unchanged() {
    for password in ["  spaced  ", "pä\"ss\\wörd", "tab\there", "\u{1f916}", "-", "--level"] {
        let mut world = World::default();
        world.users[0].password = password.to_owned();
        let platform = Platform::with(world);
        let (robot, _) = Robot::logged_in(&platform);
        robot.rio(&["auth", "token"]).stdin(&line(password)).run().exits(0);
        assert_eq!(platform.requests()[0].json()["password"], password);
    }
}

#[test]
fn empty_password_prompt_sends_nothing() {
    for stdin in ["", "\n"] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        robot
            .rio(&["auth", "token"])
            .stdin(stdin)
            .run()
            .exits(1)
            .prints("")
            .says("--password-file FILE")
            .says("rio auth login");
        assert!(platform.requests().is_empty());
    }
}

#[test]
fn empty_password_option_is_a_usage_error() {
    for (options, stdin) in [
        (&["--password", ""][..], ""),
        (&["--password="][..], ""),
        (&["--password", "-"][..], ""),
        (&["--password", "-"][..], "\n"),
        (&["--password"][..], ""),
    ] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let arguments = [&["auth", "token"], options].concat();
        robot.rio(&arguments).stdin(stdin).run().exits(2).prints("").says("--password");
        assert!(platform.requests().is_empty(), "{options:?}");
    }
}

#[test]
fn wrong_password_is_sent_once_and_not_shown() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    robot
        .rio(&["auth", "token"])
        .stdin("hunter2\n")
        .run()
        .exits(1)
        .prints("")
        .hides("hunter2")
        .says(EMAIL)
        // An SSO account has no password.
        .says("rio auth login");
    assert_eq!(platform.requests().len(), 1, "not sent again");
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn unreachable_server_exits_3() {
    let closed = ClosedPort::new();
    let robot = Robot::new();
    robot.write_config(&json!({"rip_host": closed.url(), "email_id": EMAIL}));
    robot
        .rio(&["auth", "token"])
        .stdin(&line(PASSWORD))
        .run_at(&FakeClock::new())
        .exits(3)
        .prints("")
        .hides(PASSWORD)
        .says(&closed.address());
}

#[test]
fn current_prints_the_stored_token_offline() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let outcome = robot.rio(&["auth", "token", "--current"]).run().exits(0);
    let outcome = outcome.prints(&format!("{token}\n"));
    assert_eq!(outcome.stderr, "", "no warning");
    assert!(platform.requests().is_empty());
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn current_needs_no_valid_host_or_proxy() {
    let closed = ClosedPort::new();
    let robot = Robot::new().env("HTTPS_PROXY", closed.url());
    robot.write_config(&json!({"auth_token": "st0red"}));
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints("st0red\n");
}

#[test]
fn current_without_a_login_exits_1() {
    for config in [Value::Null, json!({}), json!({"auth_token": ""}), json!({"auth_token": null})] {
        let robot = Robot::new();
        if !config.is_null() {
            robot.write_config(&config);
        }
        robot
            .rio(&["auth", "token", "--current"])
            .run()
            .exits(1)
            .prints("")
            .says("not logged in")
            .says("rio auth login");
    }
}

#[test]
fn malformed_token_is_not_printed() {
    for token in ["two\nlines", "two words", "", "esc\u{1b}[31m", "tökén"] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserLogin, Answer::json(200, json!({"data": {"token": token}})));
        let outcome =
            robot.rio(&["auth", "token"]).stdin(&line(PASSWORD)).run_at(&FakeClock::new());
        assert_ne!(outcome.code, Some(0), "{token:?}\n{outcome}");
        outcome.prints("");
    }
}
