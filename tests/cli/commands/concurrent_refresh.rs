//! One refresh at a time: the lock file, lost responses, and new tokens that cannot be stored.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};
use serde_json::json;

#[cfg(target_os = "linux")]
use crate::machine::config_file::fail_system_call;
use crate::robot::skip::skip;
use crate::robot::{FakeClock, Outcome, PLAIN_USER, Robot, is_root};

pub const REFRESH: [&str; 3] = ["auth", "refresh-token", "--silent"];
pub const MIN_VALID: [&str; 5] = ["auth", "token", "--current", "--min-valid", "10m"];

/// A platform that ends a token when it is refreshed.
pub fn rotating() -> Platform {
    let platform = Platform::start();
    platform.rotate_tokens();
    platform
}

pub fn lock_path(robot: &Robot) -> PathBuf {
    robot.config_path().with_file_name(".config.json.refresh.lock")
}

fn lock(path: &Path) -> File {
    let file = File::options().create(true).append(true).mode(0o600).open(path).unwrap();
    file.try_lock().unwrap();
    file
}

pub fn stored_token(robot: &Robot) -> String {
    robot.config()["auth_token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_stored_token_is_valid(robot: &Robot) {
    robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new()).exits(0);
}

/// Starts the real binary, with pipes.
fn start(robot: &Robot, arguments: &[&str]) -> (Command, Child) {
    let mut command = robot.rio(arguments).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    (command, child)
}

fn finish((command, child): (Command, Child)) -> Outcome {
    Outcome::of(&command, child.wait_with_output().unwrap())
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "another process needs real time")]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited for 30 seconds");
}

/// Whether a process has this file open.
fn has_open(child: &Child, file: &Path) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten();
    descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == file))
}

/// Runs this many processes at once. The platform answers the first one when all others wait for it.
fn run_at_once(
    count: usize,
    arguments: &[&str],
    robot: &Robot,
    platform: &Platform,
) -> Vec<Outcome> {
    platform.hold(Call::RefreshToken);
    let running: Vec<_> = (0..count).map(|_| start(robot, arguments)).collect();
    wait_until(|| !platform.calls(Call::RefreshToken).is_empty());
    let lock = fs::canonicalize(lock_path(robot)).unwrap();
    wait_until(|| running.iter().all(|(_, child)| has_open(child, &lock)));
    platform.release();
    running.into_iter().map(finish).collect()
}

fn has_proc() -> bool {
    let found = Path::new("/proc/self/fd").exists();
    if !found {
        skip("needs /proc");
    }
    found
}

#[test]
fn concurrent_refreshes_send_one_request() {
    if !has_proc() {
        return;
    }
    let platform = rotating();
    let (robot, old) = Robot::logged_in(&platform);
    let outcomes = run_at_once(10, &REFRESH, &robot, &platform);
    let by_other = outcomes
        .into_iter()
        .filter(|outcome| outcome.stderr.contains("Another rio"))
        .map(|o| o.exits(0));
    assert_eq!(by_other.count(), 9);
    assert_eq!(platform.requests().len(), 1);
    assert_ne!(stored_token(&robot), old);
    assert_stored_token_is_valid(&robot);
}

#[test]
fn concurrent_min_valid_calls_print_the_same_token() {
    if !has_proc() {
        return;
    }
    let platform = rotating();
    platform.opaque_tokens();
    let (robot, old) = Robot::logged_in(&platform);
    let outcomes = run_at_once(8, &MIN_VALID, &robot, &platform);
    let token = stored_token(&robot);
    assert_ne!(token, old);
    for outcome in outcomes {
        outcome.exits(0).prints(&format!("{token}\n"));
    }
    assert_eq!(platform.requests().len(), 1);
    assert_stored_token_is_valid(&robot);
}

