//! A few commands that use most of the program, for a binary for another architecture.
//!
//! `RIO_BINARY=/path/to/rio RIO_RUNNER=qemu-aarch64-static cargo test --test cli smoke::`

use std::path::Path;

use platform::{Authority, Call, EMAIL, Platform};

use crate::network::tls::trusting;
use crate::robot::{Robot, binary};

#[test]
fn version_names_version_and_target() {
    let outcome = Robot::new().rio(&["version"]).run().exits(0);
    // `tests/dist/test` knows the target of an executable that is shipped.
    let target = match binary() == Path::new(env!("CARGO_BIN_EXE_rio")) {
        true => concat!(env!("RIO_TARGET"), ")\n"),
        false => "",
    };
    let start = format!("rio {} ({target}", env!("CARGO_PKG_VERSION"));
    assert!(outcome.stdout.starts_with(&start), "{outcome}");
}

#[test]
fn device_login_over_tls_is_stored_shown_and_removed() {
    let authority = Authority::new();
    let platform = Platform::start_tls(&authority.certify(&["127.0.0.1"]));
    platform.interval(1);
    platform.approve_after(1);
    let robot = trusting(Robot::of(&platform), &authority);
    let select = ["--organization", "Acme Robotics", "--project", "simulation"];
    let outcome = robot.rio(&[&["auth", "login"], &select[..]].concat()).run().exits(0);
    outcome.says("and enter this code:").says(&format!("Logged in as {EMAIL}."));
    assert_eq!(platform.calls(Call::Token).len(), 2);

    let token = robot.config()["auth_token"].as_str().unwrap().to_owned();
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints(&format!("{token}\n"));
    let status = robot.rio(&["auth", "status", "--verify", "--json"]).run().exits(0).hides(&token);
    let status = status.json();
    assert_eq!((&status["email"], &status["verified"]), (&EMAIL.into(), &true.into()));
    assert_eq!(status["config_mode"], "0600");

    robot.rio(&["auth", "logout"]).run().exits(0).says("Logged out.");
    assert_eq!(platform.calls(Call::UserLogout).len(), 1);
    robot.rio(&["auth", "status"]).run().exits(1);
}

#[test]
fn invalid_config_file_is_named_and_unchanged() {
    let robot = Robot::new();
    robot.write_config_text("{\"auth_token\": ");
    let before = robot.config_bytes();
    for arguments in [["auth", "status"], ["auth", "login"], ["auth", "logout"]] {
        let outcome = robot.rio(&arguments).run().exits(1);
        outcome.says(&robot.config_path().display().to_string()).says("line 1");
        assert_eq!(robot.config_bytes(), before);
    }
}
