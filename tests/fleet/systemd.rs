//! The units under a real systemd.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use platform::{Answer, Call, EMAIL, PASSWORD};
use serde_json::json;

use crate::lab::{Kind, Lab, Robot, wait_until};

const UNITS: &str = "etc/systemd/system";

/// Installs rio and the units, with these settings in a drop-in for each.
fn install(lab: &Lab, root: &Path, settings: &[(&str, &str)]) {
    fs::copy(lab.packed("rio"), root.join("usr/local/bin/rio")).unwrap();
    for entry in fs::read_dir(lab.packed("systemd")).unwrap().flatten() {
        fs::copy(entry.path(), root.join(UNITS).join(entry.file_name())).unwrap();
    }
    for (unit, text) in settings {
        let directory = root.join(UNITS).join(format!("{unit}.d"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("test.conf"), text).unwrap();
    }
}

fn store_token(lab: &Lab, root: &Path, token: &str) {
    let mut config = lab.platform.config();
    config["auth_token"] = token.into();
    fs::write(root.join("var/lib/rio/config.json"), config.to_string()).unwrap();
}

/// A link that `systemctl enable` makes.
fn enable(root: &Path, target: &str, unit: &str) {
    let wants = root.join(UNITS).join(format!("{target}.wants"));
    fs::create_dir_all(&wants).unwrap();
    symlink(format!("../{unit}"), wants.join(unit)).unwrap();
}

/// The unit or drop-in that the page has below this heading.
fn unit_in_section(heading: &str) -> &'static str {
    const PAGE: &str = include_str!("../../src/dist/images-and-fleets.md");
    let (_, section) = PAGE.split_once(heading).unwrap();
    let (_, unit) = section.split_once("```ini\n").unwrap();
    unit.split_once("```").unwrap().0
}

fn refreshed_to(token: &str) -> Answer {
    Answer::json(200, json!({"data": {"token": token}}))
}

fn journal(robot: &Robot, unit: &str) -> String {
    robot.output(&format!("journalctl --sync; journalctl --quiet --output=cat --unit={unit}"))
}

