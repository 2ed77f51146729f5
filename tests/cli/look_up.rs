//! How often the real binary asks for the address of a host: once for each connection that it opens. A
//! library of the test's own stands before the system's look-ups, counts them and can let them fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use platform::{Answer, Call, Platform};
use serde_json::json;

use crate::robot::{Outcome, Robot, binary};
use crate::skip::skip;

const LOGIN: [&str; 4] = ["auth", "login", "--yes", "--no-browser"];

/// Each look-up is a line in the file that `LOOK_UPS` names. Those after the first
/// `LOOK_UPS_THAT_WORK` fail.
const LIBRARY: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <netdb.h>
    #include <stdio.h>
    #include <stdlib.h>

    typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                    struct addrinfo **found) {
        static int count = 0;
        FILE *file = fopen(getenv("LOOK_UPS"), "a");
        fprintf(file, "%s\n", name);
        fclose(file);
        if (++count > atoi(getenv("LOOK_UPS_THAT_WORK"))) return EAI_AGAIN;
        return ((look_up *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, service, hints, found);
    }
"#;

/// The library, or `None` and why, if this machine cannot make it or the binary would not take it.
fn library(directory: &Path) -> Option<PathBuf> {
    let program = fs::read(binary()).unwrap();
    if !program.windows(8).any(|window| window == b"ld-linux") {
        skip("needs a dynamically linked rio, to replace library functions");
        return None;
    }
    let (source, library) = (directory.join("look_up.c"), directory.join("look_up.so"));
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

/// A platform that is called by a name, since an address is found without asking anybody. The first poll
/// is answered so, the second one finds no approval yet, and the third one finds it.
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

/// How a login by device code went, and the names that were looked up for it.
struct Login {
    platform: Platform,
    outcome: Outcome,
    names: Vec<String>,
}

/// Logs in where so many look-ups work; `None` if they cannot be counted here.
fn login(first_poll: Answer, work: usize) -> Option<Login> {
    let directory = tempfile::tempdir().unwrap();
    let library = library(directory.path())?;
    let look_ups = directory.path().join("look-ups");
    let (platform, robot) = start(first_poll);
    let rio = robot.rio(&LOGIN);
    let mut command = rio.command();
    command.env("LD_PRELOAD", library).env("LOOK_UPS", &look_ups);
    command.env("LOOK_UPS_THAT_WORK", work.to_string());
    let outcome = rio.run_as(command);
    let names = fs::read_to_string(look_ups).unwrap();
    Some(Login { platform, outcome, names: names.lines().map(str::to_owned).collect() })
}

#[test]
fn a_login_asks_for_its_host_once_and_goes_on_while_the_dns_is_down() {
    let Some(Login { platform, outcome, names }) = login(pending(), 1) else { return };
    let outcome = outcome.exits(0).says("Logged in");
    assert_eq!(names, ["localhost"], "{outcome}");
    assert!(!outcome.stderr.contains("retrying"), "{outcome}");
    assert!(platform.requests().len() >= 6, "a code, three polls and the organizations\n{outcome}");
    assert_eq!(platform.connections(), 1);
}

#[test]
fn after_a_request_that_failed_the_host_is_looked_up_anew() {
    let Some(Login { platform, outcome, names }) = login(Answer::hang_up(), 2) else { return };
    let outcome = outcome.exits(0).says("closed the connection; retrying");
    assert_eq!(names, ["localhost"; 2], "{outcome}");
    assert_eq!(platform.connections(), 2);
}
