//! `rio doctor`: each fault, its exit code, and that no email and no secret is shown.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::{Answer, Authority, Call, EMAIL, Platform};
use rio::machine::terminal::Screen;
use serde_json::{Value, json};

#[cfg(target_os = "linux")]
use crate::machine::config_file::fail_system_call;
use crate::network::tls::trusting;
use crate::robot::proxy::ConnectProxy;
use crate::robot::skip::skip;
use crate::robot::{ClosedPort, FakeClock, Outcome, PLAIN_USER, Robot, is_root};

/// 2027-01-15 08:00:00 UTC.
const NOW: u64 = 1_800_000_000;
const OF_HOST: [&str; 5] = ["DNS", "connection", "TLS", "response", "captive portal"];

fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

/// A platform whose clock reads `NOW`.
fn platform_now() -> Platform {
    on_time(Platform::start())
}

fn on_time(platform: Platform) -> Platform {
    platform.now(NOW);
    platform.date(Some(httpdate::fmt_http_date(at(NOW))));
    platform
}

/// Runs the command at `NOW`. The output never shows the email or the token.
fn doctor(robot: &Robot, options: &[&str]) -> Outcome {
    let outcome = robot.rio(&[&["doctor"], options].concat()).run_at(&FakeClock::at(at(NOW)));
    hides_account(robot, outcome)
}

fn hides_account(robot: &Robot, outcome: Outcome) -> Outcome {
    // The config file may be invalid.
    let config = fs::read(robot.config_path()).unwrap_or_default();
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    let token = config["auth_token"].as_str().unwrap_or("no token");
    outcome.hides(EMAIL).hides(token)
}

/// The only check with this name. `name` may omit the host.
#[track_caller]
fn check(outcome: &Outcome, name: &str) -> Value {
    let checks = outcome.json()["checks"].clone();
    let is_named = |check: &&Value| {
        let full = check["name"].as_str().unwrap();
        let of_host = full.rsplit_once(' ').filter(|(_, host)| host.contains('.'));
        full == name || of_host.is_some_and(|(kind, _)| kind == name)
    };
    let found: Vec<_> = checks.as_array().unwrap().iter().filter(is_named).collect();
    let [check] = found.as_slice() else { panic!("expected one {name}\n{outcome}") };
    (*check).clone()
}

/// The check fails with these words in its detail and its advice.
#[track_caller]
fn fails(outcome: &Outcome, name: &str, detail: &str, advice: &str) {
    let check = check(outcome, name);
    assert_eq!(check["result"], "fail", "{name}\n{outcome}");
    for (member, words) in [("detail", detail), ("advice", advice)] {
        let text = check[member].as_str().unwrap();
        assert!(text.contains(words), "{words:?} in {text:?}\n{outcome}");
    }
}

#[track_caller]
fn results(outcome: &Outcome, names: &[&str], result: &str) {
    for name in names {
        assert_eq!(check(outcome, name)["result"], result, "{name}\n{outcome}");
    }
}

/// The host's earlier checks do not fail, and its later ones are skipped.
#[track_caller]
fn fails_at(outcome: &Outcome, name: &str, detail: &str, advice: &str) {
    let position = OF_HOST.iter().position(|known| *known == name).unwrap();
    fails(outcome, name, detail, advice);
    results(outcome, &OF_HOST[position + 1..], "skip");
    for name in &OF_HOST[..position] {
        assert_ne!(check(outcome, name)["result"], "fail", "{name}\n{outcome}");
    }
}

#[test]
fn working_machine_passes_all_checks() {
    let authority = Authority::new();
    let platform = on_time(Platform::start_tls(&authority.certify(&["127.0.0.1"])));
    let (robot, token) = Robot::logged_in(&platform);
    let robot = trusting(robot, &authority);
    let outcome = doctor(&robot, &[]).exits(0);
    let host = platform.host();
    let (about, checks) = outcome.stdout.split_once('\n').unwrap();
    assert!(about.starts_with("rio 0.3.0 ("), "{outcome}");
    let (head, took) = checks.split_once("after ").unwrap();
    let (milliseconds, rest) = took.split_once(" ms\n").unwrap();
    assert!(milliseconds.parse::<u64>().is_ok(), "{outcome}");
    let expected_head = format!(
        "ok    clock           2027-01-15 08:00:00 UTC\n\
         ok    config file     ~/.config/rio-cli/config.json (mode 0600)\n\
         ok    proxies         none\n\
         ok    certificates    1 from SSL_CERT_FILE (~/ca.pem)\n\
         ok    DNS             {host}: needs no lookup\n\
         ok    connection      {host}: direct\n\
         ok    TLS             {host}: trusted\n\
         ok    response        {host}: "
    );
    assert_eq!(head, expected_head);
    let expected_rest = format!(
        "ok    captive portal  {host}: none\n\
         ok    clock offset    matches the server's clock\n\
         ok    token           accepted; expires in 7 days (2027-01-22 08:00:00 UTC)\n\
         No problems found.\n"
    );
    assert_eq!(rest, expected_rest);
    assert!(outcome.stderr.is_empty(), "{outcome}");
    // One host, so one request.
    let [request] = platform.requests().try_into().unwrap();
    assert_eq!(request.call, Some(Call::UserInfo));
    assert_eq!(request.header("Authorization"), Some(&*format!("Bearer {token}")));
}