#[test]
fn lost_response_is_settled_by_one_check_of_the_old_token() {
    let json = |body: &str| Answer::text(200, "application/json", body.to_owned());
    let answer = |name| match name {
        "no response" => Answer::hang_up(),
        "500" => Answer::json(500, json!({"error": "internal"})),
        "502" => Answer::text(502, "text/html", "<h1>Bad gateway</h1>"),
        "HTTP/1.0, cut off" => Answer::raw("HTTP/1.0 200 OK\r\n\r\n{\"data\":{\"Token\":\"ab"),
        "compressed" => json("x").header("Content-Encoding", "gzip"),
        "text" => Answer::text(200, "text/plain", "OK"),
        "a web page" => Answer::text(200, "text/html", "<h1>Welcome</h1>"),
        "nothing" => json(""),
        "too large" => json(&" ".repeat(2 * 1024 * 1024)),
        "other JSON" => json("{\"data\": {}}"),
        _ => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"data\":"),
    };
    let cut_off = ["no response", "500", "502", "incomplete body", "HTTP/1.0, cut off"];
    let odd = ["compressed", "text", "a web page", "nothing", "too large", "other JSON"];
    for name in cut_off.into_iter().chain(odd) {
        // Whether the platform acts before the response is lost, and whether it answers the check.
        for (acts, answers, exit, says) in [
            (false, true, 3, "The stored token is still valid."),
            (true, true, 1, "To log in again, run:\n    rio auth login\n"),
            (true, false, 3, "the server may have replaced the token"),
        ] {
            println!("case: {name}, {exit}");
            let platform = rotating();
            let (robot, _) = Robot::logged_in(&platform);
            let before = robot.config_bytes();
            let lost = answer(name);
            let lost = if acts { Answer::after_acting(lost) } else { lost };
            platform.answer(Call::RefreshToken, lost);
            if !answers {
                platform.answer(Call::UserInfo, Answer::hang_up());
            }
            let clock = FakeClock::new();
            let refresh = robot.rio(&REFRESH).run_at(&clock);
            refresh.exits(exit).says(says).prints("");
            assert_eq!(clock.sleeps(), [2], "the server may still be replacing the token");
            assert_eq!(robot.config_bytes(), before);
            let calls: Vec<_> = platform.requests().iter().filter_map(|r| r.call).collect();
            assert_eq!(calls, [Call::RefreshToken, Call::UserInfo]);
        }
    }
}

#[test]
fn not_found_is_not_an_invalid_token() {
    for status in [404, 405, 410, 422] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::RefreshToken, Answer::json(status, json!({})));
        let refresh = robot.rio(&["auth", "refresh-token"]).stdin(PASSWORD);
        refresh.run_at(&FakeClock::new()).exits(1).says("Check rip_host in /").hides("Password");
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
fn refresh_waits_75_seconds_for_the_lock() {
    let platform = rotating();
    let (robot, _) = Robot::logged_in(&platform);
    let held = lock(&lock_path(&robot));
    let clock = FakeClock::new();
    robot.rio(&REFRESH).run_at(&clock).exits(3).says(".config.json.refresh.lock");
    let waited: u128 = clock.sleeps_in_ms().iter().sum();
    assert_eq!(waited, 75_000);
    robot.rio(&MIN_VALID[..3]).run_at(&FakeClock::new()).exits(0);
    assert!(platform.requests().is_empty());

    let clock = FakeClock::new();
    let mut held = Some(held);
    clock.on_sleep(move |_, count| {
        if count == 740 {
            // A child that another test has just forked may have the file open, too.
            held.take().unwrap().unlock().unwrap();
        }
    });
    robot.rio(&REFRESH).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps_in_ms().len(), 740);
}

#[test]
fn file_without_room_for_a_new_token_stops_the_refresh() {
    // Each of these characters is written as six bytes.
    let escaped = "é".repeat(180_000);
    let long = "x".repeat(1024 * 1024 - 2_000);
    for member in [escaped, long] {
        for grows_during_wait in [false, true] {
            let platform = rotating();
            let (robot, _) = Robot::logged_in(&platform);
            let mut config = robot.config();
            config["machine_id"] = member.clone().into();
            let (path, text) = (robot.config_path(), config.to_string());
            let held = lock(&lock_path(&robot));
            let clock = FakeClock::new();
            if grows_during_wait {
                clock.on_sleep(move |_, _| {
                    fs::write(&path, &text).unwrap();
                    held.unlock().unwrap();
                });
            } else {
                held.unlock().unwrap();
                fs::write(path, text).unwrap();
            }
            robot.rio(&REFRESH).run_at(&clock).exits(1).says("would become larger than 1 MiB");
            assert!(platform.requests().is_empty());
        }
    }
}

#[test]
fn only_a_refresh_takes_the_lock() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let _held = lock(&lock_path(&robot));
    let login = ["auth", "login", "--email", EMAIL, "--password", "-", "--yes"];
    let clock = FakeClock::new();
    for arguments in [
        &login[..],
        &["auth", "token", "--current"],
        &["auth", "status"],
        &["auth", "logout"],
        &login,
        &["auth", "environment", "dev"],
    ] {
        robot.rio(arguments).stdin(PASSWORD).run_at(&clock).exits(0);
    }
    assert!(clock.sleeps().is_empty());
}

