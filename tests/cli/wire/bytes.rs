//! Bodies of responses, and whole responses byte by byte.

use platform::Answer;
use serde_json::{Value, json};

use super::fixture::raw_json;

pub fn web_page(status: u16) -> Answer {
    let html = "<!DOCTYPE html><h1>Welcome to Hotel WiFi</h1>";
    Answer::text(status, "text/html; charset=utf-8", html)
}

pub fn error(status: u16, error: &str) -> Answer {
    Answer::json(status, json!({"error": error}))
}

pub fn text(status: u16, body: &str) -> Answer {
    Answer::text(status, "text/plain", body)
}

/// Adds a second member with the same name.
pub fn duplicate(member: &'static str) -> impl Fn(String) -> String {
    move |body| {
        let at = body.find(&format!("\"{member}\":")).unwrap();
        format!("{}\"{member}\":\"other\",{}", &body[..at], &body[at..])
    }
}

/// Adds spaces up to this size.
pub fn padded(mut body: String, size: usize) -> String {
    body.push_str(&" ".repeat(size - body.len()));
    body
}

pub fn nested(depth: usize) -> Value {
    raw_json(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

/// The platform closes the connection after the bytes of a case. Without this header, the client might send its next
/// request before it sees the end (RFC 9112 §9.6).
const CLOSE: &str = "Connection: close";

/// These header lines, the length, and the body.
pub fn http(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("{head}\r\n{CLOSE}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn chunked(chunks: &str) -> Vec<u8> {
    framed("Transfer-Encoding: chunked", chunks)
}

/// A response with this header in place of a Content-Length.
pub fn framed(header: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{CLOSE}\r\n{header}\r\n\r\n{body}").into_bytes()
}

/// A response with a Content-Encoding.
pub fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    http(&format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}"), body)
}
