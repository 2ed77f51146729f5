//! Prompts at a terminal: hidden input, editing keys, lines typed ahead, the end of input, and long lists.

use std::io::Write;
use std::os::fd::AsRawFd;

use platform::{Call, EMAIL, Organization, PASSWORD, Platform, World};
use serde_json::json;

use crate::robot::Robot;
use crate::robot::terminal::{
    CTRL_D, CTRL_Z, Terminal, at_password_prompt, at_terminal, check, dash, open_pair, small_world,
};

#[test]
fn password_is_not_shown() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = at_password_prompt(&robot);
    terminal.types(PASSWORD);
    terminal.types("\r");
    terminal.waits_for("Logged in as ada@example.com");
    assert_eq!(terminal.ends(), 0);
    let shown = terminal.text();
    assert!(shown.contains("Password for ada@example.com: \r\n"), "{shown}");
    for word in PASSWORD.split(' ') {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(!shown.contains('*'), "not even its length\n{shown}");
    assert!(terminal.is_restored());
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn password_is_hidden_on_a_terminal_without_a_session() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let arguments = ["auth", "token", "--email", EMAIL];
    let mut terminal = Terminal::start_without_session(robot.rio(&arguments).command());
    terminal.waits_for("Password for");
    assert!(!terminal.echoes());
    terminal.types(&format!("{PASSWORD}\n"));
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.text().contains(PASSWORD));
    assert!(terminal.echoes());
}

/// A login by device flow, while it waits for approval.
fn waiting_login(robot: &Robot) -> Terminal {
    let mut terminal = Terminal::start(robot.rio(&["auth", "login", "--no-browser"]).command());
    terminal.waits_for("Waiting for approval");
    terminal
}

#[test]
fn lines_typed_ahead_answer_the_questions() {
    let platform = Platform::start();
    platform.interval(1);
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = waiting_login(&robot);
    terminal.types("Acme Robotics\n\n2\n");
    terminal.waits_for("2");
    platform.approve();
    terminal.waits_for("Which organization? Acme Robotics\r\n");
    terminal.waits_for("Which project? 2\r\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["organization_name"], "Acme Robotics");
    assert_eq!(robot.config()["project_name"], "fleet-staging");
}

#[test]
fn empty_line_typed_ahead_does_not_answer_a_question() {
    let platform = Platform::start();
    platform.interval(1);
    let robot = at_terminal(Robot::of(&platform));
    let acme = &World::default().organizations[0].guid;
    robot.set_config(json!({"email_id": EMAIL, "organization_id": acme}));
    let mut terminal = waiting_login(&robot);
    terminal.types("\n \n\n");
    terminal.waits_for("\r\n \r\n\r\n");
    platform.approve();
    terminal.waits_for("Which organization? [1] ");
    terminal.types("2\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["organization_name"], "warehouse-lab");
}

#[test]
fn password_is_not_taken_from_lines_typed_ahead() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let (mut keyboard, line) = open_pair();
    keyboard.write_all(b"typed ahead\n").unwrap();
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start_on(keyboard, line, command);
    terminal.waits_for("Password for");
    terminal.types(&format!("{PASSWORD}\n"));
    assert_eq!(terminal.ends(), 0);
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn hidden_prompt_takes_a_line_of_64_kib() {
    for (length, code) in [(5_000, "wrong"), (64 * 1024, "wrong"), (64 * 1024 + 1, "over 64 KiB")] {
        let platform = Platform::start();
        let robot = at_terminal(Robot::of(&platform));
        let mut terminal = at_password_prompt(&robot);
        let password = "0123456789abcdef".repeat(5_000)[..length].to_owned();
        terminal.types(&password);
        terminal.types("\r");
        assert_eq!(terminal.ends(), 1);
        assert!(terminal.text().contains(code), "{}", terminal.text());
        let sent: Vec<_> = platform.calls(Call::UserLogin).iter().map(|call| call.json()).collect();
        match code {
            "wrong" => assert!(sent[0]["password"] == password, "{length}"),
            _ => assert!(sent.is_empty(), "{length}"),
        }
        assert!(terminal.is_restored());
    }
}

#[test]
fn questions_are_on_the_terminal_when_standard_error_is_not() {
    for redirected in ["2>log", "2>log </dev/tty"] {
        let platform = Platform::start();
        let robot = at_terminal(Robot::of(&platform));
        let Some(mut terminal) = dash(&robot) else { return };
        terminal.types(&format!("\"$RIO\" auth login --email {EMAIL} {redirected}\n"));
        terminal.waits_for("Password for ada@example.com: ");
        terminal.waits_for_echo(false);
        terminal.types(&format!("{PASSWORD}\n"));
        for (question, entry) in
            [("Which organization? ", "Acme Robotics"), ("Which project? ", "fleet-production")]
        {
            terminal.waits_for(entry);
            terminal.waits_for(question);
            terminal.types(CTRL_Z);
            terminal.waits_for("ready> ");
            terminal.types("fg\n");
            terminal.waits_for(question);
            terminal.types("1\n");
        }
        terminal.waits_for("ready> ");
        let log = std::fs::read_to_string(robot.home().join("log")).unwrap();
        assert!(log.contains("Logged in as ada@example.com."), "{log}");
        assert!(!log.contains("Which") && !log.contains("Password for"), "{log}");
    }
}

#[test]
fn what_a_yes_removes_is_on_the_terminal_with_the_question() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("\"$RIO\" auth environment dev 2>log\n");
    terminal.waits_for("This removes the login of ada@example.com");
    terminal.waits_for("\n  rio auth logout\r\nContinue? [y/N] ");
    terminal.types("n\n");
    terminal.waits_for("ready> ");
    let log = std::fs::read_to_string(robot.home().join("log")).unwrap();
    assert!(log.starts_with("rio: kept the existing login"), "{log}");
}

#[test]
fn echo_is_off_before_the_prompt_appears() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let (keyboard, line) = open_pair();
    // Like Ctrl-S: output is held, so the prompt cannot appear.
    // SAFETY: an open terminal.
    check(unsafe { libc::tcflow(line.as_raw_fd(), libc::TCOOFF) }).unwrap();
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start_on(keyboard, line, command);
    terminal.waits_for_echo(false);
    assert_eq!(terminal.text(), "");
}

