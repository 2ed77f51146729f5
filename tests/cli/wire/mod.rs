//! What a server, or what stands before it, can do to each call, and what the program makes of it.
//!
//! A case is one answer to one call, and the whole outcome: exit code, what is said, what is in the config
//! file afterwards, how long was waited, how often was asked. What holds for every case is asserted in
//! `Case::run`. A group runs to its end before it fails, so that one mistake shows all that it breaks.

mod bytes;
mod device_authorization;
mod discovery;
mod id_token;
mod json_events;
mod organizations;
mod polling;
mod projects;
mod redirects;
mod refresh_token;
mod response_body;
mod response_head;
mod scene;
mod slow_server;
mod token;
mod user_info;
mod user_login;
mod user_logout;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, PASSWORD};
use serde_json::{Value, json};

use crate::robot::{FakeClock, Outcome, Robot};
use bytes::*;
use scene::*;

const MIB: usize = 1024 * 1024;
const DEVICE_CODE: &str = "d3vice-c0de-that-nobody-sees";
const ACCESS_TOKEN: &str = "acc3ss-t0ken-that-nobody-sees";
const USER_CODE: &str = "wDjB-mJhT";

/// ESC, BEL, C1, a bidirectional override and isolate, NUL, DEL, and a line that pretends to be ours.
const HOSTILE: &str = "ab\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{0}\u{7f}\r\nFORGED";
/// The same as it may be shown.
const TAMED: &str = "ab[2J]0;x31m  FORGED";

/// Milliseconds between the three tries of a GET.
const RETRIED: [u128; 2] = [500, 1000];
/// A poll after the interval of 5 seconds, and a little over.
const POLL: u128 = 5050;
/// A poll after trouble.
const LATER: u128 = 10_050;

const SENSELESS: &str = "something else than was asked for (status 200)";
const LARGE: &str = "more than 1 MiB (status 200)";
const CUT: &str = "a message that breaks off (status 200)";
const PAGE: &str = "a web page (status 200)";
const REDIRECT: &str = "a redirect, which is never followed";
const PORTAL: &str = "a captive portal or a proxy may be in the way";
const NO_HTTP: &str = "did not answer in HTTP";
const CLOSED: &str = "closed the connection";
const OWN_TROUBLE: &str = "The server has trouble of its own: try again later.";

/// A value that takes the member away.
const GONE: &str = "(gone)";

const VERIFY: &[&str] = &["auth", "status", "--verify"];

/// How a case ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Exit 0, and the config file holds what the command is for.
    Done,
    /// This exit code, and the config file is byte-identical.
    Unchanged(i32),
    /// This exit code, and the config file holds the login, but nothing was selected.
    LoginStands(i32),
}

type Make = Box<dyn Fn(&Scene) -> Answer>;

struct Case {
    name: String,
    call: Call,
    script: Vec<Make>,
    arguments: &'static [&'static str],
    end: End,
    says: Vec<String>,
    hides: Vec<String>,
    waits: Option<Vec<u128>>,
    /// Members of the config file that differ from what they are otherwise; null for none.
    stores: Vec<(&'static str, Value)>,
}

/// A call is answered so, and all is well.
fn answered(call: Call, name: &str, answer: impl Fn(&Scene) -> Answer + 'static) -> Case {
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
        end: End::Done,
        says: Vec::new(),
        hides: Vec::new(),
        waits: None,
        stores: Vec::new(),
    }
}

/// The good answer, but for one member.
fn changed(call: Call, name: &str, pointer: &'static str, value: Value) -> Case {
    answered(call, name, move |scene| {
        let mut body = scene.good(call);
        put(&mut body, pointer, value.clone());
        Answer::text(200, "application/json", render(&body))
    })
}

/// The text of the good answer, edited.
fn edited(call: Call, name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    answered(call, name, move |scene| {
        Answer::text(200, "application/json", edit(scene.good(call).to_string()))
    })
}

/// The bytes of an answer to a call, of its good body, and the connection's end.
fn raw(call: Call, name: &str, bytes: impl Fn(String) -> Vec<u8> + 'static) -> Case {
    answered(call, name, move |scene| Answer::raw(bytes(scene.good(call).to_string())))
}

