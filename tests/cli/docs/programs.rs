//! The programs in the documentation that use a token or show a login.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use platform::{Call, EMAIL, Platform};

use super::examples::{README, example, run, with_rio_in_path};
use super::json::PROGRAMS;
use crate::robot::Robot;
use crate::robot::skip::installed;

pub const MAN_PAGE: &str = include_str!("../../../src/dist/man/rio.md");

/// Adds a shell script to the robot's `PATH`.
fn add_program(robot: &Robot, name: &str, script: &str) {
    let path = robot.home().join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Runs a program in Python, with `rio` and these shell scripts in its `PATH`.
fn run_python(robot: &Robot, python: PathBuf, program: &str, arguments: &[&str]) -> String {
    symlink(python, robot.home().join("bin/python3")).unwrap();
    fs::write(robot.home().join("program.py"), program).unwrap();
    let sh = installed("sh").unwrap();
    run(robot, &sh, "python3 program.py \"$@\"", arguments).exits(0).stdout
}

#[test]
fn python_example_sends_the_token() {
    let Some(python) = installed("python3") else { return };
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let robot = with_rio_in_path(robot);
    let program = example(README, "urllib").replace("https://api.rapyuta.io", platform.url());
    let printed = run_python(&robot, python, &program, &[]);
    assert!(printed.contains(EMAIL), "{printed}");
    let [request] = &platform.calls(Call::UsersMe)[..] else { panic!("one request") };
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {token}")));
}

#[test]
fn service_example_starts_the_program_only_with_a_token() {
    let Some(sh) = installed("sh") else { return };
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let robot = with_rio_in_path(robot);
    add_program(&robot, "my-program", "echo \"started with $TOKEN\"");
    let service = example(README, "my-program");
    let command = service.lines().find_map(|line| line.strip_prefix("ExecStart=sh -c '")).unwrap();
    let script = command.strip_suffix('\'').unwrap().replace("$$", "$");
    run(&robot, &sh, &script, &[]).exits(0).prints(&format!("started with {token}\n"));
    fs::remove_file(robot.config_path()).unwrap();
    run(&robot, &sh, &script, &[]).exits(1).prints("");
}

#[test]
fn leaked_token_example_ends_the_token_and_keeps_the_login() {
    let Some(sh) = installed("sh") else { return };
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let leaked = platform.issue_token();
    fs::write(robot.home().join("leaked.txt"), &leaked).unwrap();
    fs::write(robot.home().join("leaked.json"), platform.config().to_string()).unwrap();
    let robot = with_rio_in_path(robot);
    robot.changes_nothing(|| run(&robot, &sh, example(MAN_PAGE, "leaked.json"), &[]).exits(0));
    assert!(platform.has_ended(&leaked) && !platform.has_ended(&token));
}

#[test]
fn screen_example_shows_the_code_and_the_end() {
    let Some(python) = installed("python3") else { return };
    let platform = Platform::start();
    platform.interval(1);
    platform.approve_after(1);
    let robot = with_rio_in_path(Robot::of(&platform));
    add_program(&robot, "qrencode", "echo \"QR code of $3\"");
    // It keeps what a terminal would have shown.
    let program = example(PROGRAMS, "import json").replace("\"w\"", "\"a\"");
    run_python(&robot, python, &program, &["screen"]);
    let screen = fs::read_to_string(robot.home().join("screen")).unwrap();
    let page = format!("{}/device", platform.url());
    for text in [format!("QR code of {page}?user_code="), page, "Logged in.".to_owned()] {
        assert!(screen.contains(&text), "{text} is not in {screen}");
    }
}
