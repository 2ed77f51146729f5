//! TLS servers of OpenSSL whose certificates or protocols rio does not accept. The message must name the cause.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use platform::EMAIL;
use serde_json::json;

use super::GET;
use crate::robot::skip::installed;
use crate::robot::{FakeClock, Outcome, Robot};

/// How a server differs from one that rio accepts.
#[derive(Clone, Copy, Default)]
struct Server {
    /// Options of `openssl genpkey` for the key of the CA. Default: P-256.
    ca_key: Option<&'static str>,
    /// Options of `openssl genpkey` for the key of the server. Default: P-256.
    key: Option<&'static str>,
    /// Options of `openssl req -x509` for both certificates.
    certificates: &'static str,
    /// Extensions of the server's certificate. Default: a subjectAltName.
    extensions: Option<&'static str>,
    /// Creates the server's certificate by `openssl x509 -req`, which makes it version 1.
    is_version_1: bool,
    /// Options of `openssl s_server`.
    protocol: &'static str,
}

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

impl Server {
    fn create_certificates(&self, directory: &Path) {
        let (ca_key, key) = (self.ca_key.unwrap_or(P256), self.key.unwrap_or(P256));
        let extensions = self.extensions.unwrap_or("-addext subjectAltName=IP:127.0.0.1");
        let certify = match self.is_version_1 {
            true => "openssl req -new -key key.pem -subj /CN=127.0.0.1 -out request.pem && openssl x509 -req \
                     -in request.pem -CA ca.pem -CAkey ca.key -days 1 -out cert.pem"
                .to_owned(),
            false => format!(
                "openssl req -x509 {} -CA ca.pem -CAkey ca.key -key key.pem -days 1 -subj /CN=127.0.0.1 \
                 {extensions} -addext basicConstraints=CA:FALSE -out cert.pem",
                self.certificates
            ),
        };
        let script = format!(
            "openssl genpkey {ca_key} -out ca.key && openssl genpkey {key} -out key.pem &&
             openssl req -x509 {} -key ca.key -days 1 -subj '/CN=Private CA' -out ca.pem && {certify}",
            self.certificates
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).current_dir(directory).env("PATH", "/usr/bin:/bin");
        let output = shell.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{errors}");
    }

    /// Runs a command of rio against the server, which answers requests with a page.
    fn run(&self, command: &[&str]) -> Option<Outcome> {
        let openssl = installed("openssl")?;
        let robot = Robot::new();
        self.create_certificates(robot.home());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new(openssl);
        server.current_dir(robot.home()).args(["s_server", "-quiet", "-www", "-cert", "cert.pem"]);
        server.args(["-key", "key.pem", "-accept", &format!("127.0.0.1:{port}")]);
        server.args(self.protocol.split_whitespace());
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _server = Running::start(server, port);
        let url = format!("https://127.0.0.1:{port}");
        robot.write_config(&json!({"rip_host": url, "auth_token": "t0ken", "email_id": EMAIL}));
        let bundle = robot.home().join("ca.pem");
        let robot = robot.env("SSL_CERT_FILE", bundle);
        Some(robot.rio(command).run_at(&FakeClock::new()))
    }
}

/// A server until it is dropped.
struct Running(Child);

