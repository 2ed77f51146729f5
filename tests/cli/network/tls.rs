//! TLS with real handshakes: which certificates are trusted, what the errors say, and that no request is
//! sent before. Then the same through proxies.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::process::Command;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use platform::{Authority, Call, Certificate, EMAIL, PASSWORD, Platform, TlsPort};
use serde_json::json;

use super::{get, post, robot_at};
use crate::robot::proxy::ConnectProxy;
use crate::robot::skip::skip;
use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

const HERE: &str = "127.0.0.1";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A CA, and a platform with a certificate from it.
fn certified() -> (Authority, Platform) {
    let authority = Authority::new();
    let platform = Platform::start_tls(&authority.certify(&[HERE]));
    (authority, platform)
}

/// A robot that trusts only this CA.
pub fn trusting(robot: Robot, authority: &Authority) -> Robot {
    with_bundle(robot, authority.pem())
}

/// A robot with this `SSL_CERT_FILE`.
fn with_bundle(robot: Robot, pem: impl AsRef<[u8]>) -> Robot {
    let path = robot.home().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    robot.env("SSL_CERT_FILE", path)
}

const VERIFY: [&str; 3] = ["auth", "status", "--verify"];
const SELECT: [&str; 4] = ["--organization", "Acme Robotics", "--project", "simulation"];

fn device_login(robot: &Robot, clock: &Rc<FakeClock>) -> Outcome {
    robot.rio(&[&["auth", "login", "--yes"], &SELECT[..]].concat()).run_at(clock)
}

fn succeeds(robot: &Robot, outcome: Outcome) -> Outcome {
    let outcome = outcome.exits(0);
    assert_eq!(robot.config()["email_id"], EMAIL, "{outcome}");
    assert_eq!(robot.config()["project_name"], "simulation", "{outcome}");
    outcome
}

#[expect(clippy::disallowed_methods, reason = "rustls compares certificates with the real clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The commands that send requests, each with its standard input.
const COMMANDS: [(&[&str], &str); 6] = [
    (&["auth", "status", "--verify"], ""),
    (&["auth", "login", "--yes"], ""),
    (&["auth", "login", "--yes", "--email", EMAIL, "--password", "-"], PASSWORD),
    (&["auth", "login", "--yes", "--auth-token", "-"], "t0ken"),
    (&["auth", "token", "--password", "-"], PASSWORD),
    (&["auth", "refresh-token", "--password", "-"], PASSWORD),
];

/// Every command reports this certificate with these words and sends nothing; only `logout` changes the file.
fn is_refused(certificate: &Certificate, authority: &Authority, words: &[&str]) {
    let platform = Platform::start_tls(certificate);
    let (robot, token) = Robot::logged_in(&platform);
    let robot = trusting(robot, authority);
    let before = robot.config_bytes();
    let host = platform.host();
    for (arguments, stdin) in COMMANDS {
        let opened = platform.connections();
        let outcome = robot.rio(arguments).stdin(stdin).run_at(&FakeClock::new()).exits(3);
        let outcome = outcome.hides(PASSWORD).hides(&token).says(host);
        words.iter().fold(outcome, |outcome, word| outcome.says(word));
        assert_eq!(robot.config_bytes(), before);
        assert_eq!(platform.connections() - opened, 1, "the failure is not transient");
    }
    let outcome = robot.rio(&["auth", "logout"]).run_at(&FakeClock::new()).exits(0).hides(&token);
    words[..1].iter().fold(outcome, |outcome, word| outcome.says(word));
    assert_eq!(platform.tls().handshakes(), 0);
    assert!(platform.requests().is_empty(), "nothing was sent");
}

// Trusted certificates.

