//! `rio auth status`, offline and with `--verify`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use platform::{Answer, Call, EMAIL, Platform, jwt};
use serde_json::{Value, json};

use super::expiry::{DAY, NOW, at};
use crate::robot::{FakeClock, Outcome, Robot};

fn jwt_until(exp: impl Into<Value>) -> String {
    jwt(json!({"alg": "RS256"}), json!({"sub": "ada", "exp": exp.into()}))
}

/// Logged in with this token, with everything selected. No host is set.
fn robot_with(token: &str) -> Robot {
    let robot = Robot::new();
    robot.write_config(&config_with(token));
    robot
}

fn config_with(token: &str) -> Value {
    json!({
        "auth_token": token,
        "email_id": EMAIL,
        "organization_id": "org-acme",
        "organization_name": "Acme Robotics",
        "organization_short_id": "acmer",
        "project_id": "project-fleet",
        "project_name": "fleet-production",
    })
}

fn status(robot: &Robot, options: &[&str]) -> Outcome {
    let arguments = [&["auth", "status"], options].concat();
    robot.rio(&arguments).run_at(&FakeClock::at(at(NOW)))
}

/// A platform whose clock reads `NOW`.
fn platform_now() -> Platform {
    let platform = Platform::start();
    platform.now(NOW);
    platform
}

/// Logged in on a platform whose port is closed.
fn unreachable_robot() -> (Robot, String) {
    let platform = platform_now();
    Robot::logged_in(&platform)
}

#[track_caller]
fn shows(outcome: &Outcome, text: &str) {
    assert!(outcome.stdout.contains(text), "wanted on standard output: {text}\n{outcome}");
}

#[test]
fn status_shows_account_selection_expiry_and_file() {
    let robot = robot_with(&jwt_until(NOW + 3 * DAY));
    let outcome = status(&robot, &[]).exits(0);
    for text in [
        "Logged in",
        EMAIL,
        "Acme Robotics",
        "org-acme",
        "fleet-production",
        "project-fleet",
        "ga",
        "expires in 3 days (2027-01-18 08:00:00 UTC)",
        robot.config_path().to_str().unwrap(),
    ] {
        shows(&outcome, text);
    }
    assert!(outcome.stderr.is_empty(), "{outcome}");
}

#[test]
fn json_of_a_login_has_every_member() {
    let robot = robot_with(&jwt_until(NOW + 3 * DAY));
    robot.set_config(json!({"environment": "pr42"}));
    let wanted = json!({
        "logged_in": true,
        "email": EMAIL,
        "environment": "pr42",
        "organization": {"guid": "org-acme", "name": "Acme Robotics", "short_guid": "acmer"},
        "project": {"guid": "project-fleet", "name": "fleet-production"},
        "token": {
            "kind": "jwt",
            "expires_at": "2027-01-18T08:00:00Z",
            "expires_at_unix": NOW + 3 * DAY,
            "expired": false,
        },
        "config_file": robot.config_path(),
        "config_mode": "0600",
        "verified": null,
    });
    let outcome = status(&robot, &["--json"]).exits(0);
    assert_eq!(outcome.json(), wanted);
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
    assert!(outcome.stderr.is_empty(), "{outcome}");
}

#[test]
fn json_without_a_login_has_the_same_members() {
    let robot = Robot::new();
    let outcome = status(&robot, &["--json"]).exits(1);
    let wanted = json!({
        "logged_in": false,
        "email": null,
        "environment": "ga",
        "organization": null,
        "project": null,
        "token": null,
        "config_file": robot.config_path(),
        "config_mode": null,
        "verified": null,
    });
    assert_eq!(outcome.json(), wanted);
}

