//! A login that is cut off while it waits, and the next one that goes on with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};
use rio::host::console::Screen;
use serde_json::{Value, json};

use crate::robot::{FakeClock, Robot, screen};

/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn pending_file(robot: &Robot) -> PathBuf {
    let mut path = robot.config_path().into_os_string();
    path.push(".pending");
    path.into()
}

fn kept(robot: &Robot) -> Value {
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
        assert!(Instant::now() < end, "it does not come to pass");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start() -> Platform {
    let platform = Platform::start();
    platform.interval(1);
    platform.allow_early_polls();
    platform
}

/// The `verification` event of a login that goes on, or begins anew, and then succeeds.
fn login(robot: &Robot, clock: &std::rc::Rc<FakeClock>) -> Value {
    let outcome = robot.rio(&["auth", "login", "--yes", "--json"]).run_at(clock).exits(0);
    outcome.events()[0].clone()
}

/// What a login leaves behind that was cut off `ago` seconds before `clock`.
fn leave_pending(robot: &Robot, platform: &Platform, clock: &FakeClock, changes: Value) {
    use rio::host::clock::Clock;
    let asked_at = clock.utc().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 60;
    let mut kept = json!({
        "parties": {
            "oidc_host": platform.url(),
            "client_id": "rio-cli",
            "device_authorization_endpoint": format!("{}/oauth2/device/auth", platform.url()),
            "token_endpoint": format!("{}/oauth2/token", platform.url()),
        },
        "asked_at": asked_at,
        "device_code": "kept-device-code",
        "user_code": "KEPT-CODE",
        "verification_uri": format!("{}/device", platform.url()),
        "verification_uri_complete": null,
        "expires_in": 600,
        "interval": 5,
    });
    for (name, value) in changes.as_object().unwrap() {
        match kept["parties"].get(name) {
            Some(_) => kept["parties"][name] = value.clone(),
            None => kept[name] = value.clone(),
        }
    }
    fs::write(pending_file(robot), kept.to_string()).unwrap();
    set_mode(robot, 0o600);
}

fn set_mode(robot: &Robot, mode: u32) {
    fs::set_permissions(pending_file(robot), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_login_that_was_hung_up_or_killed_goes_on_with_the_same_code() {
    for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGKILL] {
        let platform = start();
        let robot = Robot::of(&platform);
        Waiting::start(&robot, &platform).ends_by(signal);
        let mode = fs::metadata(pending_file(&robot)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // While nothing ran, the person approved.
        platform.approve();
        let verification = login(&robot, &FakeClock::new());
        assert_eq!(verification["resumed"], true, "{signal}");
        assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1, "{signal}");
        assert_eq!(robot.config()["email_id"], EMAIL);
        assert!(!pending_file(&robot).exists(), "{signal}");
    }
}

#[test]
fn ctrl_c_gives_the_code_up() {
    let platform = start();
    let robot = Robot::of(&platform);
    Waiting::start(&robot, &platform).ends_by(libc::SIGINT);
    assert!(!pending_file(&robot).exists());
    platform.approve_after(0);
    assert_eq!(login(&robot, &FakeClock::new())["resumed"], false);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 2);
}

#[test]
fn two_logins_at_once_do_not_fight_over_it() {
    let platform = start();
    let robot = Robot::of(&platform);
    let first = Waiting::start(&robot, &platform);
    let kept = fs::read(pending_file(&robot)).unwrap();
    platform.approve_after(0);
    platform.answer(Call::Token, Answer::unscripted());
    let second = Robot::of(&platform).env("RIO_CONFIG", robot.config_path());
    let verification = login(&second, &FakeClock::new());
    assert_eq!(verification["resumed"], false);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 2);
    drop(first);
    assert_eq!(fs::read(pending_file(&robot)).unwrap(), kept, "the first one's is left alone");
}

#[test]
fn what_was_kept_is_shown_and_polled_again_at_once() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({}));
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
    outcome.says("KEPT-CODE").says("Resuming your earlier login");
    assert_eq!(clock.sleeps(), [0], "the interval has long gone by");
    let polled = &platform.calls(Call::Token)[0];
    assert!(polled.form().contains(&("device_code".to_owned(), "kept-device-code".to_owned())));
    assert!(platform.calls(Call::DeviceAuthorization).is_empty());
}

