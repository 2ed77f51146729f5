//! HTTP behaviour that all commands share: retries, unusable responses, proxies, plain HTTP, and the trace
//! of `RIO_DEBUG`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use platform::{Answer, Authority, Call, EMAIL, PASSWORD, Platform};
use rio::http::{Action, FailureKind, Http, Request};
use rio::machine::random::Fraction;
use rio::machine::trace::Trace;
use serde_json::json;

use crate::proxy::{ConnectProxy, start_slow_proxy};
use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};
use crate::tls::trusting;

/// A GET: `/user/info`.
const GET: [&str; 3] = ["auth", "status", "--verify"];
/// A POST that carries a password: `/user/login`.
const POST: [&str; 4] = ["auth", "token", "--password", "-"];

fn get(robot: &Robot) -> Outcome {
    robot.rio(&GET).run_at(&FakeClock::new())
}

fn post(robot: &Robot) -> Outcome {
    robot.rio(&POST).stdin(PASSWORD).run_at(&FakeClock::new())
}

fn unavailable() -> Answer {
    Answer::json(503, json!({"error": "in a moment"}))
}

fn page(status: u16) -> Answer {
    Answer::text(
        status,
        "text/html; charset=utf-8",
        "<!DOCTYPE html><h1>Welcome to Hotel WiFi</h1>",
    )
}

/// A response with these header lines and this body.
fn raw_ok(head: &str, body: &str) -> Answer {
    Answer::raw(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{head}\r\n\r\n{body}"
    ))
}

type MakeAnswer = fn() -> Answer;

/// A robot that is logged in; all its hosts are this one.
fn robot_at(host: &str) -> Robot {
    let robot = Robot::new();
    robot.write_config(&json!({
        "rip_host": host, "oidc_host": host, "v2api_host": host,
        "auth_token": "t0ken", "email_id": EMAIL,
    }));
    robot
}

/// A robot that is logged in, and its token. Only a proxy knows its host.
fn behind_proxy(platform: &Platform) -> (Robot, String) {
    let (robot, token) = Robot::logged_in(platform);
    robot.set_config(json!({"rip_host": "http://rip.example"}));
    (robot.env("RIO_INSECURE_HTTP", "1"), token)
}

// Retries.

#[test]
fn get_is_tried_three_times_after_transient_failure() {
    let failing: [(&str, MakeAnswer); 6] = [
        ("502", || Answer::json(502, json!({}))),
        ("502 as a page", || page(502)),
        ("503", unavailable),
        ("504", || Answer::text(504, "text/plain", "")),
        ("no answer", Answer::hang_up),
        ("half a body", || raw_ok("Content-Length: 500", r#"{"data":{"em"#)),
    ];
    for (name, failure) in failing {
        for (failures, exit, waits) in
            [(3, 3, &[500, 1000][..]), (2, 0, &[500, 1000]), (1, 0, &[500])]
        {
            println!("case: {name}, {failures} times");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            (0..failures).for_each(|_| platform.answer(Call::UserInfo, failure()));
            let clock = FakeClock::new();
            robot.rio(&GET).run_at(&clock).exits(exit);
            assert_eq!(platform.requests().len(), waits.len() + 1);
            assert_eq!(clock.sleeps_in_ms(), waits);
        }
    }
}

#[test]
fn refused_connection_is_tried_three_times() {
    let closed = ClosedPort::new();
    for (arguments, method) in
        [(&GET[..], "GET"), (&POST, "POST"), (&["auth", "refresh-token"], "POST")]
    {
        let robot = robot_at(&closed.url()).env("RIO_DEBUG", "1");
        let clock = FakeClock::new();
        let outcome = robot.rio(arguments).stdin(PASSWORD).run_at(&clock).exits(3);
        let outcome = outcome.says(&closed.address()).says("connection refused").hides(PASSWORD);
        let tries = outcome.stderr.matches(&format!("debug: {method} ")).count();
        assert_eq!(tries, 3, "{outcome}");
        assert_eq!(clock.sleeps_in_ms(), [500, 1000], "{outcome}");
    }
}

#[test]
fn jitter_doubles_retry_wait_at_most() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let clock = FakeClock::new();
    clock.set_jitter(Fraction::new(u32::MAX));
    platform.answer(Call::UserInfo, unavailable());
    platform.answer(Call::UserInfo, unavailable().header("Retry-After", "5"));
    robot.rio(&GET).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps_in_ms(), [1000, 10_000]);
}

