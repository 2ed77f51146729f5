//! A crash reveals no secret: no core dump, and no panic message.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use platform::{Call, EMAIL, Platform};

use crate::robot::skip::skip;
use crate::robot::{PLAIN_USER, Robot, is_root};

/// A process that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().unwrap())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0.id())
    }

    /// Reads standard error until the text appears.
    fn waits_for(&mut self, text: &str) {
        let mut seen = Vec::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut byte = [0];
            let count = stderr.read(&mut byte).unwrap();
            assert_eq!(count, 1, "wanted {text}: {}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }

    /// The soft and the hard limit.
    fn core_limits(&self) -> [String; 2] {
        let limits = fs::read_to_string(self.proc("limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let mut words = line.split_whitespace().skip(4).map(str::to_owned);
        [words.next().unwrap(), words.next().unwrap()]
    }

    /// The files in /proc of a process that is not dumpable belong to root, whichever user runs it.
    fn is_dumpable(&self) -> bool {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        let user: u32 = user.split_whitespace().next().unwrap().parse().unwrap();
        assert_ne!(user, 0, "root owns them either way");
        fs::metadata(self.proc("environ")).unwrap().uid() == user
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether /proc of this machine shows that an ordinary process is dumpable.
fn proc_shows_dumpable() -> bool {
    if !Path::new("/proc/self/limits").exists() {
        skip("needs /proc");
        return false;
    }
    let mut command = Command::new("/bin/sleep");
    command.arg("60");
    if is_root() {
        command.uid(PLAIN_USER).gid(PLAIN_USER);
    }
    if !Running::start(&mut command).is_dumpable() {
        skip("needs a /proc that shows which processes are dumpable");
        return false;
    }
    true
}

#[track_caller]
fn is_protected(process: &Running) {
    let [soft, _] = process.core_limits();
    assert_eq!(soft, "0");
    // The limit does not apply to core dumps that are piped to a program.
    assert!(!process.is_dumpable());
}

#[test]
fn password_prompt_leaves_no_core_dump() {
    if !proc_shows_dumpable() {
        return;
    }
    let robot = Robot::new();
    let mut process =
        Running::start(&mut robot.rio_as_plain_user(&["auth", "login", "--email", EMAIL]));
    process.waits_for("Password");
    is_protected(&process);
}

#[test]
fn waiting_login_leaves_no_core_dump() {
    if !proc_shows_dumpable() {
        return;
    }
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let mut process =
        Running::start(&mut robot.rio_as_plain_user(&["auth", "login", "--no-browser"]));
    process.waits_for("Waiting for approval");
    is_protected(&process);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1);
}

#[test]
fn core_dump_limit_of_a_browser_stays() {
    if !proc_shows_dumpable() {
        return;
    }
    let robot = Robot::new();
    let mut before = Command::new("/bin/sleep");
    let before = Running::start(before.arg("60"));
    let mut process =
        Running::start(&mut robot.rio_as_plain_user(&["auth", "login", "--email", EMAIL]));
    process.waits_for("Password");
    assert_eq!(process.core_limits()[1], before.core_limits()[1]);
}

#[test]
fn panic_shows_its_place_and_not_its_message() {
    const PANICS: &str = "RIO_TEST_PANICS";
    #[expect(clippy::disallowed_methods, reason = "the test runs itself again")]
    if std::env::var_os(PANICS).is_some() {
        rio::machine::process::set_up();
        panic!("s3ntinel");
    }
    let name = "machine::core_dump::panic_shows_its_place_and_not_its_message";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(PANICS, "1").output().unwrap();
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("rio: internal error at tests/cli/machine/core_dump.rs:"), "{shown}");
    assert!(!shown.contains("s3ntinel"), "{shown}");
}