#[test]
fn hidden_prompt_handles_editing_keys_and_ignores_arrow_keys() {
    for (name, keys) in [
        ("arrow up at the end", format!("{PASSWORD}\x1b[A\r")),
        ("arrows in the middle", PASSWORD.replacen(' ', " \x1b[A\x1b[B\x1b[C\x1b[D", 1) + "\r"),
        ("arrows of a keypad", format!("\x1bOA\x1bOB{PASSWORD}\r")),
        ("home, end and delete", format!("\x1b[1~\x1b[4~\x1b[3~{PASSWORD}\r")),
        ("arrow with control", format!("{PASSWORD}\x1b[1;5A\r")),
        ("backspace", format!("{PASSWORD}xy\x7f\x7f\r")),
        ("a line taken back", format!("wrong\x15{PASSWORD}\r")),
    ] {
        let platform = Platform::with(small_world());
        let robot = at_terminal(Robot::of(&platform));
        let mut terminal = at_password_prompt(&robot);
        terminal.types(&keys);
        terminal.ends();
        let sent = platform.calls(Call::UserLogin)[0].json();
        assert_eq!(sent["password"], PASSWORD, "{name}");
    }
}

#[test]
fn ctrl_d_at_the_hidden_prompt_fails_the_login() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let before = robot.config_bytes();
    let mut terminal = at_password_prompt(&robot);
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 1);
    let shown = terminal.text();
    assert!(shown.contains("Password for ada@example.com: \r\nrio: no password"), "{shown}");
    assert!(terminal.is_restored());
    assert_eq!(robot.config_bytes(), before);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn ctrl_d_at_the_organization_prompt_keeps_the_login() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    let command = robot.rio(&["auth", "login", "--auth-token", &token]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Which organization?");
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.text().contains("\r\n  rio organization select\r\n"), "{}", terminal.text());
    assert_eq!(robot.config()["auth_token"], token);
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn command_substitution_shows_prompt_and_captures_token() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("T=$(\"$RIO\" auth token)\n");
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.types(&format!("{PASSWORD}\r"));
    terminal.waits_for("ready> ");
    terminal.types("test \"$T\" = \"$(echo $T)\" -a ${#T} -gt 20; echo \"one word: $?\"\n");
    terminal.waits_for("one word: 0\r\n");
    assert!(!terminal.text().contains("horse"), "{}", terminal.text());
}

#[test]
fn secret_option_prompts_without_echo_at_a_terminal() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    let command = robot.rio(&["auth", "login", "--auth-token", "-"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for(": ");
    terminal.waits_for_echo(false);
    terminal.types(&token);
    terminal.types("\r");
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.text().contains(&token), "{}", terminal.text());
    assert_eq!(robot.config()["auth_token"], token);
}

#[test]
fn long_list_is_filtered_by_part_of_a_name() {
    let names = (0..60).map(|number| format!("robot-{number:02}")).chain(["Gripper-7".to_owned()]);
    let platform = Platform::with(World::of([Organization::new("Acme", names)]));
    let robot = at_terminal(Robot::of(&platform));
    let arguments = ["auth", "login", "--auth-token", &platform.issue_token()];
    let mut terminal = Terminal::start(robot.rio(&arguments).command());
    terminal.waits_for("and 40 more. Enter part of a name to narrow the list.");
    terminal.waits_for("Which project? ");
    assert!(!terminal.text().contains("robot-59"), "{}", terminal.text());

    terminal.types("\n");
    terminal.waits_for("\nEnter a number from 1 to 61, part of a name, or a GUID.");
    terminal.waits_for("Which project? ");
    terminal.types("nothing like it\n");
    terminal.waits_for("No match. Enter a number from 1 to 61, part of a name, or a GUID.");
    terminal.waits_for("Which project? ");
    terminal.types("BOT-5\n");
    terminal.waits_for("10 matches:");
    for number in 50..60 {
        terminal.waits_for(&format!("robot-{number}"));
    }
    terminal.waits_for("Which project? ");
    terminal.types("gripper\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["project_name"], "Gripper-7");
}
