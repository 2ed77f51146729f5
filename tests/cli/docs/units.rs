//! The systemd units in `src/dist/systemd`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use platform::{Call, Platform};
use rio::machine::clock::Clock;

use crate::robot::skip::installed;
use crate::robot::{FakeClock, Robot, binary};

const SERVICE: &str = include_str!("../../../src/dist/systemd/rio-refresh.service");
const TIMER: &str = include_str!("../../../src/dist/systemd/rio-refresh.timer");

/// The command line of the service, without the program.
pub fn arguments() -> Vec<&'static str> {
    let line = SERVICE.lines().find_map(|line| line.strip_prefix("ExecStart=rio ")).unwrap();
    line.split(' ').collect()
}

#[test]
fn systemd_accepts_the_units() {
    let Some(analyze) = installed("systemd-analyze") else { return };
    let directory = tempfile::tempdir().unwrap();
    // Here, rio is not in the directories in which systemd searches for programs.
    let rio = format!("ExecStart={} ", binary().display());
    let units = [("service", SERVICE.replace("ExecStart=rio ", &rio)), ("timer", TIMER.to_owned())];
    let mut command = Command::new(analyze);
    command.arg("verify");
    for (kind, text) in units {
        let path = directory.path().join(format!("rio-refresh.{kind}"));
        fs::write(&path, text).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // The machine's own units may cause warnings.
    assert!(output.status.success() && !stderr.contains("rio-refresh"), "{stderr}");
}

#[test]
fn service_refreshes_token_that_expires_within_four_days() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let start = FakeClock::new();
    for (days, refreshes) in [(2, 0), (4, 1)] {
        let clock = FakeClock::at(start.utc() + Duration::from_secs(days * 24 * 60 * 60));
        robot.rio(&arguments()).run_at(&clock).exits(0);
        assert_eq!(platform.calls(Call::RefreshToken).len(), refreshes);
    }
}
