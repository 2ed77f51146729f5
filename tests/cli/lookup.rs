//! DNS lookups of the real binary while DNS, or the start of threads, fails. A preloaded library counts
//! the calls and lets them fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use platform::{Answer, Call, Platform};
use serde_json::json;

use crate::robot::{Outcome, Rio, Robot, binary};
use crate::skip::skip;

const LOGIN: [&str; 4] = ["auth", "login", "--yes", "--no-browser"];

/// Only the first `LOOKUPS` lookups succeed, and only the first `THREADS` threads start.
const LIBRARY: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <netdb.h>
    #include <pthread.h>
    #include <stdlib.h>

    typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    typedef int start(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                    struct addrinfo **found) {
        static int count = 0;
        if (++count > atoi(getenv("LOOKUPS"))) return EAI_AGAIN;
        return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
    }

    int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                       void *(*routine)(void *), void *argument) {
        static int count = 0;
        if (++count > atoi(getenv("THREADS"))) return EAGAIN;
        return ((start *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, routine, argument);
    }
"#;

/// Compiles the library; `None` if this machine cannot, or if the binary cannot load it.
fn library(directory: &Path) -> Option<PathBuf> {
    let program = fs::read(binary()).unwrap();
    if !program.windows(8).any(|window| window == b"ld-linux") {
        skip("needs a dynamically linked rio, to replace library functions");
        return None;
    }
    let (source, library) = (directory.join("lookup.c"), directory.join("lookup.so"));
    fs::write(&source, LIBRARY).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl");
    let made = compiler.status().is_ok_and(|status| status.success());
    if !made {
        skip("needs a C compiler");
    }
    made.then_some(library)
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
    let named = platform.url().replace("127.0.0.1", "localhost");
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
    let robot = Robot::new();
    robot.write_config(&json!({"oidc_host": named, "rip_host": named, "v2api_host": named}));
    (platform, robot)
}

/// Runs a command while only so many lookups succeed and so many threads start; `None` if that is not
/// possible here.
fn run(rio: Rio, lookups: usize, threads: usize) -> Option<Outcome> {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path())?;
    let mut command = rio.command();
    command.env("LD_PRELOAD", library);
    command.env("LOOKUPS", lookups.to_string()).env("THREADS", threads.to_string());
    Some(rio.run_command(command))
}

/// Only the first lookup succeeds, by DNS or because a thread starts.
const FIRST_LOOKUP: [(usize, usize); 2] = [(1, 99), (99, 1)];

#[test]
fn login_continues_on_its_connection_while_lookups_fail() {
    for (lookups, threads) in FIRST_LOOKUP {
        let (platform, robot) = start(pending());
        let Some(outcome) = run(robot.rio(&LOGIN), lookups, threads) else { return };
        let outcome = outcome.exits(0).says("Logged in");
        assert!(!outcome.stderr.contains("retrying"), "{outcome}");
        assert_eq!(platform.connections(), 1, "{outcome}");
    }
}

#[test]
fn login_reconnects_to_known_address_while_lookups_fail() {
    for (lookups, threads) in FIRST_LOOKUP {
        let (platform, robot) = start(Answer::hang_up());
        let Some(outcome) = run(robot.rio(&LOGIN), lookups, threads) else { return };
        let outcome = outcome.exits(0).says("closed the connection; retrying");
        assert_eq!(platform.connections(), 2, "{outcome}");
    }
}

#[test]
fn failed_lookup_is_retried_and_exits_3() {
    for (lookups, threads, problem) in [(0, 99, ""), (99, 0, ": cannot start another thread")] {
        let robot = Robot::new().env("RIO_DEBUG", "1");
        robot.write_config(&json!({"rip_host": "http://localhost:9", "auth_token": "t0ken"}));
        let rio = robot.rio(&["auth", "status", "--verify"]);
        let Some(outcome) = run(rio, lookups, threads) else { return };
        let outcome = outcome.exits(3).says(&format!("could not resolve localhost:9{problem}\n"));
        assert_eq!(outcome.stderr.matches("debug: GET ").count(), 3, "{outcome}");
    }
}
