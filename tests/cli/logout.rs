//! `rio auth logout`: the server is told if it can be, and the login is forgotten whatever it says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, Platform};
use serde_json::{Value, json};

use crate::robot::{LOGIN_KEYS, Outcome, Robot};

/// Logged in on this platform, with an organization and a project.
fn robot_on(platform: &Platform) -> (Robot, String) {
    let (robot, token) = Robot::logged_in(platform);
    let mut config = robot.config();
    for key in &LOGIN_KEYS[2..] {
        config[key] = "x".into();
    }
    robot.write_config(&config);
    (robot, token)
}

fn logout(robot: &Robot) -> Outcome {
    robot.rio(&["auth", "logout"]).run()
}

#[track_caller]
fn is_forgotten(robot: &Robot, outcome: &Outcome) {
    let config = robot.config();
    for key in LOGIN_KEYS {
        assert_eq!(config.get(key), None, "{key}\n{outcome}");
    }
}

#[test]
fn the_server_is_told_and_the_login_is_forgotten() {
    let platform = Platform::start();
    let (robot, token) = robot_on(&platform);
    let outcome = logout(&robot).exits(0).says("Logged out.").prints("").hides(&token);
    assert!(!outcome.stderr.contains("could not"), "{outcome}");
    is_forgotten(&robot, &outcome);
    let [request] = platform.requests().try_into().expect("one call");
    assert_eq!(request.call, Some(Call::UserLogout));
    assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
    robot.rio(&["auth", "status"]).run().exits(1);
}

#[test]
fn a_token_that_was_stored_with_bearer_is_not_prefixed_twice() {
    let platform = Platform::start();
    let (robot, token) = robot_on(&platform);
    robot.set_config(json!({"auth_token": format!("Bearer {token}")}));
    logout(&robot).exits(0);
    let [request] = platform.calls(Call::UserLogout).try_into().expect("one call");
    assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
}

#[test]
fn all_else_in_the_file_stays_to_the_letter_and_in_its_order() {
    let platform = Platform::start();
    let token = platform.issue_token();
    let url = platform.url();
    let kept = [
        "\"machine_id\": 12345678901234567890123456789".to_owned(),
        format!("\"oidc_host\": \"{url}\""),
        "\"piping_server\": \"https:\\/\\/piping.example\\u002f\"".to_owned(),
        format!("\"rip_host\": \"{url}/\""),
        "\"diff_tool\": {\"b\" : [1.0, 1e3, -0],  \"a\":null}".to_owned(),
        format!("\"v2api_host\": \"{url}\""),
        "\"hwil_auth_token\": \"kept\"".to_owned(),
        "\"device_flow_client_id\": \"mine\"".to_owned(),
        "\"environment\": \"dev\"".to_owned(),
        "\"auth_token_of_another_tool\": true".to_owned(),
    ];
    // The members of the login stand between the others.
    let login = [
        format!("\"auth_token\":\"{token}\""),
        format!("\"email_id\": \"{EMAIL}\""),
        "\"project_id\": \"project-x\"".to_owned(),
        "\"organization_id\": \"org-x\"".to_owned(),
    ];
    let mut members = kept.to_vec();
    for (index, member) in login.into_iter().enumerate() {
        members.insert(3 * index, member);
    }
    robot_keeps(&members, &kept);
}

#[track_caller]
fn robot_keeps(members: &[String], kept: &[String]) {
    let robot = Robot::new();
    robot.write_config_text(format!("{{ {} }}", members.join(" ,\n")));
    let outcome = logout(&robot).exits(0);
    is_forgotten(&robot, &outcome);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    let places: Vec<_> = kept.iter().map(|member| text.find(member.as_str())).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    assert_eq!(robot.config().as_object().unwrap().len(), kept.len(), "{text}");
}