#[test]
fn status_without_a_login_says_how_to_log_in() {
    let empty = Robot::new();
    empty.write_config_text("");
    let blank = Robot::new();
    blank.write_config(&json!({"auth_token": " ", "email_id": EMAIL}));
    let null = Robot::new();
    null.write_config(&json!({"auth_token": null}));
    for robot in [Robot::new(), empty, blank, null] {
        let outcome = status(&robot, &[]).exits(1);
        shows(&outcome, "Not logged in");
        shows(&outcome, "rio auth login");
        assert!(!outcome.stdout.contains("Logged in as"), "{outcome}");
        assert_eq!(status(&robot, &["--json"]).exits(1).json()["logged_in"], false);
    }
}

#[test]
fn exit_code_is_1_only_for_an_expired_token() {
    let bare = |claims| jwt(json!({"alg": "RS256"}), claims);
    for (name, token, kind, expires_at, code) in [
        ("opaque", "0pa9ue".to_owned(), "opaque", json!(null), 0),
        ("two dots, not a JWT", "a.b!.c".to_owned(), "opaque", json!(null), 0),
        ("JWT without exp", bare(json!({"sub": "ada"})), "jwt", json!(null), 0),
        ("JWT with exp of another type", jwt_until("soon"), "jwt", json!(null), 0),
        ("expires in a second", jwt_until(NOW + 1), "jwt", json!(NOW + 1), 0),
        ("expires now", jwt_until(NOW), "jwt", json!(NOW), 1),
        ("expired", jwt_until(NOW - 60), "jwt", json!(NOW - 60), 1),
        ("expired in 1970", jwt_until(0), "jwt", json!(0), 1),
        ("exp with a fraction", jwt_until(NOW as f64 + 1.5), "jwt", json!(NOW + 1), 0),
    ] {
        let robot = robot_with(&token);
        let text = status(&robot, &[]);
        assert_eq!(text.code, Some(code), "{name}\n{text}");
        let outcome = status(&robot, &["--json"]);
        assert_eq!(outcome.code, Some(code), "{name}\n{outcome}");
        let json = &outcome.json()["token"];
        assert_eq!(json["kind"], kind, "{name}\n{outcome}");
        assert_eq!(json["expires_at_unix"], expires_at, "{name}\n{outcome}");
        assert_eq!(json["expired"], code == 1, "{name}\n{outcome}");
        assert_eq!(json["expires_at"].is_null(), expires_at.is_null(), "{name}\n{outcome}");
    }
}

#[test]
fn expiry_beyond_year_9999_is_valid() {
    for end in [json!(253_402_300_800_u64), json!(u64::MAX), json!(1e30)] {
        let robot = robot_with(&jwt_until(end));
        assert_eq!(status(&robot, &[]).exits(0).code, Some(0));
        let outcome = status(&robot, &["--json"]).exits(0);
        assert_eq!(outcome.json()["token"]["expired"], false, "{outcome}");
    }
}

#[test]
fn expired_login_says_how_to_renew_it() {
    let robot = robot_with(&jwt_until(NOW - 7200));
    let outcome = status(&robot, &[]).exits(1);
    for text in ["has expired", EMAIL, "expired 2 hours ago", "rio auth refresh-token"] {
        shows(&outcome, text);
    }
    assert!(!outcome.stdout.contains("Logged in as"), "{outcome}");
}

#[test]
fn clock_at_1970_shows_only_the_expiry_date() {
    let robot = robot_with(&jwt_until(NOW));
    let outcome = robot.rio(&["auth", "status"]).run_at(&FakeClock::in_1970());
    shows(&outcome.exits(0), "expires on 2027-01-15 08:00:00 UTC");
}

#[test]
fn status_without_verify_is_offline() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    status(&robot, &[]).exits(0);
    status(&robot, &["--json"]).exits(0);
    assert_eq!(platform.connections(), 0);
    let (robot, _) = unreachable_robot();
    status(&robot, &[]).exits(0);
}

