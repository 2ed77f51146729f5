//! Servers that no secret is sent to: plain HTTP to another host, and invalid ports.

use platform::{EMAIL, PASSWORD, Platform};
use serde_json::json;

use super::{behind_proxy, get, robot_at};
use crate::robot::proxy::ConnectProxy;
use crate::robot::{FakeClock, Robot};

#[test]
fn plain_http_to_another_host_sends_nothing() {
    for host in [
        "http://192.0.2.1",
        "http://rip.example:80",
        "http://localhost.example",
        "http://127.1.example",
    ] {
        let by_password = ["auth", "login", "--email", EMAIL, "--password", "-", "--silent"];
        let by_token = ["auth", "login", "--auth-token", "-", "--silent"];
        let by_device_code = ["auth", "login", "--yes"];
        // Each host with a login that uses it.
        for (key, arguments) in [
            ("rip_host", &by_password[..]),
            ("v2api_host", &by_password),
            ("rip_host", &by_token),
            ("v2api_host", &by_token),
            ("oidc_host", &by_device_code),
            ("v2api_host", &by_device_code),
        ] {
            println!("case: {key} = {host}, {arguments:?}");
            let platform = Platform::start();
            // A request would arrive here.
            let proxy = ConnectProxy::to(platform.url());
            let (robot, token) = Robot::logged_in(&platform);
            let robot = robot.env("HTTP_PROXY", proxy.url()).env("RIO_INSECURE_HTTP", "0");
            robot.set_config(json!({key: host}));
            let secret = if arguments == by_token { &token } else { PASSWORD };
            let outcome = robot.rio(arguments).stdin(secret).run_at(&FakeClock::new());
            outcome.exits(1).says(key).says("https");
            assert_eq!(proxy.targets(), [""; 0]);
            assert!(platform.requests().is_empty(), "no request to the other hosts");
        }
    }
}

#[test]
fn insecure_http_needs_value_1() {
    for value in ["no", "0", "true", "yes", "11", " 1", ""] {
        println!("case: {value:?}");
        let platform = Platform::start();
        let proxy = ConnectProxy::to(platform.url());
        let robot = robot_at("http://rip.example");
        let robot = robot.env("HTTP_PROXY", proxy.url()).env("RIO_INSECURE_HTTP", value);
        get(&robot).exits(1).says("rip_host").says("https");
        assert_eq!(proxy.targets(), [""; 0]);
    }
}

#[test]
fn insecure_http_allows_plain_http_to_another_host() {
    let platform = Platform::start();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, _) = behind_proxy(&platform);
    get(&robot.env("HTTP_PROXY", proxy.url())).exits(0);
    assert_eq!(proxy.targets(), ["rip.example:80"]);
    assert_eq!(platform.requests()[0].header("Host"), Some("rip.example"));
}

#[test]
fn invalid_port_in_config_file_is_an_error() {
    // Otherwise the token would go to the default port.
    for port in ["99999", "-1", "x"] {
        println!("case: {port}");
        let robot = robot_at("http://127.0.0.1:9");
        robot.set_config(json!({"rip_host": format!("http://127.0.0.1:{port}")}));
        get(&robot).exits(1).says("rip_host");
    }
}