#[test]
fn retry_wait_of_binary_has_jitter() {
    let closed = ClosedPort::new();
    let robot = robot_at(&closed.url()).env("RIO_DEBUG", "1");
    let outcome = robot.rio(&GET).run().exits(3);
    let words = outcome.stderr.lines().filter_map(|line| line.strip_prefix("rio: debug: wait "));
    let waits: Vec<f64> =
        words.map(|words| words.trim_end_matches(" s").parse().unwrap()).collect();
    assert_eq!(waits.len(), 2, "{outcome}");
    assert!((0.5..=1.0).contains(&waits[0]) && (1.0..=2.0).contains(&waits[1]), "{outcome}");
    // By chance, this fails once in twenty thousand runs.
    assert_ne!(waits, [0.5, 1.0], "{outcome}");
}

#[test]
fn get_is_tried_once_after_permanent_failure() {
    for status in [400, 401, 403, 404, 408, 429, 500, 501, 505] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, Answer::json(status, json!({"error": "no"})));
        let clock = FakeClock::new();
        let outcome = robot.rio(&GET).run_at(&clock);
        assert_ne!(outcome.code, Some(0), "{status}\n{outcome}");
        assert_eq!(platform.requests().len(), 1, "{status}\n{outcome}");
        assert_eq!(clock.sleeps_in_ms(), [0; 0], "{status}\n{outcome}");
    }
}

#[test]
fn retry_honours_retry_after_up_to_five_seconds() {
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, waits) in [
        ("0", &[500][..]),
        ("1", &[1000]),
        ("3", &[3000]),
        ("5", &[5000]),
        // Dates count from the server's clock.
        ("Tue, 24 Nov 2026 05:37:04 GMT", &[4000]),
        ("Tue, 24 Nov 2026 05:36:00 GMT", &[500]),
        ("soon", &[500]),
        ("-1", &[500]),
        ("1.5", &[500]),
        // Too long for a user at a prompt.
        ("6", &[]),
        ("120", &[]),
        ("99999999999999999999", &[500]),
        ("Tue, 24 Nov 2026 05:37:06 GMT", &[]),
        ("Fri, 31 Dec 9999 23:59:59 GMT", &[]),
    ] {
        println!("case: {retry_after}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let answer = unavailable().header("Retry-After", retry_after).header("Date", date);
        platform.answer(Call::UserInfo, answer);
        let clock = FakeClock::in_1970();
        let outcome = robot.rio(&GET).run_at(&clock);
        assert_eq!(clock.sleeps_in_ms(), waits, "{outcome}");
        outcome.exits(if waits.is_empty() { 3 } else { 0 });
        assert_eq!(platform.requests().len(), waits.len() + 1);
    }
}

#[test]
fn post_that_may_have_arrived_is_sent_once() {
    for (name, answer, exit) in [
        ("no answer", Answer::hang_up(), 3),
        ("half an answer", Answer::raw("HTTP/1.1 200 OK\r\nContent-Le"), 3),
        ("408", Answer::json(408, json!({})), 3),
        ("429", Answer::json(429, json!({})), 3),
        ("500", Answer::json(500, json!({})), 3),
        ("502", Answer::json(502, json!({})), 3),
        ("503", unavailable(), 3),
        ("503 with Retry-After", unavailable().header("Retry-After", "1"), 3),
        ("504", Answer::json(504, json!({})), 3),
        ("a page", page(200), 3),
        ("400", Answer::json(400, json!({})), 1),
        ("401", Answer::json(401, json!({})), 1),
        ("403", Answer::json(403, json!({})), 1),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserLogin, answer);
        let clock = FakeClock::new();
        let outcome = robot.rio(&POST).stdin(PASSWORD).run_at(&clock).exits(exit);
        outcome.prints("").hides(PASSWORD);
        assert_eq!(platform.requests().len(), 1);
        assert_eq!(clock.sleeps_in_ms(), [0; 0]);
    }
}

#[test]
fn every_post_is_sent_once() {
    for (call, arguments, exit) in [
        (Call::RefreshToken, &["auth", "refresh-token"][..], 3),
        (Call::UserLogout, &["auth", "logout"], 0),
        (Call::DeviceAuthorization, &["auth", "login", "--yes"], 3),
    ] {
        for answer in [Answer::hang_up(), unavailable()] {
            println!("case: {call:?}");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            platform.answer(call, answer);
            robot.rio(arguments).run_at(&FakeClock::new()).exits(exit);
            assert_eq!(platform.calls(call).len(), 1);
        }
    }
}

// Unusable responses.

