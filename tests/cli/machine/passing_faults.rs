//! Faults of the system that may pass: the same command may succeed later.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use platform::{EMAIL, Platform};
use serde_json::json;

use super::config_file::fail_system_call;
use super::lost_logins::{outcome, traced};
use crate::network::robot_at;
use crate::robot::{Outcome, Robot};

/// Reading it is an input/output error. The C library chooses the words.
const BROKEN: &str = "/proc/self/mem";

fn is_temporary(outcome: Outcome, fact: &str) {
    outcome.exits(3).prints("").says(fact).says("\n  Try again later.\n").hides("mv ");
}

#[test]
fn config_file_that_cannot_be_read_now_is_a_temporary_failure() {
    let robot = Robot::new();
    robot.write_config(&json!({"auth_token": "t0ken"}));
    let path = robot.config_path();
    for error in ["EIO", "ESTALE", "EMFILE"] {
        let inject = format!("inject=open,openat:error={error}");
        let fault = ["-P", path.to_str().unwrap(), "-e", &inject];
        let Some((mut command, _)) = traced(&robot, &["auth", "status"], &fault) else { return };
        is_temporary(outcome(&mut command), "the config file ");
    }
}

#[test]
fn broken_secret_file_is_a_temporary_failure() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in [
        &["token", "--password-file", BROKEN][..],
        &["refresh-token", "--password-file", BROKEN],
        &["login", "--silent", "--email", EMAIL, "--password-file", BROKEN],
        &["login", "--auth-token-file", BROKEN],
    ] {
        let outcome = robot.rio(&[&["auth"], arguments].concat()).run();
        is_temporary(outcome, &format!("cannot read {BROKEN}: "));
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn broken_standard_input_is_a_temporary_failure() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in [
        &["auth", "token", "--password", "-"][..],
        &["auth", "login", "--auth-token", "-"],
        &["auth", "login", "--email", EMAIL],
        &["organization", "select"],
    ] {
        let mut command = robot.rio(arguments).command();
        let output = command.stdin(File::open(BROKEN).unwrap()).output().unwrap();
        let fact = "cannot read standard input: ";
        is_temporary(Outcome::of(&command, output), fact);
    }
}

#[test]
fn broken_ca_bundle_is_a_temporary_failure() {
    let directory = tempfile::tempdir().unwrap();
    symlink(BROKEN, directory.path().join("ca.pem")).unwrap();
    let directory = directory.path().to_str().unwrap();
    for (variable, path) in [
        ("SSL_CERT_FILE", BROKEN),
        ("SSL_CERT_DIR", directory),
        ("REQUESTS_CA_BUNDLE", BROKEN),
        ("CURL_CA_BUNDLE", directory),
    ] {
        let robot = robot_at("https://robots.example").env(variable, path);
        let outcome = robot.rio(&["auth", "status", "--verify"]).run().exits(3);
        outcome.says(&format!("cannot read {variable} ({path}): "));
    }
}

#[test]
fn leftover_that_cannot_be_removed_now_is_a_temporary_failure() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let left = robot.config_path().with_file_name(".config.json.tmp");
    fs::write(&left, "{").unwrap();
    let rio = robot.rio(&["auth", "environment", "dev"]);
    let mut command = rio.command();
    fail_system_call(&mut command, libc::SYS_unlink, libc::EIO);
    is_temporary(rio.run_command(command), "cannot remove");
}
