//! No single fault loses a login. These are samples; `make test-faults` tries every system call.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use platform::{Answer, Call, EMAIL, PASSWORD, Platform, jwt};
use rio::machine::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use super::config_file::{ConfigLock, fail_system_call, outcome_in_a_mount_namespace};
use crate::commands::concurrent_refresh::{REFRESH, lock_path, rotating, stored_token, wait_until};
use crate::robot::skip::{installed, skip};
use crate::robot::{FakeClock, Outcome, PLAIN_USER, Robot, binary, is_root, runner};

const LOGIN: [&str; 6] = ["auth", "login", "--silent", "--email", EMAIL, "--password-file"];
const DEVICE: [&str; 4] = ["auth", "login", "--yes", "--json"];
const STATUS: [&str; 2] = ["auth", "status"];
const CURRENT: [&str; 3] = ["auth", "token", "--current"];

fn pending_path(robot: &Robot) -> PathBuf {
    robot.config_path().with_file_name("config.json.pending")
}

fn temporary_path(robot: &Robot) -> PathBuf {
    robot.config_path().with_file_name(".config.json.tmp")
}

/// Runs a command. From the request of this call until it ends, the config file cannot be replaced.
fn run_without_storing(
    platform: &Platform,
    robot: &Robot,
    call: Call,
    arguments: &[&str],
) -> Outcome {
    platform.hold(call);
    let outcome = thread::scope(|scope| {
        let locker = scope.spawn(|| {
            wait_until(|| !platform.calls(call).is_empty());
            let lock = ConfigLock::new(robot);
            platform.release();
            lock
        });
        let outcome = robot.rio(arguments).run_at(&FakeClock::new());
        drop(locker.join());
        outcome
    });
    assert!(platform.calls(Call::UserLogout).is_empty(), "a valid token was revoked");
    outcome
}

/// A robot with a refreshed token that only the lock file has.
fn with_kept_token(platform: &Platform) -> (Robot, String) {
    let (robot, old) = Robot::logged_in(platform);
    let outcome = run_without_storing(platform, &robot, Call::RefreshToken, &REFRESH);
    outcome.exits(3).says("the new token is kept in").says("The next rio command stores it.");
    assert_eq!(stored_token(&robot), old);
    let token = token_in(&lock_path(&robot));
    assert!(platform.has_ended(&old) && !platform.has_ended(&token));
    (robot, token)
}

fn token_in(path: &Path) -> String {
    let kept: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    kept["auth_token"].as_str().unwrap().to_owned()
}

pub(super) fn outcome(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Outcome::of(command, output)
}

fn status(robot: &Robot) -> Outcome {
    robot.rio(&STATUS).run_at(&FakeClock::new())
}

#[test]
fn token_that_cannot_be_stored_is_stored_by_the_next_command() {
    let directory = tempfile::tempdir().unwrap();
    let [password_path, token_path] = ["password", "token"].map(|name| directory.path().join(name));
    fs::write(&password_path, PASSWORD).unwrap();
    let [password_path, token_path] =
        [&password_path, &token_path].map(|path| path.to_str().unwrap());
    let by_password = [&LOGIN[..], &[password_path]].concat();
    let by_token = ["auth", "login", "--silent", "--auth-token-file", token_path];
    for (call, arguments) in [
        (Call::RefreshToken, &REFRESH[..]),
        (Call::UserLogin, &by_password),
        (Call::UserInfo, &by_token),
        (Call::Token, &DEVICE),
    ] {
        println!("case: {arguments:?}");
        let platform = rotating();
        platform.allow_early_polls();
        platform.approve_after(0);
        fs::write(token_path, platform.issue_token()).unwrap();
        let robot = match call {
            Call::RefreshToken => Robot::logged_in(&platform).0,
            _ => Robot::of(&platform),
        };
        robot.set_config(json!({"machine_id": 7}));
        let is_refresh = call == Call::RefreshToken;
        let place = if is_refresh { lock_path(&robot) } else { pending_path(&robot) };
        let outcome = run_without_storing(&platform, &robot, call, arguments).exits(3);
        outcome.says("The next rio command stores it.").says(&place.display().to_string());
        let mode = fs::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let token = token_in(&place);
        status(&robot).exits(0).hides(&token);
        let config = robot.config();
        assert_eq!((&config["auth_token"], &config["machine_id"]), (&json!(token), &json!(7)));
        assert_eq!(config["email_id"], EMAIL);
        assert!(!platform.has_ended(&token));
        match is_refresh {
            true => assert_eq!(fs::read(&place).unwrap(), b""),
            false => assert!(!place.exists()),
        }
    }
}