#[test]
fn redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        for (call, run) in [(Call::UserInfo, get as fn(&Robot) -> Outcome), (Call::UserLogin, post)]
        {
            for elsewhere in [false, true] {
                println!("case: {status} of {call:?}, elsewhere {elsewhere}");
                let platform = Platform::start();
                let other = Platform::start();
                let (robot, token) = Robot::logged_in(&platform);
                let origin = if elsewhere { other.url() } else { platform.url() };
                let answer = Answer::text(status, "text/plain", "moved")
                    .header("Location", &format!("{origin}{}", call.path()));
                platform.answer(call, answer);
                run(&robot).exits(3).hides(&token).says("redirect");
                assert_eq!(platform.requests().len(), 1);
                assert!(other.requests().is_empty());
            }
        }
    }
}

#[test]
fn web_page_is_reported_as_captive_portal() {
    for status in [200, 511] {
        for (call, run) in [(Call::UserInfo, get as fn(&Robot) -> Outcome), (Call::UserLogin, post)]
        {
            println!("case: {status} of {call:?}");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            platform.answer(call, page(status));
            run(&robot).exits(3).hides("Hotel").hides("<h1>").says("captive portal");
        }
    }
}

#[test]
fn web_page_is_recognized_by_its_first_character() {
    let bodies = ["<!DOCTYPE html><h1>Hotel WiFi</h1>", "\r\n  <html><h1>Hotel WiFi</h1>"];
    for head in ["", "Content-Type: text/plain\r\n", "Content-Type: application/json\r\n"] {
        for body in bodies {
            for (call, run) in
                [(Call::UserInfo, get as fn(&Robot) -> Outcome), (Call::UserLogin, post)]
            {
                println!("case: {head:?} {body:?} of {call:?}");
                let platform = Platform::start();
                let (robot, _) = Robot::logged_in(&platform);
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\n\r\n");
                platform.answer(call, Answer::raw(head + body));
                let outcome = run(&robot).exits(3).hides("Hotel").hides("<h");
                outcome.says("a web page (status 200)").says("captive portal");
                assert_eq!(platform.requests().len(), 1);
            }
        }
    }
}

#[test]
fn web_page_with_403_does_not_blame_the_password() {
    // A filtering proxy sends such pages.
    for status in [403, 404] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserLogin, page(status));
        let outcome = post(&robot).exits(3).hides("<h1>").says("web page").says("proxy");
        assert!(!outcome.stderr.contains("SSO"), "{outcome}");
    }
}

#[test]
fn incomplete_body_is_a_temporary_failure() {
    let body = r#"{"data":{"email":"ada@example.com","token":"t0ken"}}"#;
    for (name, head, body) in [
        ("before its length", "Content-Length: 500", body),
        ("in the middle of a value", "Content-Length: 52", &body[..20]),
        ("in a chunk", "Transfer-Encoding: chunked", &format!("64\r\n{body}")),
        ("before the last chunk", "Transfer-Encoding: chunked", &format!("34\r\n{body}\r\n")),
    ] {
        for (call, run, tries) in
            [(Call::UserInfo, get as fn(&Robot) -> Outcome, 3), (Call::UserLogin, post, 1)]
        {
            println!("case: {name}, {call:?}");
            let platform = Platform::start();
            let (robot, _) = Robot::logged_in(&platform);
            let host = platform.host().to_owned();
            (0..tries).for_each(|_| platform.answer(call, raw_ok(head, body)));
            let outcome = run(&robot);
            assert!(!outcome.stdout.contains("t0ken"), "{outcome}");
            outcome.exits(3).says(&host);
            assert_eq!(platform.requests().len(), tries);
        }
    }
}

