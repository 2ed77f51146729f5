//! What servers and proxies send, and what rio does with it: one file per call, plus files for HTTP itself.
//!
//! A [`Case`] is a scripted response to one call and the expected outcome: exit code, messages, config file,
//! waits and number of requests. `Case::run` also checks what holds for every case: no secret is printed, no
//! control character reaches the terminal, an error has a fact and advice. Each test runs a whole table and
//! then lists all cases that failed.

mod bytes;
mod device_authorization;
mod discovery;
mod fixture;
mod id_token;
mod json_events;
mod organizations;
mod polling;
mod projects;
mod redirects;
mod refresh_response;
mod response_body;
mod response_head;
mod slow_server;
mod token_response;
mod user_info;
mod user_login;
mod user_logout;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, PASSWORD};
use serde_json::{Value, json};

use crate::robot::{FakeClock, Outcome, Robot};
use bytes::*;
use fixture::*;

const MIB: usize = 1024 * 1024;
const DEVICE_CODE: &str = "secret-d3vice-c0de";
const ACCESS_TOKEN: &str = "secret-acc3ss-t0ken";
const USER_CODE: &str = "wDjB-mJhT";

/// ESC, BEL, C1, a bidi override and isolate, NUL, DEL, and a forged line of output.
const CONTROL_CHARS: &str =
    "ab\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{0}\u{7f}\r\nFORGED";
/// `CONTROL_CHARS` as rio prints it.
const SANITIZED: &str = "ab[2J]0;x31m  FORGED";

/// Milliseconds between the three attempts of a GET.
const RETRY_WAITS: [u128; 2] = [500, 1000];
/// Milliseconds before a poll: the interval of 5 seconds and a margin.
const POLL: u128 = 5050;
/// Milliseconds before a poll that follows a transient failure.
const BACKOFF: u128 = 10_050;

const UNEXPECTED: &str = "an unexpected response (status 200)";
const NO_TOKEN: &str = "has no valid token (status 200)";
const NO_EMAIL: &str = "has no valid email (status 200)";
const NO_ORGANIZATIONS: &str = "has no valid list of organizations (status 200)";
const NO_PROJECTS: &str = "has no valid list of projects (status 200)";
const NO_OBJECT: &str = "has no valid JSON object (status 200)";
const TOO_LARGE: &str = "more than 1 MiB (status 200)";
const INCOMPLETE: &str = "an incomplete response (status 200)";
const WEB_PAGE: &str = "a web page (status 200)";
const REDIRECT: &str = "a redirect";
const CAPTIVE_PORTAL: &str = "A sign-in page (captive portal) or a proxy answered instead";
const NOT_HTTP: &str = "did not send a valid HTTP response";
const CLOSED: &str = "closed the connection";
const SERVER_ERROR: &str = "The server has a problem. Try again later.";

/// As a value in [`set`], removes the member.
const ABSENT: &str = "(absent)";

const VERIFY: &[&str] = &["auth", "status", "--verify"];

/// The exit code of a case, and what happens to the config file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// Exit 0, and the config file holds what the command stores.
    Success,
    /// This exit code, and the config file is unchanged, byte for byte.
    Unchanged(i32),
    /// This exit code, and the config file holds the new login without a selection.
    LoginKept(i32),
}

type MakeAnswer = Box<dyn Fn(&Fixture) -> Answer>;

struct Case {
    name: String,
    call: Call,
    script: Vec<MakeAnswer>,
    arguments: &'static [&'static str],
    expected: Expected,
    says: Vec<String>,
    hides: Vec<String>,
    waits: Option<Vec<u128>>,
    /// Members of the config file that differ from the usual result; null for an absent one.
    stores: Vec<(&'static str, Value)>,
}

