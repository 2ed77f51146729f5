//! `rio auth environment NAME`.

use std::fs;

use platform::{EMAIL, Platform};
use serde_json::json;

use crate::robot::{LOGIN_KEYS, Outcome, Robot};

const HOST_KEYS: [&str; 5] =
    ["oidc_host", "rip_host", "v2api_host", "catalog_host", "core_api_host"];

fn set(robot: &Robot, name: &str) -> Outcome {
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
fn environment_sets_five_hosts() {
    for name in ["dev", "qa", "pr7", "pr1234"] {
        let robot = Robot::new();
        set(&robot, name).exits(0).says(name).prints("");
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
fn ga_removes_the_host_keys() {
    let robot = logged_in_robot();
    set(&robot, "dev").exits(0);
    set(&robot, "ga").exits(0).says("ga").says("rio auth login");
    let config = robot.config();
    for key in HOST_KEYS {
        assert_eq!(config.get(key), None, "{key}");
    }
    let environment = &config["environment"];
    assert!(environment.is_null() || environment == "ga", "{config}");
    assert_eq!(config["machine_id"], 7);
}

#[test]
fn environment_replaces_custom_hosts() {
    for (name, hosts) in [("qa", 5), ("ga", 0)] {
        let robot = Robot::new();
        robot.write_config(&json!({
            "oidc_host": "https://mine", "core_api_host": "https://mine", "rip_host": "https://mine",
        }));
        set(&robot, name).exits(0);
        let config = robot.config();
        assert_eq!(HOST_KEYS.iter().filter(|key| config.get(**key).is_some()).count(), hosts);
        assert!(!config.to_string().contains("mine"), "{config}");
    }
}

#[test]
fn environment_removes_login_and_selection_only() {
    for name in ["dev", "ga"] {
        let robot = logged_in_robot();
        set(&robot, name).exits(0).says("rio auth login");
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
fn same_environment_removes_the_login() {
    let robot = Robot::new();
    set(&robot, "dev").exits(0);
    robot.set_config(json!({"auth_token": "t"}));
    set(&robot, "dev").exits(0);
    assert_eq!(robot.config().get("auth_token"), None);
}

#[test]
fn invalid_name_lists_the_valid_ones() {
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
        let outcome = set(&robot, name);
        assert_eq!(outcome.code, Some(2), "{name:?}\n{outcome}");
        outcome.says("ga").says("dev").says("qa").says("pr").prints("");
        assert_eq!(robot.config_bytes(), before, "{name:?}");
    }
}

#[test]
fn invalid_name_creates_no_config_file() {
    let robot = Robot::new();
    set(&robot, "prod").exits(2);
    assert_eq!(fs::read_dir(robot.home()).unwrap().count(), 0);
}

#[test]
fn environment_is_offline() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    set(&robot, "qa").exits(0);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn environment_replaces_invalid_hosts() {
    let robot = Robot::new();
    robot.write_config(&json!({
        "environment": "nowhere", "oidc_host": "ftp://x", "auth_token": "t", "email_id": EMAIL,
    }));
    set(&robot, "ga").exits(0);
    let config = robot.config();
    assert_eq!(config.get("oidc_host"), None);
    assert_ne!(config["environment"], "nowhere");
    robot.rio(&["auth", "status"]).run().exits(1);
}