#[test]
fn each_host_gets_one_request_and_only_one_gets_the_token() {
    let platforms = [platform_now(), platform_now(), platform_now()];
    let [oidc, rip, v2api] = &platforms;
    let (robot, _) = Robot::logged_in(rip);
    robot.set_config(json!({"oidc_host": oidc.url(), "v2api_host": v2api.url()}));
    let outcome = doctor(&robot, &["--json"]).exits(0);
    let calls = [Call::Discovery, Call::UserInfo, Call::UsersMe];
    for (platform, call) in platforms.iter().zip(calls) {
        let [request] = platform.requests().try_into().expect("one request");
        assert_eq!(request.call, Some(call));
        let has_token = request.header("Authorization").is_some();
        assert_eq!(has_token, call == Call::UserInfo, "{call:?}");
        for name in ["DNS", "connection", "response", "captive portal"] {
            results(&outcome, &[&format!("{name} {}", platform.host())], "ok");
        }
    }
    results(&outcome, &["token"], "ok");
}

#[test]
fn json_has_four_members_for_each_check() {
    let closed = ClosedPort::new();
    let robot = Robot::new();
    let url = closed.url();
    robot.write_hosts(&url);
    let outcome = doctor(&robot, &["--json"]).exits(3);
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
    let json = outcome.json();
    assert_eq!(json.as_object().unwrap().len(), 1, "{outcome}");
    let checks = json["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    let of_host = OF_HOST.map(|name| format!("{name} {}", closed.address()));
    let machine = ["clock", "config file", "proxies", "certificates"];
    let server = ["clock offset", "token"];
    let of_host: Vec<_> = of_host.iter().map(String::as_str).collect();
    assert_eq!(names, [&machine[..], &of_host, &server].concat());
    for check in checks {
        let members: Vec<_> = check.as_object().unwrap().keys().collect();
        assert_eq!(members, ["advice", "detail", "name", "result"]);
        assert!(check["detail"].is_string(), "{check}");
        assert_eq!(check["advice"].is_string(), check["result"] == "fail", "{check}");
    }
}

#[test]
fn offline_sends_nothing() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    let before = robot.config_bytes();
    let outcome = doctor(&robot, &["--offline", "--json"]).exits(0);
    results(&outcome, &["clock", "config file", "proxies", "certificates"], "ok");
    results(&outcome, &[&OF_HOST[..], &["clock offset", "token"]].concat(), "skip");
    assert_eq!(platform.connections(), 0);
    assert_eq!(robot.config_bytes(), before);
}

#[test]
fn doctor_leaves_no_file() {
    let robot = Robot::new();
    let outcome = doctor(&robot, &["--offline", "--json"]).exits(0);
    let detail = check(&outcome, "config file")["detail"].clone();
    assert_eq!(detail, "~/.config/rio-cli/config.json does not exist yet");
    assert_eq!(fs::read_dir(robot.home()).unwrap().count(), 0);
}

#[test]
fn email_in_the_home_directory_or_another_path_is_not_shown() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    let directory = robot.home().join(EMAIL);
    fs::create_dir(&directory).unwrap();
    fs::rename(robot.home().join(".config"), directory.join(".config")).unwrap();
    let file = directory.join(".config/rio-cli/config.json");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    for (variable, path, shown) in [
        ("HOME", &directory, "chmod 600 ~/.config/rio-cli/config.json"),
        ("RIO_CONFIG", &file, "/EMAIL/.config/rio-cli/config.json"),
    ] {
        let robot = Robot::new().env(variable, path).env("SSL_CERT_FILE", directory.join("ca.pem"));
        for options in [&["doctor", "--offline"][..], &["doctor", "--offline", "--json"]] {
            let outcome = robot.rio(options).run().exits(1).hides(EMAIL);
            assert!(outcome.stdout.contains(shown), "{outcome}");
        }
    }
}