#[test]
fn kept_token_is_used_while_it_cannot_be_stored() {
    let platform = rotating();
    let (robot, token) = with_kept_token(&platform);
    let lock = ConfigLock::new(&robot);
    let run = |arguments: &[&str]| robot.rio(arguments).run_at(&FakeClock::new());
    run(&CURRENT).exits(0).prints(&format!("{token}\n")).says("is kept in");
    run(&["auth", "status", "--verify"]).exits(0).says("is kept in");
    for arguments in
        [&REFRESH[..], &["organization", "select", "warehouse-lab"], &["auth", "logout"]]
    {
        run(arguments).exits(3).says("is kept in").says("The next rio command stores it.");
    }
    drop(lock);
    run(&["organization", "select", "warehouse-lab"]).exits(0);
    assert_eq!(stored_token(&robot), token);
}

#[test]
fn kept_token_after_another_login_or_logout_is_ended() {
    for login in ["another login", "a logout", "another login, server unreachable"] {
        println!("case: {login}");
        let platform = rotating();
        let (robot, token) = with_kept_token(&platform);
        let other = platform.issue_token();
        let stored = if login == "a logout" { Value::Null } else { json!(other) };
        robot.set_config(json!({"auth_token": stored}));
        let before = robot.config_bytes();
        status(&robot);
        assert_eq!(robot.config_bytes(), before, "the other change stays");
        assert!(platform.calls(Call::UserLogout).is_empty(), "status sends nothing");
        if login.ends_with("unreachable") {
            platform.answer(Call::UserLogout, Answer::hang_up());
            robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new()).exits(0);
            assert!(!platform.has_ended(&token));
        }
        let arguments = ["auth", "login", "--yes", "--email", EMAIL];
        robot.rio(&arguments).stdin(PASSWORD).run_at(&FakeClock::new()).exits(0);
        assert!(platform.has_ended(&token) && !platform.has_ended(&stored_token(&robot)));
        assert_eq!(fs::read(lock_path(&robot)).unwrap(), b"");
    }
}

#[test]
fn login_is_ended_if_another_rio_changed_the_server_meanwhile() {
    let (platform, clock) = (Platform::start(), FakeClock::new());
    platform.allow_early_polls();
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    let mut changed = platform.config();
    changed["device_flow_client_id"] = json!("another-client");
    let (path, text) = (robot.config_path(), changed.to_string());
    clock.on_sleep(move |_, _| fs::write(&path, &text).unwrap());
    let outcome = robot.rio(&["auth", "login"]).run_at(&clock).exits(1);
    outcome.says("another rio logged in or out").says("the new token was not stored");
    assert_eq!(robot.config(), changed);
    assert_eq!(platform.calls(Call::UserLogout).len(), 1);
}

#[test]
fn kept_first_login_is_not_stored_for_another_server() {
    let platform = rotating();
    platform.allow_early_polls();
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    run_without_storing(&platform, &robot, Call::Token, &DEVICE).exits(3);
    let (token, other) = (token_in(&pending_path(&robot)), Platform::start());
    robot.write_hosts(other.url());
    status(&robot).exits(1).hides(&token);
    let arguments = ["auth", "login", "--yes", "--email", EMAIL];
    robot.rio(&arguments).stdin(PASSWORD).run_at(&FakeClock::new()).exits(0);
    // Ended where it was issued.
    assert!(platform.has_ended(&token) && other.calls(Call::UserLogout).is_empty());
    assert!(!pending_path(&robot).exists());
}

#[test]
fn kept_token_that_cannot_be_opened_now_stays() {
    let platform = rotating();
    platform.allow_early_polls();
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    run_without_storing(&platform, &robot, Call::Token, &DEVICE).exits(3);
    let pending = pending_path(&robot);
    let token = token_in(&pending);
    let fault = ["-P", pending.to_str().unwrap(), "-e", "inject=open,openat:error=EMFILE"];
    let Some((mut command, _)) = traced(&robot, &DEVICE, &fault) else { return };
    outcome(&mut command).exits(3).says("config.json.pending cannot be opened: ");
    assert_eq!(token_in(&pending), token);
    status(&robot).exits(0);
    assert_eq!(stored_token(&robot), token);
}

