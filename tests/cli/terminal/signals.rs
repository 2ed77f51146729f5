//! Signals that end `rio`: it restores the terminal and dies of the signal.

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};

use crate::robot::Robot;
use crate::robot::skip::{installed, skip};
use crate::robot::terminal::{
    CTRL_BACKSLASH, CTRL_C, CTRL_Z, Deadline, PAUSE, TIMEOUT, Terminal, at_password_prompt,
    at_terminal, dash, shell, small_world,
};

#[test]
fn signal_at_the_hidden_prompt_restores_the_terminal() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        let platform = Platform::start();
        let robot = at_terminal(Robot::of(&platform));
        let before = robot.config_bytes();
        let mut terminal = at_password_prompt(&robot);
        terminal.signal(signal);
        assert_eq!(terminal.dies(), signal);
        assert!(terminal.is_restored(), "{signal}");
        assert_eq!(robot.config_bytes(), before, "{signal}");
        assert_eq!(platform.connections(), 0, "{signal}");
    }
}

#[test]
fn ctrl_c_at_the_hidden_prompt_restores_the_terminal() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = at_password_prompt(&robot);
    terminal.types("half a passw");
    terminal.types(CTRL_C);
    assert_eq!(terminal.dies(), libc::SIGINT);
    assert!(terminal.is_restored());
    assert!(!terminal.text().contains("half"), "{}", terminal.text());
}

#[test]
fn ctrl_backslash_does_nothing_at_the_hidden_prompt() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = at_password_prompt(&robot);
    terminal.types(&format!("{CTRL_BACKSLASH}{PASSWORD}\r"));
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_restored());
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn hidden_prompt_starts_again_after_ctrl_z_and_fg() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("\"$RIO\" auth login --email ada@example.com\n");
    let question = "Password for ada@example.com: ";
    terminal.waits_for(question);
    for command in ["fg", "bg", "fg"] {
        terminal.waits_for_echo(false);
        terminal.types("half a passw");
        terminal.types(CTRL_Z);
        terminal.waits_for("ready> ");
        assert!(terminal.is_restored());
        terminal.types(&format!("{command}\n"));
        if command == "bg" {
            terminal.waits_for("ready> ");
            assert!(terminal.is_restored());
            terminal.types("fg\n");
        }
        terminal.waits_for(question);
    }
    terminal.waits_for_echo(false);
    terminal.types(&format!("{PASSWORD}\r"));
    terminal.waits_for("Logged in as");
    terminal.waits_for("ready> ");
    assert!(terminal.is_restored());
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn ctrl_z_without_a_shell_only_starts_the_line_again() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = at_password_prompt(&robot);
    terminal.types("half a passw");
    terminal.types(CTRL_Z);
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.types(&format!("{PASSWORD}\r"));
    assert_eq!(terminal.ends(), 0);
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn prompt_appears_again_after_ctrl_z_and_fg() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform)).env("TOKEN", platform.issue_token());
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("\"$RIO\" auth login --auth-token \"$TOKEN\"\n");
    for question in ["Which organization? ", "Which project? "] {
        terminal.waits_for(question);
        for _ in 0..2 {
            terminal.types(CTRL_Z);
            terminal.waits_for("ready> ");
            terminal.types("fg\n");
            terminal.waits_for(question);
        }
        terminal.types("1\n");
    }
    terminal.waits_for("Project: ");
    terminal.waits_for("ready> ");
    assert_eq!(robot.config()["organization_name"], "Acme Robotics");
}

#[test]
fn shell_prompt_follows_ctrl_c_on_a_new_line() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("\"$RIO\" auth login --email ada@example.com\n");
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.types(CTRL_C);
    terminal.waits_for("\nready> ");
    assert!(terminal.is_restored());
    terminal.types("echo \"code=$?\"\n");
    terminal.waits_for("code=130\r\n");
}

#[test]
fn ctrl_c_ends_a_shell_loop() {
    let Some(bash) = installed("bash") else { return };
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    for (options, prompt) in
        [("--email ada@example.com", "Password for"), ("--no-browser", "Waiting for approval")]
    {
        let script = format!("for i in 1 2 3; do \"$RIO\" auth login {options}; done");
        let mut command = shell(&robot, &bash);
        command.args(["-c", &script]);
        let mut terminal = Terminal::start(command);
        terminal.waits_for(prompt);
        if prompt.starts_with("Password") {
            terminal.waits_for_echo(false);
        }
        terminal.types(CTRL_C);
        assert_eq!(terminal.dies(), libc::SIGINT, "{options}");
        assert_eq!(terminal.text().matches(prompt).count(), 1, "{}", terminal.text());
    }
}

#[test]
fn ignored_signal_stays_ignored() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let mut command = shell(&robot, "/bin/sh");
    command.args(["-c", "trap '' HUP INT; exec \"$RIO\" auth login --email ada@example.com"]);
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.signal(libc::SIGHUP);
    terminal.signal(libc::SIGINT);
    terminal.types(&format!("{PASSWORD}\r"));
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn signal_ends_pid_1() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let unshare = |arguments: &[&str]| {
        let mut command = shell(&robot, "unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork"]).args(arguments);
        command
    };
    if !unshare(&["true"]).output().is_ok_and(|output| output.status.success()) {
        skip("needs unshare that can create a PID namespace");
        return;
    }
    let login = "exec \"$RIO\" auth login --email ada@example.com";
    let mut terminal = Terminal::start(unshare(&["sh", "-c", login]));
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.types(CTRL_C);
    assert_eq!(terminal.ends(), 130);
    assert!(terminal.is_restored());
}

#[test]
fn ctrl_c_ends_a_login_at_any_prompt() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let before = robot.config_bytes();
    for (arguments, text) in [
        (&["--yes", "--no-browser"] as &[&str], "Waiting for approval"),
        (&[], "Replace this login? [y/N] "),
        (&["--email", EMAIL], "Replace this login? [y/N] "),
    ] {
        let arguments = [&["auth", "login"], arguments].concat();
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        terminal.waits_for(text);
        terminal.types(CTRL_C);
        assert_eq!(terminal.dies(), libc::SIGINT, "{text}");
        assert!(terminal.is_restored(), "{text}");
        assert_eq!(robot.config_bytes(), before, "{text}");
    }

    // The token is stored before the selection: it must stay.
    let command = robot.rio(&["auth", "login", "--yes", "--auth-token", &token]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Which organization?");
    terminal.types(CTRL_C);
    assert_eq!(terminal.dies(), libc::SIGINT);
    assert!(terminal.is_restored());
    assert_eq!(robot.config()["auth_token"], token);
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_server() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let before = robot.config_bytes();
    for (arguments, call) in [
        (["auth", "status", "--verify"], Call::UserInfo),
        (["auth", "login", "--yes"], Call::Discovery),
    ] {
        platform.answer(call, Answer::stall(2 * TIMEOUT));
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        let deadline = Deadline::new();
        while platform.calls(call).is_empty() {
            assert!(!deadline.is_over(), "{call:?} is not asked\n{}", terminal.text());
            terminal.look(PAUSE);
        }
        terminal.types(CTRL_C);
        assert_eq!(terminal.dies(), libc::SIGINT, "{call:?}");
        assert_eq!(robot.config_bytes(), before, "{call:?}");
    }
}