// Faults of this machine.

#[test]
fn clock_in_1970_fails_without_a_server() {
    let robot = Robot::new();
    let rio = robot.rio(&["doctor", "--offline", "--json"]);
    let outcome = rio.run_at(&FakeClock::in_1970()).exits(1);
    fails(&outcome, "clock", "this machine's clock reads 1970-01-01", "Set the clock");
}

#[test]
fn clock_far_from_the_servers_fails() {
    for (server, words) in [
        (NOW - 3600, Some("this machine's clock is 1 hour ahead of the server's")),
        (NOW + 301, Some("5 minutes 1 second behind the server's")),
        (NOW + 300, None),
    ] {
        let platform = platform_now();
        platform.date(Some(httpdate::fmt_http_date(at(server))));
        let (robot, _) = Robot::logged_in(&platform);
        let outcome = doctor(&robot, &["--json"]).exits(words.map_or(0, |_| 1));
        match words {
            Some(words) => fails(&outcome, "clock offset", words, "Set the clock"),
            None => results(&outcome, &["clock offset"], "ok"),
        }
    }
}

#[test]
fn implausible_date_of_the_server_is_not_compared() {
    for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday"] {
        let platform = platform_now();
        platform.date(Some(date.to_owned()));
        let (robot, _) = Robot::logged_in(&platform);
        let outcome = doctor(&robot, &["--json"]).exits(0);
        results(&outcome, &["clock offset"], "skip");
        let detail = check(&outcome, "clock offset")["detail"].clone();
        assert_eq!(detail, "the server sent no valid date", "{date}");
    }
}

#[test]
fn config_member_of_wrong_type_fails_and_hosts_are_checked() {
    for member in ["email_id", "organization_id", "project_name", "device_flow_client_id"] {
        let platform = platform_now();
        let (robot, _) = Robot::logged_in(&platform);
        robot.set_config(json!({member: 5}));
        let outcome = doctor(&robot, &["--json"]).exits(1);
        fails(
            &outcome,
            "config file",
            &format!("{member} in the config file "),
            "  (cd ~/.config/rio-cli && mv config.json config.json.bad)",
        );
        results(&outcome, &["response", "token"], "ok");
    }
}

#[test]
fn config_file_of_a_user_is_no_fault_for_root() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    let robot = Robot::new();
    robot.write_config(&json!({}));
    chown(robot.config_path(), Some(PLAIN_USER), None).unwrap();
    doctor(&robot, &["--offline", "--json"]).exits(0).hides("another user");
}

#[test]
fn first_line_names_the_program_and_the_last_one_counts_problems() {
    let ends = |outcome: &Outcome, problems: &str| {
        let lines: Vec<_> = outcome.stdout.lines().collect();
        let first = lines.first().unwrap();
        let parts = ["rio 0.3.0", "Linux ", ", environment "];
        assert!(parts.iter().all(|part| first.contains(part)), "{outcome}");
        assert_eq!(lines.last(), Some(&problems), "{outcome}");
        (*first).to_owned()
    };
    let platform = platform_now();
    let robot = Robot::of(&platform);
    let first = ends(&doctor(&robot, &[]).exits(0), "No problems found.");
    assert!(
        first.ends_with(", environment ga, with custom oidc_host, rip_host and v2api_host"),
        "{first}"
    );
    robot.write_config(&json!({"environment": "dev", "email_id": 5}));
    let first = ends(&doctor(&robot, &["--offline"]).exits(1), "1 problem on this machine.");
    assert!(first.ends_with(", environment dev"), "{first}");
    let robot = Robot::new();
    robot.write_hosts(&ClosedPort::new().url());
    let outcome = doctor(&robot, &[]).exits(3);
    assert!(outcome.stdout.ends_with("in the network or at a server.\n"), "{outcome}");
    let robot = robot.env("SSL_CERT_FILE", "/missing");
    let outcome = doctor(&robot, &[]).exits(1);
    assert!(outcome.stdout.lines().last().unwrap().contains("on this machine"), "{outcome}");
}

