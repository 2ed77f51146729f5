//! A login that is interrupted while it waits, and the next one that resumes it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};
use rio::machine::terminal::Screen;
use serde_json::{Value, json};

use crate::robot::{FakeClock, Robot, screen};

/// Enough for any step on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn pending_file(robot: &Robot) -> PathBuf {
    let mut path = robot.config_path().into_os_string();
    path.push(".pending");
    path.into()
}

fn saved(robot: &Robot) -> Value {
    serde_json::from_slice(&fs::read(pending_file(robot)).unwrap()).unwrap()
}

/// The real binary, waiting for an approval.
struct Waiting(Child);

impl Waiting {
    fn start(robot: &Robot, platform: &Platform) -> Self {
        let polls = platform.calls(Call::Token).len();
        let mut command = robot.rio(&["auth", "login", "--yes", "--json"]).command();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let waiting = Waiting(child.spawn().unwrap());
        until(|| platform.calls(Call::Token).len() > polls);
        waiting
    }

    fn ends_by(mut self, signal: i32) {
        let pid = i32::try_from(self.0.id()).unwrap();
        // SAFETY: kill takes no pointer; the child is still ours.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
        self.0.wait().unwrap();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the real binary waits in real time")]
fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "timed out");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start() -> Platform {
    let platform = Platform::start();
    platform.interval(1);
    platform.allow_early_polls();
    platform
}

/// The `verification` event of a login that succeeds.
fn login(robot: &Robot, clock: &std::rc::Rc<FakeClock>) -> Value {
    let outcome = robot.rio(&["auth", "login", "--yes", "--json"]).run_at(clock).exits(0);
    outcome.events()[0].clone()
}

/// Saves a pending login, as it was 60 seconds before the clock's time.
fn leave_pending(robot: &Robot, platform: &Platform, clock: &FakeClock, changes: Value) {
    use rio::machine::clock::Clock;
    let saved_at = clock.utc().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 60;
    let url = platform.url();
    let mut saved = json!({
        "provider": [
            url,
            "rio-cli",
            format!("{url}/oauth2/device/auth"),
            format!("{url}/oauth2/token"),
        ],
        "saved_at": saved_at,
        "grant": {
            "device_code": "saved-device-code",
            "user_code": "SAVED-CODE",
            "verification_uri": format!("{url}/device"),
            "verification_uri_complete": null,
            "expires_in": {"secs": 600, "nanos": 0},
            "interval": {"secs": 5, "nanos": 0},
        },
    });
    for (pointer, value) in changes.as_object().unwrap() {
        *saved.pointer_mut(pointer).unwrap() = value.clone();
    }
    fs::write(pending_file(robot), saved.to_string()).unwrap();
    set_mode(robot, 0o600);
}

fn set_mode(robot: &Robot, mode: u32) {
    fs::set_permissions(pending_file(robot), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn interrupted_login_is_resumed_with_the_same_code() {
    for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGKILL] {
        let platform = start();
        let robot = Robot::of(&platform);
        Waiting::start(&robot, &platform).ends_by(signal);
        let mode = fs::metadata(pending_file(&robot)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The user approves while nothing runs.
        platform.approve();
        let verification = login(&robot, &FakeClock::new());
        assert_eq!(verification["resumed"], true, "{signal}");
        assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1, "{signal}");
        assert_eq!(robot.config()["email_id"], EMAIL);
        assert!(!pending_file(&robot).exists(), "{signal}");
    }
}

#[test]
fn ctrl_c_removes_the_pending_login() {
    let platform = start();
    let robot = Robot::of(&platform);
    Waiting::start(&robot, &platform).ends_by(libc::SIGINT);
    assert!(!pending_file(&robot).exists());
    platform.approve_after(0);
    assert_eq!(login(&robot, &FakeClock::new())["resumed"], false);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 2);
}

#[test]
fn second_login_at_once_gets_a_code_of_its_own() {
    let platform = start();
    let robot = Robot::of(&platform);
    let first = Waiting::start(&robot, &platform);
    let saved = fs::read(pending_file(&robot)).unwrap();
    platform.approve_after(0);
    platform.answer(Call::Token, Answer::unscripted());
    let second = Robot::of(&platform).env("RIO_CONFIG", robot.config_path());
    let verification = login(&second, &FakeClock::new());
    assert_eq!(verification["resumed"], false);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 2);
    drop(first);
    assert_eq!(fs::read(pending_file(&robot)).unwrap(), saved, "the first login keeps its file");
}

