//! `rio auth token`: one line on standard output, and nothing changed anywhere.

use std::fs::OpenOptions;
use std::process::Stdio;

use platform::{Answer, Call, EMAIL, PASSWORD, Platform, World};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Robot};
use crate::skip::skip;

/// One line, as a person or a script gives it.
fn line(text: &str) -> String {
    format!("{text}\n")
}

/// The token that the platform gave out last, as its own server accepts it.
#[track_caller]
fn assert_live(platform: &Platform, token: &str) {
    let robot = Robot::of(platform);
    let mut config = platform.config();
    config["auth_token"] = token.into();
    robot.write_config(&config);
    robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new()).exits(0);
}

#[test]
fn prints_a_working_token_and_nothing_else() {
    let platform = Platform::start();
    let (robot, stored) = Robot::logged_in(&platform);
    let outcome = robot.rio(&["auth", "token"]).stdin(&line(PASSWORD)).run().exits(0);
    let token = outcome.stdout.strip_suffix('\n').expect("a line").to_owned();
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{outcome}");
    assert_ne!(token, stored, "a new token was asked for");
    assert_live(&platform, &token);
}

#[test]
fn each_level_asks_for_its_own_type() {
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
        assert_eq!(requests[0].header("Authorization"), None, "a password is enough");
    }
}

#[test]
fn any_other_level_is_a_usage_error_before_anything_is_sent() {
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
fn a_wrong_level_is_told_before_a_file_that_cannot_be_read() {
    let robot = Robot::new();
    robot.write_config_text("[]");
    robot.rio(&["auth", "token", "--level", "9"]).run_at(&FakeClock::new()).exits(2);
}

#[test]
fn the_email_is_the_given_one_else_the_stored_one() {
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
fn no_email_anywhere_is_a_usage_error_that_names_the_option() {
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
fn nothing_is_stored() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let options = ["auth", "token", "--level", "2", "--email", EMAIL];
    robot.rio(&options).stdin(&line(PASSWORD)).run().exits(0);
    assert_eq!(robot.config_bytes(), before);

    let robot = Robot::new().env("RIO_CONFIG", "none.json");
    robot.rio(&["auth", "token", "--current"]).run().exits(1);
    let left: Vec<_> = std::fs::read_dir(robot.home()).unwrap().collect();
    assert!(left.is_empty(), "not even an empty file: {left:?}");
}

#[test]
fn the_password_comes_by_option_by_pipe_or_at_the_prompt() {
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
fn a_password_is_sent_as_it_was_typed() {
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
fn where_nobody_answers_the_password_stays_unasked_of_the_server() {
    for stdin in ["", "\n"] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        robot
            .rio(&["auth", "token"])
            .stdin(stdin)
            .run()
            .exits(1)
            .prints("")
            .says("--password -")
            .says("rio auth login");
        assert!(platform.requests().is_empty());
    }
}

#[test]
fn a_password_option_without_a_value_is_a_usage_error() {
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
fn a_wrong_password_is_refused_and_shown_nowhere() {
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
        // Who signs in through SSO tries passwords for ever otherwise.
        .says("rio auth login");
    assert_eq!(platform.requests().len(), 1, "a wrong password is not tried again");
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn a_server_that_is_down_is_trouble_that_may_pass() {
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
fn current_prints_the_stored_token_to_the_letter_and_asks_nobody() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let outcome = robot.rio(&["auth", "token", "--current"]).run().exits(0);
    let outcome = outcome.prints(&format!("{token}\n"));
    assert_eq!(outcome.stderr, "", "not a word beside it");
    assert!(platform.requests().is_empty());
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn current_needs_no_network_at_all() {
    // Hosts that nobody may call with a token, for a command that calls nobody.
    let closed = ClosedPort::new();
    let robot = Robot::new().env("HTTPS_PROXY", closed.url());
    robot.write_config(&json!({"auth_token": "st0red"}));
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints("st0red\n");
}

#[test]
fn current_when_logged_out_prints_nothing_and_says_how_to_log_in() {
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
fn a_token_that_would_break_its_line_is_not_printed() {
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

#[test]
fn a_token_that_nobody_could_receive_is_an_error() {
    // A script must not take an empty file for a token.
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        skip("needs /dev/full");
        return;
    };
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let mut command = robot.rio(&["auth", "token", "--current"]).command();
    let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("standard output"), "{said}");
}
