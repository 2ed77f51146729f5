//! `rio auth refresh-token`: with the stored token, or with the password if that is no longer valid.

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

const REFRESH: [&str; 2] = ["auth", "refresh-token"];

/// Logged in with a token that the server no longer accepts.
fn with_revoked_token(platform: &Platform) -> Robot {
    let (robot, token) = Robot::logged_in(platform);
    platform.revoke(&token);
    robot
}

fn refresh(robot: &Robot, options: &[&str], stdin: &str) -> Outcome {
    let arguments = [&REFRESH, options].concat();
    robot.rio(&arguments).stdin(stdin).run_at(&FakeClock::new())
}

fn stored_token(robot: &Robot) -> String {
    robot.config()["auth_token"].as_str().unwrap().to_owned()
}

/// Asserts that nothing changed, and that no password was asked for or sent.
#[track_caller]
fn assert_unchanged(outcome: &Outcome, robot: &Robot, before: &[u8], platform: &Platform) {
    assert!(!outcome.stderr.contains("Password"), "{outcome}");
    assert_eq!(robot.config_bytes(), before, "{outcome}");
    assert!(platform.calls(Call::UserLogin).is_empty(), "{outcome}");
}

#[test]
fn refresh_accepts_token_in_either_spelling() {
    for member in ["Token", "token"] {
        let platform = Platform::start();
        platform.refresh_as(member);
        let (robot, old) = Robot::logged_in(&platform);
        refresh(&robot, &[], "").exits(0).prints("");
        let requests = platform.requests();
        assert_eq!(requests.len(), 1, "{member}");
        assert_eq!(requests[0].call, Some(Call::RefreshToken), "{member}");
        assert_eq!(requests[0].json(), json!({"token": old}), "{member}");
        assert_ne!(stored_token(&robot), old, "{member}");
        robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    }
}

#[test]
fn refresh_says_when_the_new_token_expires() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    refresh(&robot, &[], "").exits(0).says("Token refreshed; it expires in ");

    platform.answer(Call::RefreshToken, Answer::json(200, json!({"data": {"token": "opaque"}})));
    refresh(&robot, &[], "").exits(0).says("Token refreshed.").hides("expire");
}

#[test]
fn refresh_changes_only_the_token() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({
        "organization_id": "org-acmerobotics",
        "project_id": "project-x",
        "environment": "qa",
        "hwil_auth_token": "another secret",
        "piping_server": {"port": 1},
    }));
    let config = robot.config();
    refresh(&robot, &[], "").exits(0);
    let mut after = robot.config();
    assert_ne!(after["auth_token"], config["auth_token"]);
    after["auth_token"] = config["auth_token"].clone();
    after.as_object_mut().unwrap().remove("auth_token_record").unwrap();
    assert_eq!(after, config);
}

#[test]
fn rejected_token_leads_to_the_password_prompt() {
    for status in [400, 401, 403] {
        let platform = Platform::start();
        let (robot, old) = Robot::logged_in(&platform);
        platform.answer(Call::RefreshToken, Answer::json(status, json!({"error": "no"})));
        refresh(&robot, &[], &format!("{PASSWORD}\n"))
            .exits(0)
            .prints("")
            .says(&format!("Password for {EMAIL}"));
        let logins = platform.calls(Call::UserLogin);
        assert_eq!(logins.len(), 1, "{status}");
        assert_eq!(logins[0].query, "type=med", "{status}");
        assert_eq!(logins[0].json(), json!({"email": EMAIL, "password": PASSWORD}), "{status}");
        assert_ne!(stored_token(&robot), old, "{status}");
        robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    }
}

#[test]
fn temporary_failure_never_prompts_for_a_password() {
    let page = "<html><h1>Bad gateway</h1></html>";
    for (name, answer) in [
        ("408", Answer::json(408, json!({}))),
        ("425", Answer::json(425, json!({}))),
        ("429", Answer::json(429, json!({"error": "too many requests"}))),
        ("500", Answer::json(500, json!({"error": "token expired"}))),
        ("501", Answer::json(501, json!({}))),
        ("502 with a web page", Answer::text(502, "text/html", page)),
        ("503", Answer::json(503, json!({})).header("Retry-After", "120")),
        ("504", Answer::text(504, "text/plain", "")),
        ("599", Answer::json(599, json!({}))),
        ("400 without a body", Answer::text(400, "text/plain", "")),
        ("403 as text", Answer::text(403, "text/plain", "RBAC: access denied")),
        ("403 with an array", Answer::json(403, json!([]))),
        ("redirect", Answer::text(302, "text/html", "").header("Location", "/portal")),
        ("captive portal", Answer::text(200, "text/html", page)),
        ("closed connection", Answer::hang_up()),
        ("not HTTP", Answer::raw("220 mail.example ESMTP\r\n")),
        ("incomplete header", Answer::raw("HTTP/1.1 401 Unautho")),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        platform.answer(Call::RefreshToken, answer);
        let outcome = refresh(&robot, &["--password", "-"], &format!("{PASSWORD}\n")).exits(3);
        assert_unchanged(&outcome, &robot, &before, &platform);
        assert_eq!(platform.calls(Call::RefreshToken).len(), 1, "{name}");
    }
}