#[test]
fn lock_file_is_empty_private_and_kept() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let directory = robot.home().join("elsewhere");
    fs::create_dir(&directory).unwrap();
    fs::rename(robot.config_path(), directory.join("real.json")).unwrap();
    symlink(directory.join("real.json"), robot.config_path()).unwrap();
    if is_root() {
        chown(directory.join("real.json"), Some(PLAIN_USER), Some(PLAIN_USER + 1)).unwrap();
    }
    for _ in 0..2 {
        let mut command = Command::new("sh");
        let rio = robot.rio(&REFRESH);
        command.args(["-c", "umask 377; exec \"$@\"", "sh"]).arg(rio.command().get_program());
        command.args(rio.command().get_args()).env_clear().env("HOME", robot.home());
        rio.run_command(command).exits(0);
        let lock = fs::metadata(directory.join(".real.json.refresh.lock")).unwrap();
        assert_eq!((lock.mode() & 0o7777, lock.len()), (0o600, 0));
        if is_root() {
            assert_eq!((lock.uid(), lock.gid()), (PLAIN_USER, PLAIN_USER + 1));
        }
    }
    assert!(!lock_path(&robot).exists());
    assert_stored_token_is_valid(&robot);
}

#[test]
fn unusable_lock_file_stops_the_refresh() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let target = robot.home().join("target");
    fs::write(&target, "").unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
    symlink(&target, lock_path(&robot)).unwrap();
    let clock = FakeClock::new();
    robot.rio(&REFRESH).run_at(&clock).exits(1).says(".config.json.refresh.lock");
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o644);
    assert!(platform.requests().is_empty());
}