#[test]
fn every_request_works_over_tls_with_private_ca() {
    let (authority, platform) = certified();
    platform.interval(1);
    platform.approve_after(1);
    let robot = trusting(Robot::of(&platform), &authority);
    let outcome = robot.rio(&[&["auth", "login"], &SELECT[..]].concat()).run();
    succeeds(&robot, outcome).says("https://127.0.0.1:");
    assert_eq!(platform.calls(Call::Token).len(), 2);

    robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    let old = robot.config()["auth_token"].clone();
    robot.rio(&["auth", "refresh-token"]).run().exits(0);
    assert_ne!(robot.config()["auth_token"], old);
    robot.rio(&["auth", "token", "--password", "-"]).stdin(PASSWORD).run().exits(0);
    robot.rio(&["auth", "logout"]).run().exits(0).says("Logged out.");
}

#[test]
fn tls_1_2_and_1_3_work() {
    let authority = Authority::new();
    let certificate = authority.certify(&[HERE]);
    for (name, certificate) in
        [("1.2", certificate.clone().tls12_only()), ("1.3", certificate.tls13_only())]
    {
        println!("case: TLS {name}");
        let platform = Platform::start_tls(&certificate);
        platform.allow_early_polls();
        platform.approve_after(2);
        let robot = trusting(Robot::of(&platform), &authority);
        let outcome = device_login(&robot, &FakeClock::new());
        succeeds(&robot, outcome);
        assert_eq!(platform.tls().handshakes(), 1);
    }
}

#[test]
fn certificate_for_name_is_accepted() {
    let authority = Authority::new();
    let platform = Platform::start_tls(&authority.certify(&["localhost"]));
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({"rip_host": platform.url().replace(HERE, "localhost")}));
    let robot = trusting(robot, &authority);
    robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new()).exits(0);
}

#[test]
fn certificate_for_ipv6_address_is_accepted() {
    let authority = Authority::new();
    let platform = Platform::start();
    platform.allow_early_polls();
    platform.approve_after(1);
    let behind = platform.host().parse().unwrap();
    let certificate = authority.certify(&["::1"]);
    let port = match TlsPort::start_at(Ipv6Addr::LOCALHOST.into(), &certificate, behind) {
        Ok(port) => port,
        Err(error) => return skip(format_args!("needs IPv6 on loopback: {error}")),
    };
    let url = format!("https://[::1]:{}", port.address().port());
    platform.public_url(&url);
    let robot = trusting(Robot::new(), &authority);
    robot.write_hosts(&url);
    let outcome = device_login(&robot, &FakeClock::new());
    succeeds(&robot, outcome);
    assert_eq!(port.handshakes(), 1);
}

#[test]
fn intermediate_ca_is_accepted() {
    let root = Authority::new();
    for (name, authority) in
        [("one", root.intermediate()), ("two", root.intermediate().intermediate())]
    {
        println!("case: {name} between");
        let platform = Platform::start_tls(&authority.certify(&[HERE]));
        let (robot, _) = Robot::logged_in(&platform);
        trusting(robot, &root).rio(&VERIFY).run_at(&FakeClock::new()).exits(0);
    }
}

/// A robot with this `SSL_CERT_FILE` trusts the platform.
fn is_trusted_by(platform: &Platform, bundle: impl AsRef<[u8]>) {
    let (robot, _) = Robot::logged_in(platform);
    with_bundle(robot, bundle).rio(&VERIFY).run_at(&FakeClock::new()).exits(0);
}

#[test]
fn ssl_cert_file_may_contain_more_than_one_certificate() {
    let (authority, platform) = certified();
    let other = || Authority::new().pem();
    let ours = authority.pem();
    let broken = other().replace('M', "*");
    let invalid = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, bundle) in [
        ("two", format!("{}{ours}", other())),
        ("text", format!("# theirs\n{}\nOurs: 1\n=======\n{ours}\nbye", other())),
        ("CRLF", format!("{}{ours}", other()).replace('\n', "\r\n")),
        ("a broken one before", format!("{broken}{ours}")),
        ("an invalid one before", format!("{invalid}{ours}")),
        ("a broken one after", format!("{ours}{broken}")),
        ("a truncated one before", format!("{}{ours}", &other()[..200])),
        (
            "a private key before",
            format!("{}{ours}", invalid.replace("CERTIFICATE", "PRIVATE KEY")),
        ),
    ] {
        println!("case: {name}");
        is_trusted_by(&platform, &bundle);
    }
}