#[test]
fn status_does_not_write_the_config_file() {
    let platform = platform_now();
    let (robot, token) = Robot::logged_in(&platform);
    // Formatted as rio never writes it, and readable by others: status warns and changes nothing.
    let url = platform.url();
    let config = format!(
        "{{\"x\":1.0,   \"rip_host\":\"{url}/\",\n\n\"auth_token\":\"{token}\",\"x\":[ ] }}\n\n"
    );
    robot.write_config_text(&config);
    let path = robot.config_path();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::metadata(&path).unwrap();
    for options in [&[] as &[&str], &["--json"], &["--verify"]] {
        status(&robot, options).exits(0);
        let after = fs::metadata(&path).unwrap();
        assert_eq!(robot.config_bytes(), config.as_bytes());
        assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
        assert_eq!(after.modified().unwrap(), before.modified().unwrap());
    }
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1, "no other file was created");
}

#[test]
fn status_creates_no_config_file() {
    let robot = Robot::new();
    for options in [&[] as &[&str], &["--json"], &["--verify"]] {
        status(&robot, options).exits(1);
        assert_eq!(fs::read_dir(robot.home()).unwrap().count(), 0);
    }
}

#[test]
fn config_file_readable_by_others_causes_a_warning() {
    let robot = robot_with("0pa9ue");
    let path = robot.config_path();
    for (mode, open) in [
        (0o600, false),
        (0o400, false),
        (0o640, true),
        (0o604, true),
        (0o644, true),
        (0o666, true),
        (0o700, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for options in [&[] as &[&str], &["--json"]] {
            let outcome = status(&robot, options).exits(0);
            let commands = outcome.stderr.matches("chmod 600").count();
            assert_eq!(commands, usize::from(open), "{mode:o}\n{outcome}");
            assert_eq!(outcome.stderr.is_empty(), !open, "{mode:o}\n{outcome}");
            if open {
                outcome.says(path.to_str().unwrap());
            }
        }
        let json = status(&robot, &["--json"]).json();
        assert_eq!(json["config_mode"], format!("{mode:04o}"));
    }
}

#[test]
fn missing_selection_is_null_in_json() {
    let robot = Robot::new();
    let mut config = config_with("0pa9ue");
    config["project_id"] = "".into();
    config["project_name"] = "".into();
    robot.write_config(&config);
    let json = status(&robot, &["--json"]).exits(0).json();
    assert_eq!(json["organization"]["guid"], "org-acme");
    assert_eq!(json["project"], Value::Null);

    robot.write_config(&json!({"auth_token": "0pa9ue"}));
    let json = status(&robot, &["--json"]).exits(0).json();
    assert_eq!(json["email"], Value::Null);
    assert_eq!(json["organization"], Value::Null);
    let outcome = status(&robot, &[]).exits(0);
    shows(&outcome, "none");
    shows(&outcome, "expiry unknown");
}

#[test]
fn status_shows_what_the_config_file_sets() {
    for (member, value, text) in [
        ("environment", "pr42", "pr42"),
        ("rip_host", "https://rip.example", "Environment   ga, with custom rip_host\n"),
        // An invalid host does not hide the account.
        ("oidc_host", "http://oidc.example", EMAIL),
    ] {
        let robot = robot_with("0pa9ue");
        robot.set_config(json!({member: value}));
        shows(&status(&robot, &[]).exits(0), text);
    }
}

#[test]
fn names_are_shown_without_control_characters() {
    let robot = robot_with("0pa9ue");
    let name = "Acme\u{1b}]0;owned\u{7}\u{202e}\r\nLogged in as root";
    robot.set_config(json!({"organization_name": name}));
    for options in [&[] as &[&str], &["--json"]] {
        let outcome = status(&robot, options).exits(0);
        for evil in ["\u{1b}", "\u{7}", "\u{202e}", "\r", "\nLogged in as root"] {
            assert!(!outcome.stdout.contains(evil), "{evil:?}\n{outcome}");
        }
    }
}

#[test]
fn verify_sends_the_stored_token_once() {
    for prefix in ["", "Bearer "] {
        let platform = platform_now();
        let (robot, token) = Robot::logged_in(&platform);
        robot.set_config(json!({"auth_token": format!("{prefix}{token}")}));
        let outcome = status(&robot, &["--verify"]).exits(0);
        shows(&outcome, "Logged in as");
        shows(&outcome, "accepts");
        let [request] = platform.requests().try_into().expect("one call");
        assert_eq!(request.call, Some(Call::UserInfo));
        assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
    }
}

#[test]
fn verify_sends_a_token_of_64_kib() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    let token = "t".repeat(64 * 1024);
    robot.set_config(json!({"auth_token": token}));
    status(&robot, &["--verify"]).exits(1);
    let [request] = platform.requests().try_into().expect("one call");
    assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
}

