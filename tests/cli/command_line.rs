//! What is typed after `rio`: how it is read, what is said when it is wrong, and the help.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use platform::{Call, EMAIL, PASSWORD, Platform};
use serde_json::{Value, json};

use crate::robot::Robot;

/// Every command, and the options that the reference and the contract give it.
const COMMANDS: [(&[&str], &[&str]); 10] = [
    (&[], &["--version"]),
    (&["auth"], &[]),
    (
        &["auth", "login"],
        &[
            "--email",
            "--password",
            "--organization",
            "--project",
            "--interactive",
            "--no-interactive",
            "--silent",
            "--auth-token",
            "--no-browser",
            "--yes",
            "--json",
        ],
    ),
    (&["auth", "logout"], &[]),
    (&["auth", "refresh-token"], &["--password", "--interactive", "--no-interactive", "--silent"]),
    (&["auth", "status"], &["--json", "--verify"]),
    (&["auth", "token"], &["--email", "--password", "--level", "--current"]),
    (&["auth", "environment"], &[]),
    (&["version"], &[]),
    (&["completion"], &[]),
];

/// What the platform was sent as credentials by `rio auth token` with these arguments.
fn credentials_of(arguments: &[&str]) -> Value {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let arguments = [&["auth", "token"], arguments].concat();
    robot.rio(&arguments).stdin("from standard input\n").run();
    let [request] = platform.calls(Call::UserLogin).try_into().expect("one login");
    request.json()
}

#[test]
fn a_value_follows_its_option_or_an_equals_sign() {
    for (name, arguments, password) in [
        ("apart", &["--email", "a@b", "--password", "secret"] as &[&str], "secret"),
        ("attached", &["--email=a@b", "--password=secret"], "secret"),
        ("mixed", &["--email=a@b", "--password", "secret"], "secret"),
        ("only the first equals sign parts", &["--email=a@b", "--password=a=b="], "a=b="),
        ("a dash before it, apart", &["--email=a@b", "--password", "-x"], "-x"),
        ("a dash before it, attached", &["--email=a@b", "--password=-x"], "-x"),
        ("like an option, attached", &["--email=a@b", "--password=--current"], "--current"),
        ("like help, attached", &["--email=a@b", "--password=--help"], "--help"),
        ("like help, apart", &["--email=a@b", "--password", "-h"], "-h"),
        ("two dashes, attached", &["--email=a@b", "--password=--"], "--"),
        ("blanks in it", &["--email=a@b", "--password", " a b "], " a b "),
        ("standard input, apart", &["--email=a@b", "--password", "-"], "from standard input"),
        ("standard input, attached", &["--email=a@b", "--password=-"], "from standard input"),
    ] {
        let wanted = json!({"email": "a@b", "password": password});
        assert_eq!(credentials_of(arguments), wanted, "{name}");
    }
}

#[test]
fn of_an_option_given_twice_the_last_one_counts() {
    let sent = credentials_of(&["--email=old@x", "--password=p", "--email", "new@x"]);
    assert_eq!(sent, json!({"email": "new@x", "password": "p"}));

    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let arguments =
        ["auth", "token", "--email", EMAIL, "--level", "2", "--password", "-", "--level=1"];
    robot.rio(&arguments).stdin(PASSWORD).run().exits(0);
    assert_eq!(platform.calls(Call::UserLogin)[0].query, "type=med");
}

#[test]
fn the_last_of_interactive_and_no_interactive_wins_and_silent_beats_both() {
    for (switches, asks) in [
        (&[] as &[&str], true),
        (&["--interactive"], true),
        (&["--no-interactive"], false),
        (&["--interactive", "--no-interactive"], false),
        (&["--no-interactive", "--interactive"], true),
        (&["--no-interactive", "--interactive", "--no-interactive"], false),
        (&["--silent"], false),
        (&["--silent", "--interactive"], false),
        (&["--interactive", "--silent"], false),
        (&["--silent", "--no-interactive", "--interactive"], false),
    ] {
        let platform = Platform::start();
        let (robot, token) = Robot::logged_in(&platform);
        platform.revoke(&token);
        let arguments = [&["auth", "refresh-token"], switches].concat();
        let outcome = robot.rio(&arguments).stdin(PASSWORD).run();
        outcome.exits(if asks { 0 } else { 1 });
        assert_eq!(platform.calls(Call::UserLogin).len(), usize::from(asks), "{switches:?}");
    }
}