#[test]
fn ssl_cert_file_may_have_other_line_ends_lengths_and_encodings() {
    let (authority, platform) = certified();
    let ours = authority.pem();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let base64 = ours.replace(begin, "").replace(end, "").replace('\n', "");
    let in_lines = |length: usize| {
        let lines: Vec<_> = base64.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
        format!("{begin}\n{}\n{end}", lines.join("\n"))
    };
    for (name, bundle) in [
        ("CR", ours.replace('\n', "\r").into_bytes()),
        ("no line end after the last line", ours.trim().into()),
        ("one line", in_lines(base64.len()).into()),
        ("lines of 7", in_lines(7).into()),
        ("indented lines with blanks at their ends", ours.replace('\n', " \t\n  ").into()),
        ("a byte-order mark", ["\u{feff}".as_bytes(), ours.as_bytes()].concat()),
        ("a comment in Latin-1", [b"# Autorit\xe9\n", ours.as_bytes()].concat()),
    ] {
        println!("case: {name}");
        is_trusted_by(&platform, &bundle);
    }
}

#[test]
fn commented_out_or_trusted_certificate_entry_is_not_trusted() {
    let (authority, platform) = certified();
    let ours = authority.pem();
    let other = Authority::new().pem();
    for entry in [
        ours.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        ours.lines().map(|line| format!("# {line}\n")).collect(),
    ] {
        let (robot, _) = Robot::logged_in(&platform);
        let robot = with_bundle(robot, entry + &other);
        let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(3);
        outcome.says("an authority that this machine trusts");
    }
}

#[test]
fn ssl_cert_file_may_have_a_byte_order_mark() {
    let (authority, platform) = certified();
    let pem = format!("# Kommentar: gr\u{fc}n\n{}", authority.pem());
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{pem}").encode_utf16().flat_map(to_bytes).collect()
    };
    let latin1 = [b"# gr\xfcn\n", authority.pem().as_bytes()].concat();
    for (name, bytes) in [
        ("UTF-8", format!("\u{feff}{pem}").into_bytes()),
        ("UTF-16, little endian", utf16(u16::to_le_bytes)),
        ("UTF-16, big endian", utf16(u16::to_be_bytes)),
        ("none, but Latin-1", latin1),
    ] {
        println!("case: {name}");
        let (robot, _) = Robot::logged_in(&platform);
        let path = robot.home().join("ca.pem");
        std::fs::write(&path, bytes).unwrap();
        robot.env("SSL_CERT_FILE", path).rio(&VERIFY).run_at(&FakeClock::new()).exits(0);
    }
}

/// A robot with these files: `ca.pem` of the authority, `other.pem`, and the directories `ca` and `other` with links
/// to them and other files.
fn with_certificate_files(platform: &Platform, authority: &Authority) -> Robot {
    let (robot, _) = Robot::logged_in(platform);
    for (name, pem) in [("ca", authority.pem()), ("other", Authority::new().pem())] {
        let (file, directory) = (robot.home().join(format!("{name}.pem")), robot.home().join(name));
        std::fs::write(&file, pem).unwrap();
        std::fs::create_dir_all(directory.join("directory")).unwrap();
        for link in ["0123abcd.0", "again.pem"] {
            std::os::unix::fs::symlink(&file, directory.join(link)).unwrap();
        }
        std::fs::copy(&file, directory.join("copy.crt")).unwrap();
        std::fs::write(directory.join("README"), "no certificates").unwrap();
        std::os::unix::fs::symlink("gone", directory.join("dangling.0")).unwrap();
    }
    robot
}

