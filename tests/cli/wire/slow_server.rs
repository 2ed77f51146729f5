//! Servers that answer slowly, or reset the connection. These tests take real time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};

use super::*;

/// A server that accepts one connection and answers slowly.
struct SlowServer {
    url: String,
    thread: JoinHandle<()>,
}

impl SlowServer {
    /// Sends `at_once`, then one byte of `slowly` per second until the client closes the connection.
    fn start(at_once: &'static [u8], slowly: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            SlowServer::serve(&client, at_once, slowly);
        });
        SlowServer { url, thread }
    }

    fn serve(mut client: &TcpStream, at_once: &[u8], slowly: &[u8]) {
        let mut request = [0; 4096];
        assert_ne!(client.read(&mut request).unwrap(), 0, "no request");
        client.write_all(at_once).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut rest = slowly.iter();
        // This read returns the rest of the request, times out after a second, or sees the client close.
        while !matches!(client.read(&mut request), Ok(0)) {
            if let Some(byte) = rest.next() {
                // The client may have closed the connection already.
                let _ = client.write_all(&[*byte]);
            }
        }
    }

    /// Runs `rio` against this server, and measures the time.
    #[expect(clippy::disallowed_methods, reason = "the timeouts of a request use real time")]
    fn run(self, arguments: &[&str]) -> (Outcome, Duration, Robot) {
        let robot = Robot::new();
        robot.write_config(&json!({
            "rip_host": self.url, "auth_token": "t0ken", "email_id": EMAIL,
        }));
        let start = Instant::now();
        let outcome = robot.rio(arguments).stdin(PASSWORD).run_at(&FakeClock::new());
        let took = start.elapsed();
        self.thread.join().unwrap();
        (outcome.hides(PASSWORD).hides("t0ken"), took, robot)
    }
}

#[test]
fn server_that_stalls_times_out_after_30_seconds() {
    let (nothing, head) = (&b""[..], &b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"[..]);
    let slow = [
        ("silence", nothing, nothing, "did not respond in time"),
        ("silence in the body", head, nothing, INCOMPLETE),
        ("one byte per second", nothing, head, "did not respond in time"),
    ];
    let runs = slow.map(|(name, at_once, slowly, says)| {
        let run = thread::spawn(move || {
            let (outcome, took, robot) =
                SlowServer::start(at_once, slowly).run(&["auth", "token", "--password", "-"]);
            assert!((29..40).contains(&took.as_secs()), "{name}: {took:?}\n{outcome}");
            check_error(&outcome.stderr, &|holds, wanted| assert!(holds, "{name}: {wanted}"));
            outcome.exits(3).prints("").says(says).says("127.0.0.1:");
            assert_eq!(robot.config()["auth_token"], "t0ken");
        });
        (name, run)
    });
    let failed: Vec<_> =
        runs.into_iter().filter_map(|(name, run)| run.join().err().map(|_| name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn logout_waits_5_seconds_for_server_that_stalls() {
    let server = SlowServer::start(b"", b"HTTP/1.1 200 OK\r\n");
    let url = server.url.clone();
    let (outcome, took, robot) = server.run(&["auth", "logout"]);
    assert!((4..8).contains(&took.as_secs()), "{took:?}\n{outcome}");
    outcome.exits(0).prints("").says("could not revoke the token").says("did not respond in time");
    assert_eq!(robot.config(), json!({"rip_host": url}));
}

#[test]
fn connection_reset_is_a_network_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Closing a socket with unread data resets the connection.
    let thread = thread::spawn(move || {
        listener.accept().unwrap().0.peek(&mut [0]).unwrap();
    });
    let (outcome, _, robot) = SlowServer { url, thread }.run(&["auth", "refresh-token"]);
    outcome.exits(3).prints("").says(CLOSED).says("127.0.0.1:");
    assert_eq!(robot.config()["auth_token"], "t0ken");
}