#[test]
fn unreachable_server_never_prompts_for_a_password() {
    let platform = Platform::start();
    let closed = ClosedPort::new();
    let robot = Robot::new();
    robot
        .write_config(&json!({"rip_host": closed.url(), "auth_token": "t0ken", "email_id": EMAIL}));
    let before = robot.config_bytes();
    let outcome = refresh(&robot, &[], &format!("{PASSWORD}\n")).exits(3).says(&closed.address());
    assert_unchanged(&outcome, &robot, &before, &platform);
}

#[test]
fn password_is_read_from_prompt_option_or_stdin() {
    let piped = format!("{PASSWORD}\n");
    for (options, stdin, prompted, warned) in [
        (&["--password", PASSWORD][..], "", false, true),
        (&["--password", PASSWORD, "--silent"][..], "", false, true),
        (&["--password", "-"][..], &*piped, false, false),
        (&["--password=-", "--silent"][..], &*piped, false, false),
        (&["--password=-", "--no-interactive"][..], &*piped, false, false),
        (&[][..], &*piped, true, false),
        (&["--interactive"][..], &*piped, true, false),
        (&["--no-interactive", "--interactive"][..], &*piped, true, false),
    ] {
        let platform = Platform::start();
        let robot = with_revoked_token(&platform);
        let arguments = [&REFRESH, options].concat();
        let outcome = robot.rio(&arguments).stdin(stdin).run().exits(0).prints("").hides(PASSWORD);
        assert_eq!(outcome.stderr.contains("Password for"), prompted, "{outcome}");
        assert_eq!(outcome.stderr.matches("warning").count(), usize::from(warned), "{outcome}");
        robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    }
}

#[test]
fn unneeded_password_is_not_sent() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    refresh(&robot, &["--password", "-"], &format!("{PASSWORD}\n")).exits(0);
    assert!(platform.calls(Call::UserLogin).is_empty());
}

#[test]
fn missing_password_says_what_to_run() {
    let piped = format!("{PASSWORD}\n");
    for (options, stdin) in [
        (&["--silent"][..], &*piped),
        (&["--no-interactive"][..], &*piped),
        (&["--interactive", "--no-interactive"][..], &*piped),
        (&["--silent", "--interactive"][..], &*piped),
        (&["--interactive", "--silent"][..], &*piped),
        // End of input.
        (&[][..], ""),
    ] {
        println!("case: {options:?}");
        let platform = Platform::start();
        let robot = with_revoked_token(&platform);
        let before = robot.config_bytes();
        let arguments = [&REFRESH, options].concat();
        let outcome = robot.rio(&arguments).stdin(stdin).run().exits(1).prints("");
        if !options.is_empty() {
            assert_unchanged(&outcome, &robot, &before, &platform);
        }
        assert_eq!(robot.config_bytes(), before);
        outcome.says("rio auth login").says("--password-file FILE");
        assert!(platform.calls(Call::UserLogin).is_empty(), "{options:?}");
    }
}

#[test]
fn silent_refresh_of_a_valid_token_succeeds() {
    for option in ["--silent", "--no-interactive", "--interactive"] {
        let platform = Platform::start();
        let (robot, old) = Robot::logged_in(&platform);
        refresh(&robot, &[option], "").exits(0);
        assert_ne!(stored_token(&robot), old, "{option}");
    }
}

