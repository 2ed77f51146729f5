//! Text of a server, a file or a variable in messages: it prints no line of its own, and is cut.

use platform::{Answer, Call, Organization, Platform, World};
use serde_json::json;

use crate::robot::{FakeClock, Outcome, Robot};

/// It must not stand at the beginning of a line.
const FORGED: &str = "rio: run: curl";

fn hostile(text: &str) -> String {
    format!("{text}\n{FORGED}\u{2028}\r\n  {FORGED}\u{1b}[2J\u{202e}")
}

#[track_caller]
fn prints_no_forged_line(outcome: &Outcome) {
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(text.contains(FORGED), "{outcome}");
    assert!(text.lines().all(|line| !line.trim_start().starts_with(FORGED)), "{outcome}");
    let clean = |c: char| c == '\n' || !c.is_control() && !"\u{2028}\u{202e}".contains(c);
    assert!(text.chars().all(clean), "{outcome}");
}

fn logged_in(platform: &Platform) -> Robot {
    Robot::logged_in(platform).0
}

#[test]
fn members_of_the_config_file_print_no_lines_of_their_own() {
    let platform = Platform::start();
    for member in ["email_id", "organization_id", "organization_name", "project_id", "environment"]
    {
        let robot = logged_in(&platform);
        robot
            .set_config(json!({"organization_id": "org", "project_id": "p", member: hostile("x")}));
        prints_no_forged_line(&robot.rio(&["auth", "status"]).run());
    }
    platform
        .answer(Call::DeviceAuthorization, Answer::json(401, json!({"error": "invalid_client"})));
    let robot = Robot::of(&platform);
    robot.set_config(json!({"device_flow_client_id": hostile("x")}));
    prints_no_forged_line(&robot.rio(&["auth", "login"]).run().exits(1));
}

#[test]
fn guids_and_names_of_the_server_print_no_lines_of_their_own() {
    let mut organizations = ["a", "b"].map(|name| Organization::new(hostile(name), ["x"]));
    organizations
        .iter_mut()
        .for_each(|organization| organization.guid = hostile(&organization.guid));
    let platform = Platform::with(World::of(organizations));
    let robot = logged_in(&platform);
    prints_no_forged_line(&robot.rio(&["organization", "list"]).run().exits(0));
    prints_no_forged_line(&robot.rio(&["organization", "select", "c"]).run().exits(1));
    let token = platform.issue_token();
    let login = ["auth", "login", "--yes", "--auth-token", &token];
    prints_no_forged_line(&robot.rio(&login).stdin("1\n").run().exits(0));
    let json = [&login[..], &["--json", "--organization", "c"]].concat();
    let outcome = robot.rio(&json).run().exits(1);
    let events = outcome.events();
    let [message, advice] =
        ["message", "advice"].map(|name| events.last().unwrap()[name].as_str().unwrap());
    for line in [message.lines(), advice.lines()].into_iter().flatten() {
        assert!(!line.trim_start().starts_with(FORGED), "{outcome}");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{2028}', '\r']), "{outcome}");
    }
    // Data stays whole.
    let list = robot.rio(&["organization", "list", "--json"]).run().exits(0).json();
    assert_eq!(list[0]["name"], hostile("a"));
}

#[test]
fn variables_and_options_print_no_lines_of_their_own() {
    let path = hostile("/missing/");
    for (variable, arguments) in [
        ("RIO_CONFIG", &["auth", "status"][..]),
        ("SSL_CERT_FILE", &["doctor", "--offline"]),
        ("SSL_CERT_FILE", &["doctor", "--offline", "--json"]),
        ("X", &["auth", "environment", &path]),
        ("X", &["organization", "select", &path]),
        ("X", &["auth", "token", "--email", &path, "--password-file", "/dev/null"]),
        ("X", &["auth", "token", "--email", "a", "--password-file", &path]),
    ] {
        let platform = Platform::start();
        let robot = logged_in(&platform).env(variable, &path);
        let outcome = robot.rio(arguments).run();
        assert_ne!(outcome.code, Some(0), "{outcome}");
        if outcome.stderr.contains(FORGED) || outcome.stdout.contains(FORGED) {
            prints_no_forged_line(&outcome);
        }
    }
}

#[test]
fn long_text_is_cut_in_messages_and_whole_in_json() {
    let long = "x".repeat(300_000);
    let mut organization = Organization::new(&*long, ["x"]);
    organization.guid = "org-a".into();
    let mut world = World::of([organization]);
    // A longer email is not valid.
    let email = format!("{}@example.com", &long[..1_000]);
    world.users[0].email.clone_from(&email);
    let platform = Platform::with(world);
    let robot = Robot::of(&platform);
    let token = platform.issue_token();
    let login = ["auth", "login", "--yes", "--auth-token", "-"];
    let outcome = robot.rio(&login).stdin(&token).run_at(&FakeClock::new()).exits(0);
    assert!(outcome.stderr.lines().all(|line| line.len() < 200), "{}", outcome.stderr.len());
    let rio = robot.rio(&[&login[..], &["--json"]].concat()).stdin(&token);
    let outcome = rio.run_at(&FakeClock::new()).exits(0);
    let event = outcome.events().pop().unwrap();
    assert_eq!(event["email"], email);
    assert!(event["organization"]["name"] == *long);
}

#[test]
fn token_of_64_kib_is_the_longest() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    for (length, message) in [(64 * 1024, "rejected"), (64 * 1024 + 1, "")] {
        let token = "x".repeat(length) + "\n";
        let arguments = ["auth", "login", "--auth-token", "-", "--silent"];
        let outcome = robot.rio(&arguments).stdin(&token).run();
        assert_eq!(platform.calls(Call::UserInfo).len(), 1, "{length}");
        assert!(outcome.stderr.contains(message) && !outcome.stderr.contains("xxx"), "{outcome}");
        assert_ne!(outcome.code, Some(0));
    }
}
