//! The trace of `RIO_DEBUG`.

use platform::{Answer, Call, EMAIL, PASSWORD, Platform};

use super::{GET, behind_proxy, get, padded, unavailable};
use crate::robot::Robot;
use crate::robot::proxy::ConnectProxy;

#[test]
fn trace_has_one_line_per_request_and_no_secret() {
    let platform = Platform::start();
    let robot = Robot::of(&platform).env("RIO_DEBUG", "1");
    let arguments = [
        &["auth", "login", "--silent", "--email", EMAIL, "--password", "-"][..],
        &["--organization", "Acme Robotics", "--project", "simulation"],
    ];
    let outcome = robot.rio(&arguments.concat()).stdin(PASSWORD).run().exits(0).hides(PASSWORD);
    let token = robot.config()["auth_token"].as_str().unwrap().to_owned();
    let outcome = outcome.hides(&token).hides("Bearer").hides("Authorization");

    let lines: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("debug: ")).collect();
    let requests = platform.requests();
    assert_eq!(lines.len(), requests.len(), "{outcome}");
    assert!(lines.len() >= 3, "{outcome}");
    for (index, (line, request)) in lines.iter().zip(&requests).enumerate() {
        let begin = format!("debug: {} {}{}: ", request.method, platform.url(), request.path);
        assert!(line.contains(&begin), "{begin}\n{outcome}");
        assert!(line.contains(": 200, "), "the status\n{outcome}");
        assert!(line.contains(" bytes, "), "{outcome}");
        assert!(line.ends_with(" ms"), "{outcome}");
        assert!(!line.contains('?'), "no query\n{outcome}");
        let connection = if index == 0 { "new connection" } else { "connection reused" };
        assert!(line.contains(connection), "{outcome}");
    }
    assert_eq!(platform.connections(), 1);
}

#[test]
fn trace_shows_body_size() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    platform.answer(Call::UserInfo, Answer::text(200, "application/json", padded(1234)));
    get(&robot.env("RIO_DEBUG", "1")).exits(0).says(" 1234 bytes");
}

#[test]
fn trace_shows_waits_and_failures() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    platform.answer(Call::UserInfo, Answer::hang_up());
    platform.answer(Call::UserInfo, unavailable().header("Retry-After", "4"));
    let outcome = get(&robot.env("RIO_DEBUG", "1")).exits(0).hides(&token);
    let lines: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("debug: ")).collect();
    let shape: Vec<&[&str]> =
        vec![&["GET", "failed"], &["wait 0.5"], &["GET", "503"], &["wait 4"], &["GET", "200"]];
    assert_eq!(lines.len(), shape.len(), "{outcome}");
    for (line, words) in lines.iter().zip(shape) {
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} in {line}\n{outcome}");
    }
}

#[test]
fn trace_shows_proxy_without_its_password() {
    let platform = Platform::start();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, _) = behind_proxy(&platform);
    let robot = robot
        .env("HTTP_PROXY", format!("http://ada:hunter2@{}", proxy.address))
        .env("RIO_DEBUG", "1");
    let outcome = get(&robot).exits(0).hides("hunter2").hides("YWRhOmh1bnRlcjI");
    outcome.says(&format!("through {} (HTTP_PROXY)", proxy.address));
}

#[test]
fn trace_needs_rio_debug() {
    for value in ["", "0"] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let outcome = robot.env("RIO_DEBUG", value).rio(&GET).run().exits(0);
        assert!(!outcome.stderr.contains("debug"), "{outcome}");
    }
}