#[test]
fn login_reads_interactive_and_silent_the_same_way() {
    for (switches, asks) in [
        (&["--interactive", "--no-interactive"] as &[&str], false),
        (&["--no-interactive", "--interactive"], true),
        (&["--silent", "--interactive"], false),
    ] {
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        let arguments = [&["auth", "login", "--email", EMAIL], switches].concat();
        let outcome = robot.rio(&arguments).stdin(PASSWORD).run();
        outcome.exits(if asks { 0 } else { 2 });
        assert_eq!(platform.requests().is_empty(), !asks, "{switches:?}");
    }
}

#[test]
fn a_unique_beginning_of_a_command_is_that_command() {
    let robot = Robot::new();
    let status = robot.rio(&["auth", "status"]).run().exits(1).stdout;
    for beginning in [["auth", "stat"], ["au", "status"], ["a", "s"]] {
        robot.rio(&beginning).run().exits(1).prints(&status);
    }
    let version = robot.rio(&["version"]).run().exits(0).stdout;
    robot.rio(&["ver"]).run().exits(0).prints(&version);
    let help = robot.rio(&["help", "auth", "environment"]).run().exits(0).stdout;
    robot.rio(&["help", "a", "env"]).run().exits(0).prints(&help);
}

#[test]
fn an_ambiguous_beginning_names_the_candidates() {
    let robot = Robot::new();
    for ambiguous in
        [&["auth", "log"] as &[&str], &["auth", "l", "--help"], &["help", "auth", "lo"]]
    {
        robot.rio(ambiguous).run().exits(2).says("login").says("logout").prints("");
    }
}

#[test]
fn a_command_of_the_full_cli_is_not_here_and_the_full_cli_is_named() {
    let robot = Robot::new();
    for words in [&["device", "list"] as &[&str], &["project", "select", "x"], &["apply"]] {
        robot.rio(words).run().exits(2).says("rio auth").says("rapyuta-io-cli").prints("");
    }
    robot.rio(&["device", "list"]).run().says("device");
    // What an unset variable leaves of a command.
    robot.rio(&["", "login"]).run().exits(2).prints("");
}

#[test]
fn nothing_on_the_command_line_that_may_be_a_secret_is_repeated() {
    let robot = Robot::new();
    for (name, arguments) in [
        ("misspelt, attached", &["auth", "login", "--passwrd=hunter2"] as &[&str]),
        ("misspelt, apart", &["auth", "login", "--passwrd", "hunter2"]),
        ("short, as with mysql", &["auth", "login", "-phunter2"]),
        ("short, attached", &["auth", "login", "-p=hunter2"]),
        ("a word too many", &["auth", "login", "hunter2"]),
        ("after two dashes", &["auth", "login", "--", "hunter2"]),
        ("a second word", &["auth", "login", "--password", "correct", "hunter2"]),
        ("a value for a switch", &["auth", "login", "--silent=hunter2"]),
        ("an option of another command", &["auth", "status", "--password=hunter2"]),
        ("at the top", &["--password=hunter2", "auth", "login"]),
        ("at the group", &["auth", "--password=hunter2", "login"]),
        ("where no word belongs", &["auth", "logout", "hunter2"]),
        ("a bad level", &["auth", "token", "--level", "hunter2"]),
        ("a bad shell", &["completion", "hunter2"]),
    ] {
        let outcome = robot.rio(arguments).run();
        assert!(!outcome.stderr.contains("hunter2"), "{name}\n{outcome}");
        outcome.exits(2).prints("");
    }
}

#[test]
fn an_unknown_option_is_named_with_what_to_do() {
    let robot = Robot::new();
    for (arguments, option, advice) in [
        (&["auth", "login", "--passwrd=x"] as &[&str], "--passwrd", "--password"),
        (&["auth", "login", "--organisation", "x"], "--organisation", "--organization"),
        (&["auth", "login", "--bogus"], "--bogus", "rio auth login --help"),
        (&["auth", "status", "-j"], "-j", "rio auth status --help"),
        (&["auth", "--bogus"], "--bogus", "rio auth --help"),
    ] {
        robot.rio(arguments).run().exits(2).says(option).says(advice).prints("");
    }
}