#[test]
fn wrong_password_changes_nothing_and_names_login() {
    let platform = Platform::start();
    let robot = with_revoked_token(&platform);
    let before = robot.config_bytes();
    refresh(&robot, &[], "hunter2\n").exits(1).hides("hunter2").says("SSO").says("rio auth login");
    assert_eq!(platform.calls(Call::UserLogin).len(), 1);
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn failed_password_login_exits_3_and_changes_nothing() {
    for answer in [Answer::hang_up(), Answer::json(503, json!({})), Answer::json(429, json!({}))] {
        let platform = Platform::start();
        let robot = with_revoked_token(&platform);
        let before = robot.config_bytes();
        platform.answer(Call::UserLogin, answer);
        refresh(&robot, &[], &format!("{PASSWORD}\n")).exits(3);
        assert_eq!(platform.calls(Call::UserLogin).len(), 1, "the password is sent once");
        assert_eq!(robot.config_bytes(), before);
    }
}

#[test]
fn password_refresh_needs_a_stored_email() {
    let platform = Platform::start();
    let robot = with_revoked_token(&platform);
    robot.set_config(json!({"email_id": null}));
    let outcome = refresh(&robot, &[], &format!("{PASSWORD}\n")).exits(1);
    outcome.says("rio auth login");
    assert!(platform.calls(Call::UserLogin).is_empty());
}

#[test]
fn refresh_without_a_login_sends_nothing() {
    // "Bearer " is left by a program that adds the prefix to a missing token.
    for token in [Value::Null, json!(""), json!("   "), json!("Bearer ")] {
        println!("case: {token}");
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        robot.set_config(json!({"email_id": EMAIL, "auth_token": token}));
        let before = robot.config_bytes();
        let outcome = refresh(&robot, &["--password", "-"], &format!("{PASSWORD}\n")).exits(1);
        outcome.says("rio auth login");
        assert!(platform.requests().is_empty());
        assert_eq!(robot.config_bytes(), before);
    }
    Robot::new().rio(&REFRESH).run().exits(1).says("not logged in").says("rio auth login");
}

#[test]
fn stored_bearer_prefix_is_not_sent_twice() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let store_prefixed = |token: &str| {
        robot.set_config(json!({"auth_token": format!("Bearer {token}")}));
    };

    store_prefixed(&token);
    robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    let verified = platform.calls(Call::UserInfo).remove(0);
    assert_eq!(verified.header("Authorization"), Some(&*format!("Bearer {token}")));

    refresh(&robot, &[], "").exits(0);
    assert_eq!(platform.calls(Call::RefreshToken)[0].json(), json!({"token": token}));

    let fresh = stored_token(&robot);
    store_prefixed(&fresh);
    robot.rio(&["auth", "logout"]).run().exits(0);
    let told = platform.calls(Call::UserLogout).remove(0);
    assert_eq!(told.header("Authorization"), Some(&*format!("Bearer {fresh}")));
}

#[test]
fn malformed_new_token_is_a_lost_response() {
    const NO_TOKEN: &str = "to the token refresh has no valid token";
    for (body, says) in [
        (json!({"data": {"token": ""}}), NO_TOKEN),
        (json!({"data": {"token": null}}), NO_TOKEN),
        (json!({"data": {"token": "two\nlines"}}), NO_TOKEN),
        (json!({"data": {"Token": "tökén"}}), NO_TOKEN),
        (json!({"data": {}}), NO_TOKEN),
        (json!({"data": null}), NO_TOKEN),
        (json!({"token": "t0ken"}), NO_TOKEN),
        (json!({"error": "disabled"}), "rejected the token refresh: disabled (200)"),
        (json!([]), NO_TOKEN),
        (json!("t0ken"), NO_TOKEN),
    ] {
        println!("case: {body}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        platform.answer(Call::RefreshToken, Answer::json(200, body));
        let outcome = refresh(&robot, &["--password", "-"], &format!("{PASSWORD}\n"));
        let outcome = outcome.exits(3).says(says).says("The stored token is still valid.");
        assert_unchanged(&outcome, &robot, &before, &platform);
        assert_eq!(platform.calls(Call::UserInfo).len(), 1);
    }
}

/// Logs in with the token of a file unless the stored one is valid for longer than two days.
fn login_unless_valid(robot: &Robot, options: &[&str]) -> Outcome {
    let login = ["auth", "login", "--json", "--if-expires-within", "2d"];
    robot.rio(&[&login, options].concat()).run_at(&FakeClock::new())
}

#[test]
fn login_keeps_a_token_that_is_not_due() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    for options in [
        &["--auth-token-file", "/missing"][..],
        &["--email", EMAIL, "--password-file", "/missing", "--organization", "other"],
        &[],
    ] {
        let outcome = robot.changes_nothing(|| login_unless_valid(&robot, options)).exits(0);
        let [event] = outcome.events().try_into().unwrap();
        assert_eq!((&event["event"], &event["email"]), (&"kept".into(), &EMAIL.into()));
        assert!(event["token"]["expires_at_unix"].is_u64(), "{event}");
        outcome.hides(&token);
    }
    assert!(platform.requests().is_empty());
    let arguments = ["auth", "login", "--if-expires-within", "2d"];
    let outcome = robot.rio(&arguments).run_at(&FakeClock::new()).exits(0);
    outcome.says("Already logged in as ada@example.com; the token expires in ");
}

#[test]
fn login_replaces_a_token_that_is_due_or_of_another_account() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    // It goes on to read the secret.
    let replaces = |options: &[&str]| {
        let outcome = login_unless_valid(&robot, options).exits(1);
        let message = outcome.events()[0]["message"].to_string();
        assert!(message.contains("/missing"), "{outcome}");
    };
    replaces(&["--email", "eve@example.com", "--password-file", "/missing"]);
    for token in [json!("opaque-without-a-record"), json!("two words"), Value::Null] {
        robot.set_config(json!({"auth_token": token}));
        replaces(&["--auth-token-file", "/missing"]);
    }
}

#[test]
fn login_with_two_sources_of_a_secret_exits_2_even_if_kept() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for secret in ["--auth-token", "--password"] {
        let file = format!("{secret}-file");
        login_unless_valid(&robot, &[secret, "-", &file, "x", "--email", EMAIL]).exits(2);
    }
    login_unless_valid(&robot, &["--auth-token", "-", "--auth-token-file", "x"]).exits(2);
}
