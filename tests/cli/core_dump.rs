//! What an attacker could use: a core dump would hold every secret of the moment, so there is none while the
//! program waits; and no table of addresses can be written.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use platform::{Call, EMAIL, Platform};

use crate::robot::{Robot, binary};
use crate::skip::skip;

/// Who has no rights, on every system.
const NOBODY: u32 = 65534;

/// A process that is ended with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().unwrap())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0.id())
    }

    /// Reads standard error up to this text.
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

    /// The soft limit of core dumps, and the hard one.
    fn core_limits(&self) -> [String; 2] {
        let limits = fs::read_to_string(self.proc("limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let mut words = line.split_whitespace().skip(4).map(str::to_owned);
        [words.next().unwrap(), words.next().unwrap()]
    }

    /// The kernel gives what belongs to a process that may not be dumped to root, whoever runs it.
    fn is_dumpable(&self) -> bool {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        let user: u32 = user.split_whitespace().next().unwrap().parse().unwrap();
        assert_ne!(user, 0, "of root's processes it cannot be told");
        fs::metadata(self.proc("environ")).unwrap().uid() == user
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As a user who is not root: what the tests run as, else nobody, to whom the robot then belongs.
fn as_a_user(command: &mut Command, robot: &Robot) -> bool {
    if fs::metadata(robot.home()).unwrap().uid() != 0 {
        return false;
    }
    for path in ["", ".config", ".config/rio-cli", ".config/rio-cli/config.json"] {
        let path = robot.home().join(path);
        if path.exists() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    command.uid(NOBODY).gid(NOBODY);
    true
}

/// `rio`, and where nobody is to run it, from where nobody can reach it.
fn rio(robot: &Robot, arguments: &[&str]) -> Command {
    let plain = robot.rio(arguments).command();
    let copy = robot.home().join("rio");
    let mut command = Command::new(&copy);
    let by_nobody = as_a_user(&mut command, robot);
    if by_nobody {
        // By another process: one that this process had open for writing could be held by a child of another test.
        assert!(Command::new("/bin/cp").arg(binary()).arg(&copy).status().unwrap().success());
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    } else {
        command = Command::new(binary());
    }
    command.args(arguments).env_clear().current_dir(robot.home());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Whether this machine tells of other processes what is asked here, by one that may be dumped.
fn can_be_seen() -> bool {
    if !Path::new("/proc/self/limits").exists() {
        skip("needs /proc");
        return false;
    }
    let robot = Robot::new();
    let mut command = Command::new("/bin/sleep");
    command.arg("60");
    as_a_user(&mut command, &robot);
    if !Running::start(&mut command).is_dumpable() {
        skip("needs a /proc that shows which processes are dumpable");
        return false;
    }
    true
}

fn leaves_no_core(process: &Running) {
    let [soft, _] = process.core_limits();
    assert_eq!(soft, "0", "the limit of core dumps");
    assert!(!process.is_dumpable(), "not by a program either, to which dumps are piped");
}

#[test]
fn there_is_no_core_dump_at_the_prompt_for_a_password() {
    if !can_be_seen() {
        return;
    }
    let robot = Robot::new();
    let mut process = Running::start(&mut rio(&robot, &["auth", "login", "--email", EMAIL]));
    process.waits_for("Password");
    leaves_no_core(&process);
}

#[test]
fn there_is_no_core_dump_while_a_login_waits() {
    if !can_be_seen() {
        return;
    }
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let mut process = Running::start(&mut rio(&robot, &["auth", "login", "--no-browser"]));
    process.waits_for("Waiting for approval");
    leaves_no_core(&process);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1);
}

#[test]
fn the_hard_limit_stays_for_a_browser_that_is_started() {
    if !can_be_seen() {
        return;
    }
    let robot = Robot::new();
    let mut before = Command::new("/bin/sleep");
    let before = Running::start(before.arg("60"));
    let mut process = Running::start(&mut rio(&robot, &["auth", "login", "--email", EMAIL]));
    process.waits_for("Password");
    assert_eq!(process.core_limits()[1], before.core_limits()[1]);
}

#[test]
fn a_panic_tells_where_it_was_and_nothing_of_what_it_choked_on() {
    const PANICS: &str = "RIO_TEST_PANICS";
    #[expect(clippy::disallowed_methods, reason = "this test starts itself again, and has to know")]
    if std::env::var_os(PANICS).is_some() {
        rio::host::process::set_up();
        panic!("s3ntinel");
    }
    let name = "core_dump::a_panic_tells_where_it_was_and_nothing_of_what_it_choked_on";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", name, "--nocapture"]).env(PANICS, "1").output().unwrap();
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8(shown).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("core_dump.rs:") && shown.contains("RIO_DEBUG=1"), "{shown}");
    assert!(!shown.contains("s3ntinel"), "{shown}");
}

#[test]
fn what_the_loader_has_written_is_read_only_from_then_on() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let mut process = Running::start(&mut robot.rio(&["auth", "login"]).command());
    process.waits_for("Waiting for approval");
    let Ok(maps) = fs::read_to_string(process.proc("maps")) else {
        skip("needs root, to read the memory map of a process that is not dumpable");
        return;
    };
    let path = fs::canonicalize(binary()).unwrap();
    let of_program: Vec<&str> = maps
        .lines()
        .filter(|line| line.ends_with(path.to_str().unwrap()))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    // Code, then what was relocated, then the variables.
    assert!(of_program.ends_with(&["r--p", "rw-p"]), "{maps}");
}