#[test]
fn first_certificate_variable_counts_and_openssl_ones_add_up() {
    let (authority, platform) = certified();
    for (variables, trusts) in [
        (&[("SSL_CERT_DIR", "~/ca")][..], true),
        (&[("SSL_CERT_DIR", "~/other:~/ca")], true),
        (&[("SSL_CERT_DIR", ":~/other")], false),
        (&[("SSL_CERT_FILE", "~/other.pem"), ("SSL_CERT_DIR", "~/ca")], true),
        (&[("SSL_CERT_FILE", "~/ca.pem"), ("SSL_CERT_DIR", "~/other")], true),
        (&[("REQUESTS_CA_BUNDLE", "~/ca.pem")], true),
        (&[("REQUESTS_CA_BUNDLE", "~/ca")], true),
        (&[("CURL_CA_BUNDLE", "~/ca.pem")], true),
        (&[("CURL_CA_BUNDLE", "~/ca")], true),
        (&[("REQUESTS_CA_BUNDLE", "~/other"), ("CURL_CA_BUNDLE", "~/ca")], false),
        (&[("SSL_CERT_FILE", "~/other.pem"), ("REQUESTS_CA_BUNDLE", "~/ca")], false),
        (&[("SSL_CERT_FILE", ""), ("REQUESTS_CA_BUNDLE", "~/ca")], true),
    ] {
        println!("case: {variables:?}");
        let mut robot = with_certificate_files(&platform, &authority);
        let home = robot.home().display().to_string();
        for (name, value) in variables {
            robot = robot.env(name, value.replace('~', &home));
        }
        let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new());
        outcome.exits(if trusts { 0 } else { 3 });
    }
}

#[test]
fn doctor_names_the_source_of_certificates() {
    let (authority, platform) = certified();
    let robot = with_certificate_files(&platform, &authority);
    let home = robot.home().display().to_string();
    let robot = robot.env("SSL_CERT_DIR", format!("{home}/ca:{home}/other"));
    let outcome = robot.rio(&["doctor"]).run_at(&FakeClock::new());
    let line = "certificates    2 from SSL_CERT_DIR (~/ca), SSL_CERT_DIR (~/other)\n";
    assert!(outcome.stdout.contains(line), "{outcome}");
}

#[test]
fn unusable_certificate_variable_is_named() {
    let (authority, platform) = certified();
    let trusted = authority.pem().replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
    for (name, value) in [
        ("SSL_CERT_DIR", "~/missing"),
        ("SSL_CERT_DIR", "~/ca:~/missing"),
        ("SSL_CERT_DIR", "~/ca/directory"),
        ("SSL_CERT_FILE", "~/ca"),
        ("REQUESTS_CA_BUNDLE", "~/missing"),
        ("CURL_CA_BUNDLE", "~/ca/README"),
        ("SSL_CERT_FILE", "~/trusted.pem"),
    ] {
        println!("case: {name}={value}");
        let robot = with_certificate_files(&platform, &authority);
        std::fs::write(robot.home().join("trusted.pem"), &trusted).unwrap();
        let home = robot.home().display().to_string();
        let robot = robot.env(name, value.replace('~', &home));
        let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(1);
        let path = value.rsplit(':').next().unwrap().replace('~', &home);
        let outcome = outcome.says(&format!("{name} ({path})"));
        if value.ends_with("trusted.pem") {
            outcome.says("TRUSTED CERTIFICATE").says("openssl x509");
        }
    }
    assert!(platform.requests().is_empty());
}

// Untrusted certificates.

#[test]
fn unknown_ca_is_untrusted() {
    let certificate = Authority::new().certify(&[HERE]);
    let words = ["an authority that this machine trusts", "SSL_CERT_FILE"];
    is_refused(&certificate, &Authority::new(), &words);
}

#[test]
fn intermediate_ca_that_the_server_omits_is_untrusted() {
    let root = Authority::new();
    let certificate = root.intermediate().certify(&[HERE]).without_intermediates();
    is_refused(&certificate, &root, &["an authority that this machine trusts", "SSL_CERT_FILE"]);
}

#[test]
fn ca_with_the_name_of_a_trusted_one_is_untrusted() {
    let certificate = Authority::named("Acme CA").certify(&[HERE]);
    let words = ["an authority that this machine trusts", "SSL_CERT_FILE"];
    is_refused(&certificate, &Authority::named("Acme CA"), &words);
}