/// A response to this call, with which the command succeeds.
fn case(call: Call, name: &str, answer: impl Fn(&Fixture) -> Answer + 'static) -> Case {
    let arguments: &[_] = match call {
        Call::Discovery | Call::DeviceAuthorization | Call::Token => &["auth", "login", "--yes"],
        Call::RefreshToken => &["auth", "refresh-token", "--silent"],
        Call::UserInfo => &["auth", "login", "--yes", "--auth-token", "-"],
        Call::UserLogout => &["auth", "logout"],
        Call::UserLogin | Call::UsersMe | Call::Projects => {
            &["auth", "login", "--yes", "--email", EMAIL, "--password", "-"]
        }
    };
    Case {
        name: format!("{call:?}: {name}"),
        call,
        script: vec![Box::new(answer)],
        arguments,
        expected: Expected::Success,
        says: Vec::new(),
        hides: Vec::new(),
        waits: None,
        stores: Vec::new(),
    }
}

/// A response with this status and JSON body.
fn with_response(call: Call, name: &str, status: u16, body: Value) -> Case {
    case(call, name, move |_| Answer::text(status, "application/json", to_json(&body)))
}

/// The good response with one member changed.
fn with_member(call: Call, name: &str, pointer: &'static str, value: Value) -> Case {
    case(call, name, move |fixture| {
        let mut body = fixture.good_body(call);
        set(&mut body, pointer, value.clone());
        Answer::text(200, "application/json", to_json(&body))
    })
}

/// The good response with its JSON text edited.
fn with_body(call: Call, name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    case(call, name, move |fixture| {
        Answer::text(200, "application/json", edit(fixture.good_body(call).to_string()))
    })
}

/// A whole response made from the good body, after which the connection is closed.
fn with_bytes(call: Call, name: &str, bytes: impl Fn(String) -> Vec<u8> + 'static) -> Case {
    case(call, name, move |fixture| Answer::raw(bytes(fixture.good_body(call).to_string())))
}

