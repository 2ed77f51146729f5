//! The browser that a login opens.

use std::fs;
use std::process::{Child, Stdio};

use platform::{Answer, Call, Platform};
use rio::machine::browser;
use serde_json::json;

use crate::robot::skip::skip;
use crate::robot::terminal::Deadline;
use crate::robot::{FakeClock, Outcome, Robot, screen};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The processes whose parent is this process.
fn children(parent: u32) -> Vec<String> {
    let stats = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("stat")).ok());
    let is_child = |stat: &String| {
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    stats.filter(is_child).collect()
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
fn until(holds: impl Fn() -> bool) {
    let deadline = Deadline::new();
    while !holds() {
        assert!(!deadline.is_over());
        std::thread::sleep(crate::robot::terminal::PAUSE);
    }
}

#[test]
fn ended_browser_leaves_no_zombie() {
    if !fs::exists("/proc/self/stat").unwrap() {
        skip("needs /proc");
        return;
    }
    let platform = Platform::start();
    let robot = Robot::of(&platform).env("DISPLAY", ":0");
    let (script, opened) = (robot.home().join("script"), robot.home().join("opened"));
    fs::write(&script, format!("echo \"$1\" >'{}'\n", opened.display())).unwrap();
    let robot = robot.env("BROWSER", format!("/missing:/bin/sh {}", script.display()));
    let mut command = robot.rio(&["auth", "login"]).command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let rio = Running(command.spawn().unwrap());
    until(|| fs::read_to_string(&opened).is_ok_and(|url| url.contains("user_code=")));
    until(|| children(rio.0.id()).is_empty());
}

const OPENING: &str = "Opening the URL in your browser.\n";

/// A login in a graphical session with this `BROWSER`.
fn login(browser: &str, options: &[&str]) -> Outcome {
    let platform = Platform::start();
    platform.approve_after(0);
    let robot = Robot::of(&platform).env("DISPLAY", ":0").env("BROWSER", browser);
    let arguments = [&["auth", "login"], options].concat();
    robot.rio(&arguments).run_with_browser(&FakeClock::new(), Box::new(browser::start)).exits(0)
}

#[test]
fn started_browser_is_reported_after_the_url() {
    let outcome = login("/missing:/bin/sh -c true", &[]).says(OPENING);
    let (before, _) = outcome.stderr.split_once(OPENING).unwrap();
    assert!(before.contains("/device?user_code="), "{outcome}");
}

#[test]
fn browser_that_does_not_start_is_not_reported() {
    for (browser, options) in [
        ("/missing:/missing2", &[] as &[&str]),
        ("/missing", &["--json"]),
        ("w3m", &[]),
        ("/bin/sh -c true", &["--no-browser"]),
        ("/bin/sh -c true", &["--json"]),
    ] {
        println!("case: {browser} {options:?}");
        login(browser, options).hides("Opening");
    }
}

#[test]
fn qr_code_leaves_a_line_for_the_browser() {
    let platform = Platform::start();
    let rows = |lines: usize, display: &str| {
        platform.answer(Call::Token, Answer::json(403, json!({"error": "access_denied"})));
        let robot = Robot::of(&platform).env("DISPLAY", display).env("BROWSER", "true");
        let rio = robot.rio(&["auth", "login"]).screen(screen(80, lines));
        let outcome = rio.run_with_browser(&FakeClock::new(), Box::new(|_| true)).exits(1);
        outcome.stderr.lines().filter(|line| line.starts_with('█')).count()
    };
    let lowest = (1..=24).find(|lines| rows(*lines, "") > 0).unwrap();
    assert_eq!((rows(lowest, ":0"), rows(lowest + 1, ":0")), (0, rows(lowest, "")));
}
