//! The browser that a login opens.

use std::fs;
use std::process::{Child, Stdio};

use platform::Platform;

use crate::robot::Robot;
use crate::skip::skip;
use crate::terminal::Deadline;

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
        std::thread::sleep(crate::terminal::PAUSE);
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