/// Writes a file with this mode.
fn write_with_mode(path: &Path, mode: u32) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn lock_file_that_is_not_private_stops_refresh_and_fails_doctor() {
    type Make = fn(&Path);
    let cases: Vec<(Make, &str, &str)> = vec![
        (|lock| fs::create_dir(lock).unwrap(), "is not a regular file", "rmdir "),
        (|lock| symlink("config.json", lock).unwrap(), "is not a regular file", "rm "),
        (
            |lock| assert!(Command::new("mkfifo").arg(lock).status().unwrap().success()),
            "is not a regular file",
            "rm ",
        ),
        (
            |lock| {
                write_with_mode(lock, 0o600);
                fs::hard_link(lock, lock.with_file_name("other")).unwrap();
            },
            "has other hard links",
            "rm ",
        ),
        (|lock| write_with_mode(lock, 0o666), "has mode 0666", "chmod 600 "),
    ];
    let platform = Platform::start();
    for (make, problem, command) in cases {
        println!("case: {problem}");
        let (robot, _) = Robot::logged_in(&platform);
        let path = lock_path(&robot);
        make(&path);
        let clock = FakeClock::new();
        let outcome = robot.rio(&REFRESH).run_at(&clock).exits(1);
        let outcome = outcome.says(&format!("the file {} {problem}", path.display()));
        outcome.says(&format!("\n    {command}{}\n", path.display()));
        let doctor = robot.rio(&["doctor", "--offline"]).run_at(&clock).exits(1);
        assert!(doctor.stdout.contains(problem), "{doctor}");
        assert!(doctor.stdout.contains(&format!("\n          {command}")), "{doctor}");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn refresh_goes_on_without_the_lock_file_of_another_user() {
    if !is_root() {
        skip("needs root, to create a file of another user");
        return;
    }
    let platform = rotating();
    for (arguments, exit) in [(&REFRESH[..], 0), (&["doctor", "--offline"], 1)] {
        let (robot, _) = Robot::logged_in(&platform);
        let path = lock_path(&robot);
        let command = robot.rio_as_plain_user(arguments);
        write_with_mode(&path, 0o600);
        let outcome = robot.rio(&[]).run_command(command).exits(exit);
        assert_stored_token_is_valid(&robot);
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(all.contains("belongs to another user (uid 0)"), "{outcome}");
        assert!(all.contains(&format!("  sudo chown {PLAIN_USER} ")), "{outcome}");
    }
}

#[test]
fn lock_file_with_the_mode_of_the_config_file_is_used() {
    // As on a file system without modes.
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    fs::set_permissions(robot.config_path(), Permissions::from_mode(0o755)).unwrap();
    write_with_mode(&lock_path(&robot), 0o755);
    robot.rio(&REFRESH).run().exits(0);
}

#[test]
fn lock_file_that_cannot_be_created_is_named_with_rio_config() {
    let platform = Platform::start();
    // The name of the lock file is longer than 255 bytes; that of the temporary file is not.
    let name = "c".repeat(245);
    let (robot, _) = Robot::logged_in(&platform);
    let path = robot.home().join(&name);
    fs::rename(robot.config_path(), &path).unwrap();
    let robot = robot.env("RIO_CONFIG", path);
    let outcome = robot.rio(&REFRESH).run().exits(1).says("too long").says("RIO_CONFIG");
    outcome.says(&format!("cannot write {}/.{name}.refresh.lock", robot.home().display()));
    assert!(platform.requests().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn file_system_without_locks_causes_a_warning() {
    let platform = rotating();
    let (robot, old) = Robot::logged_in(&platform);
    let rio = robot.rio(&REFRESH);
    let mut command = rio.command();
    fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
    rio.run_command(command).exits(0).says("warning: cannot lock").says(".refresh.lock");
    assert_ne!(stored_token(&robot), old);
}

#[test]
fn token_replaced_by_another_program_is_not_rejected() {
    // The Python `rio` has refreshed the token, without the lock.
    for arguments in [&REFRESH[..], &["auth", "refresh-token", "--json"], &MIN_VALID] {
        let platform = rotating();
        platform.opaque_tokens();
        let (robot, old) = Robot::logged_in(&platform);
        platform.hold(Call::RefreshToken);
        platform.revoke(&old);
        let running = start(&robot, arguments);
        wait_until(|| !platform.calls(Call::RefreshToken).is_empty());
        let new = platform.issue_token();
        robot.set_config(json!({"auth_token": new}));
        platform.release();
        let outcome = finish(running).exits(0);
        if arguments.contains(&"--json") {
            assert_eq!(outcome.json()["refreshed"], true, "{outcome}");
        }
        assert_eq!(stored_token(&robot), new);
        assert!(platform.calls(Call::UserLogin).is_empty());
    }
}

#[test]
fn new_token_after_another_login_or_logout_is_ended() {
    for change in ["logout", "login"] {
        println!("case: {change}");
        let platform = rotating();
        let (robot, old) = Robot::logged_in(&platform);
        platform.hold(Call::RefreshToken);
        let running = start(&robot, &REFRESH);
        wait_until(|| !platform.calls(Call::RefreshToken).is_empty());
        match change {
            "logout" => robot.set_config(json!({"auth_token": null})),
            _ => robot.set_config(json!({"auth_token": platform.issue_token()})),
        }
        let before = robot.config_bytes();
        platform.release();
        finish(running).exits(1).says("another rio logged in or out").prints("");
        assert_eq!(robot.config_bytes(), before);
        let ended = platform.calls(Call::UserLogout);
        assert_eq!(ended.len(), 1);
        let token = ended[0].header("Authorization").unwrap().strip_prefix("Bearer ").unwrap();
        assert_ne!(token, old);
        assert!(!String::from_utf8(before).unwrap().contains(token));
    }
}

#[test]
fn signals_wait_until_the_new_token_is_stored() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        println!("case: {signal}");
        let platform = rotating();
        let (robot, old) = Robot::logged_in(&platform);
        platform.hold(Call::RefreshToken);
        let (_, mut child) = start(&robot, &REFRESH);
        wait_until(|| !platform.calls(Call::RefreshToken).is_empty());
        // SAFETY: takes no pointer.
        unsafe { libc::kill(child.id().try_into().unwrap(), signal) };
        platform.release();
        assert_eq!(child.wait().unwrap().signal(), Some(signal));
        assert_ne!(stored_token(&robot), old);
        assert_stored_token_is_valid(&robot);
    }
}

#[test]
fn password_prompt_does_not_hold_the_lock() {
    use std::io::{Read, Write};
    for other_refreshes in [false, true] {
        let platform = Platform::start();
        let (robot, old) = Robot::logged_in(&platform);
        platform.revoke(&old);
        let mut running = start(&robot, &["auth", "refresh-token"]);
        let child = &mut running.1;
        let mut said = Vec::new();
        while !String::from_utf8_lossy(&said).contains("Password for") {
            let mut byte = [0];
            child.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
            said.extend(byte);
        }
        drop(lock(&lock_path(&robot)));
        if other_refreshes {
            robot.set_config(json!({"auth_token": platform.issue_token()}));
        }
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
        let says = if other_refreshes { "Another rio has refreshed" } else { "Token refreshed" };
        finish(running).exits(0).says(says);
        assert_eq!(platform.calls(Call::UserLogin).len(), usize::from(!other_refreshes));
    }
}
