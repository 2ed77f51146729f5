//! `rio auth logout`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use platform::{Answer, Call, EMAIL, Platform};
use serde_json::{Value, json};

use crate::robot::{LOGIN_KEYS, Outcome, Robot};

/// Logged in, with an organization and a project selected.
fn logged_in(platform: &Platform) -> (Robot, String) {
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
fn assert_removed(robot: &Robot, outcome: &Outcome) {
    let config = robot.config();
    for key in LOGIN_KEYS {
        assert_eq!(config.get(key), None, "{key}\n{outcome}");
    }
}

#[test]
fn logout_tells_the_server_and_removes_the_login() {
    let platform = Platform::start();
    let (robot, token) = logged_in(&platform);
    let outcome = logout(&robot).exits(0).says("Logged out.").prints("").hides(&token);
    assert!(!outcome.stderr.contains("could not"), "{outcome}");
    assert_removed(&robot, &outcome);
    let [request] = platform.requests().try_into().expect("one call");
    assert_eq!(request.call, Some(Call::UserLogout));
    assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
    robot.rio(&["auth", "status"]).run().exits(1);
}

#[test]
fn logout_keeps_other_members_unchanged() {
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
    let robot = Robot::new();
    robot.write_config_text(format!("{{ {} }}", members.join(" ,\n")));
    let outcome = logout(&robot).exits(0);
    assert_removed(&robot, &outcome);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    let places: Vec<_> = kept.iter().map(|member| text.find(member.as_str())).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    assert_eq!(robot.config().as_object().unwrap().len(), kept.len(), "{text}");
}

#[test]
fn logout_removes_the_login_after_any_response() {
    let cases = [
        ("400", Answer::json(400, json!({"error": "no"}))),
        ("403 from a proxy", Answer::text(403, "text/html", "<h1>Forbidden</h1>")),
        ("404", Answer::text(404, "text/html", "<h1>Not found</h1>")),
        ("500", Answer::json(500, json!({"error": "oops"}))),
        ("502", Answer::text(502, "text/html", "<h1>Bad gateway</h1>")),
        ("503", Answer::json(503, json!({})).header("Retry-After", "60")),
        ("redirect", Answer::text(302, "text/html", "").header("Location", "/login")),
        ("closed connection", Answer::hang_up()),
        ("not HTTP", Answer::raw("220 mail.example ESMTP\r\n")),
        ("incomplete header", Answer::raw("HTTP/1.1 200 OK\r\nContent-Len")),
    ];
    for (name, answer) in cases {
        let platform = Platform::start();
        let (robot, token) = logged_in(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0).hides(&token).hides("<h1>").prints("");
        assert_removed(&robot, &outcome);
        outcome.says("could not revoke the token").says("127.0.0.1");
        assert_eq!(platform.requests().len(), 1, "{name}");
    }
}

#[test]
fn logout_of_a_dead_token_succeeds() {
    for (name, answer) in [
        ("401", Answer::json(401, json!({"error": "expired"}))),
        ("401 with a web page", Answer::text(401, "text/html", "<h1>401 Unauthorized</h1>")),
        ("403", Answer::json(403, json!({"response": {"error": "no"}}))),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, token) = logged_in(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0).says("Logged out.").hides(&token).hides("<h1>");
        assert!(!outcome.stderr.contains("could not"), "{outcome}");
        assert_removed(&robot, &outcome);
        assert_eq!(platform.requests().len(), 1, "{name}");
    }
}

#[test]
fn any_2xx_revokes_the_token() {
    for answer in [
        Answer::text(204, "text/plain", ""),
        Answer::text(200, "text/plain", "bye"),
        Answer::json(202, json!({"data": null})),
    ] {
        let platform = Platform::start();
        let (robot, _) = logged_in(&platform);
        platform.answer(Call::UserLogout, answer);
        let outcome = logout(&robot).exits(0);
        assert!(!outcome.stderr.contains("could not"), "{outcome}");
        assert_removed(&robot, &outcome);
    }
}