#[test]
fn json_verified_is_true_false_or_null() {
    let platform = platform_now();
    let (robot, token) = Robot::logged_in(&platform);
    assert_eq!(status(&robot, &["--json", "--verify"]).exits(0).json()["verified"], true);
    platform.revoke(&token);
    assert_eq!(status(&robot, &["--json", "--verify"]).exits(1).json()["verified"], false);
    drop(platform);
    let outcome = status(&robot, &["--json", "--verify"]).exits(3).says("127.0.0.1");
    assert_eq!(outcome.json()["verified"], Value::Null);
    assert_eq!(outcome.json()["logged_in"], true);
}

#[test]
fn rejected_token_is_not_a_login() {
    for answer in [
        Answer::json(401, json!({"error": "token is expired"})),
        Answer::json(403, json!({"response": {"error": "no"}})),
        Answer::text(401, "text/html", "<h1>401 Unauthorized</h1>"),
    ] {
        let platform = platform_now();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, answer);
        let outcome = status(&robot, &["--verify"]).exits(1).hides("<h1>");
        shows(&outcome, "rejects the token");
        shows(&outcome, "rio auth login");
        assert!(!outcome.stdout.contains("Logged in as"), "{outcome}");
    }
}

#[test]
fn server_failure_is_not_a_rejection() {
    type Make = fn() -> Answer;
    let page: Make = || Answer::text(502, "text/html", "<h1>Bad gateway</h1>");
    let cases: [(&str, Make, usize); 8] = [
        ("500", || Answer::json(500, json!({"error": "oops"})), 1),
        ("502", page, 3),
        ("503", || Answer::text(503, "text/plain", ""), 3),
        ("504", || Answer::json(504, json!({})), 3),
        ("429", || Answer::json(429, json!({"error": "slow down"})), 1),
        ("closed connection", Answer::hang_up, 3),
        ("captive portal", || Answer::text(200, "text/html", "<h1>Welcome</h1>"), 1),
        ("redirect", || Answer::text(302, "text/html", "").header("Location", "/login"), 1),
    ];
    for (name, answer, tries) in cases {
        let platform = platform_now();
        let (robot, token) = Robot::logged_in(&platform);
        (0..tries).for_each(|_| platform.answer(Call::UserInfo, answer()));
        let outcome = status(&robot, &["--verify"]).hides("<h1>").hides(&token);
        assert_eq!(outcome.code, Some(3), "{name}\n{outcome}");
        shows(&outcome, EMAIL);
        shows(&outcome, "could not verify the token");
        outcome.says("127.0.0.1");
    }
}

#[test]
fn not_logged_in_expired_rejected_unverified_differ() {
    let platform = platform_now();
    let logged_out = Robot::of(&platform);
    let (expired, _) = Robot::logged_in(&platform);
    expired.set_config(json!({"auth_token": jwt_until(NOW - 60)}));
    let (rejected, token) = Robot::logged_in(&platform);
    platform.revoke(&token);
    let (unreachable, _) = unreachable_robot();
    let answers = [
        (logged_out, &[] as &[&str], 1, "not logged in"),
        (expired, &[], 1, "expired"),
        (rejected, &["--verify"], 1, "reject"),
        (unreachable, &["--verify"], 3, "could not verify"),
    ];
    for (robot, options, code, word) in &answers {
        let outcome = status(robot, options).exits(*code);
        let said = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
        for (.., other) in &answers {
            assert_eq!(said.contains(other), word == other, "{other}\n{outcome}");
        }
    }
}