#[test]
fn the_file_is_for_its_owner_alone_afterwards() {
    let platform = Platform::start();
    let (robot, _) = robot_on(&platform);
    fs::set_permissions(robot.config_path(), fs::Permissions::from_mode(0o644)).unwrap();
    logout(&robot).exits(0);
    let mode = fs::metadata(robot.config_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_login_is_forgotten_whatever_comes_back() {
    let cases = [
        ("400", Answer::json(400, json!({"error": "no"}))),
        ("403, from a proxy", Answer::text(403, "text/html", "<h1>Forbidden</h1>")),
        ("404, a wrong host", Answer::text(404, "text/html", "<h1>Not found</h1>")),
        ("500", Answer::json(500, json!({"error": "oops"}))),
        ("502", Answer::text(502, "text/html", "<h1>Bad gateway</h1>")),
        ("503", Answer::json(503, json!({})).header("Retry-After", "60")),
        ("a redirect", Answer::text(302, "text/html", "").header("Location", "/login")),
        ("hangs up", Answer::hang_up()),
        ("no HTTP", Answer::raw("220 mail.example ESMTP\r\n")),
        ("breaks off", Answer::raw("HTTP/1.1 200 OK\r\nContent-Len")),
    ];
    for (name, answer) in cases {
        let platform = Platform::start();
        let (robot, token) = robot_on(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0).hides(&token).hides("<h1>").prints("");
        is_forgotten(&robot, &outcome);
        outcome.says("could not tell the server").says("127.0.0.1");
        assert_eq!(platform.requests().len(), 1, "{name}: told once");
    }
}

#[test]
fn a_token_that_is_dead_already_needs_no_telling() {
    for (name, answer) in [
        ("401", Answer::json(401, json!({"error": "expired"}))),
        ("401 as a page", Answer::text(401, "text/html", "<h1>401 Unauthorized</h1>")),
        ("403", Answer::json(403, json!({"response": {"error": "no"}}))),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, token) = robot_on(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0).says("Logged out.").hides(&token).hides("<h1>");
        assert!(!outcome.stderr.contains("could not"), "{outcome}");
        is_forgotten(&robot, &outcome);
        assert_eq!(platform.requests().len(), 1, "{name}: told once");
    }
}

#[test]
fn any_success_is_a_success() {
    for answer in [
        Answer::text(204, "text/plain", ""),
        Answer::text(200, "text/plain", "bye"),
        Answer::json(202, json!({"data": null})),
    ] {
        let platform = Platform::start();
        let (robot, _) = robot_on(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0);
        assert!(!outcome.stderr.contains("could not"), "{outcome}");
        is_forgotten(&robot, &outcome);
    }
}

#[test]
fn a_server_that_is_down_is_no_reason_to_stay_logged_in() {
    let platform = Platform::start();
    let (robot, _) = robot_on(&platform);
    drop(platform);
    let outcome = logout(&robot).exits(0).says("could not tell the server").says("127.0.0.1");
    is_forgotten(&robot, &outcome);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the limit is one of the real network's")]
fn a_server_that_says_nothing_is_waited_for_five_seconds() {
    let platform = Platform::start();
    let (robot, _) = robot_on(&platform);
    platform.answer(Call::UserLogout, Answer::stall(Duration::from_secs(60)));
    let start = Instant::now();
    let outcome = logout(&robot).exits(0).says("could not tell the server");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(8), "took {took:?}");
    is_forgotten(&robot, &outcome);
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn logged_out_already_is_no_error_and_asks_nobody() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    logout(&robot).exits(0).says("You are not logged in.").prints("");
    assert_eq!(platform.connections(), 0);
    assert_eq!(robot.config(), platform.config());
}

#[test]
fn a_second_logout_says_that_the_first_one_was_enough() {
    let platform = Platform::start();
    let (robot, _) = robot_on(&platform);
    let first = logout(&robot).exits(0);
    assert!(!first.stderr.contains("not logged in"), "{first}");
    logout(&robot).exits(0).says("You are not logged in.");
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn what_is_left_of_an_old_login_goes_too() {
    let robot = Robot::new();
    robot.write_config(&json!({
        "email_id": EMAIL, "organization_id": "org-x", "project_id": "", "machine_id": 7,
    }));
    let outcome = logout(&robot).exits(0);
    is_forgotten(&robot, &outcome);
    assert_eq!(robot.config(), json!({"machine_id": 7}));
}

#[test]
fn a_machine_that_was_never_logged_in_gets_no_file_by_logging_out() {
    let robot = Robot::new();
    logout(&robot).exits(0).says("You are not logged in.");
    assert_eq!(robot.config(), Value::Null);
}

#[test]
fn a_host_that_cannot_be_used_is_no_reason_to_stay_logged_in() {
    for (key, value) in [
        ("oidc_host", "http://oidc.example"),
        ("v2api_host", "nonsense"),
        ("rip_host", "http://rip.example"),
    ] {
        let platform = Platform::start();
        let (robot, _) = robot_on(&platform);
        robot.set_config(json!({key: value}));
        let outcome = logout(&robot).exits(0);
        is_forgotten(&robot, &outcome);
        assert_eq!(robot.config()[key], value);
    }
}

#[test]
fn what_no_server_can_have_given_is_forgotten_without_telling_anybody() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    robot.set_config(json!({"auth_token": "not a token"}));
    logout(&robot).exits(0).says("Logged out.");
    assert_eq!(robot.config(), platform.config());
    assert!(platform.requests().is_empty());
}