#[test]
fn unreachable_server_does_not_stop_logout() {
    let platform = Platform::start();
    let (robot, _) = logged_in(&platform);
    drop(platform);
    let outcome = logout(&robot).exits(0).says("could not revoke the token").says("127.0.0.1");
    assert_removed(&robot, &outcome);
}

#[test]
fn logout_without_a_login_succeeds_offline() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    logout(&robot).exits(0).says("You are not logged in.").prints("");
    assert_eq!(platform.connections(), 0);
    assert_eq!(robot.config(), platform.config());
}

#[test]
fn second_logout_says_not_logged_in() {
    let platform = Platform::start();
    let (robot, _) = logged_in(&platform);
    let first = logout(&robot).exits(0);
    assert!(!first.stderr.contains("not logged in"), "{first}");
    logout(&robot).exits(0).says("You are not logged in.");
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn logout_removes_leftovers_of_an_old_login() {
    let robot = Robot::new();
    robot.write_config(&json!({
        "email_id": EMAIL, "organization_id": "org-x", "project_id": "", "machine_id": 7,
    }));
    let outcome = logout(&robot).exits(0);
    assert_removed(&robot, &outcome);
    assert_eq!(robot.config(), json!({"machine_id": 7}));
}

#[test]
fn logout_creates_no_config_file() {
    let robot = Robot::new();
    logout(&robot).exits(0).says("You are not logged in.");
    assert_eq!(robot.config(), Value::Null);
}

#[test]
fn invalid_host_does_not_stop_logout() {
    for (key, value) in [
        ("oidc_host", "http://oidc.example"),
        ("v2api_host", "nonsense"),
        ("rip_host", "http://rip.example"),
    ] {
        let platform = Platform::start();
        let (robot, _) = logged_in(&platform);
        robot.set_config(json!({key: value}));
        let outcome = logout(&robot).exits(0);
        assert_removed(&robot, &outcome);
        assert_eq!(robot.config()[key], value);
    }
}

#[test]
fn logout_removes_a_malformed_token_offline() {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    robot.set_config(json!({"auth_token": "not a token"}));
    logout(&robot).exits(0).says("Logged out.");
    assert_eq!(robot.config(), platform.config());
    assert!(platform.requests().is_empty());
}

/// Logs out while another process stores this login, before the server responds.
fn logout_while_storing(login: Value) -> (Robot, Outcome) {
    let (robot, server) = (Robot::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}", server.local_addr().unwrap());
    let config = json!({"rip_host": url, "auth_token": "old", "email_id": EMAIL});
    robot.write_config(&config);
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            let (mut connection, _) = server.accept().unwrap();
            assert!(connection.read(&mut [0; 1024]).unwrap() > 0);
            robot.write_config(&login);
            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        });
        logout(&robot)
    });
    (robot, outcome)
}

#[test]
fn login_stored_during_logout_is_kept() {
    let login = json!({"auth_token": "new", "email_id": EMAIL, "project_id": "project-x"});
    let (robot, outcome) = logout_while_storing(login.clone());
    outcome.exits(1).says("another rio").says("rio auth logout");
    assert_eq!(robot.config(), login);
}

#[test]
fn member_stored_during_logout_is_kept() {
    let member = json!({"auth_token": "old", "email_id": EMAIL, "machine_id": 7});
    let (robot, outcome) = logout_while_storing(member);
    outcome.exits(0).says("Logged out.");
    assert_eq!(robot.config(), json!({"machine_id": 7}));
}

#[test]
fn json_tells_what_was_changed_and_revoked() {
    let run = |robot: &Robot| robot.rio(&["auth", "logout", "--json"]).run().exits(0).json();
    let platform = Platform::start();
    let (robot, _) = logged_in(&platform);
    assert_eq!(run(&robot), json!({"changed": true, "revoked": true}));
    assert_eq!(run(&robot), json!({"changed": false, "revoked": null}));

    let (robot, _) = logged_in(&platform);
    platform.answer(Call::UserLogout, Answer::json(500, json!({})));
    assert_eq!(run(&robot), json!({"changed": true, "revoked": false}));

    let (robot, _) = logged_in(&platform);
    robot.set_config(json!({"auth_token": "two words"}));
    assert_eq!(run(&robot), json!({"changed": true, "revoked": null}));
}