impl Running {
    #[expect(clippy::disallowed_methods, reason = "another process starts")]
    fn start(mut command: Command, port: u16) -> Self {
        let running = Running(command.spawn().unwrap());
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return running;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("openssl s_server does not listen");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn says(server: Server, words: &[&str]) {
    let Some(outcome) = server.run(&GET) else { return };
    words.iter().fold(outcome.exits(3), |outcome, words| outcome.says(words));
}

#[test]
fn certificate_with_usual_algorithms_is_accepted() {
    const RSA: Option<&str> = Some("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    for (name, ca_key, options) in [
        ("P-256 with SHA-256", None, ""),
        ("P-256 with SHA-384", None, "-sha384"),
        ("P-384 with SHA-384", Some("-algorithm EC -pkeyopt ec_paramgen_curve:P-384"), "-sha384"),
        ("RSA with SHA-256", RSA, ""),
        ("RSA with SHA-512", RSA, "-sha512"),
        ("RSA-PSS", RSA, "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sha256"),
        ("Ed25519", Some("-algorithm ED25519"), ""),
    ] {
        println!("case: {name}");
        let server = Server { ca_key, certificates: options, ..Server::default() };
        let Some(outcome) = server.run(&GET) else { return };
        outcome.exits(3).says("a web page (status 200)");
    }
}

#[test]
fn unsupported_signature_algorithm_is_named() {
    const P521: Option<&str> = Some("-algorithm EC -pkeyopt ec_paramgen_curve:P-521");
    for (ca_key, options, name) in [
        (P521, "-sha512", "ECDSA with SHA-512"),
        (P521, "-sha256", "an ECDSA key on P-521"),
        (None, "-sha512", "ECDSA with SHA-512"),
        (Some("-algorithm ED448"), "", "Ed448"),
        (
            Some("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"),
            "",
            "an ECDSA key on secp256k1",
        ),
        (
            Some("-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1"),
            "",
            "an ECDSA key on a Brainpool curve",
        ),
        (Some("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"), "-sha1", "RSA with SHA-1"),
        (
            Some("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
            "-sha3-256",
            "the algorithm 2.16.840.1.101.3.4.3.14",
        ),
    ] {
        println!("case: {name}");
        // Otherwise OpenSSL does not use a certificate with SHA-1.
        let protocol = "-cipher DEFAULT@SECLEVEL=0";
        let server = Server { ca_key, certificates: options, protocol, ..Server::default() };
        says(server, &[&format!("uses {name}"), "does not support", "ECDSA with P-256 or P-384"]);
    }
}

#[test]
fn certificate_without_subject_alt_name_is_told_apart() {
    let server = Server { extensions: Some(""), ..Server::default() };
    says(server, &["has no subjectAltName", "a certificate with the host name as subjectAltName"]);
    let server = Server { is_version_1: true, ..Server::default() };
    says(
        server,
        &[
            "X.509 version 1",
            "no subjectAltName",
            "a certificate with the host name as subjectAltName",
        ],
    );
}

#[test]
fn failed_handshake_names_its_cause_or_lists_what_it_can_be() {
    let client_certificate = "client certificate, which rio does not have";
    for (name, key, protocol, words) in [
        (
            "TLS 1.1",
            None,
            "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
            &["old versions of TLS", "TLS 1.2"][..],
        ),
        (
            "cipher",
            None,
            "-tls1_2 -cipher AES256-SHA@SECLEVEL=0",
            &["cipher suite", client_certificate],
        ),
        (
            "key on P-521",
            Some("-algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
            "",
            &["its key is of a type", client_certificate],
        ),
        (
            "client certificate, TLS 1.2",
            None,
            "-tls1_2 -Verify 1 -verify_return_error",
            &["client certificate"],
        ),
        (
            "client certificate, TLS 1.3",
            None,
            "-tls1_3 -Verify 1 -verify_return_error",
            &["client certificate"],
        ),
    ] {
        println!("case: {name}");
        let server = Server { key, protocol, ..Server::default() };
        says(server, &[&["the TLS handshake failed"], words].concat());
    }
}

#[test]
fn refresh_refused_in_the_handshake_did_not_replace_the_token() {
    for protocol in
        ["-tls1_2 -Verify 1 -verify_return_error", "-tls1_3 -Verify 1 -verify_return_error"]
    {
        let server = Server { protocol, ..Server::default() };
        let Some(outcome) = server.run(&["auth", "refresh-token"]) else { return };
        let outcome = outcome.exits(3).says("client certificate");
        assert!(!outcome.stderr.contains("may have replaced"), "{outcome}");
    }
}