/// Each row is one member that makes the call fail.
fn rows<const N: usize>(
    call: Call,
    end: End,
    rows: [(&'static str, &'static str, Value, &'static str); N],
) -> impl Iterator<Item = Case> {
    rows.into_iter().map(move |(name, pointer, value, says)| {
        Case { end, ..changed(call, name, pointer, value) }.says(says)
    })
}

impl Case {
    /// The same answer so often.
    fn times(mut self, times: usize) -> Self {
        let answer: Rc<Make> = Rc::new(self.script.pop().unwrap());
        for _ in 0..times {
            let answer = answer.clone();
            self.script.push(Box::new(move |scene| answer(scene)));
        }
        self
    }

    /// The next time this.
    fn then(mut self, answer: impl Fn(&Scene) -> Answer + 'static) -> Self {
        self.script.push(Box::new(answer));
        self
    }

    /// The next time what the call is made for.
    fn then_good(self) -> Self {
        let call = self.call;
        self.then(move |scene| Answer::json(200, scene.good(call)))
    }

    fn fails(self, exit: i32, says: &str) -> Self {
        Case { end: End::Unchanged(exit), ..self }.says(says)
    }

    fn login_stands(self, exit: i32, says: &str) -> Self {
        Case { end: End::LoginStands(exit), ..self }.says(says)
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

    /// All that a GET is worth: three tries, and this said of the last.
    fn fails_thrice(self, says: &str) -> Self {
        self.times(3).fails(3, says).waits(&RETRIED)
    }

    fn stores(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.stores.push((member, value.into()));
        self
    }

    fn with(self, arguments: &'static [&'static str]) -> Self {
        Case { arguments, ..self }
    }

    /// What the config file holds before: hosts, a member of somebody else's, and an older login.
    fn before(&self, scene: &Scene) -> Value {
        let mut config = scene.platform.config();
        config["machine_id"] = json!([7, null]);
        config["auth_token"] = scene.old_token.clone().into();
        config["email_id"] = EMAIL.into();
        config
    }

    fn after(&self, scene: &Scene, mut config: Value) -> Value {
        if self.call == Call::UserLogout {
            let members = config.as_object_mut().unwrap();
            members.retain(|name, _| !["auth_token", "email_id"].contains(&name.as_str()));
            return config;
        }
        config["auth_token"] = scene.token.clone().into();
        if self.end == End::Done && self.call != Call::RefreshToken {
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

    /// Scripts the calls before and after the one that the case is about.
    fn script(&self, scene: &Scene) {
        let good = |call| scene.platform.answer(call, Answer::json(200, scene.good(call)));
        for answer in &self.script {
            scene.platform.answer(self.call, answer(scene));
        }
        match self.call {
            Call::Discovery if self.end == End::Done => {
                good(Call::DeviceAuthorization);
                good(Call::Token);
            }
            Call::DeviceAuthorization if self.end == End::Done => good(Call::Token),
            Call::Token => good(Call::DeviceAuthorization),
            Call::UsersMe | Call::Projects => good(Call::UserLogin),
            _ => {}
        }
    }

    fn expected_waits(&self) -> Vec<u128> {
        let default = match self.call {
            Call::Discovery | Call::DeviceAuthorization if self.end == End::Done => vec![POLL],
            Call::Token => vec![POLL; self.script.len()],
            _ => Vec::new(),
        };
        self.waits.clone().unwrap_or(default)
    }

    #[expect(clippy::disallowed_methods, reason = "a case that takes real time is a hang")]
    fn run(&self) {
        println!("case: {}", self.name);
        let (scene, clock) = (Scene::new(), FakeClock::new());
        // The trace has its own promise, which is asserted along the way.
        let robot = Robot::new().env("RIO_DEBUG", "1");
        let before = self.before(&scene);
        robot.write_config(&before);
        let bytes = robot.config_bytes();
        self.script(&scene);
        let stdin = if self.call == Call::UserInfo { &scene.token } else { PASSWORD };
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
        check(took < Duration::from_secs(5), &format!("an end at once, not after {took:?}"));
        check(outcome.code == Some(self.exit()), &format!("exit code {}", self.exit()));
        let said = said(&outcome);
        for text in &self.says {
            let heard = said.contains(text) || outcome.stdout.contains(text);
            check(heard, &format!("on a stream: {text}"));
        }
        let secrets = [DEVICE_CODE, ACCESS_TOKEN, PASSWORD, &scene.token, &scene.old_token];
        let hidden = self.hides.iter().map(String::as_str).chain(secrets);
        for text in hidden.chain(["panicked", "bug of its own", "<h", "RUST_BACKTRACE"]) {
            let shown = outcome.stdout.contains(text) || outcome.stderr.contains(text);
            check(!shown, &format!("nowhere: {text}"));
        }
        check_text(&outcome, &check);
        if self.arguments.contains(&"--json") {
            check(outcome.stdout.is_ascii() && !outcome.events().is_empty(), "events in ASCII");
        }
        // `status` has a result also where the token is refused; it says all there is to say.
        if self.exit() != 0 && !(self.arguments == VERIFY && self.exit() == 1) {
            check_error(&said, &check);
        }
        if self.exit() == 3 {
            check(said.contains(scene.host()), "the host's name");
        }

        match self.end {
            End::Unchanged(_) => {
                check(robot.config_bytes() == bytes, "a config file that is byte-identical");
            }
            End::Done | End::LoginStands(_) => {
                let (stored, wanted) = (robot.config(), self.after(&scene, before));
                check(stored == wanted, &format!("in the config file {wanted:#}\nnot {stored:#}"));
            }
        }
        let (waits, wanted) = (clock.sleeps_in_ms(), self.expected_waits());
        check(waits == wanted, &format!("waits of {wanted:?} ms, not {waits:?}"));
        let (asked, wanted) = (scene.platform.calls(self.call).len(), self.script.len());
        check(asked == wanted, &format!("{wanted} calls, not {asked}"));
        let codes = scene.platform.calls(Call::DeviceAuthorization).len();
        check(codes <= 1, "no second code");
        let elsewhere = scene.elsewhere.accept().map_err(|error| error.kind());
        check(matches!(elsewhere, Err(ErrorKind::WouldBlock)), "no call to another host");
    }

    fn exit(&self) -> i32 {
        match self.end {
            End::Done => 0,
            End::Unchanged(exit) | End::LoginStands(exit) => exit,
        }
    }
}

/// Standard error without the trace.
fn said(outcome: &Outcome) -> String {
    let lines = outcome.stderr.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("rio: debug: ")).collect()
}

/// Nothing of either stream steers a terminal, turns text around or pretends to be a line of its own.
fn check_text(outcome: &Outcome, check: &dyn Fn(bool, &str)) {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}')
    };
    for text in [&outcome.stdout, &outcome.stderr] {
        check(!text.contains(steers), "no control characters");
        check(!text.lines().any(|line| line.trim_start().starts_with("FORGED")), "no forged line");
    }
}

/// An error is a fact, then advice.
fn check_error(said: &str, check: &dyn Fn(bool, &str)) {
    let lines: Vec<_> = said.lines().collect();
    let fact = lines.iter().position(|line| line.starts_with("rio: "));
    let advice = fact.and_then(|fact| lines.get(fact + 1));
    check(fact.is_some_and(|fact| lines[fact].len() > 10), "a fact");
    check(advice.is_some_and(|line| line.starts_with("  ") && line.len() > 10), "advice");
}

/// Runs them all, then fails if any did.
fn run(cases: Vec<Case>) {
    assert!(!cases.is_empty());
    let failed: Vec<_> = cases
        .iter()
        .filter(|case| catch_unwind(AssertUnwindSafe(|| case.run())).is_err())
        .map(|case| case.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

type Group = fn() -> Vec<Case>;

const GROUPS: [Group; 15] = [
    discovery::cases,
    device_authorization::cases,
    polling::cases,
    token::cases,
    id_token::cases,
    user_login::cases,
    refresh_token::cases,
    user_info::cases,
    user_logout::cases,
    organizations::cases,
    projects::cases,
    response_head::cases,
    response_body::cases,
    redirects::cases,
    json_events::cases,
];

#[test]
fn the_cases_are_many_and_each_has_a_name_of_its_own() {
    let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group()).map(|case| case.name).collect();
    let count = names.len();
    println!("{count} cases");
    assert!(count >= 120, "{count} cases");
    names.sort();
    let repeated: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
}