#[test]
fn invalid_config_file_fails_and_its_hosts_are_unknown() {
    let robot = Robot::new();
    robot.write_config_text("{\"auth_token\": \"t0ken\", ");
    let outcome = doctor(&robot, &["--json"]).exits(1).hides("t0ken");
    fails(
        &outcome,
        "config file",
        "is not a JSON object (line 1, column",
        "  (cd ~/.config/rio-cli && mv config.json config.json.bad)",
    );
    results(&outcome, &["proxies", "clock offset", "token"], "skip");
    results(&outcome, &["clock", "certificates"], "ok");
}

#[test]
fn invalid_host_fails_and_other_hosts_are_checked() {
    let platform = platform_now();
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({"rip_host": "http://rip.example"}));
    let outcome = doctor(&robot, &["--json"]).exits(1);
    fails(
        &outcome,
        "config file",
        "rip_host in the config file ~/.config/rio-cli/config.json is not an https:// URL",
        "Correct",
    );
    results(&outcome, &["response"], "ok");
    results(&outcome, &["token"], "skip");
    assert_eq!(platform.requests().len(), 1);
}

#[test]
fn config_file_that_others_can_change_or_read_fails() {
    for (mode, words) in [
        (0o666, "other users can read and write the config file"),
        (0o622, "other users can write to the config file"),
        (0o644, "other users can read the config file"),
    ] {
        let robot = Robot::new();
        robot.write_config(&json!({}));
        let path = robot.config_path();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let outcome = doctor(&robot, &["--offline", "--json"]).exits(1);
        let command = "To fix this, run:\n  chmod 600 ~/.config/rio-cli/config.json";
        fails(&outcome, "config file", words, command);
    }
}

#[test]
fn unwritable_config_file_fails() {
    let robot = Robot::new();
    robot.write_config(&json!({}));
    let directory = robot.config_path().parent().unwrap().to_owned();
    fs::set_permissions(&directory, Permissions::from_mode(0o500)).unwrap();
    let command = robot.rio_as_plain_user(&["doctor", "--offline", "--json"]);
    let outcome = robot.rio(&[]).run_command(command).exits(1);
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    fails(&outcome, "config file", "permission denied", "Run rio as a user who may write there");
}

#[cfg(target_os = "linux")]
#[test]
fn file_system_without_modes_or_locks_is_noted() {
    for (mode, call, error, note) in [
        (0o666, libc::SYS_fchmod, libc::EPERM, "; cannot make "),
        (
            0o600,
            libc::SYS_flock,
            libc::ENOLCK,
            "; its file system has no locks, so run only one rio",
        ),
    ] {
        let robot = Robot::new();
        robot.write_config(&json!({}));
        fs::set_permissions(robot.config_path(), Permissions::from_mode(mode)).unwrap();
        let rio = robot.rio(&["doctor", "--offline", "--json"]);
        let mut command = rio.command();
        fail_system_call(&mut command, call, error);
        let outcome = rio.run_command(command).exits(0);
        results(&outcome, &["config file"], "ok");
        let detail = check(&outcome, "config file")["detail"].to_string();
        assert!(detail.contains(note), "{outcome}");
    }
}

#[test]
fn locked_config_file_fails() {
    let robot = Robot::new();
    robot.write_config(&json!({}));
    let lock = robot.config_path().with_file_name(".config.json.tmp");
    let file = File::create(&lock).unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o600)).unwrap();
    file.lock().unwrap();
    let outcome = doctor(&robot, &["--offline", "--json"]).exits(1);
    fails(&outcome, "config file", "another process holds the lock", "stop it");
}

#[test]
fn missing_ssl_cert_file_fails_and_hosts_are_skipped() {
    let robot = Robot::new().env("SSL_CERT_FILE", "/nonexistent/ca.pem");
    let url = "https://rapyuta.example";
    robot.write_hosts(url);
    let outcome = doctor(&robot, &["--json"]).exits(1);
    let words = "cannot read SSL_CERT_FILE (/nonexistent/ca.pem)";
    fails(&outcome, "certificates", words, "PEM file");
    results(&outcome, &OF_HOST, "skip");
}

#[test]
fn rejected_token_fails() {
    let platform = platform_now();
    let (robot, token) = Robot::logged_in(&platform);
    platform.revoke(&token);
    let outcome = doctor(&robot, &["--json"]).exits(1);
    fails(&outcome, "token", "rejects the token", "To log in again, run:\n  rio auth login");
    results(&outcome, &["response", "captive portal", "clock offset"], "ok");
}