#[test]
fn self_signed_certificate_is_untrusted() {
    let (certificate, _) = Certificate::self_signed(&[HERE], false);
    let untrusted = "not from an authority that this machine trusts";
    is_refused(&certificate, &Authority::new(), &[untrusted, "SSL_CERT_FILE"]);
    let (certificate, _) = Certificate::self_signed(&[HERE], true);
    is_refused(&certificate, &Authority::new(), &["self-signed", "SSL_CERT_FILE"]);
}

#[test]
fn self_signed_certificate_in_ssl_cert_file_is_trusted_unless_it_is_a_ca() {
    let (certificate, pem) = Certificate::self_signed(&[HERE], false);
    is_trusted_by(&Platform::start_tls(&certificate), &pem);

    let (certificate, pem) = Certificate::self_signed(&[HERE], true);
    let platform = Platform::start_tls(&certificate);
    let (robot, _) = Robot::logged_in(&platform);
    let outcome = with_bundle(robot, &pem).rio(&VERIFY).run_at(&FakeClock::new()).exits(3);
    outcome.says("self-signed").says("issue its certificate from a CA");
}

#[test]
fn certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    for name in ["rip.example", "localhost", "127.0.0.2"] {
        println!("case: {name}");
        is_refused(
            &authority.certify(&[name]),
            &authority,
            &["for another host", "captive portal"],
        );
    }
}

/// The wall clock as messages show it, to the minute.
fn clock_reads() -> String {
    let text = rio::text::date_and_time(rio::text::unix_seconds(now()));
    text[..text.len() - ":00 UTC".len()].to_owned()
}

/// A certificate with this validity is refused, and the error shows the clock.
fn is_refused_by_date(valid: Range<SystemTime>, words: &[&str]) {
    let authority = Authority::new();
    let certificate = authority.certify_for(&[HERE], valid);
    let day = &clock_reads()[.."2026-11-24".len()];
    is_refused(&certificate, &authority, &[words, &["this machine's clock", day]].concat());

    let platform = Platform::start_tls(&certificate);
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority);
    let before = clock_reads();
    let outcome = robot.rio(&["auth", "status", "--verify"]).run().exits(3);
    let after = clock_reads();
    let shown = [&before, &after].iter().any(|time| outcome.stderr.contains(*time));
    assert!(shown, "the clock, {before}\n{outcome}");
}

#[test]
fn expired_certificate_is_refused_and_clock_shown() {
    is_refused_by_date(now() - 30 * DAY..now() - DAY, &["has expired", "Set the clock"]);
}

#[test]
fn not_yet_valid_certificate_is_refused_and_clock_shown() {
    is_refused_by_date(now() + DAY..now() + 30 * DAY, &["not valid yet", "Set the clock"]);
}

/// A port that answers the first bytes of each connection with these.
struct Responder {
    address: SocketAddr,
    thread: Option<JoinHandle<usize>>,
}

impl Responder {
    fn start(words: &'static [u8]) -> Self {
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            for (count, client) in listener.incoming().map(Result::unwrap).enumerate() {
                let mut first = [0; 4096];
                // The connection of `count`, which sends nothing.
                if (&client).read(&mut first).unwrap_or_default() == 0 {
                    return count;
                }
                let _ = (&client).write_all(words);
            }
            0
        });
        Responder { address, thread: Some(thread) }
    }

    /// Stops, and returns the number of connections.
    fn count(mut self) -> usize {
        drop(std::net::TcpStream::connect(self.address).unwrap());
        self.thread.take().unwrap().join().unwrap()
    }
}

#[test]
fn failed_handshake_is_not_reported_as_bad_certificate() {
    for (name, words, tries, said) in [
        ("http", &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], 1, "the TLS handshake failed"),
        ("a page", b"<html>The plain HTTP request", 1, "the TLS handshake failed"),
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n", 1, "the TLS handshake failed"),
        ("only old versions", b"\x15\x03\x01\x00\x02\x02\x46", 1, "the TLS handshake failed"),
        ("no common cipher", b"\x15\x03\x03\x00\x02\x02\x28", 1, "the TLS handshake failed"),
        // As a firewall does; the failure is transient.
        ("nothing", b"", 3, "closed the connection"),
    ] {
        println!("case: {name}");
        let responder = Responder::start(words);
        let robot = Robot::new();
        let url = format!("https://{}", responder.address);
        robot.write_config(&json!({"rip_host": url, "auth_token": "t0ken", "email_id": EMAIL}));
        let before = robot.config_bytes();
        let outcome = robot.rio(&["auth", "status", "--verify"]).run_at(&FakeClock::new());
        outcome.exits(3).says(&responder.address.to_string()).says(said).hides("SSH-2.0");
        assert_eq!(robot.config_bytes(), before);
        assert_eq!(responder.count(), tries);
    }
}

