//! Responses that no command can use: redirects, web pages, incomplete bodies, and bytes that are not HTTP.

use platform::{Answer, Call, Platform};

use super::{get, padded, page, post, raw_ok};
use crate::robot::{Outcome, Robot};

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
