//! Connections: how many a login opens, and what happens when the server closes one.

use std::rc::Rc;
use std::time::Duration;

use platform::{Answer, Authority, Call, Certificate, EMAIL, PASSWORD, Platform, TlsPort};
use rio::http::{Action, Http, Request};
use rio::machine::notice::Notice;
use rio::machine::random::Fraction;
use rio::machine::trace::Trace;
use serde_json::json;

use crate::network::tls::trusting;
use crate::robot::proxy::ConnectProxy;
use crate::robot::{FakeClock, Outcome, Robot};

const LOGIN: [&str; 7] =
    ["auth", "login", "--yes", "--organization", "Acme Robotics", "--project", "simulation"];

/// A platform with TLS, and a robot that trusts it.
fn over_tls() -> (Rc<Platform>, Robot) {
    over_tls_as(|certificate| certificate)
}

/// The same with another kind of certificate.
fn over_tls_as(different: fn(Certificate) -> Certificate) -> (Rc<Platform>, Robot) {
    let authority = Authority::new();
    let platform = Platform::start_tls(&different(authority.certify(&["127.0.0.1"])));
    platform.allow_early_polls();
    let robot = trusting(Robot::of(&platform), &authority);
    (Rc::new(platform), robot)
}

fn over_plain_http() -> (Rc<Platform>, Robot) {
    let platform = Platform::start();
    platform.allow_early_polls();
    let robot = Robot::of(&platform);
    (Rc::new(platform), robot)
}

fn selected(robot: &Robot, outcome: Outcome) -> Outcome {
    let outcome = outcome.exits(0);
    assert_eq!(robot.config()["project_name"], "simulation", "{outcome}");
    outcome
}

/// A response after which the server closes the connection.
fn response_with_close(status: &str, body: serde_json::Value) -> Answer {
    let body = body.to_string();
    Answer::raw(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn pending() -> serde_json::Value {
    json!({"error": "authorization_pending"})
}

fn reports_no_failure(outcome: &Outcome) {
    for word in ["retrying", "is responding again", "closed"] {
        assert!(!outcome.stderr.contains(word), "{word}\n{outcome}");
    }
}

#[test]
fn every_login_uses_one_connection() {
    for (options, stdin) in [
        (&[][..], ""),
        (&["--email", EMAIL, "--password", "-"], PASSWORD),
        (&["--auth-token", "-"], ""),
    ] {
        println!("case: {options:?}");
        let (platform, robot) = over_tls();
        platform.approve_after(3);
        let token = platform.issue_token();
        let stdin = if options.contains(&"--auth-token") { &token } else { stdin };
        let rio = robot.rio(&[&LOGIN, options].concat()).stdin(stdin);
        let outcome = selected(&robot, rio.run_at(&FakeClock::new()));
        assert!(platform.requests().len() >= 3, "{outcome}");
        assert_eq!(platform.connections(), 1, "{outcome}");
        assert_eq!(platform.tls().handshakes(), 1, "{outcome}");
    }
}

#[test]
fn each_host_has_one_connection() {
    let (login_server, robot) = over_plain_http();
    let api = Platform::start();
    login_server.approve_after(2);
    robot.set_config(json!({"rip_host": api.url(), "v2api_host": api.url()}));
    let token = api.issue_token();
    let mut claims = login_server.claims();
    claims["rio_token"] = token.into();
    (0..2).for_each(|_| login_server.answer(Call::Token, Answer::unscripted()));
    login_server.answer(Call::Token, Answer::json(200, login_server.tokens(claims)));
    let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&FakeClock::new()));
    assert_eq!((login_server.connections(), api.connections()), (1, 1), "{outcome}");
    assert_eq!(api.requests().len(), 2);
}

#[test]
fn connection_outlives_interval_of_16_seconds() {
    println!("this takes 17 seconds: how long a connection was idle is measured in real time");
    let (platform, robot) = over_tls();
    // By default, ureq closes idle connections after 15 seconds.
    platform.interval(16);
    platform.approve_after(0);
    let robot = robot.env("RIO_DEBUG", "1");
    let outcome = selected(&robot, robot.rio(&LOGIN).run()).says("debug: wait 16.05 s");
    assert_eq!(outcome.stderr.matches("new connection").count(), 1, "{outcome}");
    assert_eq!(platform.calls(Call::Token).len(), 1);
    assert_eq!((platform.connections(), platform.tls().handshakes()), (1, 1), "{outcome}");
}

/// How a server closes its connections.
type Close = fn(&Platform);

#[test]
fn closed_idle_connection_is_replaced_silently() {
    let closes: [(&str, bool, Close); 3] = [
        ("TLS, close_notify", true, |platform| platform.tls().hang_up()),
        ("TLS, no close_notify", true, Platform::cut),
        ("plain HTTP", false, Platform::cut),
    ];
    for (name, tls, close) in closes {
        println!("case: {name}");
        let (platform, robot) = if tls { over_tls() } else { over_plain_http() };
        platform.approve_after(3);
        let clock = FakeClock::new();
        clock.on_sleep({
            let platform = platform.clone();
            move |_, wait| {
                if wait == 2 {
                    close(&platform);
                    wait_for_close();
                }
            }
        });
        let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&clock));
        reports_no_failure(&outcome);
        assert_eq!(clock.sleeps(), [5, 5, 5, 5], "{outcome}");
        assert_eq!(platform.calls(Call::Token).len(), 4, "each poll arrives once");
        assert_eq!(platform.connections(), 2, "one more\n{outcome}");
    }
}