#[test]
fn lock_that_cannot_be_opened_now_is_not_removed() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let lock = temporary_path(&robot);
    fs::write(&lock, "").unwrap();
    let fault = ["-P", lock.to_str().unwrap(), "-e", "inject=open,openat:error=EMFILE:when=2+"];
    let write = ["auth", "environment", "dev"];
    let Some((mut command, _)) = traced(&robot, &write, &fault) else { return };
    outcome(&mut command).exits(3).says("rio: cannot write ");
    assert!(lock.exists());
}

#[test]
fn kept_token_that_is_already_stored_is_removed() {
    let platform = rotating();
    let (robot, token) = with_kept_token(&platform);
    robot.set_config(json!({"auth_token": token}));
    let before = robot.config_bytes();
    status(&robot).exits(0);
    assert_eq!((robot.config_bytes(), fs::read(lock_path(&robot)).unwrap()), (before, vec![]));
}

#[test]
fn kept_token_of_a_running_refresh_is_left_alone() {
    let platform = rotating();
    let (robot, token) = with_kept_token(&platform);
    let lock = File::open(lock_path(&robot)).unwrap();
    lock.try_lock().unwrap();
    let before = robot.config_bytes();
    status(&robot).exits(0);
    assert_eq!(robot.config_bytes(), before);
    assert_eq!(token_in(&lock_path(&robot)), token);
}

#[test]
fn torn_kept_token_is_ignored() {
    let platform = rotating();
    let (robot, _) = with_kept_token(&platform);
    let kept = fs::read(lock_path(&robot)).unwrap();
    let before = robot.config_bytes();
    let length = kept.trim_ascii_end().len();
    for torn in [&kept[..length / 2], &vec![0; length], b"{}", b"[]", &[b' '; 9000]] {
        fs::write(lock_path(&robot), torn).unwrap();
        status(&robot).exits(0);
        assert_eq!(robot.config_bytes(), before);
    }
}

