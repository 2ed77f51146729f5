//! Proxy variables. `tls` has tests of proxies, too.

use std::rc::Rc;
use std::time::{Duration, Instant};

use platform::{Authority, Call, EMAIL, PASSWORD, Platform};
use rio::http::{Action, FailureKind, Http, Request};
use rio::machine::notice::Notice;
use rio::machine::random::Fraction;
use rio::machine::trace::Trace;
use serde_json::json;

use super::tls::trusting;
use super::{GET, POST, behind_proxy, get, post, robot_at};
use crate::robot::proxy::{ConnectProxy, start_slow_proxy};
use crate::robot::{ClosedPort, FakeClock, Robot};

#[test]
fn each_proxy_variable_is_used() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let platform = Platform::start();
        let proxy = ConnectProxy::to(platform.url());
        let (robot, token) = behind_proxy(&platform);
        let robot = robot.env(variable, proxy.url());
        get(&robot).exits(0);
        assert_eq!(proxy.targets(), ["rip.example:80"], "{variable}");
        assert_eq!(platform.calls(Call::UserInfo).len(), 1, "{variable}");
        let heads = proxy.heads().concat();
        assert!(!heads.contains(&token), "the proxy must not see the token: {heads}");
    }
}

#[test]
fn proxy_variable_applies_to_its_scheme() {
    let platform = Platform::start();
    let closed = ClosedPort::new();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, _) = behind_proxy(&platform);
    get(&robot.env("HTTPS_PROXY", closed.url()).env("HTTP_PROXY", proxy.url())).exits(0);

    let proxy = ConnectProxy::responding("HTTP/1.1 403 Forbidden\r\n\r\n");
    let robot = robot_at("https://rip.example").env("HTTPS_PROXY", proxy.url());
    get(&robot.env("HTTP_PROXY", closed.url())).exits(3);
    assert_eq!(proxy.targets(), ["rip.example:443"], "the proxy resolves the name");
}

#[test]
fn proxy_without_scheme_uses_http() {
    let platform = Platform::start();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, _) = behind_proxy(&platform);
    get(&robot.env("HTTP_PROXY", proxy.address.to_string())).exits(0);
    assert_eq!(proxy.targets().len(), 1);
}

#[test]
fn no_proxy_bypasses_the_proxy() {
    for (variable, list, direct) in
        [("NO_PROXY", "127.0.0.1", true), ("no_proxy", "127.0.0.1", true), ("NO_PROXY", "", false)]
    {
        println!("case: {variable}={list}");
        let authority = Authority::new();
        let platform = Platform::start_tls(&authority.certify(&["127.0.0.1"]));
        let proxy = ConnectProxy::to(platform.url());
        let (robot, _) = Robot::logged_in(&platform);
        let robot = trusting(robot, &authority).env("HTTPS_PROXY", proxy.url());
        get(&robot.env(variable, list)).exits(0);
        assert_eq!(proxy.targets().is_empty(), direct);
    }
}

#[test]
fn plain_http_to_loopback_uses_no_proxy() {
    let platform = Platform::start();
    let proxy = ConnectProxy::to(platform.url());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        for host in ["127.0.0.1", "localhost"] {
            println!("case: {variable}, {host}");
            let (robot, _) = Robot::logged_in(&platform);
            let url = platform.url().replace("127.0.0.1", host);
            robot.set_config(json!({"rip_host": url, "email_id": EMAIL}));
            let robot = robot.env(variable, proxy.url()).env("RIO_INSECURE_HTTP", "1");
            get(&robot).exits(0);
            post(&robot).exits(0);
        }
    }
    assert_eq!(proxy.targets(), [""; 0]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "timeouts of sockets are real time")]
