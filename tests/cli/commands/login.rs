//! `rio auth login` by password and by token, and how every login changes the config file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, User, World};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Robot, SELECTION_KEYS};

/// A platform with one organization and one project: a login has nothing to prompt for.
fn start() -> Platform {
    Platform::with(World::of([Organization::new("Acme Robotics", ["fleet"])]))
}

const BY_PASSWORD: [&str; 7] =
    ["auth", "login", "--email", EMAIL, "--password", "-", "--no-interactive"];
const BY_TOKEN: [&str; 4] = ["auth", "login", "--auth-token", "-"];

/// The hosts of the platform and these members.
fn config_with(platform: &Platform, members: Value) -> Value {
    let mut config = platform.config();
    config.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    config
}

/// Logged in, with a selection that no longer exists.
fn logged_in_and_selected(platform: &Platform) -> Robot {
    let (robot, token) = Robot::logged_in(platform);
    let selection = json!({
        "auth_token": token,
        "email_id": EMAIL,
        "organization_id": "org-old",
        "organization_name": "Old",
        "organization_short_id": "oldzz",
        "project_id": "project-old",
        "project_name": "old",
    });
    robot.write_config(&config_with(platform, selection));
    robot
}

// By password

#[test]
fn password_login_stores_a_token_of_7_days() {
    let platform = start();
    let robot = Robot::of(&platform);
    robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(0).prints("").says(EMAIL).hides(PASSWORD);
    let requests = platform.calls(Call::UserLogin);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].query, "type=med");
    assert_eq!(requests[0].json(), json!({"email": EMAIL, "password": PASSWORD}));
    assert_eq!(requests[0].header("Content-Type"), Some("application/json"));
    assert_eq!(requests[0].header("Authorization"), None);
    let config = robot.config();
    assert_eq!(config["email_id"], EMAIL);
    // The platform accepts it, so it is the token that it issued.
    let bearer = format!("Bearer {}", config["auth_token"].as_str().unwrap());
    assert_eq!(platform.calls(Call::UsersMe)[0].header("Authorization"), Some(&*bearer));
    assert_eq!(config["project_name"], "fleet");
}

#[test]
fn login_says_when_the_token_expires() {
    let platform = start();
    let robot = Robot::of(&platform);
    let outcome = robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(0);
    outcome.says("The token expires in 7 days (");

    platform.answer(Call::UserLogin, Answer::json(200, json!({"data": {"token": "opaque"}})));
    platform.answer(Call::UsersMe, Answer::json(200, json!({"spec": {"organizations": []}})));
    robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(0).hides("expire");
}

#[test]
fn password_is_read_from_prompt_option_or_stdin() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("the prompt", &["--email", EMAIL], PASSWORD),
        ("the prompt, with CR LF", &["--email", EMAIL], &format!("{PASSWORD}\r\n")),
        ("standard input", &["--email", EMAIL, "--password", "-"], &format!("{PASSWORD}\nmore")),
        ("the option", &["--email", EMAIL, "--password", PASSWORD], ""),
    ];
    for (name, options, stdin) in cases {
        println!("case: {name}");
        let platform = start();
        let robot = Robot::of(&platform);
        let arguments = [&["auth", "login"], options].concat();
        let outcome = robot.rio(&arguments).stdin(stdin).run().exits(0).hides(PASSWORD);
        let asked = outcome.stderr.contains(&format!("Password for {EMAIL}: "));
        assert_eq!(asked, name.starts_with("the prompt"), "{outcome}");
        assert!(robot.config()["auth_token"].is_string());
    }
}

#[test]
fn password_may_contain_blanks_and_quotes() {
    let password = "  pa\"ss\\wörd 東 ";
    let user = User { email: EMAIL.into(), password: password.into(), name: "Ada".into() };
    let platform = Platform::with(World { users: vec![user], organizations: Vec::new() });
    for arguments in [&BY_PASSWORD[..], &BY_PASSWORD[..4]] {
        let robot = Robot::of(&platform);
        robot.rio(arguments).stdin(&format!("{password}\n")).run().exits(0);
    }
}