/// Waits until the client's socket knows that the server has closed the connection.
#[expect(clippy::disallowed_methods, reason = "sockets use real time")]
fn wait_for_close() {
    std::thread::sleep(Duration::from_millis(20));
}

#[test]
fn connection_close_is_not_a_failure() {
    for make in [over_tls, over_plain_http] {
        let (platform, robot) = make();
        platform.approve_after(0);
        for _ in 0..3 {
            platform.answer(Call::Token, response_with_close("400 Bad Request", pending()));
        }
        let clock = FakeClock::new();
        let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&clock));
        reports_no_failure(&outcome);
        assert_eq!(clock.sleeps(), [5, 5, 5, 5], "{outcome}");
        assert_eq!(platform.connections(), 4, "{outcome}");
    }
}

#[test]
fn tls_session_is_resumed_after_connection_close() {
    for (name, version) in
        [("1.2", Certificate::tls12_only as fn(_) -> _), ("1.3", Certificate::tls13_only)]
    {
        println!("case: TLS {name}");
        let (platform, robot) = over_tls_as(version);
        platform.approve_after(0);
        for _ in 0..2 {
            platform.answer(Call::Token, response_with_close("400 Bad Request", pending()));
        }
        let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&FakeClock::new()));
        let tls = platform.tls();
        assert_eq!((tls.handshakes(), tls.resumed()), (3, 2), "{outcome}");
    }
}

#[test]
fn tls_sessions_of_three_hosts_and_a_proxy_are_resumed() {
    let authority = Authority::new();
    let hosts = ["login.example", "rip.example", "v2api.example"];
    let platform = Platform::start_tls(&authority.certify(&hosts));
    let proxy = ConnectProxy::to(platform.url());
    let port = TlsPort::start(&authority.certify(&["127.0.0.1"]), proxy.address);
    let robot = trusting(Robot::new(), &authority);
    let robot = robot.env("HTTPS_PROXY", format!("https://{}", port.address()));
    let http = Http::new(
        &robot.environment(),
        FakeClock::new(),
        Rc::new(Fraction::default),
        Trace::default(),
        Notice::default(),
    );
    for host in [hosts, hosts].concat() {
        platform.answer(Call::UserInfo, response_with_close("200 OK", json!({})));
        let url = http.url(&format!("https://{host}/user/info")).unwrap();
        assert_eq!(http.send(&Request::new(&url, Action::Get)).unwrap().status, 200);
    }
    let tls = platform.tls();
    assert_eq!((tls.handshakes(), tls.resumed()), (6, 3));
    assert_eq!((port.handshakes(), port.resumed()), (6, 5));
}

#[test]
fn poll_on_closed_idle_connection_is_sent_again() {
    for make in [over_tls, over_plain_http] {
        let (platform, robot) = make();
        platform.approve_after(2);
        platform.answer(Call::Token, Answer::unscripted());
        // The server closes the connection while the poll is on its way.
        platform.answer(Call::Token, Answer::hang_up());
        let clock = FakeClock::new();
        let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&clock));
        reports_no_failure(&outcome);
        assert_eq!(clock.sleeps(), [5, 5, 5], "{outcome}");
        assert_eq!(platform.calls(Call::Token).len(), 4, "{outcome}");
        assert_eq!(platform.connections(), 2, "{outcome}");
    }
}

#[test]
fn poll_is_sent_again_once_and_only_without_response() {
    for make in [over_tls, over_plain_http] {
        for (name, answers, polls, connections) in [
            ("closed twice", vec![Answer::hang_up(), Answer::hang_up()], 4, 3),
            ("half a response", vec![Answer::raw("HTTP/1.1 4")], 3, 2),
        ] {
            println!("case: {name}");
            let (platform, robot) = make();
            platform.approve_after(1);
            answers.into_iter().for_each(|answer| platform.answer(Call::Token, answer));
            let clock = FakeClock::new();
            let outcome = selected(&robot, robot.rio(&LOGIN).run_at(&clock));
            let outcome = outcome.says("closed the connection; retrying.");
            let outcome = outcome.says("The server is responding again.");
            assert_eq!(clock.sleeps(), [5, 10, 5], "{outcome}");
            assert_eq!(platform.calls(Call::Token).len(), polls, "{outcome}");
            assert_eq!(platform.connections(), connections, "{outcome}");
        }
    }
}

#[test]
fn approval_lost_with_idle_connection_is_mentioned() {
    let (platform, robot) = over_plain_http();
    platform.answer(Call::Token, Answer::hang_up());
    platform.answer(Call::Token, Answer::json(400, json!({"error": "invalid_grant"})));
    let outcome = robot.rio(&LOGIN).run_at(&FakeClock::new()).exits(1);
    outcome.says("An earlier response was lost");
    assert_eq!(platform.calls(Call::Token).len(), 2);
}

#[test]
fn password_on_closed_idle_connection_is_sent_once() {
    for answer in [Answer::hang_up(), Answer::raw("HTTP/1.1 2")] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::RefreshToken, Answer::json(401, json!({})));
        platform.answer(Call::UserLogin, answer);
        let rio = robot.rio(&["auth", "refresh-token", "--password", "-"]).stdin(PASSWORD);
        rio.run_at(&FakeClock::new()).exits(3).says("closed the connection");
        assert_eq!(platform.calls(Call::UserLogin).len(), 1);
        assert_eq!(platform.connections(), 1);
    }
}
