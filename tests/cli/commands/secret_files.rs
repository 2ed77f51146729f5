//! `--password-file` and `--auth-token-file`.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use platform::{Call, EMAIL, Organization, PASSWORD, Platform, World};
use serde_json::json;

use crate::robot::{Outcome, Robot};

/// A platform with one organization and one project: a login has nothing to prompt for.
fn start() -> Platform {
    Platform::with(World::of([Organization::new("Acme Robotics", ["fleet"])]))
}

/// Writes a file with mode 0600 in the robot's home.
fn file(robot: &Robot, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = robot.home().join(name);
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
    path.to_str().unwrap().to_owned()
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn login_with_token_file(robot: &Robot, path: &str) -> Outcome {
    robot.rio(&["auth", "login", "--auth-token-file", path]).run()
}

#[test]
fn password_file_is_read_by_every_command_with_a_password() {
    let platform = start();
    let (robot, token) = Robot::logged_in(&platform);
    platform.revoke(&token);
    let path = file(&robot, "password", format!("{PASSWORD}\r\nsecond line\n"));
    // With the byte-order mark of a Windows editor.
    let windows = file(&robot, "windows", format!("\u{feff}{PASSWORD}\r\n"));
    let commands: [&[&str]; 4] = [
        &["token", "--password-file", &path],
        &["token", "--password-file", &windows],
        &["refresh-token", "--silent", "--password-file", &path],
        &["login", "--silent", "--email", EMAIL, "--password-file", &path],
    ];
    for command in commands {
        let outcome = robot.rio(&[&["auth"], command].concat()).run().exits(0).hides(PASSWORD);
        assert!(!outcome.stderr.contains("warning"), "{outcome}");
        let request = platform.calls(Call::UserLogin).pop().expect("a login");
        assert_eq!(request.json(), json!({"email": EMAIL, "password": PASSWORD}), "{outcome}");
    }
}

#[test]
fn token_file_logs_in_without_a_prompt() {
    let platform = start();
    let token = platform.issue_token();
    for (text, options) in [
        (format!("{token}\n"), &[] as &[&str]),
        (format!("Bearer {token}"), &["--silent"]),
        (format!("  {token}  \r\nmore"), &["--json"]),
        // A byte-order mark, from a Windows editor.
        (format!("\u{feff}{token}\r\n"), &[]),
    ] {
        let robot = Robot::of(&platform);
        let path = file(&robot, "token", text);
        let arguments = [&["auth", "login", "--auth-token-file", &path], options].concat();
        robot.rio(&arguments).run().exits(0).hides(&token);
        assert_eq!(robot.config()["auth_token"], token);
    }
}

#[test]
fn secret_file_may_be_a_pipe() {
    let platform = start();
    let token = platform.issue_token();
    let robot = Robot::of(&platform);
    let path = robot.home().join("pipe");
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let writer = thread::spawn({
        let (path, token) = (path.clone(), token.clone());
        move || fs::write(path, format!("{token}\n"))
    });
    login_with_token_file(&robot, path.to_str().unwrap()).exits(0);
    writer.join().unwrap().unwrap();
    assert_eq!(robot.config()["auth_token"], token);
}

#[test]
fn dash_as_secret_file_is_standard_input() {
    let platform = start();
    let robot = Robot::of(&platform);
    let arguments = ["auth", "token", "--email", EMAIL, "--password-file", "-"];
    robot.rio(&arguments).stdin(PASSWORD).run().exits(0);
}

#[test]
fn second_source_of_a_secret_is_a_usage_error() {
    let platform = start();
    let (robot, token) = Robot::logged_in(&platform);
    let path = file(&robot, "secret", &token);
    let (password, token) =
        (["--password", "--password-file"], ["--auth-token", "--auth-token-file"]);
    let both = |[option, file]: [&'static str; 2]| [option, "hunter2", file, &path];
    let cases: [(&[&str], [&str; 4], &str); 5] = [
        (&["token"], both(password), "--password-file"),
        (&["refresh-token"], both(password), "--password-file"),
        (&["login", "--email", EMAIL], both(password), "--password-file"),
        (&["login", "--silent"], both(token), "--auth-token-file"),
        (&["login", "--email", EMAIL], ["--yes", "--json", token[1], &path], "--auth-token-file"),
    ];
    for (command, options, named) in cases {
        let arguments = [&["auth"], command, &options].concat();
        robot
            .rio(&arguments)
            .run()
            .exits(2)
            .says(named)
            .says("cannot be used with")
            .hides("hunter2");
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn secret_file_counts_as_the_secret_in_usage_checks() {
    let platform = start();
    let robot = Robot::of(&platform);
    for (options, named) in [
        (&["--password-file", "f"] as &[&str], "--email"),
        (&["--password-file", "f", "--silent"], "--email"),
        (&["--password-file", "f", "--auth-token", "t"], "--auth-token"),
        (&["--auth-token-file", "f", "--silent", "--project", "p"], "--organization"),
        (&["--auth-token-file", ""], "--auth-token-file is empty"),
    ] {
        robot.rio(&[&["auth", "login"], options].concat()).run().exits(2).says(named);
    }
    let arguments = ["auth", "token", "--current", "--password-file", "f"];
    robot.rio(&arguments).run().exits(2).says("--current");
    assert_eq!(platform.connections(), 0);
}

#[test]
fn unusable_secret_file_fails_before_any_request() {
    let platform = start();
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    for (path, problem) in [
        (robot.home().join("missing").to_str().unwrap().to_owned(), "no such file or directory"),
        (robot.home().to_str().unwrap().to_owned(), "is a directory"),
        (file(&robot, "empty", ""), "is empty"),
        (file(&robot, "byte-order-mark", "\u{feff}"), "is empty"),
        (file(&robot, "empty-line", "\nhunter2\n"), "is empty"),
        (file(&robot, "latin1", b"hunter2\xff\n"), "not text"),
        (file(&robot, "long", "hunter2".repeat(10_000)), "the first line is over 64 KiB"),
    ] {
        let password = ["--password-file", &path];
        for arguments in [
            &[&["auth", "token"], &password[..]].concat(),
            &[&["auth", "refresh-token"], &password[..]].concat(),
            &[&["auth", "login", "--silent", "--email", EMAIL], &password[..]].concat(),
            &vec!["auth", "login", "--auth-token-file", &path],
        ] {
            let outcome = robot.rio(arguments).run().exits(1).prints("");
            outcome.says(&path).says(problem).hides("hunter2");
        }
    }
    assert_eq!(platform.connections(), 0);
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn unreadable_secret_file_is_named() {
    let platform = start();
    let robot = Robot::of(&platform);
    let path = file(&robot, "password", PASSWORD);
    set_mode(&path, 0);
    let arguments = ["auth", "token", "--email", EMAIL, "--password-file", &path];
    let output = robot.rio_as_plain_user(&arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&format!("cannot read {path}: permission denied")), "{stderr}");
    assert_eq!(platform.connections(), 0);
}

#[test]
fn file_without_a_valid_token_is_named() {
    let platform = start();
    let robot = Robot::of(&platform);
    for text in ["two words", "tökén", "Bearer \n", " \nhunter2"] {
        let path = file(&robot, "token", text);
        let outcome = login_with_token_file(&robot, &path).exits(1).hides(text);
        outcome.says(&path).says("not a valid token");
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn secret_file_that_others_can_read_causes_a_warning() {
    let platform = start();
    let token = platform.issue_token();
    for (mode, warnings) in [(0o600, 0), (0o400, 0), (0o620, 0), (0o640, 1), (0o604, 1)] {
        let robot = Robot::of(&platform);
        let path = file(&robot, "token", &token);
        set_mode(&path, mode);
        let outcome = login_with_token_file(&robot, &path).exits(0);
        let warning =
            format!("other users can read {path}\n  To fix this, run:\n    chmod 600 {path}\n");
        assert_eq!(outcome.stderr.matches("warning").count(), warnings, "{mode:o}\n{outcome}");
        assert_eq!(outcome.stderr.matches(&warning).count(), warnings, "{mode:o}\n{outcome}");
    }
}

#[test]
fn credentials_of_systemd_cause_no_warning() {
    let platform = start();
    let token = platform.issue_token();
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(directory.path().join("credentials"), &link).unwrap();
    fs::create_dir(directory.path().join("credentials")).unwrap();
    for (credentials, name, warnings) in [
        ("credentials", "credentials/rio-token", 0),
        ("link", "credentials/rio-token", 0),
        ("credentials", "credentials/../rio-token", 1),
        ("credentials", "credentials-of-others", 1),
        ("missing", "rio-token", 1),
        ("", "rio-token", 1),
    ] {
        let variable: PathBuf = match credentials {
            "" => PathBuf::new(),
            name => directory.path().join(name),
        };
        let robot = Robot::of(&platform).env("CREDENTIALS_DIRECTORY", variable);
        let path = directory.path().join(name);
        fs::write(&path, &token).unwrap();
        set_mode(&path, 0o440);
        let outcome = login_with_token_file(&robot, path.to_str().unwrap()).exits(0);
        let count = outcome.stderr.matches("other users can read").count();
        assert_eq!(count, warnings, "{credentials} {name}\n{outcome}");
        fs::remove_file(&path).unwrap();
    }
}