#[test]
fn refresh_service_leaves_no_trace_unless_something_happens() {
    const UNIT: &str = "rio-refresh.service";
    let prepare = |lab: &Lab, root: &Path| {
        install(lab, root, &[(UNIT, "[Unit]\nOnFailure=login-lost.service\n")]);
        let unit = "[Service]\nType=oneshot\nExecStart=touch /login-lost\n";
        fs::write(root.join(UNITS).join("login-lost.service"), unit).unwrap();
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    let start = || robot.run(&format!("systemctl start {UNIT}")).status.success();
    // First the robot is not logged in, then nothing is due.
    for login in [None, Some(lab.platform.issue_token())] {
        login.into_iter().for_each(|token| store_token(&lab, &robot.root, &token));
        let before = robot.output("stat -c %z /var/lib/rio /var/lib/rio/config.json");
        assert!(start());
        assert_eq!(robot.output("stat -c %z /var/lib/rio /var/lib/rio/config.json"), before);
        assert_eq!(journal(robot, UNIT), "");
        assert!(lab.platform.requests().is_empty());
    }

    // Expired, but accepted.
    lab.platform.token_lifetime(0);
    store_token(&lab, &robot.root, &lab.platform.issue_token());
    lab.platform.answer(Call::RefreshToken, refreshed_to(&lab.platform.issue_token()));
    assert!(start());
    assert!(journal(robot, UNIT).contains("Token refreshed"));

    lab.platform.out_of_service(true);
    assert!(start());
    lab.platform.out_of_service(false);
    assert!(!robot.root.join("login-lost").exists());

    assert!(!start());
    assert!(journal(robot, UNIT).contains("has expired or was revoked"));
    wait_until("login-lost.service", || robot.root.join("login-lost").exists());
}

#[test]
fn timer_refreshes_a_token_that_is_due_and_waits_ten_minutes() {
    let prepare = |lab: &Lab, root: &Path| {
        // An empty value also resets the other times, so the period comes from the unit.
        let unit = include_str!("../../src/dist/systemd/rio-refresh.timer");
        let period = unit.lines().find(|line| line.starts_with("OnUnitInactiveSec=")).unwrap();
        let settings =
            format!("[Timer]\nOnBootSec=\nOnBootSec=1s\n{period}\nRandomizedDelaySec=0\n");
        install(lab, root, &[("rio-refresh.timer", &settings)]);
        enable(root, "timers.target", "rio-refresh.timer");
        lab.platform.token_lifetime(0);
        store_token(lab, root, &lab.platform.issue_token());
        lab.platform.answer(Call::RefreshToken, refreshed_to("new"));
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    wait_until("the refresh", || robot.config()["auth_token"] == "new");
    wait_until("the next run", || {
        robot.output("systemctl list-timers rio-refresh.timer").contains("9min")
    });
}

#[test]
fn drop_in_for_read_only_root_refreshes_a_login_elsewhere() {
    const UNIT: &str = "rio-refresh.service";
    let prepare = |lab: &Lab, root: &Path| {
        install(lab, root, &[(UNIT, unit_in_section("### Read-only file systems"))]);
        fs::remove_dir_all(root.join("var/lib/rio")).unwrap();
        fs::create_dir(root.join("data")).unwrap();
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    robot.output("mount -t tmpfs data /data && mkdir -m 700 /data/rio");
    lab.platform.token_lifetime(0);
    let mut config = lab.platform.config();
    config["auth_token"] = lab.platform.issue_token().into();
    robot.output(&format!("echo '{config}' > /data/rio/config.json"));
    robot.output("mount -t tmpfs -o ro empty /var/lib");
    lab.platform.answer(Call::RefreshToken, refreshed_to("new"));
    robot.output(&format!("systemctl start {UNIT}"));
    assert_eq!(robot.output("grep -c '\"new\"' /data/rio/config.json"), "1");

    // A mistake in the unit is no reason to skip the run.
    let mistake = "[Service]\nReadWritePaths=/missing\n";
    robot.output(&format!(
        "printf '{mistake}' > /etc/systemd/system/{UNIT}.d/z.conf && systemctl daemon-reload"
    ));
    assert!(!robot.run(&format!("systemctl start {UNIT}")).status.success());
}

/// A unit of the page, with its secret in a file in /root.
fn with_plain_secret(unit: &str) -> String {
    let plain = unit.replace("LoadCredentialEncrypted=", "LoadCredential=");
    plain.replace("/etc/credstore.encrypted/", "/root/")
}

#[test]
fn drop_in_with_a_password_logs_in_when_the_token_is_rejected() {
    const UNIT: &str = "rio-refresh.service";
    let drop_in = with_plain_secret(unit_in_section("### With a password on the robot"));
    let prepare = |lab: &Lab, root: &Path| {
        install(lab, root, &[(UNIT, &drop_in)]);
        fs::write(root.join("root/rio-password"), PASSWORD).unwrap();
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    let start = || robot.output(&format!("systemctl start {UNIT}"));
    // The first login is not its task.
    start();
    assert!(lab.platform.requests().is_empty());

    let mut config = lab.platform.config();
    config["auth_token"] = lab.platform.issue_token().into();
    config["email_id"] = EMAIL.into();
    fs::write(robot.root.join("var/lib/rio/config.json"), config.to_string()).unwrap();
    lab.platform.revoke(config["auth_token"].as_str().unwrap());
    // Nothing is due.
    start();
    assert_eq!(robot.config()["auth_token"], config["auth_token"]);

    lab.platform.token_lifetime(0);
    let expired = lab.platform.issue_token();
    lab.platform.revoke(&expired);
    lab.platform.token_lifetime(7 * 24 * 60 * 60);
    config["auth_token"] = expired.into();
    fs::write(robot.root.join("var/lib/rio/config.json"), config.to_string()).unwrap();
    start();
    assert_ne!(robot.config()["auth_token"], config["auth_token"]);
    assert!(robot.rio("auth status --verify").contains("accepts the token"));
}

#[test]
fn token_service_logs_in_and_keeps_a_valid_login() {
    let unit = with_plain_secret(unit_in_section("## Log in with a token on the robot"));
    let prepare = |lab: &Lab, root: &Path| {
        install(lab, root, &[]);
        fs::write(root.join(UNITS).join("rio-token-login.service"), &unit).unwrap();
        fs::write(root.join("root/rio-token"), lab.platform.issue_token()).unwrap();
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    let start = || robot.output("systemctl enable --now rio-token-login.service");
    start();
    let token = fs::read_to_string(robot.root.join("root/rio-token")).unwrap();
    assert_eq!(robot.config()["auth_token"], *token);
    let requests = lab.platform.requests().len();
    start();
    assert_eq!(lab.platform.requests().len(), requests);
    assert!(journal(robot, "rio-token-login.service").contains("Already logged in"));
}

#[test]
fn first_boot_shows_the_login_until_it_is_approved() {
    const UNIT: &str = "rio-login.service";
    /// The user of the programs that use the token.
    const OWNER: u32 = 1000;
    const SETTINGS: &str = "[Unit]\nBefore=console-getty.service\n[Service]\nTTYPath=/dev/console\n\
                            Environment=\"ORGANIZATION=Acme Robotics\" PROJECT=simulation PAUSE=1\n";
    let prepare = |lab: &Lab, root: &Path| {
        install(lab, root, &[(UNIT, SETTINGS)]);
        enable(root, "multi-user.target", UNIT);
        for name in ["", "config.json"] {
            chown(root.join("var/lib/rio").join(name), Some(OWNER), Some(OWNER)).unwrap();
        }
    };
    let Some(lab) = Lab::start_with(&[Kind::Debian], &prepare) else { return };
    let robot = &lab.robots[0];
    let console = || fs::read_to_string(&robot.console).unwrap_or_default();
    let screen = || console().rsplit("\x1b[2J\x1b[H").next().unwrap_or_default().to_owned();
    wait_until("a code", || screen().contains("/device"));
    let first = screen();

    lab.platform.answer(Call::Token, Answer::json(400, json!({"error": "access_denied"})));
    wait_until("the denial", || screen().starts_with("Not logged in: the login was denied"));
    wait_until("a new code", || screen().contains("/device"));
    assert_ne!(screen(), first);
    assert!(!console().contains("login:"));

    lab.platform.approve_after(0);
    wait_until("the login", || screen().contains("Logged in as"));
    wait_until("the login prompt", || screen().contains("login:"));
    assert_eq!(robot.config()["project_name"], "simulation");
    let owners = robot.output("stat -c %u /var/lib/rio /var/lib/rio/config.json");
    assert_eq!(owners, format!("{OWNER}\n{OWNER}"));
    let logins = lab.platform.calls(Call::DeviceAuthorization).len();
    robot.output(&format!("systemctl start {UNIT}"));
    assert_eq!(lab.platform.calls(Call::DeviceAuthorization).len(), logins);

    robot.rio("auth logout");
    let start_with = |mistake: &str| {
        let drop_in = robot.root.join(UNITS).join(format!("{UNIT}.d/z.conf"));
        fs::write(drop_in, format!("[Service]\n{mistake}")).unwrap();
        robot.run(&format!("systemctl daemon-reload; systemctl start {UNIT}")).status.success()
    };
    assert!(!start_with("ReadWritePaths=/missing\n"));
    assert!(!start_with("ExecStart=\nExecStart=rio auth login --mistake\n"));
    assert_eq!(robot.run(&format!("systemctl is-failed {UNIT}")).stdout, b"failed\n");
}