#[test]
fn resumed_login_shows_saved_code_and_polls_at_once() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    let long_url = format!("{}/device?{}", platform.url(), "x".repeat(2000));
    leave_pending(&robot, &platform, &clock, json!({"/grant/verification_uri": long_url}));
    let long_ago = std::time::UNIX_EPOCH;
    fs::File::options()
        .append(true)
        .open(pending_file(&robot))
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    let tokens = platform.tokens(platform.claims());
    platform.answer(Call::Token, Answer::json(200, tokens));
    let outcome = robot.rio(&["auth", "login", "--no-browser"]).run_at(&clock).exits(0);
    outcome.says("SAVED-CODE").says("Resuming your earlier login");
    assert_eq!(clock.sleeps(), [0], "the interval has long gone by");
    let polled = &platform.calls(Call::Token)[0];
    assert!(polled.form().contains(&("device_code".to_owned(), "saved-device-code".to_owned())));
    assert!(platform.calls(Call::DeviceAuthorization).is_empty());
}

#[test]
fn resumed_login_keeps_the_interval() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({}));
    let tokens = platform.tokens(platform.claims());
    platform.answer(Call::Token, Answer::json(200, tokens));
    // The file was written a moment ago, as by a poll.
    robot.rio(&["auth", "login", "--no-browser"]).run_at(&clock).exits(0);
    assert!(clock.sleeps()[0] >= 4, "{:?}", clock.sleeps());
}

#[test]
fn each_poll_is_recorded_for_a_resumed_login() {
    let platform = start();
    let robot = Robot::of(&platform);
    let _waiting = Waiting::start(&robot, &platform);
    let file = fs::File::options().append(true).open(pending_file(&robot)).unwrap();
    let long_ago = std::time::UNIX_EPOCH;
    file.set_modified(long_ago).unwrap();
    until(|| file.metadata().unwrap().modified().unwrap() > long_ago);
}

#[test]
fn expired_foreign_or_invalid_login_is_not_resumed() {
    for (name, changes) in [
        ("expired", json!({"/grant/expires_in/secs": 60})),
        ("another issuer", json!({"/provider/0": "https://other.example"})),
        ("another client", json!({"/provider/1": "other"})),
        ("another device endpoint", json!({"/provider/2": "https://evil.example/device"})),
        ("another token endpoint", json!({"/provider/3": "https://evil.example/token"})),
        (
            "complete URL on another host",
            json!({"/grant/verification_uri_complete": "https://evil.example/"}),
        ),
        ("page without TLS", json!({"/grant/verification_uri": "http://evil.example/"})),
        ("unprintable user code", json!({"/grant/user_code": "A\u{1b}[2J"})),
        ("no device code", json!({"/grant/device_code": null})),
        ("interval of zero", json!({"/grant/interval/secs": 0})),
        ("interval as long as the lifetime", json!({"/grant/interval/secs": 600})),
        ("lifetime of 2^64-1", json!({"/grant/expires_in/secs": u64::MAX})),
        ("lifetime that is text", json!({"/grant/expires_in": "long"})),
    ] {
        let (platform, clock) = (start(), FakeClock::new());
        let robot = Robot::of(&platform);
        leave_pending(&robot, &platform, &clock, changes);
        platform.approve_after(0);
        assert_eq!(login(&robot, &clock)["resumed"], false, "{name}");
        assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1, "{name}");
        assert!(!pending_file(&robot).exists(), "{name}");
    }
}

#[test]
fn login_keeps_pending_file_of_a_later_login() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    platform.approve_after(0);
    let path = pending_file(&robot);
    clock.on_sleep(move |_, sleeps| {
        if sleeps == 1 {
            // After a logout, a later login creates its own file.
            fs::remove_file(&path).unwrap();
            fs::write(&path, "of a later login").unwrap();
        }
    });
    login(&robot, &clock);
    assert_eq!(fs::read(pending_file(&robot)).unwrap(), b"of a later login");
}

