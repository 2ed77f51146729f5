//! The real binary while DNS, threads or sockets fail. A preloaded library counts the calls and lets them
//! fail.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use platform::{Answer, Call, Platform};
use serde_json::json;

use crate::robot::skip::skip;
use crate::robot::{Outcome, Rio, Robot, binary};

const VERIFY: [&str; 3] = ["auth", "status", "--verify"];
const LOGIN: [&str; 4] = ["auth", "login", "--yes", "--no-browser"];

/// Only the first `LOOKUPS` lookups of IPv4 addresses succeed, and find 127.0.0.1; there are no IPv6 addresses.
/// Only the first `THREADS` threads start; only the first `SOCKETS` sockets open. With `SLOW`, lookups take 4
/// seconds and no connection is made. Each lookup adds a byte to the file `LOG`.
const LIBRARY: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <netdb.h>
    #include <poll.h>
    #include <pthread.h>
    #include <stdlib.h>
    #include <sys/socket.h>
    #include <unistd.h>

    typedef int wait(struct pollfd *, nfds_t, int);
    typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    typedef int call(int, long, long);
    typedef int start(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    static int is_over(int count, const char *limit) {
        return getenv(limit) && count > atoi(getenv(limit));
    }

    int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                    struct addrinfo **found) {
        static int count = 0;
        if (getenv("LOG")) {
            int log = open(getenv("LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
            if (write(log, hints->ai_family == AF_INET6 ? "6" : "4", 1) != 1) abort();
            close(log);
        }
        if (getenv("SLOW")) sleep(4);
        if (hints->ai_family == AF_INET6) return EAI_NONAME;
        if (is_over(++count, "LOOKUPS")) return EAI_AGAIN;
        return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))("127.0.0.1", service, hints, found);
    }

    int socket(int domain, int type, int protocol) {
        static int count = 0;
        if (is_over(++count, "SOCKETS")) return errno = EMFILE, -1;
        return ((call *)dlsym(RTLD_NEXT, "socket"))(domain, type, protocol);
    }

    int connect(int socket, const struct sockaddr *address, socklen_t length) {
        if (getenv("SLOW")) return errno = EINPROGRESS, -1;
        return ((call *)dlsym(RTLD_NEXT, "connect"))(socket, (long)address, length);
    }

    int poll(struct pollfd *files, nfds_t count, int timeout) {
        if (!getenv("SLOW")) return ((wait *)dlsym(RTLD_NEXT, "poll"))(files, count, timeout);
        if (timeout > 0) usleep(timeout * 1000);
        return 0;
    }

    int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                       void *(*routine)(void *), void *argument) {
        static int count = 0;
        if (is_over(++count, "THREADS")) return EAGAIN;
        return ((start *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, routine, argument);
    }
"#;

/// The compiled library.
struct Preload {
    library: PathBuf,
    _directory: tempfile::TempDir,
}

impl Preload {
    /// `None` if this machine cannot compile it, or if the binary cannot load it.
    fn compile() -> Option<Self> {
        let program = fs::read(binary()).unwrap();
        if !program.windows(8).any(|window| window == b"ld-linux") {
            skip("needs a dynamically linked rio, to replace library functions");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let (source, library) = (path("lookup.c"), path("lookup.so"));
        fs::write(&source, LIBRARY).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl");
        if !compiler.status().is_ok_and(|status| status.success()) {
            skip("needs a C compiler");
            return None;
        }
        Some(Preload { library, _directory: directory })
    }

    /// Runs a command while a call fails as the variable says.
    fn run(&self, rio: Rio, (variable, value): (&str, &str)) -> Outcome {
        let mut command = rio.command();
        command.env("LD_PRELOAD", &self.library).env(variable, value);
        rio.run_command(command)
    }
}

fn pending() -> Answer {
    Answer::json(400, json!({"error": "authorization_pending"}))
}

/// A platform that is called by name. It answers the first poll so, the second with pending, and the third
/// with tokens.
fn start(first_poll: Answer) -> (Platform, Robot) {
    let platform = Platform::start();
    platform.interval(1);
    platform.expires_in(20);
    let named = platform.url().replace("127.0.0.1", "rip.example");
    let metadata = json!({
        "issuer": named,
        "device_authorization_endpoint": format!("{named}/oauth2/device/auth"),
        "token_endpoint": format!("{named}/oauth2/token"),
    });
    platform.answer(Call::Discovery, Answer::json(200, metadata));
    platform.answer(Call::Token, first_poll);
    platform.answer(Call::Token, pending());
    let mut claims = platform.claims();
    claims["iss"] = named.clone().into();
    platform.answer(Call::Token, Answer::json(200, platform.tokens(claims)));
    let robot = Robot::new().env("RIO_INSECURE_HTTP", "1");
    robot.write_config(&json!({"oidc_host": named, "rip_host": named, "v2api_host": named}));
    (platform, robot)
}

/// Only the first lookup succeeds, by DNS or because its two threads start.
const FIRST_LOOKUP: [(&str, &str); 2] = [("LOOKUPS", "1"), ("THREADS", "2")];

#[test]
fn login_continues_on_its_connection_while_lookups_fail() {
    let Some(preload) = Preload::compile() else { return };
    for failure in FIRST_LOOKUP {
        let (platform, robot) = start(pending());
        let outcome = preload.run(robot.rio(&LOGIN), failure);
        let outcome = outcome.exits(0).says("Logged in");
        assert!(!outcome.stderr.contains("retrying"), "{outcome}");
        assert_eq!(platform.connections(), 1, "{outcome}");
    }
}

#[test]
fn each_connection_looks_the_host_up_once() {
    let Some(preload) = Preload::compile() else { return };
    for (first_poll, lookups) in [(pending(), "46"), (Answer::raw("HTTP/1.1 4"), "4466")] {
        let (platform, robot) = start(first_poll);
        let log = robot.home().join("lookups");
        let outcome = preload.run(robot.rio(&LOGIN), ("LOG", log.to_str().unwrap())).exits(0);
        let mut asked = fs::read(&log).unwrap();
        asked.sort_unstable();
        assert_eq!(String::from_utf8(asked).unwrap(), lookups, "{outcome}");
        assert_eq!(platform.connections() * 2, lookups.len(), "{outcome}");
    }
}

#[test]
fn login_reconnects_to_known_address_while_lookups_fail() {
    let Some(preload) = Preload::compile() else { return };
    for failure in FIRST_LOOKUP {
        let (platform, robot) = start(Answer::raw("HTTP/1.1 4"));
        let outcome = preload.run(robot.rio(&LOGIN), failure);
        let outcome = outcome.exits(0).says("closed the connection; retrying");
        assert_eq!(platform.connections(), 2, "{outcome}");
    }
}

#[test]
fn shortage_is_retried_and_exits_3() {
    let Some(preload) = Preload::compile() else { return };
    for (failure, problem) in [
        (("LOOKUPS", "0"), "could not resolve rip.example:9\n"),
        (("THREADS", "0"), "could not resolve rip.example:9: cannot start another thread\n"),
        (("SOCKETS", "0"), "could not connect to rip.example:9: too many open files\n"),
    ] {
        let robot = Robot::new().env("RIO_DEBUG", "1").env("RIO_INSECURE_HTTP", "1");
        robot.write_config(&json!({"rip_host": "http://rip.example:9", "auth_token": "t0ken"}));
        let outcome = preload.run(robot.rio(&VERIFY), failure);
        let outcome = outcome.exits(3).says(problem);
        assert_eq!(outcome.stderr.matches("debug: GET ").count(), 3, "{outcome}");
    }
}

#[test]
fn localhost_needs_no_lookup() {
    let Some(preload) = Preload::compile() else { return };
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    robot.set_config(json!({"rip_host": platform.url().replace("127.0.0.1", "localhost")}));
    let outcome = preload.run(robot.rio(&VERIFY), ("LOOKUPS", "0"));
    outcome.exits(0);
}

#[test]
fn logout_limit_includes_lookup_of_proxy() {
    let Some(preload) = Preload::compile() else { return };
    println!("this takes 5 seconds");
    let robot = Robot::new().env("HTTPS_PROXY", "http://proxy.example:9").env("RIO_DEBUG", "1");
    robot.write_config(&json!({"rip_host": "https://rip.example", "auth_token": "t0ken"}));
    let outcome = preload.run(robot.rio(&["auth", "logout"]), ("SLOW", "1"));
    let outcome = outcome.exits(0).says("proxy.example:9 (HTTPS_PROXY) did not respond in time, ");
    let trace = outcome.stderr.lines().find_map(|line| line.strip_suffix(" ms")).unwrap();
    let took: u64 = trace.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((4900..8000).contains(&took), "{outcome}");
}

#[test]
fn doctor_shows_address_or_failed_lookup() {
    let Some(preload) = Preload::compile() else { return };
    let platform = Platform::start();
    let robot = Robot::of(&platform).env("RIO_INSECURE_HTTP", "1");
    let host = platform.host().replace("127.0.0.1", "rip.example");
    let url = format!("http://{host}");
    robot.write_hosts(&url);
    let outcome = preload.run(robot.rio(&["doctor"]), ("LOOKUPS", "1")).exits(0);
    let line = format!("ok    DNS             {host}: 127.0.0.1\n");
    assert!(outcome.stdout.contains(&line), "{outcome}");

    let outcome = preload.run(robot.rio(&["doctor"]), ("LOOKUPS", "0")).exits(3);
    let advice = "Check rip_host in ~/.config/rio-cli/config.json, and your network connection and DNS settings.";
    let line = format!("FAIL  DNS             could not resolve {host}\n        {advice}");
    assert!(outcome.stdout.contains(&line), "{outcome}");
    let line = format!("skip  connection, TLS, response, captive portal  {host}: DNS failed\n");
    assert!(outcome.stdout.contains(&line), "{outcome}");
    assert_eq!(platform.connections(), 1);
}