fn limit_includes_slow_proxy_response() {
    for (scheme, response) in [
        ("http", &b"HTTP/1.1 200 Connection established\r\nVia: "[..]),
        // A SOCKS5 reply with a bound address of 255 bytes.
        ("socks5h", b"\x05\x00\x05\x00\x00\x03\xff"),
    ] {
        println!("case: {scheme}");
        let (address, thread) = start_slow_proxy(response);
        let robot = Robot::new().env("HTTP_PROXY", format!("{scheme}://{address}"));
        let robot = robot.env("RIO_INSECURE_HTTP", "1");
        let random = Rc::new(Fraction::default);
        let http = Http::new(
            &robot.environment(),
            FakeClock::new(),
            random,
            Trace::default(),
            Notice::default(),
        );
        let url = http.url("http://rip.example:9").unwrap();
        let limit = Duration::from_millis(300);
        let start = Instant::now();
        let outcome =
            http.send_once(&Request { timeout: limit, ..Request::new(&url, Action::Get) });
        let (Err(error), took) = (outcome, start.elapsed()) else { panic!("a response") };
        assert_eq!(error.kind(), FailureKind::Timeout, "{}", error.reason());
        assert!(error.nothing_was_sent());
        assert!((limit..limit * 10).contains(&took), "{took:?}");
        thread.join().unwrap();
    }
}

#[test]
fn any_2xx_after_interim_responses_connects() {
    for response in [
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let platform = Platform::start();
        let proxy = ConnectProxy::to_after(platform.url(), response);
        let (robot, _) = behind_proxy(&platform);
        get(&robot.env("HTTP_PROXY", proxy.url())).exits(0);
    }
}

#[test]
fn proxy_that_requires_a_login_is_told_apart() {
    const NTLM: &str =
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\n\r\n";
    let platform = Platform::start();
    let proxy = ConnectProxy::responding(NTLM);
    let (robot, _) = behind_proxy(&platform);
    let url = format!(r"http://DOMAIN\ada:hunter2@{}", proxy.address);
    let outcome = get(&robot.env("HTTP_PROXY", url)).exits(3).hides("hunter2");
    outcome.says("requires a login by NTLM").says("(Basic)");
    let credentials = "Proxy-Authorization: Basic RE9NQUlOXGFkYTpodW50ZXIy\r\n";
    assert!(proxy.heads()[0].contains(credentials));

    let (address, thread) = start_slow_proxy(b"\x05\xff");
    let (robot, _) = behind_proxy(&platform);
    let outcome = get(&robot.env("ALL_PROXY", format!("socks5://{address}"))).exits(3);
    let outcome = outcome.says("requires a user name and password");
    outcome.says("ALL_PROXY: socks5h://USER:PASSWORD@HOST:PORT");
    thread.join().unwrap();
}

#[test]
fn unreachable_proxy_is_named_without_its_password() {
    let closed = ClosedPort::new();
    for variable in ["HTTP_PROXY", "all_proxy"] {
        for arguments in [&GET[..], &POST] {
            let platform = Platform::start();
            let (robot, _) = behind_proxy(&platform);
            let robot = robot
                .env(variable, format!("http://ada:hunter2@{}", closed.address()))
                .env("RIO_DEBUG", "1");
            robot
                .rio(arguments)
                .stdin(PASSWORD)
                .run_at(&FakeClock::new())
                .exits(3)
                .hides("hunter2")
                .says(&closed.address())
                .says(variable);
            assert!(platform.requests().is_empty(), "no request without the proxy");
        }
    }
}

#[test]
fn invalid_proxy_variable_is_an_error() {
    for value in
        ["gopher://127.0.0.1:1", "http://", "http://a b:1", "127.0.0.1:99999", "http://:8080"]
    {
        println!("case: {value}");
        let platform = Platform::start();
        let (robot, _) = behind_proxy(&platform);
        get(&robot.env("HTTP_PROXY", value)).exits(1).says("HTTP_PROXY");
        assert!(platform.requests().is_empty());
    }
    let platform = Platform::start();
    let (robot, _) = behind_proxy(&platform);
    let robot = robot.env("HTTP_PROXY", "gopher://ada:hunter2@127.0.0.1:1");
    get(&robot).exits(1).hides("hunter2");
}