#[test]
fn a_bad_value_or_a_missing_one_is_a_usage_error_that_names_it() {
    let robot = Robot::new();
    for (arguments, named) in [
        (&["auth", "login", "--email"] as &[&str], "--email"),
        (&["auth", "login", "--email", "--silent"], "--email"),
        (&["auth", "login", "--email", "a@b", "--password"], "--password"),
        (&["auth", "login", "--silent=yes"], "--silent"),
        (&["auth", "login", "--email=", "--password=p"], "--email"),
        (&["auth", "login", "--auth-token="], "--auth-token"),
        (&["auth", "login", "--organization", ""], "--organization"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level", "3"], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level=-1"], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level="], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level", "high"], "--level"),
        (&["auth", "environment"], "NAME"),
        (&["auth", "environment", "dev", "qa"], "rio auth environment"),
        (&["completion"], "SHELL"),
        (&["completion", "tcsh"], "nushell"),
        (&["version", "1"], "rio version"),
    ] {
        robot.rio(arguments).run().exits(2).says(named).prints("");
    }
}

#[test]
fn a_login_that_cannot_work_is_refused_before_anything_is_sent() {
    for (name, arguments, missing) in [
        ("silent, nothing else", &["--silent"] as &[&str], &["--email", "--password"] as &[&str]),
        ("not interactive", &["--no-interactive"], &["--email", "--password"]),
        ("no password", &["--silent", "--email", EMAIL], &["--password"]),
        ("no password, not interactive", &["--no-interactive", "--email", EMAIL], &["--password"]),
        ("no email", &["--silent", "--password", "hunter2"], &["--email"]),
        (
            "a project of no organization, by password",
            &["--silent", "--email", EMAIL, "--password", PASSWORD, "--project", "simulation"],
            &["--organization"],
        ),
        (
            "a project of no organization, by token",
            &["--silent", "--auth-token", "hunter2", "--project", "simulation"],
            &["--organization"],
        ),
        (
            "a project of no organization, not interactive",
            &["--no-interactive", "--auth-token", "hunter2", "--project", "simulation"],
            &["--organization"],
        ),
    ] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        let mut outcome = robot.rio(&[&["auth", "login"], arguments].concat()).run();
        for option in missing {
            outcome = outcome.says(option);
        }
        outcome.exits(2).hides("hunter2").hides(PASSWORD).prints("");
        assert_eq!(platform.connections(), 0, "{name}");
        assert_eq!(robot.config_bytes(), before, "{name}");
    }
}

#[test]
fn a_bad_level_is_refused_before_anything_is_sent() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let arguments = ["auth", "token", "--password", "-", "--level", "7"];
    robot.rio(&arguments).stdin(PASSWORD).run().exits(2).says("--level").prints("");
    assert_eq!(platform.connections(), 0);
}