#[test]
fn secret_on_command_line_causes_one_warning() {
    let platform = start();
    let token = platform.issue_token();
    for (arguments, stdin, warnings) in [
        (vec!["--email", EMAIL, "--password", PASSWORD], "", 1),
        (vec!["--email", EMAIL, "--password", PASSWORD, "--silent"], "", 1),
        (vec!["--auth-token", &token], "", 1),
        (vec!["--email", EMAIL, "--password", "-"], PASSWORD, 0),
        (vec!["--email", EMAIL], PASSWORD, 0),
        (vec!["--auth-token", "-"], &token, 0),
    ] {
        let robot = Robot::of(&platform);
        let arguments = [vec!["auth", "login"], arguments].concat();
        let outcome = robot.rio(&arguments).stdin(stdin).run().exits(0);
        assert_eq!(outcome.stderr.matches("warning").count(), warnings, "{outcome}");
        assert_eq!(outcome.stderr.matches("visible in ps ").count(), warnings, "{outcome}");
    }
}

#[test]
fn wrong_password_is_sent_once_and_not_shown() {
    let wrong = "correct horse battery stable";
    let platform = start();
    let robot = logged_in_and_selected(&platform);
    let run = || robot.rio(&BY_PASSWORD).stdin(wrong).run();
    robot
        .changes_nothing(run)
        .exits(1)
        .prints("")
        .says(EMAIL)
        .hides(wrong)
        .says("SSO")
        .says("    rio auth login\n");
    assert_eq!(platform.calls(Call::UserLogin).len(), 1);
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn wrong_password_in_the_server_message_is_replaced() {
    // The platform answers: wrong email or password.
    for (wrong, shown) in [("password", "wrong email or ***"), ("wrong", "*** email or password")] {
        let platform = start();
        let outcome = Robot::of(&platform).rio(&BY_PASSWORD).stdin(wrong).run();
        outcome.exits(1).says(shown).hides("status 401");
    }
}

#[test]
fn empty_password_prompt_sends_nothing() {
    let platform = start();
    for stdin in ["", "\n"] {
        let robot = Robot::of(&platform);
        let run = || robot.rio(&["auth", "login", "--email", EMAIL]).stdin(stdin).run();
        robot.changes_nothing(run).exits(1).says("no password").says("--password-file FILE");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn malformed_token_in_response_is_not_stored() {
    for (name, answer) in [
        ("no token", json!({"data": {}})),
        ("an empty token", json!({"data": {"token": ""}})),
        ("a number", json!({"data": {"token": 7}})),
        ("with a blank", json!({"data": {"token": "a b"}})),
        ("with a line break", json!({"data": {"token": "a\r\nX-Evil: 1"}})),
        ("no data", json!({"token": "t0ken"})),
        ("a list", json!([])),
    ] {
        println!("case: {name}");
        let platform = start();
        let robot = logged_in_and_selected(&platform);
        platform.answer(Call::UserLogin, Answer::json(200, answer));
        let run = || robot.rio(&BY_PASSWORD).stdin(PASSWORD).run();
        robot.changes_nothing(run).exits(1).says("to the login has no valid token");
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
fn server_failure_exits_3_and_sends_password_once() {
    for (name, answer) in [
        ("500", Answer::json(500, json!({"error": "database is down"}))),
        ("502 with HTML", Answer::text(502, "text/html", "<h1>Bad Gateway</h1>")),
        ("503", Answer::text(503, "text/plain", "")),
        ("429", Answer::json(429, json!({"error": "slow down"}))),
        ("closed connection", Answer::hang_up()),
        ("not HTTP", Answer::raw("SSH-2.0-OpenSSH_9.6\r\n")),
        ("captive portal", Answer::text(200, "text/html", "<h1>Welcome</h1>")),
        ("redirect", Answer::text(307, "text/html", "").header("Location", "/elsewhere")),
    ] {
        println!("case: {name}");
        let platform = start();
        let robot = logged_in_and_selected(&platform);
        platform.answer(Call::UserLogin, answer);
        let run = || robot.rio(&BY_PASSWORD).stdin(PASSWORD).run();
        let host = platform.host();
        robot.changes_nothing(run).exits(3).says(host).hides("<h1>").hides(PASSWORD);
        assert_eq!(platform.requests().len(), 1, "{name}");
    }
}

#[test]
fn incomplete_response_exits_3() {
    let platform = start();
    let robot = logged_in_and_selected(&platform);
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"data\":{\"token\":\"half-a-t0ken";
    platform.answer(Call::UserLogin, Answer::raw(half));
    let run = || robot.rio(&BY_PASSWORD).stdin(PASSWORD).run();
    robot.changes_nothing(run).says("incomplete response").hides("half-a-t0ken").exits(3);
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn unreachable_server_changes_nothing() {
    let dead = ClosedPort::new();
    let hosts = json!({
        "oidc_host": dead.url(),
        "rip_host": dead.url(),
        "v2api_host": dead.url(),
        "auth_token": "old",
        "email_id": EMAIL,
    });
    let cases: [(&str, &[&str], &str); 3] = [
        ("by password", &BY_PASSWORD, PASSWORD),
        ("by token", &["auth", "login", "--yes", "--auth-token", "-"], "t0ken"),
        ("by device code", &["auth", "login", "--yes"], ""),
    ];
    for (name, arguments, stdin) in cases {
        println!("case: {name}");
        let robot = Robot::new();
        robot.write_config(&hosts);
        let run = || robot.rio(arguments).stdin(stdin).run_at(&FakeClock::new());
        let host = &dead.address();
        robot.changes_nothing(run).exits(3).says(host).says("connection refused");
    }
}

// By token

#[test]
fn token_login_asks_user_info_for_the_email() {
    let platform = start();
    let token = platform.issue_token();
    for (name, arguments, stdin) in [
        ("the option", vec!["auth", "login", "--auth-token", &token], String::new()),
        ("standard input", BY_TOKEN.to_vec(), format!("{token}\n")),
        ("with Bearer", BY_TOKEN.to_vec(), format!("Bearer {token}\n")),
        ("with blanks", BY_TOKEN.to_vec(), format!("  {token}  \r\n")),
        ("silent", [&BY_TOKEN[..], &["--silent"]].concat(), token.clone()),
    ] {
        println!("case: {name}");
        let robot = Robot::of(&platform);
        let asked_before = platform.calls(Call::UserInfo).len();
        robot.rio(&arguments).stdin(&stdin).run().exits(0).says(EMAIL).prints("").hides(&token);
        let asked = platform.calls(Call::UserInfo).split_off(asked_before);
        assert_eq!(asked.len(), 1, "{name}");
        assert_eq!(asked[0].header("Authorization"), Some(&*format!("Bearer {token}")));
        assert_eq!(asked[0].query, "");
        let config = robot.config();
        assert_eq!((&config["auth_token"], &config["email_id"]), (&json!(token), &json!(EMAIL)));
    }
}

#[test]
fn rejected_token_is_not_stored() {
    for status in [400, 401, 403] {
        println!("case: {status}");
        let platform = start();
        let robot = logged_in_and_selected(&platform);
        platform.answer(Call::UserInfo, Answer::json(status, json!({"error": "not you"})));
        let run = || robot.rio(&BY_TOKEN).stdin("t0ken-unknown\ny\n").run();
        robot.changes_nothing(run).exits(1).says("not you").hides("t0ken-unknown");
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
fn rejection_without_message_shows_the_status() {
    for status in [401, 403] {
        let platform = start();
        platform.answer(Call::UserInfo, Answer::json(status, json!({})));
        let outcome = Robot::of(&platform).rio(&BY_TOKEN).stdin("t0ken-unknown\n").run();
        outcome.exits(1).says(&format!("rejected the token (status {status})\n"));
    }
}

#[test]
fn unknown_endpoint_names_the_custom_host() {
    for (arguments, call, stdin) in [
        (&BY_PASSWORD[..], Call::UserLogin, &*format!("{PASSWORD}\ny\n")),
        (&BY_TOKEN, Call::UserInfo, "t0ken\ny\n"),
        (&["auth", "status", "--verify"], Call::UserInfo, ""),
        (&["organization", "select", "x"], Call::UsersMe, ""),
    ] {
        for status in [404, 405] {
            println!("case: {arguments:?} {status}");
            let platform = start();
            let (robot, _) = Robot::logged_in(&platform);
            platform.answer(call, Answer::json(status, json!({"error": "no route"})));
            let outcome = robot.rio(arguments).stdin(stdin).run().exits(1);
            outcome.says("no route").says("_host in /");
        }
    }
}

#[test]
fn malformed_token_is_a_usage_error() {
    let platform = start();
    for token in ["two words", "tökén", "", " ", "a\u{7}b", "Bearer "] {
        let robot = Robot::of(&platform);
        let run = || robot.rio(&["auth", "login", "--auth-token", token]).run();
        robot.changes_nothing(run).exits(2).says("--auth-token");
        let run = || robot.rio(&BY_TOKEN).stdin(&format!("{token}\n")).run();
        robot.changes_nothing(run).exits(2).says("--auth-token");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn empty_stdin_for_a_secret_is_a_usage_error() {
    let platform = start();
    let robot = Robot::of(&platform);
    robot.rio(&BY_TOKEN).run().exits(2).says("--auth-token -").says("standard input");
    robot.rio(&BY_PASSWORD).run().exits(2).says("--password-file FILE").says("standard input");
    assert!(platform.requests().is_empty());
}

// Checks before the first request

#[test]
fn usage_is_checked_before_any_prompt_or_request() {
    let platform = start();
    let (robot, _) = Robot::logged_in(&platform);
    let cases: [(&[&str], &str); 13] = [
        (&["--silent"], "--auth-token"),
        (&["--no-interactive"], "--auth-token"),
        (&["--silent", "--email", EMAIL], "--password"),
        (&["--silent", "--password", "-"], "--email"),
        (&["--silent", "--interactive", "--email", EMAIL], "--password"),
        (&["--silent", "--auth-token", "-", "--project", "p"], "--organization"),
        (&["--silent", "--email", EMAIL, "--password", "-", "--project", "p"], "--organization"),
        (&["--no-interactive", "--project", "p"], "--auth-token"),
        (&["--password", "-"], "--email"),
        (&["--auth-token", "-", "--email", EMAIL], "--auth-token"),
        (&["--auth-token", "-", "--password", "x"], "--auth-token"),
        (&["--email", ""], "--email"),
        (&["--organization", " "], "--organization"),
    ];
    for (options, names) in cases {
        let arguments = [&["auth", "login"], options].concat();
        let run = || robot.rio(&arguments).stdin("t0ken\n").run();
        let outcome = robot.changes_nothing(run).exits(2).says(names).prints("");
        assert!(!outcome.stderr.contains("[y/N]"), "{outcome}");
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn silent_overrides_interactive_and_never_prompts() {
    // Two organizations, which an interactive login prompts for.
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let options = ["auth", "login", "--silent", "--interactive", "--email", EMAIL, "--password"];
    let arguments = [&options[..], &["-"]].concat();
    let stdin = format!("{PASSWORD}\n1\n1\n");
    let outcome = robot.rio(&arguments).stdin(&stdin).run().exits(0);
    assert!(!outcome.stderr.contains('?'), "{outcome}");
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn unwritable_config_file_fails_before_any_request() {
    let platform = start();
    let robot = Robot::of(&platform);
    let home = robot.home().to_owned();
    std::fs::write(home.join("file"), "").unwrap();
    std::fs::create_dir(home.join("read-only")).unwrap();
    let read_only = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(home.join("read-only"), read_only).unwrap();
    let mut cases = vec![
        ("too many missing directories", home.join("a/b/c/d/config.json")),
        ("a file instead of the directory", home.join("file/config.json")),
        ("a directory instead of the file", home.clone()),
    ];
    if cfg!(target_os = "linux") {
        cases.push(("a file system without files", "/proc/rio-config.json".into()));
    }
    // Root can write there.
    if std::fs::write(home.join("read-only/probe"), "").is_err() {
        cases.push(("a read-only directory", home.join("read-only/config.json")));
    }
    let tests = |path: &Path| {
        let robot = Robot::new().env("RIO_CONFIG", path);
        for (arguments, stdin) in
            [(&BY_PASSWORD[..], PASSWORD), (&BY_TOKEN[..], "t0ken"), (&["auth", "login"], "")]
        {
            let outcome = robot.rio(arguments).stdin(stdin).run_at(&FakeClock::new()).exits(1);
            outcome.says(path.to_str().unwrap()).says("RIO_CONFIG");
        }
    };
    for (name, path) in &cases {
        // A request would go to production, which the tests cannot reach, and exit 3.
        println!("case: {name}");
        tests(path);
        assert!(!path.is_file());
    }
}

#[test]
fn login_replaces_a_read_only_file() {
    // The directory decides who can replace it, as for `mv`.
    let platform = start();
    let robot = Robot::of(&platform);
    let read_only = std::fs::Permissions::from_mode(0o400);
    std::fs::set_permissions(robot.config_path(), read_only).unwrap();
    robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(0);
    assert!(robot.config()["auth_token"].is_string());
}

// An existing login

#[test]
fn existing_login_is_kept_unless_answer_is_yes() {
    let ways: [&[&str]; 3] = [
        &["auth", "login"],
        &["auth", "login", "--email", EMAIL],
        &["auth", "login", "--auth-token", "t0ken"],
    ];
    for arguments in ways {
        for answer in ["n\n", "no\n", "\n", "", "maybe\n", "yesterday\n"] {
            println!("case: {arguments:?} {answer:?}");
            let platform = start();
            let robot = logged_in_and_selected(&platform);
            let advice = if answer.is_empty() { "--yes" } else { "answer y" };
            let run = || robot.rio(arguments).stdin(answer).run();
            robot
                .changes_nothing(run)
                .exits(1)
                .says(EMAIL)
                .says("kept the existing login")
                .says(advice);
            assert!(platform.requests().is_empty());
        }
    }
}

#[test]
fn yes_replaces_the_existing_login() {
    for answer in ["y", "Y", "yes", "YES", " y "] {
        let platform = start();
        let (robot, old) = Robot::logged_in(&platform);
        let stdin = format!("{answer}\n{PASSWORD}\n");
        robot.rio(&["auth", "login", "--email", EMAIL]).stdin(&stdin).run().exits(0).says("[y/N]");
        assert_ne!(robot.config()["auth_token"], old, "{answer}");
    }
}

#[test]
fn first_line_is_the_secret_second_the_answer() {
    let platform = start();
    let (robot, old) = Robot::logged_in(&platform);
    let arguments = ["auth", "login", "--email", EMAIL, "--password", "-"];
    robot.rio(&arguments).stdin(&format!("{PASSWORD}\ny\n")).run().exits(0);
    assert_ne!(robot.config()["auth_token"], old);
}

#[test]
fn yes_silent_no_interactive_json_skip_confirmation() {
    for option in ["--yes", "--silent", "--no-interactive", "--json"] {
        println!("case: {option}");
        let platform = start();
        let (robot, old) = Robot::logged_in(&platform);
        let arguments = ["auth", "login", "--email", EMAIL, "--password", "-", option];
        let outcome = robot.rio(&arguments).stdin(PASSWORD).run().exits(0);
        assert!(!outcome.stderr.contains("[y/N]"), "{outcome}");
        assert_ne!(robot.config()["auth_token"], old);
    }
}

#[test]
fn login_without_a_token_needs_no_confirmation() {
    for members in [
        json!({}),
        json!({"email_id": EMAIL}),
        json!({"auth_token": ""}),
        json!({"auth_token": null}),
    ] {
        println!("case: {members}");
        let platform = start();
        let robot = Robot::of(&platform);
        robot.write_config(&config_with(&platform, members));
        let outcome =
            robot.rio(&["auth", "login", "--email", EMAIL]).stdin(PASSWORD).run().exits(0);
        assert!(!outcome.stderr.contains("[y/N]"), "{outcome}");
    }
}

// The file

#[test]
fn login_keeps_other_members_unchanged() {
    let platform = start();
    let robot = Robot::of(&platform);
    let others = "\"piping_server\": {\"a\":[1, 2.50,null]},\n  \
                  \"machine_id\": 123456789012345678901234567890,\n  \
                  \"hwil_auth_token\":   \"t\\u00f6ken\",\n  \"diff_tool\": false";
    let hosts = platform.config().to_string();
    robot.write_config_text(format!("{{{others},{}", hosts.trim_start_matches('{')));
    robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(0);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    for value in [
        "{\"a\":[1, 2.50,null]}",
        "123456789012345678901234567890",
        "\"t\\u00f6ken\"",
        "\"diff_tool\": false",
        platform.url(),
    ] {
        assert!(text.contains(value), "{value} is missing from {text}");
    }
    assert!(robot.config()["auth_token"].is_string());
}

#[test]
fn login_of_another_account_removes_the_selection() {
    for before in [json!("grace@example.com"), json!(null)] {
        println!("case: {before}");
        let platform = start();
        let robot = logged_in_and_selected(&platform);
        robot.set_config(json!({"email_id": before}));
        // No new selection is made.
        platform.answer(Call::UsersMe, Answer::json(500, json!({})));
        robot.rio(&BY_PASSWORD).stdin(PASSWORD).run().exits(3);
        let config = robot.config();
        assert_eq!(config["email_id"], EMAIL);
        for key in SELECTION_KEYS {
            assert_eq!(config.get(key), None, "{key} in {config}");
        }
    }
}

#[test]
fn login_of_same_account_keeps_the_selection() {
    // Both selections would prompt.
    let platform = Platform::with(World::of([
        Organization::new("first", ["a"]),
        Organization::new("second", ["b", "c"]),
    ]));
    let selection = json!({
        "auth_token": "old",
        "email_id": EMAIL,
        "organization_id": "org-second",
        "organization_name": "second",
        "organization_short_id": "secon",
        "project_id": "project-secondc",
        "project_name": "c",
    });
    for option in ["--silent", "--json", "--yes"] {
        println!("case: {option}");
        let robot = Robot::of(&platform);
        robot.write_config(&config_with(&platform, selection.clone()));
        let arguments = ["auth", "login", "--email", EMAIL, "--password", "-", option];
        robot.rio(&arguments).stdin(&format!("{PASSWORD}\n")).run().exits(0);
        let config = robot.config();
        assert_ne!(config["auth_token"], "old");
        for key in SELECTION_KEYS {
            assert_eq!(config[key], selection[key], "{key}");
        }
    }
}

#[test]
fn invalid_config_file_stops_login_unchanged() {
    let platform = start();
    for (name, text, words) in [
        ("incomplete JSON", "{\n  \"auth_token\": \"x", "line 2"),
        ("a list", "[]", "JSON object"),
        ("a token of the wrong type", "{\"auth_token\": 7}", "auth_token"),
        ("a host of the wrong type", "{\"oidc_host\": []}", "oidc_host"),
        ("an email of the wrong type", "{\"auth_token\": \"x\", \"email_id\": {}}", "email_id"),
    ] {
        println!("case: {name}");
        let robot = Robot::of(&platform);
        robot.write_config_text(text);
        let run = || robot.rio(&["auth", "login"]).run();
        robot.changes_nothing(run).exits(1).says(words).says("mv ");
    }
    assert!(platform.requests().is_empty());
}