/// One case per row: with this member, the command fails and says this.
fn failures<const N: usize>(
    call: Call,
    expected: Expected,
    rows: [(&'static str, &'static str, Value, &'static str); N],
) -> impl Iterator<Item = Case> {
    rows.into_iter().map(move |(name, pointer, value, says)| {
        Case { expected, ..with_member(call, name, pointer, value) }.says(says)
    })
}

/// One case per row: with this member, the command fails and says what is missing.
fn missing<const N: usize>(
    call: Call,
    expected: Expected,
    says: &'static str,
    rows: [(&'static str, &'static str, Value); N],
) -> impl Iterator<Item = Case> {
    failures(call, expected, rows.map(|(name, pointer, value)| (name, pointer, value, says)))
}

impl Case {
    /// The same response this many times.
    fn repeat(mut self, count: usize) -> Self {
        let answer: Rc<MakeAnswer> = Rc::new(self.script.pop().unwrap());
        for _ in 0..count {
            let answer = answer.clone();
            self.script.push(Box::new(move |fixture| answer(fixture)));
        }
        self
    }

    /// The response to the next request.
    fn then(mut self, answer: impl Fn(&Fixture) -> Answer + 'static) -> Self {
        self.script.push(Box::new(answer));
        self
    }

    /// A good response to the next request.
    fn then_ok(self) -> Self {
        let call = self.call;
        self.then(move |fixture| Answer::json(200, fixture.good_body(call)))
    }

    fn fails(self, exit: i32, says: &str) -> Self {
        Case { expected: Expected::Unchanged(exit), ..self }.says(says)
    }

    fn keeps_login(self, exit: i32, says: &str) -> Self {
        Case { expected: Expected::LoginKept(exit), ..self }.says(says)
    }

    fn says(mut self, text: &str) -> Self {
        self.says.push(text.to_owned());
        self
    }

    fn hides(mut self, text: &str) -> Self {
        self.hides.push(text.to_owned());
        self
    }

    fn waits(self, milliseconds: &[u128]) -> Self {
        Case { waits: Some(milliseconds.to_vec()), ..self }
    }

    /// Fails after the three attempts of a GET, and says this about the last one.
    fn fails_after_retries(self, says: &str) -> Self {
        self.repeat(3).fails(3, says).waits(&RETRY_WAITS)
    }

    fn stores(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.stores.push((member, value.into()));
        self
    }

    fn command(self, arguments: &'static [&'static str]) -> Self {
        Case { arguments, ..self }
    }

    /// The config file before the command: hosts, a member of another tool, and an earlier login.
    fn before(&self, fixture: &Fixture) -> Value {
        let mut config = fixture.platform.config();
        config["machine_id"] = json!([7, null]);
        config["auth_token"] = fixture.old_token.clone().into();
        config["email_id"] = EMAIL.into();
        config
    }

    /// The config file after the command.
    fn after(&self, fixture: &Fixture, mut config: Value) -> Value {
        if self.call == Call::UserLogout {
            let members = config.as_object_mut().unwrap();
            members.retain(|name, _| !["auth_token", "email_id"].contains(&name.as_str()));
            return config;
        }
        config["auth_token"] = fixture.token.clone().into();
        if self.expected == Expected::Success && self.call != Call::RefreshToken {
            config["organization_id"] = "org-acme".into();
            config["organization_name"] = "Acme".into();
            config["organization_short_id"] = "acmez".into();
            config["project_id"] = "project-acmefleet".into();
            config["project_name"] = "fleet".into();
        }
        for (member, value) in &self.stores {
            match value {
                Value::Null => drop(config.as_object_mut().unwrap().remove(*member)),
                value => config[*member] = value.clone(),
            }
        }
        config
    }

    /// Scripts this case's call, and good responses for the calls around it.
    fn script(&self, fixture: &Fixture) {
        let good = |call| fixture.platform.answer(call, Answer::json(200, fixture.good_body(call)));
        for answer in &self.script {
            fixture.platform.answer(self.call, answer(fixture));
        }
        match self.call {
            Call::Discovery if self.expected == Expected::Success => {
                good(Call::DeviceAuthorization);
                good(Call::Token);
            }
            Call::DeviceAuthorization if self.expected == Expected::Success => good(Call::Token),
            Call::Token => good(Call::DeviceAuthorization),
            Call::UsersMe | Call::Projects => good(Call::UserLogin),
            _ => {}
        }
    }

    fn expected_waits(&self) -> Vec<u128> {
        let default = match self.call {
            Call::Discovery | Call::DeviceAuthorization if self.expected == Expected::Success => {
                vec![POLL]
            }
            Call::Token => vec![POLL; self.script.len()],
            _ => Vec::new(),
        };
        self.waits.clone().unwrap_or(default)
    }

    #[expect(clippy::disallowed_methods, reason = "a case that takes real time has hung")]
    fn run(&self) {
        println!("case: {}", self.name);
        let (fixture, clock) = (Fixture::new(), FakeClock::new());
        // The trace must not show secrets either.
        let robot = Robot::new().env("RIO_DEBUG", "1");
        let before = self.before(&fixture);
        robot.write_config(&before);
        let bytes = robot.config_bytes();
        self.script(&fixture);
        let stdin = if self.call == Call::UserInfo { &fixture.token } else { PASSWORD };
        let start = Instant::now();
        let outcome = robot.rio(self.arguments).stdin(stdin).run_at(&clock);
        let took = start.elapsed();

        let fail = |wanted: &str| panic!("{}: wanted {wanted}\n{outcome}", self.name);
        let check = |holds: bool, wanted: &str| {
            if !holds {
                fail(wanted)
            }
        };
        let shows = self.arguments.contains(&"--json") || self.arguments.contains(&"status");
        check(shows || outcome.stdout.is_empty(), "nothing on standard output");
        check(took < Duration::from_secs(5), &format!("an immediate end, not one after {took:?}"));
        check(outcome.code == Some(self.exit()), &format!("exit code {}", self.exit()));
        let said = said(&outcome);
        for text in &self.says {
            let printed = said.contains(text) || outcome.stdout.contains(text);
            check(printed, &format!("on a stream: {text}"));
        }
        let secrets = [DEVICE_CODE, ACCESS_TOKEN, PASSWORD, &fixture.token, &fixture.old_token];
        let hidden = self.hides.iter().map(String::as_str).chain(secrets);
        for text in hidden.chain(["panicked", "bug of its own", "<h", "RUST_BACKTRACE"]) {
            let shown = outcome.stdout.contains(text) || outcome.stderr.contains(text);
            check(!shown, &format!("nowhere: {text}"));
        }
        check_text(&outcome, &check);
        if self.arguments.contains(&"--json") {
            check(outcome.stdout.is_ascii() && !outcome.events().is_empty(), "events in ASCII");
        }
        // `status` reports a rejected token as its result, not as an error.
        if self.exit() != 0 && !(self.arguments == VERIFY && self.exit() == 1) {
            check_error(&said, &check);
        }
        if self.exit() == 3 {
            check(said.contains(fixture.platform.host()), "the host's name");
        }

        match self.expected {
            Expected::Unchanged(_) => {
                check(robot.config_bytes() == bytes, "a config file that is byte-identical");
            }
            Expected::Success | Expected::LoginKept(_) => {
                let (mut stored, wanted) = (robot.config(), self.after(&fixture, before));
                stored.as_object_mut().unwrap().remove("auth_token_record");
                check(stored == wanted, &format!("in the config file {wanted:#}\nnot {stored:#}"));
            }
        }
        let (waits, wanted) = (clock.sleeps_in_ms(), self.expected_waits());
        check(waits == wanted, &format!("waits of {wanted:?} ms, not {waits:?}"));
        let (asked, wanted) = (fixture.platform.calls(self.call).len(), self.script.len());
        check(asked == wanted, &format!("{wanted} calls, not {asked}"));
        let codes = fixture.platform.calls(Call::DeviceAuthorization).len();
        check(codes <= 1, "no second code");
        // After a refresh that failed, rio asks whether the old token is still valid.
        if matches!(self.expected, Expected::Unchanged(_)) && self.call != Call::RefreshToken {
            let last = fixture.platform.requests().pop().and_then(|request| request.call);
            check(last == Some(self.call), "no request after the one that failed");
        }
        let other_host = fixture.other_host.accept().map_err(|error| error.kind());
        check(matches!(other_host, Err(ErrorKind::WouldBlock)), "no call to another host");
    }

    fn exit(&self) -> i32 {
        match self.expected {
            Expected::Success => 0,
            Expected::Unchanged(exit) | Expected::LoginKept(exit) => exit,
        }
    }
}

/// Standard error without the trace.
fn said(outcome: &Outcome) -> String {
    let lines = outcome.stderr.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("rio: debug: ")).collect()
}

/// Neither stream has control characters, bidi controls or a forged line.
fn check_text(outcome: &Outcome, check: &dyn Fn(bool, &str)) {
    let is_control = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}')
    };
    for text in [&outcome.stdout, &outcome.stderr] {
        check(!text.contains(is_control), "no control characters");
        check(!text.lines().any(|line| line.trim_start().starts_with("FORGED")), "no forged line");
    }
}

/// An error consists of a fact and advice.
fn check_error(said: &str, check: &dyn Fn(bool, &str)) {
    let lines: Vec<_> = said.lines().collect();
    let fact = lines.iter().position(|line| line.starts_with("rio: "));
    let advice = fact.and_then(|fact| lines.get(fact + 1));
    check(fact.is_some_and(|fact| lines[fact].len() > 10), "a fact");
    check(advice.is_some_and(|line| line.starts_with("  ") && line.len() > 10), "advice");
}

/// Runs all cases, then fails if any failed.
fn run(cases: Vec<Case>) {
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    let failed: Vec<_> = cases
        .iter()
        .filter(|case| catch_unwind(AssertUnwindSafe(|| case.run())).is_err())
        .map(|case| case.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
