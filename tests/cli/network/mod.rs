//! The connection to a server: what all commands share.

mod connections;
mod lookup;
mod name_servers;
mod openssl;
mod plain_http;
mod proxies;
mod responses;
mod retries;
pub mod tls;
mod trace;

use platform::{Answer, EMAIL, PASSWORD, Platform};
use serde_json::json;

use crate::robot::{FakeClock, Outcome, Robot};

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
pub fn robot_at(host: &str) -> Robot {
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

/// A response to `/user/info` of this size in bytes.
fn padded(size: usize) -> String {
    let mut body = format!(r#"{{"data":{{"email":"{EMAIL}"}}}}"#);
    body.push_str(&" ".repeat(size - body.len()));
    body
}
