//! `rio auth environment NAME`: the hosts of an environment, and the login that goes with the old ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use platform::{EMAIL, Platform};
use serde_json::{Value, json};

use crate::robot::{LOGIN_KEYS, Outcome, Robot};

const HOST_KEYS: [&str; 5] =
    ["oidc_host", "rip_host", "v2api_host", "catalog_host", "core_api_host"];

fn choose(robot: &Robot, name: &str) -> Outcome {
    robot.rio(&["auth", "environment", name]).run()
}

fn logged_in_robot() -> Robot {
    let robot = Robot::new();
    let mut config = json!({"machine_id": 7, "device_flow_client_id": "mine"});
    for key in LOGIN_KEYS {
        config[key] = "x".into();
    }
    robot.write_config(&config);
    robot
}

#[test]
fn an_environment_sets_its_five_hosts() {
    for name in ["dev", "qa", "pr7", "pr1234"] {
        let robot = Robot::new();
        choose(&robot, name).exits(0).says(name).prints("");
        let wanted = json!({
            "environment": name,
            "oidc_host": format!("https://{name}-oidc.apps.okd4v2.okd4beta.rapyuta.io"),
            "rip_host": format!("https://{name}rip.apps.okd4v2.okd4beta.rapyuta.io"),
            "v2api_host": format!("https://{name}api.apps.okd4v2.okd4beta.rapyuta.io"),
            "catalog_host": format!("https://{name}catalog.apps.okd4v2.okd4beta.rapyuta.io"),
            "core_api_host": format!("https://{name}apiserver.apps.okd4v2.okd4beta.rapyuta.io"),
        });
        assert_eq!(robot.config(), wanted);
    }
}

#[test]
fn production_has_no_host_keys() {
    let robot = logged_in_robot();
    choose(&robot, "dev").exits(0);
    choose(&robot, "ga").exits(0).says("ga").says("rio auth login");
    let config = robot.config();
    for key in HOST_KEYS {
        assert_eq!(config.get(key), None, "{key}");
    }
    let environment = &config["environment"];
    assert!(environment.is_null() || environment == "ga", "{config}");
    assert_eq!(config["machine_id"], 7);
}

#[test]
fn hosts_that_were_set_by_hand_are_replaced() {
    for (name, hosts) in [("qa", 5), ("ga", 0)] {
        let robot = Robot::new();
        robot.write_config(&json!({
            "oidc_host": "https://mine", "core_api_host": "https://mine", "rip_host": "https://mine",
        }));
        choose(&robot, name).exits(0);
        let config = robot.config();
        assert_eq!(HOST_KEYS.iter().filter(|key| config.get(**key).is_some()).count(), hosts);
        assert!(!config.to_string().contains("mine"), "{config}");
    }
}

#[test]
fn login_organization_and_project_are_forgotten_and_nothing_else() {
    for name in ["dev", "ga"] {
        let robot = logged_in_robot();
        choose(&robot, name).exits(0).says("rio auth login");
        let config = robot.config();
        for key in LOGIN_KEYS {
            assert_eq!(config.get(key), None, "{key}");
        }
        assert_eq!(config["machine_id"], 7);
        assert_eq!(config["device_flow_client_id"], "mine");
        robot.rio(&["auth", "status"]).run().exits(1);
    }
}

#[test]
fn all_else_in_the_file_stays_to_the_letter_and_in_its_order() {
    let kept = [
        "\"machine_id\": 12345678901234567890123456789",
        "\"piping_server\": \"https:\\/\\/piping.example\\u002f\"",
        "\"diff_tool\": {\"b\" : [1.0, 1e3, -0],  \"a\":null}",
        "\"hwil_auth_token\": \"kept\"",
        "\"oidc_host_of_another_tool\": true",
    ];
    for name in ["dev", "ga"] {
        let robot = Robot::new();
        robot.write_config_text(format!(
            "{{{} ,\"auth_token\":\"t\", {},\n\"oidc_host\":\"https://x\",\n {}}}",
            kept[0],
            kept[1..3].join(","),
            kept[3..].join(" , "),
        ));
        choose(&robot, name).exits(0);
        let text = String::from_utf8(robot.config_bytes()).unwrap();
        let places: Vec<_> = kept.iter().map(|member| text.find(member)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}\n{text}");
    }
}

#[test]
fn the_same_environment_again_forgets_the_login_too() {
    let robot = Robot::new();
    choose(&robot, "dev").exits(0);
    robot.set_config(json!({"auth_token": "t"}));
    choose(&robot, "dev").exits(0);
    assert_eq!(robot.config().get("auth_token"), None);
}

#[test]
fn a_name_that_is_none_is_a_usage_error_that_names_the_valid_ones() {
    let robot = logged_in_robot();
    let before = robot.config_bytes();
    for name in [
        "",
        " ",
        "GA",
        "Dev",
        "prod",
        "production",
        "dev2",
        "pr",
        "prx",
        "pr 1",
        "pr1 ",
        "pr1.evil.example",
        "pr1.evil.example/",
        "pr1/../..",
        "pr1@evil.example",
        "pr1#",
        "pr1\n",
        "prä1",
        "pr1ä",
        "https://evil.example",
        "../dev",
    ] {
        let outcome = choose(&robot, name);
        assert_eq!(outcome.code, Some(2), "{name:?}\n{outcome}");
        outcome.says("ga").says("dev").says("qa").says("pr").prints("");
        assert_eq!(robot.config_bytes(), before, "{name:?}");
    }
}

#[test]
fn an_invalid_name_creates_no_file() {
    let robot = Robot::new();
    choose(&robot, "prod").exits(2);
    assert_eq!(fs::read_dir(robot.home()).unwrap().count(), 0);
}

#[test]
fn nobody_is_asked() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    choose(&robot, "qa").exits(0);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn the_file_and_its_directory_are_for_their_owner_alone() {
    let robot = Robot::new();
    let path = robot.config_path();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    choose(&robot, "dev").exits(0);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    choose(&robot, "qa").exits(0);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn it_leads_out_of_hosts_and_environments_that_make_no_sense() {
    let robot = Robot::new();
    robot.write_config(&json!({
        "environment": "nowhere", "oidc_host": "ftp://x", "auth_token": "t", "email_id": EMAIL,
    }));
    choose(&robot, "ga").exits(0);
    let config = robot.config();
    assert_eq!(config.get("oidc_host"), None);
    assert_ne!(config["environment"], "nowhere");
    robot.rio(&["auth", "status"]).run().exits(1);
}

#[test]
fn status_shows_the_environment() {
    let robot = Robot::new();
    for name in ["dev", "ga"] {
        choose(&robot, name).exits(0);
        let outcome = robot.rio(&["auth", "status", "--json"]).run().exits(1);
        assert_eq!(outcome.json()["environment"], name);
        assert_eq!(outcome.json()["email"], Value::Null);
    }
}