#[test]
fn private_ca_needs_ssl_cert_file() {
    let (_, platform) = certified();
    let (robot, token) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let outcome = robot.rio(&["auth", "status", "--verify"]).run().exits(3).hides(&token);
    outcome.says("an authority that this machine trusts").says("SSL_CERT_FILE");
    assert_eq!(robot.config_bytes(), before);
    assert!(platform.requests().is_empty());
}

#[test]
fn private_ca_needs_ssl_cert_file_without_system_bundle() {
    // Hides the directories of the system's bundles in a mount namespace.
    const HIDE: &str = "for directory in /etc/ssl /etc/pki; do \
        [ ! -d $directory ] || mount -t tmpfs none $directory || exit 42; done; exec \"$0\" \"$@\"";
    let (authority, platform) = certified();
    let (robot, token) = Robot::logged_in(&platform);
    let run = |robot: &Robot| {
        let rio = robot.rio(&["auth", "status", "--verify"]);
        let plain = rio.command();
        let mut command = robot.command("/usr/bin/unshare");
        command.args(["--mount", "/bin/sh", "-c", HIDE]).arg(plain.get_program());
        command.args(plain.get_args());
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        rio.run_command(command)
    };
    let possible = Command::new("/usr/bin/unshare")
        .args(["--mount", "/bin/sh", "-c", HIDE, "/bin/true"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !possible {
        skip("needs root, unshare and mount, to hide the system's certificates");
        return;
    }
    run(&robot).exits(3).hides(&token).says("an authority that this machine trusts");
    assert!(platform.requests().is_empty());
    run(&trusting(robot, &authority)).exits(0);
}

// Polling.

#[test]
fn bad_certificate_while_polling_is_reported_once() {
    let authority = Authority::new();
    let good = authority.certify(&[HERE]);
    for (name, bad, words) in [
        ("unknown", Authority::new().certify(&[HERE]), "an authority that this machine trusts"),
        ("another host's", authority.certify(&["portal.example"]), "for another host"),
        (
            "expired",
            authority.certify_for(&[HERE], now() - 30 * DAY..now() - DAY),
            "has expired, by this machine's clock",
        ),
    ] {
        println!("case: {name}");
        let platform = Rc::new(Platform::start_tls(&good));
        platform.allow_early_polls();
        platform.approve_after(2);
        let robot = trusting(Robot::of(&platform), &authority);
        let clock = FakeClock::new();
        clock.on_sleep({
            let (platform, good) = (platform.clone(), good.clone());
            move |_, wait| match wait {
                2 => {
                    platform.tls().set_certificate(&bad);
                    platform.tls().hang_up();
                }
                4 => platform.tls().set_certificate(&good),
                _ => {}
            }
        });
        let outcome = device_login(&robot, &clock);
        let outcome = succeeds(&robot, outcome).says(words).says("retrying");
        let outcome = outcome.says("The server is responding again.");
        assert_eq!(outcome.stderr.matches("retrying").count(), 1, "{outcome}");
        // A failure doubles the wait, and a response resets it.
        assert_eq!(clock.sleeps(), [5, 5, 10, 20, 5], "{outcome}");
        assert_eq!(platform.calls(Call::Token).len(), 3, "no poll with an untrusted certificate");
        assert_eq!(platform.connections(), 4);
        assert_eq!(platform.tls().handshakes(), 2);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a limit is takes real time")]
fn stalled_handshake_times_out_after_ten_seconds() {
    println!("this takes 10 seconds: the limit is real");
    let (authority, platform) = certified();
    let platform = Rc::new(platform);
    platform.allow_early_polls();
    platform.approve_after(2);
    let robot = trusting(Robot::of(&platform), &authority);
    let clock = FakeClock::new();
    let started = Rc::new(std::cell::Cell::new(Instant::now()));
    clock.on_sleep({
        let (platform, started) = (platform.clone(), started.clone());
        move |_, wait| match wait {
            2 => {
                platform.tls().stall(true);
                platform.cut();
                started.set(Instant::now());
            }
            3 => {
                let took = started.get().elapsed();
                assert!((9..16).contains(&took.as_secs()), "{took:?}");
                platform.tls().stall(false);
            }
            _ => {}
        }
    });
    let outcome = device_login(&robot, &clock);
    succeeds(&robot, outcome).says("in time; retrying").says("The server is responding again.");
    assert_eq!(clock.sleeps(), [5, 5, 10, 5]);
}

// Proxies.

/// Whether these bytes are TLS records, of which the first is a handshake.
fn is_tls(mut bytes: &[u8]) -> bool {
    let begins = bytes.starts_with(b"\x16\x03");
    while let [20..=23, 3, _, high, low, rest @ ..] = bytes {
        let length = usize::from(*high) << 8 | usize::from(*low);
        bytes = rest.get(length..).unwrap_or_default();
    }
    begins && bytes.is_empty()
}

#[test]
fn proxy_sees_only_the_target() {
    let (authority, platform) = certified();
    platform.allow_early_polls();
    platform.approve_after(2);
    let proxy = ConnectProxy::to(platform.url());
    let robot = trusting(Robot::of(&platform), &authority).env("HTTPS_PROXY", proxy.url());
    let outcome = device_login(&robot, &FakeClock::new());
    succeeds(&robot, outcome);

    let target = platform.host();
    assert_eq!(proxy.targets(), [target], "one tunnel for the whole login");
    let head = &proxy.heads()[0];
    let fields: Vec<_> = head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    assert_eq!(fields, ["Host", "User-Agent", "Proxy-Connection", ""], "{head}");
    assert!(is_tls(&proxy.carried()), "all that it carried is TLS");
    assert_eq!(platform.connections(), 1);
}

#[test]
fn proxy_credentials_are_decoded_and_sent_only_to_proxy() {
    for (credentials, base64) in [
        ("ada:hunter2", "YWRhOmh1bnRlcjI="),
        ("ada:p%40ss%3Aw%2Frd", "YWRhOnBAc3M6dy9yZA=="),
        ("DOMAIN%5Cada:x", "RE9NQUlOXGFkYTp4"),
        // UTF-8 (RFC 7617).
        ("j%C3%BCrgen:gr%C3%BC%C3%9Fe", "asO8cmdlbjpncsO8w59l"),
        ("ada:", "YWRhOg=="),
    ] {
        println!("case: {credentials}");
        let (authority, platform) = certified();
        let proxy = ConnectProxy::to(platform.url());
        let (robot, _) = Robot::logged_in(&platform);
        let robot = trusting(robot, &authority).env("RIO_DEBUG", "1");
        let robot = robot.env("HTTPS_PROXY", format!("http://{credentials}@{}", proxy.address));
        let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(0);
        outcome.hides(credentials).hides(base64).hides("hunter2");
        let head = &proxy.heads()[0];
        let sent = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
        assert_eq!(sent, Some(base64), "{head}");
        assert_eq!(platform.requests()[0].header("Proxy-Authorization"), None);
    }
}

#[test]
fn proxy_without_credentials_gets_no_authorization() {
    let (authority, platform) = certified();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, token) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority).env("https_proxy", proxy.url());
    robot.rio(&VERIFY).run().exits(0);
    let head = proxy.heads().concat();
    assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
    assert!(!head.contains(&token), "{head}");
    assert!(is_tls(&proxy.carried()));
}

/// Every command names this proxy and reports these words; it sends and changes nothing.
fn proxy_fails(proxy: &str, credentials: &str, words: &[&str]) {
    let (authority, platform) = certified();
    let (robot, token) = Robot::logged_in(&platform);
    let url = format!("http://{credentials}{proxy}");
    let robot = trusting(robot, &authority).env("HTTPS_PROXY", url).env("RIO_DEBUG", "1");
    let before = robot.config_bytes();
    for (arguments, stdin) in COMMANDS {
        let outcome = robot.rio(arguments).stdin(stdin).run_at(&FakeClock::new()).exits(3);
        let outcome = outcome.hides(PASSWORD).hides(&token).hides("hunter2").hides("<h1>");
        let outcome = outcome.says(&format!("{proxy} (HTTPS_PROXY)"));
        words.iter().fold(outcome, |outcome, word| outcome.says(word));
        assert_eq!(robot.config_bytes(), before);
    }
    assert_eq!(platform.connections(), 0, "no request without the proxy");
}

#[test]
fn proxy_with_status_407_asks_for_credentials() {
    for (credentials, answer) in [
        ("", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"),
        ("ada:hunter2@", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n<h1>no</h1>"),
    ] {
        let proxy = ConnectProxy::responding(answer);
        let words = ["user name and password", "http://USER:PASSWORD@HOST:PORT"];
        proxy_fails(&proxy.address.to_string(), credentials, &words);
    }
}

#[test]
fn failing_proxy_is_named() {
    const CLOSED: &str = "closed the connection";
    for (name, answer, words) in [
        (
            "403 with a page",
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n\
             <h1>forbidden</h1>",
            "refused to connect to 127.0.0.1:",
        ),
        ("502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "could not connect to 127.0.0.1:"),
        ("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", "did not send a valid HTTP response"),
        ("incomplete status line", "HTTP/1.1 200 Connection est", CLOSED),
        ("incomplete head", "HTTP/1.1 200 Connection established\r\nVia: x", CLOSED),
        ("no response", "", CLOSED),
        ("closed tunnel", "HTTP/1.1 200 OK\r\n\r\n", CLOSED),
        // A failed handshake, or a reset that arrives before the page.
        ("a page in the tunnel", "HTTP/1.1 200 OK\r\n\r\n<html><h1>no</h1>", ""),
    ] {
        println!("case: {name}");
        let proxy = ConnectProxy::responding(answer);
        proxy_fails(&proxy.address.to_string(), "", &[words]);
    }
}

#[test]
fn certificate_is_verified_through_a_proxy() {
    // As with a proxy that inspects TLS, whose CA the robot does not know.
    let (_, platform) = certified();
    let proxy = ConnectProxy::to(platform.url());
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &Authority::new()).env("HTTPS_PROXY", proxy.url());
    let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(3);
    outcome.says("an authority that this machine trusts").says("SSL_CERT_FILE");
    assert!(platform.requests().is_empty());
}

#[test]
fn https_proxy_is_accepted() {
    let (authority, platform) = certified();
    let proxy = ConnectProxy::to(platform.url());
    let port = TlsPort::start(&authority.certify(&[HERE]), proxy.address);
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority);
    let robot = robot.env("HTTPS_PROXY", format!("https://ada:hunter2@{}", port.address()));
    robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(0);
    assert_eq!(proxy.targets(), [platform.host()]);
    assert!(is_tls(&proxy.carried()), "TLS within TLS");
    assert_eq!((port.handshakes(), platform.tls().handshakes()), (1, 1));
}

#[test]
fn untrusted_https_proxy_gets_no_password() {
    let (authority, platform) = certified();
    let proxy = ConnectProxy::to(platform.url());
    let port = TlsPort::start(&Authority::new().certify(&[HERE]), proxy.address);
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority);
    let robot = robot.env("HTTPS_PROXY", format!("https://ada:hunter2@{}", port.address()));
    let outcome = robot.rio(&VERIFY).run_at(&FakeClock::new()).exits(3).hides("hunter2");
    outcome
        .says("an authority that this machine trusts")
        .says(&format!("{} (HTTPS_PROXY)", port.address()));
    assert_eq!(proxy.targets(), [""; 0]);
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