#[test]
fn a_poll_does_not_come_early_because_the_program_was_started_anew() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({}));
    let tokens = platform.tokens(platform.claims());
    platform.answer(Call::Token, Answer::json(200, tokens));
    // The file was written, as by a poll, a moment ago.
    robot.rio(&["auth", "login", "--no-browser"]).run_at(&clock).exits(0);
    assert!(clock.sleeps()[0] >= 4, "{:?}", clock.sleeps());
}

#[test]
fn what_is_not_this_login_or_is_over_is_not_gone_on_with() {
    for (name, changes) in [
        ("over", json!({"expires_in": 60})),
        ("another host", json!({"oidc_host": "https://other.example"})),
        ("another client", json!({"client_id": "other"})),
        ("another endpoint", json!({"token_endpoint": "https://evil.example/token"})),
        ("an interval as long as its life", json!({"interval": 600})),
        ("a code on another page", json!({"verification_uri_complete": "https://evil.example/"})),
        ("a page without TLS", json!({"verification_uri": "http://evil.example/"})),
        ("a code that cannot be shown", json!({"user_code": "A\u{1b}[2J"})),
        ("no code", json!({"device_code": null})),
        ("no time between polls", json!({"interval": 0})),
        ("no end", json!({"expires_in": u64::MAX})),
        ("a lifetime that is no number", json!({"expires_in": "long"})),
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
fn garbage_in_its_place_or_no_place_for_it_stops_no_login() {
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
fn a_final_answer_a_logout_and_another_kind_of_login_take_it_away() {
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
    // One that fails has changed nothing.
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
fn a_file_that_others_have_a_hand_in_is_neither_read_nor_written() {
    type Open = fn(&Robot);
    let clock = FakeClock::new();
    let cases: [(&str, Open); 3] = [
        ("writable by all", |robot| set_mode(robot, 0o666)),
        ("readable by all", |robot| set_mode(robot, 0o644)),
        ("under another name too", |robot| {
            fs::hard_link(pending_file(robot), robot.home().join("other")).unwrap();
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
        assert_eq!(fs::read(pending_file(&robot)).unwrap(), before, "{name}");
    }
}

#[test]
fn slow_down_is_for_good_also_for_who_goes_on() {
    let platform = start();
    let robot = Robot::of(&platform);
    platform.answer(Call::Token, Answer::json(400, json!({"error": "slow_down"})));
    let waiting = Waiting::start(&robot, &platform);
    // The poll has come; its answer has to arrive there, too.
    until(|| kept(&robot)["interval"] == 6);
    waiting.ends_by(libc::SIGKILL);
    platform.approve();
    assert_eq!(login(&robot, &FakeClock::new())["interval"], 6);
}

#[test]
fn who_is_killed_while_it_keeps_what_is_new_leaves_the_old_or_the_new_whole() {
    let case = || {
        let platform = start();
        let robot = Robot::of(&platform);
        platform.answer(Call::Token, Answer::json(400, json!({"error": "slow_down"})));
        // Killed when the server has been asked, which is about when its answer is being kept.
        Waiting::start(&robot, &platform).ends_by(libc::SIGKILL);
        let interval = kept(&robot)["interval"].clone();
        assert!(interval == 1 || interval == 6, "{interval}");
    };
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(case);
        }
    });
}

#[test]
fn a_code_that_this_terminal_cannot_show_is_not_gone_on_with_either() {
    let (platform, clock) = (start(), FakeClock::new());
    let robot = Robot::of(&platform);
    leave_pending(&robot, &platform, &clock, json!({"user_code": "É-1"}));
    let ascii = Screen { utf8: false, ..screen(80, 24) };
    let outcome = robot.rio(&["auth", "login"]).screen(ascii).run_at(&clock);
    outcome.exits(1).says("cannot show").hides("?-1");
}

#[test]
fn ctrl_c_gives_the_code_up_also_before_it_is_shown_again() {
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
