//! Servers that answer slowly, or reset the connection. These tests take real time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};

use super::*;

/// A server that takes one connection, and then its time.
struct SlowServer {
    url: String,
    thread: JoinHandle<()>,
}

impl SlowServer {
    /// Answers `at_once`, and then one byte of `slowly` a second until the client has had enough.
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
        assert_ne!(client.read(&mut request).unwrap(), 0, "a client that asks nothing");
        client.write_all(at_once).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut rest = slowly.iter();
        // What is read here is the rest of the request, nothing for a second, or the client's end.
        while !matches!(client.read(&mut request), Ok(0)) {
            if let Some(byte) = rest.next() {
                // A client that has gone away is no fault of the server's.
                let _ = client.write_all(&[*byte]);
            }
        }
    }

    /// What `rio` says on this server, and how long it takes.
    #[expect(clippy::disallowed_methods, reason = "the limits of a request are real time")]
    fn ask(self, arguments: &[&str]) -> (Outcome, Duration, Robot) {
        let robot = Robot::new();
        robot.write_config(&json!({
            "rip_host": self.url, "auth_token": "t0ken-that-nobody-sees", "email_id": EMAIL,
        }));
        let start = Instant::now();
        let outcome = robot.rio(arguments).stdin(PASSWORD).run_at(&FakeClock::new());
        let took = start.elapsed();
        self.thread.join().unwrap();
        (outcome.hides(PASSWORD).hides("t0ken"), took, robot)
    }
}

#[test]
fn a_server_that_takes_its_time_is_left_after_thirty_seconds() {
    let (nothing, head) = (&b""[..], &b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"[..]);
    let slow = [
        ("silence", nothing, nothing, "did not answer in time"),
        ("silence in the body", head, nothing, CUT),
        ("a byte a second", nothing, head, "did not answer in time"),
    ];
    let asked = slow.map(|(name, at_once, slowly, says)| {
        let asked = thread::spawn(move || {
            let (outcome, took, robot) =
                SlowServer::start(at_once, slowly).ask(&["auth", "token", "--password", "-"]);
            assert!((29..40).contains(&took.as_secs()), "{name}: {took:?}\n{outcome}");
            check_error(&outcome.stderr, &|holds, wanted| assert!(holds, "{name}: {wanted}"));
            outcome.exits(3).prints("").says(says).says("127.0.0.1:");
            assert_eq!(robot.config()["auth_token"], "t0ken-that-nobody-sees");
        });
        (name, asked)
    });
    let failed: Vec<_> =
        asked.into_iter().filter_map(|(name, asked)| asked.join().err().map(|_| name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_server_that_takes_its_time_holds_a_logout_up_for_five_seconds() {
    let server = SlowServer::start(b"", b"HTTP/1.1 200 OK\r\n");
    let url = server.url.clone();
    let (outcome, took, robot) = server.ask(&["auth", "logout"]);
    assert!((4..8).contains(&took.as_secs()), "{took:?}\n{outcome}");
    outcome.exits(0).prints("").says("could not be told").says("did not answer in time");
    assert_eq!(robot.config(), json!({"rip_host": url}));
}

#[test]
fn a_connection_that_is_reset_is_trouble_of_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // A connection that ends with something unread in it is reset.
    let thread = thread::spawn(move || {
        listener.accept().unwrap().0.peek(&mut [0]).unwrap();
    });
    let (outcome, _, robot) = SlowServer { url, thread }.ask(&["auth", "refresh-token"]);
    outcome.exits(3).prints("").says(CLOSED).says("127.0.0.1:");
    assert_eq!(robot.config()["auth_token"], "t0ken-that-nobody-sees");
}