#[test]
fn body_without_length_ends_with_connection() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    platform.answer(Call::UserLogin, raw_ok("X: y", r#"{"data":{"token":"t0ken"}}"#));
    post(&robot).exits(0).prints("t0ken\n");
}

#[test]
fn invalid_http_is_a_temporary_failure() {
    let long_header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{{}}", "x".repeat(1024 * 1024));
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "X: y\r\n".repeat(10_000));
    for (name, bytes) in [
        ("ssh", &b"SSH-2.0-OpenSSH_9.6\r\n"[..]),
        ("TLS", b"\x15\x03\x01\x00\x02\x02\x0a"),
        ("zeros", &[0; 512]),
        ("JSON alone", br#"{"data":{"token":"t0ken"}}"#),
        ("no status", b"HTTP/1.1 abc\r\n\r\n"),
        ("status 0", b"HTTP/1.1 000 OK\r\n\r\n"),
        ("HTTP/9", b"HTTP/9.0 200 OK\r\n\r\n{}"),
        ("a header without a colon", b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}"),
        ("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
        ("no chunk size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        ("no gzip", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz"),
        ("a head of 1 MiB", long_header.as_bytes()),
        ("ten thousand headers", many_headers.as_bytes()),
    ] {
        println!("case: {name}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let host = platform.host().to_owned();
        platform.answer(Call::UserLogin, Answer::raw(bytes));
        post(&robot).exits(3).prints("").hides("t0ken").hides("SSH-2.0").says(&host);
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
fn body_without_a_token_is_temporary_unless_it_is_json() {
    for (body, exit) in [
        ("", 3),
        ("null", 1),
        ("[]", 1),
        ("t0ken", 3),
        (r#"{"data":{}}"#, 1),
        (r#"{"data":[]}"#, 1),
        (r#"{"data":{"token":5}}"#, 1),
        (r#"{"token":"t0ken"}"#, 1),
        (r#"{"data":{"token":"t0ken"}} and more"#, 3),
        ("{\"data\":{\"token\":\"\u{1f916}\"}}", 1),
    ] {
        println!("case: {body}");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserLogin, Answer::text(200, "application/json", body));
        let outcome = post(&robot).exits(exit).prints("").hides("t0ken");
        outcome.says(platform.host());
    }
}

/// A response to `/user/info` of this size in bytes.
fn padded(size: usize) -> String {
    let mut body = format!(r#"{{"data":{{"email":"{EMAIL}"}}}}"#);
    body.push_str(&" ".repeat(size - body.len()));
    body
}

#[test]
fn body_above_1_mib_is_an_error() {
    const MIB: usize = 1024 * 1024;
    for (size, exit) in [(MIB, 0), (MIB + 1, 3), (8 * MIB, 3)] {
        println!("case: {size} bytes");
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, Answer::text(200, "application/json", padded(size)));
        let outcome = get(&robot);
        assert_eq!(outcome.stderr.contains("1 MiB"), exit != 0, "{outcome}");
        outcome.exits(exit);
    }
}

#[test]
fn compressed_response_is_unexpected() {
    // `{"data":{"email":"ada@example.com"}}`, compressed by gzip.
    const BODY: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xabVJI,IT\xb2\xaaVJ\xcdM\xcc\xccQ\xb2RJLItH\xadH\xcc-\xc8I\xd5K\xce\xcfU\xaa\xad\x05\x00\xbb\x02\x09\x18$\x00\x00\x00";
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let answer = Answer::text(200, "application/json", BODY);
    platform.answer(Call::UserInfo, answer.header("Content-Encoding", "gzip"));
    get(&robot).exits(3).says("an unexpected response (status 200)");
    assert_eq!(platform.requests()[0].header("Accept-Encoding"), None);
}

// Proxies.

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
        let http = Http::new(&robot.environment(), FakeClock::new(), random, Trace::default());
        let url = http.url("http://rip.example:9").unwrap();
        let limit = Duration::from_millis(300);
        let start = Instant::now();
        let outcome = http.send_once(&Request { limit, ..Request::new(&url, Action::Get) });
        let (Err(error), took) = (outcome, start.elapsed()) else { panic!("a response") };
        assert_eq!(error.kind(), FailureKind::Timeout, "{}", error.reason());
        assert!(error.nothing_was_sent());
        assert!((limit..limit * 10).contains(&took), "{took:?}");
        thread.join().unwrap();
    }
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

// Plain HTTP.

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
fn unusable_ssl_cert_file_is_named() {
    let closed = ClosedPort::new();
    let url = closed.url().replace("http:", "https:");
    let robot = robot_at(&url);
    let (missing, empty) = (robot.home().join("missing.pem"), robot.home().join("empty.pem"));
    std::fs::write(&empty, "-----BEGIN NOTHING-----\n").unwrap();
    for path in [missing, empty, robot.home().to_owned()] {
        let robot = robot_at(&url).env("SSL_CERT_FILE", &path);
        for outcome in [get(&robot), post(&robot)] {
            outcome
                .exits(1)
                .says(&format!("cannot read SSL_CERT_FILE ({})", path.display()))
                .hides("entity not found");
        }
        robot.rio(&["auth", "login", "--yes"]).run().exits(1).hides("Connecting to");
    }
    // An unreachable server is another error.
    get(&robot).exits(3).says(&closed.address());
}

// The trace of `RIO_DEBUG`.

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