#[test]
fn an_argument_that_is_not_utf_8_is_a_usage_error() {
    let robot = Robot::new();
    for arguments in [&["auth", "login", "--email"] as &[&str], &["auth"], &[]] {
        let mut command = robot.rio(arguments).command();
        let output = command.arg(OsStr::from_bytes(b"hunter2\xff")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("UTF-8") && !stderr.contains("hunter2"), "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_group_alone_is_a_usage_error_that_shows_its_help_and_nothing_else() {
    let robot = Robot::new();
    for (arguments, command) in [(&[] as &[&str], "completion"), (&["auth"], "refresh-token")] {
        let help = robot.rio(&[&["help"], arguments].concat()).run().exits(0).stdout;
        let outcome = robot.rio(arguments).run().exits(2);
        let outcome = outcome.says("Usage:").says(command).prints("");
        assert_eq!(outcome.stderr, help);
    }
}

#[test]
fn help_can_be_asked_for_in_every_way_at_every_level() {
    let robot = Robot::new();
    for (path, _) in COMMANDS {
        let help = robot.rio(&[&["help"], path].concat()).run().exits(0);
        assert!(help.stderr.is_empty(), "{help}");
        assert!(help.stdout.contains(&format!("Usage: rio {}", path.join(" "))), "{help}");
        for flag in ["--help", "-h"] {
            robot.rio(&[path, &[flag]].concat()).run().exits(0).prints(&help.stdout);
        }
        if let [group, command] = path {
            robot.rio(&[group, "help", command]).run().exits(0).prints(&help.stdout);
        }
    }
    let auth = robot.rio(&["auth", "help"]).run().exits(0).stdout;
    robot.rio(&["help", "auth"]).run().prints(&auth);
}

#[test]
fn help_is_shown_whatever_else_stands_there() {
    let robot = Robot::new();
    let help = robot.rio(&["help", "auth", "login"]).run().stdout;
    for arguments in [
        &["auth", "login", "--silent", "--help"] as &[&str],
        &["auth", "login", "too", "many", "-h"],
        &["auth", "login", "-h", "--bogus"],
        &["help", "auth", "login", "--help"],
        &["help", "auth", "login", "-h"],
    ] {
        robot.rio(arguments).run().exits(0).prints(&help);
    }
    let top = robot.rio(&["help"]).run().stdout;
    robot.rio(&["help", "--help"]).run().exits(0).prints(&top);
}

#[test]
fn help_of_a_command_that_does_not_exist_is_a_usage_error() {
    let robot = Robot::new();
    for arguments in [&["help", "nope"] as &[&str], &["auth", "help", "nope"]] {
        robot.rio(arguments).run().exits(2).says("nope").prints("");
    }
}

#[test]
fn help_fits_the_screen_names_every_option_and_ends_with_examples() {
    let robot = Robot::new();
    for (path, options) in COMMANDS {
        let outcome = robot.rio(&[path, &["--help"]].concat()).run();
        let help = &outcome.stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{outcome}");
        for option in options.iter().chain(&["--help"]) {
            let explains = |line: &str| {
                let mut words = line.split_whitespace().map(|word| word.trim_end_matches(','));
                line.starts_with(' ')
                    && words.by_ref().take(2).any(|word| word == *option)
                    && words.next().is_some()
            };
            assert!(help.lines().any(explains), "{option}\n{outcome}");
        }
        let (_, examples) = help.split_once("\nExamples:\n").expect("examples");
        let lines: Vec<&str> = examples.lines().collect();
        assert!(!lines.is_empty(), "{outcome}");
        let command = format!("rio {}", path.join(" "));
        for line in lines {
            assert!(line.starts_with("  ") && line.contains(command.trim_end()), "{outcome}");
        }
    }
}

#[test]
fn help_of_a_group_names_every_command_of_it() {
    let robot = Robot::new();
    for (path, _) in COMMANDS {
        let [.., name] = path else { continue };
        let group = &path[..path.len() - 1];
        let help = robot.rio(&[group, &["--help"]].concat()).run();
        let named = |line: &str| line.split_whitespace().next() == Some(*name);
        assert!(help.stdout.lines().any(named), "{name}\n{help}");
    }
}

#[test]
fn the_version_is_a_command_and_an_option() {
    let robot = Robot::new();
    let version = format!("rio {}\n", env!("CARGO_PKG_VERSION"));
    for arguments in [&["version"] as &[&str], &["--version"], &["-V"]] {
        let outcome = robot.rio(arguments).run().exits(0).prints(&version);
        assert!(outcome.stderr.is_empty(), "{outcome}");
    }
}

/// What prints a result without asking anybody.
const PRINTING: [&[&str]; 5] = [
    &["version"],
    &["help"],
    &["completion", "bash"],
    &["auth", "status"],
    &["auth", "token", "--current"],
];

#[track_caller]
fn cannot_print(robot: &Robot, arguments: &[&str], stdout: impl Into<Stdio>) {
    let mut command = robot.rio(arguments).command();
    let output = command.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{stderr}");
    assert!(stderr.contains("standard output"), "{arguments:?}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}\n{stderr}");
}

#[test]
fn a_result_for_a_pipe_that_was_closed_ends_the_program_without_a_word() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in PRINTING {
        let (reader, writer) = io::pipe().unwrap();
        // What `head` does when it has seen enough.
        drop(reader);
        let output = robot.rio(arguments).command().stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_a_full_disk_swallows_is_an_error() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        cannot_print(&robot, arguments, full);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_error_that_nobody_can_read_keeps_its_exit_code() {
    let robot = Robot::new();
    for (arguments, code) in [(&["device"] as &[&str], 2), (&["auth", "token", "--current"], 1)] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let status = robot.rio(arguments).command().stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}