#[test]
fn unreadable_pending_file_stops_no_login() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.approve_after(0);
    let mine = || -> Robot {
        let robot = Robot::of(&platform);
        fs::write(pending_file(&robot), "").unwrap();
        set_mode(&robot, 0o600);
        robot
    };
    for garbage in [&b""[..], b"{", b"\xff\x00", b"[]", &[b' '; 100_000]] {
        let robot = mine();
        fs::write(pending_file(&robot), garbage).unwrap();
        assert_eq!(login(&robot, &clock)["resumed"], false);
        assert!(!pending_file(&robot).exists());
    }
    let robot = Robot::of(&platform);
    fs::create_dir(pending_file(&robot)).unwrap();
    assert_eq!(login(&robot, &clock)["resumed"], false);
    let robot = Robot::of(&platform);
    std::os::unix::fs::symlink("/nonexistent/file", pending_file(&robot)).unwrap();
    assert_eq!(login(&robot, &clock)["resumed"], false);
}

#[test]
fn final_error_logout_and_other_logins_remove_pending_login() {
    let (platform, clock) = (start(), FakeClock::new());
    let (robot, _) = Robot::logged_in(&platform);
    for (name, arguments, stdin) in [
        ("another environment", &["auth", "environment", "ga"] as &[&str], ""),
        ("a logout", &["auth", "logout"], ""),
        ("a login by password", &["auth", "login", "--yes", "--email", EMAIL], PASSWORD),
    ] {
        let mut config = platform.config();
        config["auth_token"] = platform.issue_token().into();
        robot.write_config(&config);
        leave_pending(&robot, &platform, &clock, json!({}));
        robot.rio(arguments).stdin(stdin).run_at(&clock).exits(0);
        assert!(!pending_file(&robot).exists(), "{name}");
    }
    // A login that fails changes nothing.
    leave_pending(&robot, &platform, &clock, json!({}));
    let arguments = ["auth", "login", "--yes", "--email", EMAIL];
    robot.rio(&arguments).stdin("not the password").run_at(&clock).exits(1);
    assert!(pending_file(&robot).exists());
    leave_pending(&robot, &platform, &clock, json!({}));
    platform.answer(Call::Token, Answer::json(403, json!({"error": "access_denied"})));
    robot.rio(&["auth", "login", "--yes"]).run_at(&clock).exits(1).says("denied");
    assert!(!pending_file(&robot).exists());
}

#[test]
fn pending_file_open_to_others_is_removed_unread() {
    type Open = fn(&Robot);
    let clock = FakeClock::new();
    let cases: Vec<(&str, Open)> = vec![
        ("writable by all", |robot| set_mode(robot, 0o666)),
        ("readable by all", |robot| set_mode(robot, 0o644)),
        ("under a second name", |robot| {
            fs::hard_link(pending_file(robot), robot.home().join("other")).unwrap();
        }),
        ("a symbolic link", |robot| {
            let other = robot.home().join("other");
            fs::rename(pending_file(robot), &other).unwrap();
            std::os::unix::fs::symlink(other, pending_file(robot)).unwrap();
        }),
    ];
    for (name, open_to_others) in cases {
        let platform = start();
        let robot = Robot::of(&platform);
        leave_pending(&robot, &platform, &clock, json!({}));
        open_to_others(&robot);
        let before = fs::read(pending_file(&robot)).unwrap();
        platform.approve_after(1);
        assert_eq!(login(&robot, &clock)["resumed"], false, "{name}");
        assert!(fs::symlink_metadata(pending_file(&robot)).is_err(), "{name}");
        if let Ok(other) = fs::read(robot.home().join("other")) {
            assert_eq!(other, before, "{name}");
        }
    }
}

#[test]
fn resumed_login_keeps_the_slower_interval() {
    let platform = start();
    let robot = Robot::of(&platform);
    platform.answer(Call::Token, Answer::json(400, json!({"error": "slow_down"})));
    let waiting = Waiting::start(&robot, &platform);
    // The poll was sent. Its response has to arrive, too.
    until(|| saved(&robot)["grant"]["interval"]["secs"] == 6);
    waiting.ends_by(libc::SIGKILL);
    platform.approve();
    assert_eq!(login(&robot, &FakeClock::new())["interval"], 6);
}