#[test]
fn rejection_that_names_the_account_is_not_shown() {
    let platform = platform_now();
    let (robot, token) = Robot::logged_in(&platform);
    for status in [401, 404, 500] {
        let error = format!("{token} of {EMAIL} is not valid");
        platform.answer(Call::UserInfo, Answer::json(status, json!({"error": error})));
        assert_ne!(doctor(&robot, &[]).code, Some(0));
    }
}

#[test]
fn malformed_token_fails_and_is_not_sent() {
    for token in [json!("not a token"), json!(5)] {
        let platform = platform_now();
        let robot = Robot::of(&platform);
        robot.set_config(json!({"auth_token": token}));
        let outcome = doctor(&robot, &["--json"]).exits(1);
        fails(&outcome, "token", "auth_token in ", "");
        assert_eq!(platform.requests()[0].header("Authorization"), None);
    }
}

#[test]
fn token_check_is_skipped_without_login() {
    let platform = platform_now();
    let outcome = doctor(&Robot::of(&platform), &["--json"]).exits(0);
    assert_eq!(check(&outcome, "token")["detail"], "not logged in");
    results(&outcome, &["token"], "skip");
    results(&outcome, &["response", "captive portal", "clock offset"], "ok");
}

// Proxies.

#[test]
fn proxy_is_named_for_each_host_without_its_password() {
    let proxy = ConnectProxy::responding("HTTP/1.1 403 Forbidden\r\n\r\n");
    let robot = Robot::new()
        .env("HTTPS_PROXY", format!("http://ada:hunter2@{}", proxy.address))
        .env("NO_PROXY", "127.0.0.1");
    let closed = ClosedPort::new();
    let direct = format!("https://{}", closed.address());
    robot.write_config(&json!({
        "oidc_host": "https://a.example", "rip_host": "https://b.example", "v2api_host": direct,
    }));
    let outcome = doctor(&robot, &["--json"]).exits(3).hides("hunter2");
    let named = format!("{} (HTTPS_PROXY)", proxy.address);
    let proxies = format!("a.example: {named}, b.example: {named}, {}: none", closed.address());
    assert_eq!(check(&outcome, "proxies")["detail"], proxies, "{outcome}");
    for host in ["a.example", "b.example"] {
        results(&outcome, &[&format!("DNS {host}")], "skip");
        let words = format!("the proxy {named} refused to connect to {host}");
        fails(&outcome, &format!("connection {host}"), &words, "administrator");
    }
    doctor(&robot, &[]).exits(3).hides("hunter2");
}

#[test]
fn invalid_proxy_fails_and_hosts_are_skipped() {
    let robot = Robot::new().env("HTTPS_PROXY", "gopher://ada:hunter2@p.example");
    let outcome = doctor(&robot, &["--json"]).exits(1).hides("hunter2");
    fails(&outcome, "proxies", "HTTPS_PROXY is not a valid proxy URL", "HTTPS_PROXY=http://");
    results(&outcome, &["DNS oidc.rapyuta.io", "captive portal api.rapyuta.io"], "skip");
}

// Faults in the network or at a server.

#[test]
fn refused_connection_fails() {
    let closed = ClosedPort::new();
    let robot = Robot::new();
    let url = closed.url();
    robot.write_hosts(&url);
    let outcome = doctor(&robot, &["--json"]).exits(3);
    fails_at(
        &outcome,
        "connection",
        "connection refused",
        "Check rip_host in ~/.config/rio-cli/config.json, and your network connection.",
    );
}

#[test]
fn untrusted_certificate_fails() {
    let certificate = Authority::new().certify(&["127.0.0.1"]);
    let platform = on_time(Platform::start_tls(&certificate));
    let (robot, _) = Robot::logged_in(&platform);
    let robot = trusting(robot, &Authority::new());
    let outcome = doctor(&robot, &["--json"]).exits(3);
    fails_at(&outcome, "TLS", "an authority that this machine trusts", "SSL_CERT_FILE");
    assert!(platform.requests().is_empty());
}

#[test]
fn connection_that_ends_in_the_handshake_fails_at_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || listener.accept().unwrap().0.read(&mut [0; 4096]).unwrap());
    let robot = Robot::new();
    robot.write_hosts(&url);
    let outcome = doctor(&robot, &["--json"]).exits(3);
    fails_at(
        &outcome,
        "TLS",
        "closed the connection",
        "Check rip_host in ~/.config/rio-cli/config.json, and your network connection.",
    );
    thread.join().unwrap();
}