#[test]
fn mounted_file_is_an_error_before_any_request_also_without_proc() {
    const SCRIPT: &str = r#"
        mount --bind "$RIO_CONFIG" "$RIO_CONFIG" || exit 77
        mount -t tmpfs none /proc || exit 77
        exec "$@"
    "#;
    let platform = Platform::start();
    for arguments in [&REFRESH[..], &["auth", "logout"], &DEVICE] {
        let (robot, _) = Robot::logged_in(&platform);
        let path = robot.home().join("with a blank/config.json");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::rename(robot.config_path(), &path).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(binary()).args(arguments);
        command.env("HOME", robot.home()).env("RIO_CONFIG", &path);
        let Some(outcome) = outcome_in_a_mount_namespace(&mut command) else { return };
        outcome.exits(1).says("Mount its directory instead of the file");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn immutable_or_append_only_file_is_an_error_before_any_request() {
    let Some(chattr) = installed("chattr") else { return };
    let platform = Platform::start();
    let change = |option: &str, path: &Path| {
        Command::new(&chattr)
            .arg(option)
            .arg(path)
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    for (option, undo) in [("+i", "-i"), ("+a", "-a")] {
        for directory in [false, true] {
            for arguments in [&REFRESH[..], &["auth", "logout"], &DEVICE] {
                let (robot, _) = Robot::logged_in(&platform);
                let path = match directory {
                    true => robot.config_path().parent().unwrap().to_owned(),
                    false => robot.config_path(),
                };
                if !change(option, &path) {
                    return skip("needs root, and a file system with attributes");
                }
                let before = robot.config_bytes();
                let outcome = robot.rio(arguments).run_at(&FakeClock::new());
                assert!(change(undo, &path));
                outcome.exits(1).says("cannot replace").says(&format!("chattr {undo}"));
                assert_eq!(robot.config_bytes(), before);
            }
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn file_without_room_is_an_error_before_the_code_is_shown() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    robot.set_config(json!({"maps": "x".repeat(1024 * 1024 - 4096)}));
    let outcome = robot.rio(&DEVICE).run_at(&FakeClock::new()).exits(1);
    outcome.says("would become larger than 1 MiB");
    assert!(platform.requests().is_empty());
}

#[test]
fn refreshed_token_of_another_account_causes_a_warning() {
    let claims = |account: Value| {
        let mut claims = json!({"exp": 4_000_000_000_u64});
        claims.as_object_mut().unwrap().extend(account.as_object().unwrap().clone());
        jwt(json!({"alg": "RS256"}), claims)
    };
    for (old, new, warns) in [
        (json!({"email": "ada@example.com"}), json!({"email": "bob@example.com"}), true),
        (json!({"sub": "1"}), json!({"sub": "2"}), true),
        (json!({"email": "ada@example.com"}), json!({"email": "Ada@Example.com"}), false),
        (json!({"email": "ada@example.com"}), json!({"sub": "2"}), false),
        (json!({}), json!({"email": "bob@example.com"}), false),
    ] {
        println!("case: {old} {new}");
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        robot.set_config(json!({"auth_token": claims(old), "email_id": EMAIL}));
        let answer = Answer::json(200, json!({"data": {"Token": claims(new)}}));
        platform.answer(Call::RefreshToken, answer);
        let outcome = robot.rio(&REFRESH).run_at(&FakeClock::new()).exits(0);
        assert_eq!(outcome.stderr.contains("another account"), warns, "{outcome}");
    }
}

#[test]
fn pending_login_is_removed_when_its_output_fails() {
    for output in [">/dev/full", ">&-"] {
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        let mut command = robot.command("sh");
        command.args(["-c", &format!("exec \"$@\" {output}"), "sh"]).arg(binary()).args(DEVICE);
        let outcome = outcome(&mut command);
        outcome.exits(1);
        assert!(!pending_path(&robot).exists(), "{output}");
    }
}

#[test]
fn login_without_file_locks_leaves_no_pending_file() {
    let platform = Platform::start();
    platform.interval(1);
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    let mut command = robot.rio(&DEVICE).command();
    fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
    let outcome = robot.rio(&DEVICE).run_command(command).exits(0);
    outcome.says("run only one login at a time");
    assert!(!pending_path(&robot).exists() && robot.config()["auth_token"].is_string());
}

#[test]
fn login_without_file_locks_is_resumed() {
    let platform = Platform::start();
    platform.interval(1);
    platform.allow_early_polls();
    let robot = Robot::of(&platform);
    let mut command = robot.rio(&DEVICE).command();
    fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
    let child = spawn(&mut command);
    wait_until(|| !platform.calls(Call::Token).is_empty());
    end(child, libc::SIGTERM);
    platform.approve();
    let outcome = robot.rio(&DEVICE).run_at(&FakeClock::new()).exits(0);
    assert_eq!(outcome.events()[0]["resumed"], true);
}

#[test]
fn temporary_file_that_cannot_be_removed_holds_no_token() {
    let platform = rotating();
    let (robot, old) = Robot::logged_in(&platform);
    let mut command = robot.rio(&REFRESH).command();
    fail_system_call(&mut command, libc::SYS_unlink, libc::EIO);
    robot.rio(&REFRESH).run_command(command);
    let left = fs::read(temporary_path(&robot)).unwrap_or_default();
    assert_eq!(left, b"");
    status(&robot).exits(0);
    assert!(!platform.has_ended(&stored_token(&robot)) || stored_token(&robot) == old);
}

#[test]
fn file_in_the_way_is_named_at_once() {
    let platform = Platform::start();
    for arguments in [&REFRESH[..], &["auth", "logout"], &["auth", "environment", "dev"], &DEVICE] {
        let (robot, _) = Robot::logged_in(&platform);
        fs::create_dir(temporary_path(&robot)).unwrap();
        let clock = FakeClock::new();
        let outcome = robot.rio(arguments).run_at(&clock).exits(1).says("is a directory");
        outcome.says(&temporary_path(&robot).display().to_string()).says("rm -r");
        assert!(clock.sleeps().is_empty());
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn file_of_another_user_in_a_sticky_directory_is_named_at_once() {
    if !is_root() {
        return skip("needs root, to create a file of another user");
    }
    let platform = Platform::start();
    for (name, arguments) in [
        (".config.json.tmp", &REFRESH[..]),
        (".config.json.tmp", &["auth", "logout"]),
        ("config.json.pending", &DEVICE),
        ("config.json.pending", &["auth", "login", "--silent", "--auth-token", "t0ken"]),
    ] {
        for mode in [0o600, 0o666] {
            println!("case: {name} {mode:o} {arguments:?}");
            let (robot, _) = Robot::logged_in(&platform);
            let mut command = robot.rio_as_plain_user(arguments);
            let directory = robot.config_path().parent().unwrap().to_owned();
            chown(&directory, Some(0), None).unwrap();
            fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
            let path = directory.join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            chown(&path, Some(PLAIN_USER + 7), None).unwrap();
            let held = File::open(&path).unwrap();
            held.lock().unwrap();
            let outcome = outcome(&mut command).exits(1);
            outcome.says(&path.display().to_string()).says(&format!("uid {}", PLAIN_USER + 7));
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn refresh_checks_the_path_of_its_lock() {
    let platform = rotating();
    let (robot, _) = Robot::logged_in(&platform);
    let open = || {
        let file = File::options().create(true).append(true).open(lock_path(&robot)).unwrap();
        fs::set_permissions(lock_path(&robot), Permissions::from_mode(0o600)).unwrap();
        file.try_lock().unwrap();
        file
    };
    let first = open();
    let (clock, path) = (FakeClock::new(), lock_path(&robot));
    let mut locks = vec![first];
    clock.on_sleep(move |_, sleeps| match sleeps {
        // Another program removes the file, and a third refresh makes it again.
        3 => {
            fs::remove_file(&path).unwrap();
            let file = File::options().create_new(true).append(true).open(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            file.try_lock().unwrap();
            locks = vec![file];
        }
        6 => locks.clear(),
        _ => {}
    });
    robot.rio(&REFRESH).run_at(&clock).exits(0);
    assert!(clock.sleeps().len() >= 6, "it waited for the file that is at the path");
    assert_eq!(platform.calls(Call::RefreshToken).len(), 1);
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: takes no pointer.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), signal) }, 0);
}

fn end(mut child: Child, number: i32) {
    signal(&child, number);
    child.wait().unwrap();
}

#[test]
fn signal_during_the_approving_poll_waits_until_the_token_is_stored() {
    for number in [libc::SIGTERM, libc::SIGHUP] {
        let platform = Platform::start();
        platform.interval(1);
        platform.approve_after(0);
        let robot = Robot::of(&platform);
        platform.hold(Call::Token);
        let mut child = spawn(&mut robot.rio(&DEVICE).command());
        wait_until(|| !platform.calls(Call::Token).is_empty());
        signal(&child, number);
        platform.release();
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        status(&robot).exits(0);
        assert!(!pending_path(&robot).exists());
    }
}

#[test]
fn second_ctrl_c_ends_a_refresh_at_once() {
    for first in [libc::SIGINT, libc::SIGTERM] {
        let platform = rotating();
        let (robot, _) = Robot::logged_in(&platform);
        platform.hold(Call::RefreshToken);
        let mut child = spawn(&mut robot.rio(&REFRESH).command());
        wait_until(|| !platform.calls(Call::RefreshToken).is_empty());
        signal(&child, first);
        SystemClock.sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "it waits for the response");
        signal(&child, libc::SIGINT);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGINT));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr.contains("press Ctrl-C again"), first == libc::SIGINT, "{stderr}");
        assert!(stderr.contains("the login may be lost"), "{stderr}");
        platform.release();
    }
}

/// `rio` under strace with these options, and strace's log. `None` if that is not possible.
pub(super) fn traced(
    robot: &Robot,
    arguments: &[&str],
    options: &[&str],
) -> Option<(Command, PathBuf)> {
    if runner().is_some() {
        skip("needs an executable for this machine");
        return None;
    }
    let (strace, log) = (installed("strace")?, robot.home().join("strace.log"));
    let mut command = robot.command(strace);
    command.args(["-f", "-y", "-qq", "-o"]).arg(&log).args(options);
    command.arg(binary()).args(arguments).stdin(Stdio::null());
    let mut probe = robot.command("strace");
    probe.env("PATH", "/usr/bin:/bin").args(["-qq", "-o", "/dev/null", "true"]);
    if !probe.status().is_ok_and(|status| status.success()) {
        skip("needs ptrace");
        return None;
    }
    Some((command, log))
}

#[test]
fn directory_that_cannot_be_synced_causes_a_warning() {
    let platform = rotating();
    let (robot, _) = Robot::logged_in(&platform);
    // Creates the lock file.
    robot.rio(&REFRESH).run().exits(0);
    for (error, warns) in [("EIO", true), ("EINVAL", false)] {
        let fault = format!("inject=fsync:error={error}:when=4");
        let Some((mut command, _)) = traced(&robot, &REFRESH, &["-e", &fault]) else { return };
        let outcome = outcome(&mut command).exits(0);
        assert_eq!(outcome.stderr.contains("warning: cannot sync"), warns, "{outcome}");
    }
}

#[test]
fn refresh_writes_one_throw_away_file_and_syncs_four_times() {
    let platform = rotating();
    let (robot, _) = Robot::logged_in(&platform);
    robot.rio(&REFRESH).run().exits(0);
    let Some((mut command, log)) = traced(&robot, &REFRESH, &[]) else { return };
    outcome(&mut command).exits(0);
    let log = fs::read_to_string(log).unwrap();
    let (before, after) = log.split_once("/refreshtoken").unwrap();
    let count = |log: &str, call: &str, text: &str| {
        let is_call =
            |line: &&str| line.contains(call) && line.contains(text) && !line.contains("EEXIST");
        log.lines().filter(is_call).count()
    };
    let files = |log| count(log, "open", "O_CREAT");
    let syncs = |log| count(log, "fsync(", "") + count(log, "fdatasync(", "");
    assert_eq!((files(before), syncs(before)), (1, 1));
    assert_eq!((files(after), syncs(after)), (1, 3));
}

#[test]
fn new_directories_and_the_pending_file_are_durable() {
    let platform = Platform::start();
    platform.interval(1);
    platform.approve_after(0);
    let url = platform.url().to_owned();
    let robot = Robot::new();
    robot.write_hosts(&url);
    let Some((mut command, log)) = traced(&robot, &DEVICE, &[]) else { return };
    outcome(&mut command).exits(0);
    let log = fs::read_to_string(log).unwrap();
    let directory = robot.config_path().parent().unwrap().display().to_string();
    let created = log.find("config.json.pending\", O_RDWR|O_CREAT").unwrap();
    let authorized = log.find("/oauth2/device/auth").unwrap();
    let sync = format!("<{directory}>)");
    assert!(log[created..authorized].contains(&sync), "{sync}");

    let robot = Robot::new();
    let write = ["auth", "environment", "dev"];
    let Some((mut command, log)) = traced(&robot, &write, &[]) else { return };
    outcome(&mut command).exits(0);
    let log = fs::read_to_string(log).unwrap();
    let home = fs::canonicalize(robot.home()).unwrap();
    for parent in [home.clone(), home.join(".config"), home.join(".config/rio-cli")] {
        let sync = format!("<{}>)", parent.display());
        let is_synced = log.lines().any(|line| line.contains("fsync(") && line.contains(&sync));
        assert!(is_synced, "{sync}");
    }
}

#[test]
fn member_written_in_the_last_moment_is_merged() {
    for makes_file in [false, true] {
        let robot = Robot::new();
        robot.write_config(&json!({"machine_id": 7}));
        if makes_file {
            fs::remove_file(robot.config_path()).unwrap();
        }
        let write = ["auth", "environment", "dev"];
        let delay = "inject=renameat2:delay_enter=600000:when=1";
        let Some((mut command, log)) = traced(&robot, &write, &["-e", delay]) else { return };
        let child = spawn(&mut command);
        // The new file is complete, and the old one was read for the last time.
        wait_until(|| fs::metadata(temporary_path(&robot)).is_ok_and(|file| file.len() > 0));
        SystemClock.sleep(Duration::from_millis(200));
        robot.write_config(&json!({"machine_id": 7, "python": "written"}));
        Outcome::of(&command, child.wait_with_output().unwrap()).exits(0);
        assert!(fs::read_to_string(log).unwrap().contains("renameat2"));
        let config = robot.config();
        assert_eq!(config["environment"], "dev");
        assert_eq!((&config["machine_id"], &config["python"]), (&json!(7), &json!("written")));
    }
}