#[test]
fn kill_while_saving_leaves_old_or_new_contents() {
    let case = || {
        let platform = start();
        let robot = Robot::of(&platform);
        platform.answer(Call::Token, Answer::json(400, json!({"error": "slow_down"})));
        // Killed right after the poll, about when the new interval is saved.
        Waiting::start(&robot, &platform).ends_by(libc::SIGKILL);
        let interval = saved(&robot)["grant"]["interval"]["secs"].clone();
        assert!(interval == 1 || interval == 6, "{interval}");
    };
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(case);
        }
    });
}

#[test]
fn saved_code_that_terminal_cannot_show_stops_the_login() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({"/grant/user_code": "É-1"}));
    let ascii = Screen { utf8: false, ..screen(80, 24) };
    let outcome = robot.rio(&["auth", "login"]).screen(ascii).run_at(&clock);
    outcome.exits(1).says("cannot show").hides("?-1");
}

#[test]
fn ctrl_c_before_discovery_removes_the_pending_login() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({}));
    platform.answer(Call::Discovery, Answer::stall(PATIENCE));
    let mut command = robot.rio(&["auth", "login", "--json"]).command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let asking = Waiting(child.spawn().unwrap());
    until(|| !platform.calls(Call::Discovery).is_empty());
    asking.ends_by(libc::SIGINT);
    assert!(!pending_file(&robot).exists());
}

#[test]
fn pending_login_is_stored_beside_the_target_of_a_link() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let (link, directory) = (robot.config_path(), robot.home().join("real"));
    let target = directory.join("rio.json");
    fs::create_dir(&directory).unwrap();
    fs::rename(&link, &target).unwrap();
    symlink(&target, &link).unwrap();
    Waiting::start(&robot, &platform).ends_by(libc::SIGTERM);
    assert!(directory.join("rio.json.pending").exists());
    assert!(!pending_file(&robot).exists());
}

const LOGIN: [&str; 3] = ["auth", "login", "--no-browser"];

#[test]
fn timeout_leaves_a_login_that_the_next_one_resumes() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    let arguments = [&LOGIN[..], &["--timeout", "1m"]].concat();
    let outcome = robot.rio(&arguments).run_at(&clock).exits(3);
    outcome.says("has not been approved yet").says("rio auth login");
    assert!(platform.calls(Call::Token).len() > 1);
    assert!(clock.sleeps().iter().sum::<u64>() <= 60, "{:?}", clock.sleeps());
    platform.approve();
    assert_eq!(login(&robot, &clock)["resumed"], true);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1);
    assert!(!pending_file(&robot).exists());
}

#[test]
fn timeout_of_zero_shows_the_code_and_sends_no_poll() {
    let platform = start();
    let robot = Robot::of(&platform);
    for resumed in [false, true] {
        let arguments = ["auth", "login", "--json", "--timeout", "0s"];
        let outcome = robot.rio(&arguments).run_at(&FakeClock::new()).exits(3);
        let events: Vec<Value> = outcome.events();
        assert_eq!(events[0]["event"], "verification");
        assert_eq!(events[0]["resumed"], resumed);
        assert_eq!((&events[1]["event"], &events[1]["code"]), (&"error".into(), &3.into()));
        assert!(platform.calls(Call::Token).is_empty());
    }
}

#[test]
fn timeout_needs_a_device_login_and_a_unit() {
    for options in [
        &["--timeout", "1m", "--email", EMAIL, "--password", "-"][..],
        &["--timeout", "1m", "--auth-token", "-"],
        &["--timeout", "60"],
        &["--if-expires-within", "soon"],
    ] {
        let platform = start();
        let robot = Robot::of(&platform);
        let arguments = [&LOGIN[..], options].concat();
        robot.rio(&arguments).stdin("x\n").run_at(&FakeClock::new()).exits(2);
        assert!(platform.requests().is_empty(), "{options:?}");
    }
}

#[test]
fn login_whose_reader_has_gone_ends_as_on_a_hang_up() {
    let platform = start();
    let robot = Robot::of(&platform);
    let mut command = robot.rio(&["auth", "login", "--json"]).command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    until(|| !platform.calls(Call::Token).is_empty());
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGHUP));
    platform.approve();
    assert_eq!(login(&robot, &FakeClock::new())["resumed"], true);
}