#[test]
fn unusable_response_fails() {
    for (answer, words, code) in [
        (Answer::hang_up(), "closed the connection", 3),
        (Answer::json(503, json!({})), "an error (status 503)", 3),
        (Answer::json(404, json!({})), "an error (status 404)", 1),
        (Answer::text(200, "text/plain", "hello"), "an unexpected response (status 200)", 3),
    ] {
        let platform = platform_now();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, answer);
        let outcome = doctor(&robot, &["--json"]).exits(code);
        fails_at(&outcome, "response", words, "");
        results(&outcome, &["token", "clock offset"], "skip");
    }
}

#[test]
fn page_or_redirect_instead_of_the_api_is_a_captive_portal() {
    for (status, words) in [(200, "a web page (status 200)"), (302, "a redirect (status 302)")] {
        let platform = platform_now();
        let (robot, _) = Robot::logged_in(&platform);
        platform.answer(Call::UserInfo, Answer::text(status, "text/html", "<h1>Hotel WiFi</h1>"));
        let outcome = doctor(&robot, &["--json"]).exits(3).hides("Hotel");
        fails_at(
            &outcome,
            "captive portal",
            words,
            "A sign-in page (captive portal) or a proxy answered",
        );
        results(&outcome, &["token", "clock offset"], "skip");
    }
}

#[test]
fn fault_of_this_machine_determines_the_exit_code() {
    let closed = ClosedPort::new();
    let robot = Robot::new();
    robot.write_config(&json!({"rip_host": closed.url(), "auth_token": "not a token"}));
    robot.set_config(json!({"oidc_host": closed.url(), "v2api_host": closed.url()}));
    let outcome = doctor(&robot, &["--json"]).exits(1);
    results(&outcome, &["connection", "token"], "fail");
}

// The text.

/// The hosts of production.
const HOSTS: [&str; 3] = ["oidc.rapyuta.io", "garip.apps.okd4v2.prod.rapyuta.io", "api.rapyuta.io"];

#[test]
fn report_on_three_hosts_fits_the_screen() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let certificate = trusted.certify(&HOSTS);
    for (authority, is_portal, failed, code) in
        [(&trusted, false, 0, 0), (&trusted, true, 3, 3), (&other, false, 3, 3)]
    {
        let platform = on_time(Platform::start_tls(&certificate));
        if is_portal {
            for call in [Call::Discovery, Call::UserInfo, Call::UsersMe] {
                platform.answer(call, Answer::text(200, "text/html", "<h1>Hotel WiFi</h1>"));
            }
        }
        let proxy = ConnectProxy::to(platform.url());
        let robot = Robot::new().env("HTTPS_PROXY", proxy.url());
        let robot = trusting(robot, authority);
        robot.write_config(&json!({"auth_token": platform.issue_token(), "email_id": EMAIL}));
        let rio = robot.rio(&["doctor"]).screen(Screen {
            stdout: Some(Rc::new(|| (80, 24))),
            utf8: true,
            ..Screen::default()
        });
        let outcome = rio.run_at(&FakeClock::at(at(NOW))).exits(code);
        assert_eq!(outcome.stdout.matches("FAIL").count(), failed, "{outcome}");
        // The prompt takes the 24th line. The first two lines may scroll away.
        assert!(outcome.stdout.lines().skip(2).count() < 24, "{outcome}");
        assert!(outcome.stdout.lines().all(|line| line.chars().count() <= 80), "{outcome}");
    }
}

#[test]
fn text_shows_shared_advice_once_and_skipped_checks_on_one_line() {
    let closed = ClosedPort::new();
    let robot = Robot::new().env("HTTPS_PROXY", closed.url());
    let outcome = doctor(&robot, &[]).exits(3);
    let advice = "\n        Check the host and port in HTTPS_PROXY, or unset it.\n";
    assert_eq!(outcome.stdout.matches(advice).count(), 1, "{outcome}");
    for host in ["oidc.rapyuta.io", "garip.apps.okd4v2.prod.rapyuta.io", "api.rapyuta.io"] {
        let fail = format!(
            "FAIL  connection      {host}: could not connect to the proxy {} (HTTPS_PROXY): connection refused\n",
            closed.address()
        );
        assert!(outcome.stdout.contains(&fail), "{fail}\n{outcome}");
        let skip = format!("skip  TLS, response, captive portal  {host}: connection failed\n");
        assert!(outcome.stdout.contains(&skip), "{skip}\n{outcome}");
    }
}
