//! `rio auth environment [NAME]`.

use std::fs;

use platform::{EMAIL, Platform};
use serde_json::{Value, json};

use crate::robot::terminal::{CTRL_D, Terminal, at_terminal};
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
        robot.set_config(json!({"environment": "qa"}));
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
fn environment_without_name_prints_the_current_one() {
    let robot = Robot::new();
    let print = || robot.rio(&["auth", "environment"]).run().exits(0);
    let outcome = print().prints("ga\n");
    assert!(outcome.stderr.is_empty(), "{outcome}");
    assert!(!robot.config_path().exists());

    set(&robot, "dev").exits(0);
    let before = robot.config_bytes();
    print().prints("dev\n").hides("another");
    assert_eq!(robot.config_bytes(), before);

    robot.set_config(json!({"v2api_host": "https://mine"}));
    print().prints("dev\n").says("The config file sets custom v2api_host.\n");
}

#[test]
fn same_environment_changes_nothing() {
    for (config, name) in [
        (json!({}), "ga"),
        (json!({"environment": "ga", "rip_host": null}), "ga"),
        (json!({"oidc_host": "https://oidc.rapyuta.io"}), "ga"),
        (Value::Null, "dev"),
    ] {
        let robot = Robot::new();
        match config {
            Value::Null => drop(set(&robot, name).exits(0)),
            config => robot.write_config(&config),
        }
        robot.set_config(json!({"auth_token": "t", "email_id": EMAIL}));
        let pending = robot.config_path().with_extension("json.pending");
        fs::write(&pending, "").unwrap();
        let before = robot.config_bytes();
        set(&robot, name).exits(0).says(&format!("already {name}")).prints("");
        assert_eq!(robot.config_bytes(), before);
        assert!(pending.exists());
    }
}

#[test]
fn same_environment_with_custom_hosts_is_reset() {
    for (name, hosts) in [
        ("dev", json!({"oidc_host": "https://mine"})),
        ("dev", json!({"catalog_host": "https://mine"})),
        ("dev", json!({"rip_host": null})),
        ("dev", json!({"rip_host": 7})),
        ("ga", json!({"v2api_host": "https://mine"})),
        ("ga", json!({"catalog_host": "https://mine"})),
        ("ga", json!({"environment": 7})),
    ] {
        let robot = Robot::new();
        set(&robot, "qa").exits(0);
        set(&robot, name).exits(0);
        let wanted = robot.config();
        robot.set_config(hosts);
        robot.set_config(json!({"auth_token": "t"}));
        set(&robot, name).exits(0).says("is now");
        assert_eq!(robot.config(), wanted);
    }
}

/// `rio auth environment dev` at a terminal, where Ada is logged in.
fn at_question(robot: &Robot, platform: &Platform) -> Terminal {
    robot.write_config(&platform.config());
    robot.set_config(json!({"auth_token": platform.issue_token(), "email_id": EMAIL}));
    let mut terminal = Terminal::start(robot.rio(&["auth", "environment", "dev"]).command());
    terminal.waits_for("This removes the login of ada@example.com, but does not revoke its token.");
    terminal.waits_for("\r\n  rio auth logout\r\nContinue? [y/N] ");
    terminal
}

#[test]
fn login_is_removed_only_after_a_yes_at_a_terminal() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::new());
    for (answer, code) in [("n\r", 1), ("\r", 1), (CTRL_D, 1), ("y\r", 0), ("YES\r", 0)] {
        let mut terminal = at_question(&robot, &platform);
        let before = robot.config_bytes();
        terminal.types(answer);
        assert_eq!(terminal.ends(), code, "{}", terminal.text());
        assert_eq!(robot.config_bytes() == before, code == 1, "{}", terminal.text());
        let hint = "\r\n    rio auth environment dev --yes\r\n";
        assert_eq!(terminal.text().contains(hint), answer == CTRL_D, "{}", terminal.text());
    }
    assert_eq!(platform.connections(), 0);
}

#[test]
fn yes_or_no_login_skips_the_question() {
    let robot = at_terminal(Robot::new());
    for (member, options) in [("auth_token", &["--yes"] as &[&str]), ("email_id", &[])] {
        robot.write_config(&json!({member: "x"}));
        let arguments = [&["auth", "environment", "dev"], options].concat();
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        assert_eq!(terminal.ends(), 0, "{}", terminal.text());
        assert!(!terminal.text().contains("[y/N]"), "{}", terminal.text());
        assert_eq!(robot.config().get(member), None);
    }
}

#[test]
fn options_of_the_python_rio_skip_the_question() {
    let platform = Platform::start();
    for (options, asks) in [
        (&["--silent"][..], false),
        (&["--no-interactive"], false),
        (&["--interactive", "--silent"], false),
        (&["--interactive", "--no-interactive"], false),
        (&["--interactive"], true),
        (&["--no-interactive", "--interactive"], true),
    ] {
        let (robot, _) = Robot::logged_in(&platform);
        let robot = at_terminal(robot);
        let arguments = [&["auth", "environment", "dev"], options].concat();
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        if asks {
            terminal.waits_for("Continue? [y/N] ");
            terminal.types("y\n");
        }
        assert_eq!(terminal.ends(), 0, "{options:?}");
        assert_eq!(terminal.text().contains("[y/N]"), asks, "{options:?}");
        assert_eq!(robot.config()["environment"], "dev");
    }
}

#[test]
fn prod_is_pointed_to_ga() {
    for name in ["prod", "production"] {
        let advice = "Did you mean ga? It is the production environment.";
        set(&Robot::new(), name).exits(2).says(advice);
    }
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