#[test]
fn verify_compares_the_clock_with_the_servers() {
    for (server, exit, words) in [
        (NOW, 0, "matches the server's"),
        (NOW - 2, 0, "matches the server's"),
        (NOW - 3600, 0, "1 hour ahead"),
        (NOW + 2 * DAY + 3600, 0, "2 days 1 hour behind"),
        // Also after a rejection.
        (NOW + 3600, 1, "1 hour behind"),
    ] {
        let platform = platform_now();
        let (robot, token) = Robot::logged_in(&platform);
        if exit == 1 {
            platform.revoke(&token);
        }
        platform.date(Some(httpdate::fmt_http_date(at(server))));
        shows(&status(&robot, &["--verify"]).exits(exit), words);
    }
}

#[test]
fn verify_works_without_a_server_date() {
    for date in ["", "Date: yesterday\r\n", "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"] {
        let platform = platform_now();
        let (robot, _) = Robot::logged_in(&platform);
        let body = json!({"data": {"email": EMAIL}}).to_string();
        let length = body.len();
        platform.answer(
            Call::UserInfo,
            Answer::raw(format!("HTTP/1.1 200 OK\r\n{date}Content-Length: {length}\r\n\r\n{body}")),
        );
        let outcome = status(&robot, &["--verify"]).exits(0);
        shows(&outcome, "accepts");
        shows(&outcome, "the server sent no valid date");
    }
}

#[test]
fn accepted_token_has_not_expired_by_a_wrong_clock() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    platform.date(Some(httpdate::fmt_http_date(at(NOW))));
    let clock = FakeClock::at(at(NOW + 365 * DAY));
    let outcome = robot.rio(&["auth", "status", "--verify"]).run_at(&clock);
    shows(&outcome, "365 days ahead");
    assert!(!outcome.stdout.contains("To renew it"), "{outcome}");
    outcome.exits(0);
}

#[test]
fn verify_without_a_login_is_offline() {
    let platform = platform_now();
    let robot = Robot::of(&platform);
    let outcome = status(&robot, &["--verify"]).exits(1);
    shows(&outcome, "Not logged in");
    assert_eq!(status(&robot, &["--json", "--verify"]).exits(1).json()["verified"], Value::Null);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn min_valid_exits_1_only_if_the_token_is_known_to_expire_sooner() {
    let hour = |hours: u64| jwt_until(NOW + hours * 3_600);
    for (token, min_valid, code) in [
        (hour(3), "2h", 0),
        (hour(2), "2h", 0),
        (hour(1), "2h", 1),
        (hour(0), "0s", 1),
        ("opaque".to_owned(), "2h", 0),
    ] {
        let robot = robot_with(&token);
        let outcome = status(&robot, &["--min-valid", min_valid]).exits(code);
        assert!(outcome.stdout.contains("Token"), "{outcome}");
        let json = status(&robot, &["--json", "--min-valid", min_valid]).exits(code);
        assert_eq!(json.json()["logged_in"], true);
    }
    status(&robot_with(&hour(1)), &["--min-valid", "2h"])
        .says("the token expires in 1 hour (2027-01-15 09:00:00 UTC), sooner than in 2 hours")
        .says("rio auth refresh-token");
    status(&robot_with(&hour(1)), &["--min-valid", "2"]).exits(2);
}

#[test]
fn min_valid_with_verify_counts_a_revocation() {
    let platform = platform_now();
    let (robot, token) = Robot::logged_in(&platform);
    status(&robot, &["--verify", "--min-valid", "1h"]).exits(0);
    platform.revoke(&token);
    status(&robot, &["--verify", "--min-valid", "1h"]).exits(1);
}
