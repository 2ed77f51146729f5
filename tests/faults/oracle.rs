//! The promises that must hold after a fault.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use platform::{Call, EMAIL};
use serde_json::Value;

use crate::case::Fault;
use crate::scenario::{Machine, ORGANIZATION, Scenario};
use crate::trace::{Ended, Evidence, Running};

/// The outcome of a case.
#[derive(Default)]
pub struct Verdict {
    pub tried: usize,
    /// The promises that were broken.
    pub broken: Vec<String>,
    /// How many crash states broke one.
    pub broken_states: usize,
    /// The login was lost as no program can prevent: the answer never arrived, the process was killed before it was
    /// written, or there was no memory to write it.
    pub unavoidable: usize,
}

impl Verdict {
    pub fn expect(&mut self, holds: bool, promise: impl Into<String>) {
        if !holds {
            self.broken.push(promise.into());
        }
    }
}

/// Runs `rio` without faults.
fn run(machine: &Machine, arguments: &[&str]) -> Ended {
    Running::start(&mut machine.command(arguments)).finish().expect("rio ends without a fault")
}

/// The token that `rio` uses now.
pub fn current(machine: &Machine) -> Option<String> {
    let ended = run(machine, &["auth", "token", "--current"]);
    ended.status.success().then(|| ended.stdout.trim().to_owned())
}

/// Checks a run with one fault.
pub fn check(
    machine: &Machine,
    scenario: Scenario,
    fault: Fault,
    ended: &Ended,
    seen: &Evidence,
) -> Verdict {
    let mut verdict = Verdict { tried: 1, ..Verdict::default() };
    let done = ended.status.success();
    check_end(&mut verdict, fault, ended, seen);
    if fault != Fault::Kill {
        // Then the private files may hold a token.
        let kept = if done { "" } else { "pending refresh.lock" };
        check_files(&mut verdict, machine, "after the run", kept);
    }
    check_config(&mut verdict, machine);
    let revoked = machine.platform.calls(Call::UserLogout).len();
    verdict.expect(revoked == 0 || scenario == Scenario::Logout, "it revoked a valid token");
    let status = run(machine, &["auth", "status", "--json"]);
    verdict.expect(
        matches!(status.status.code(), Some(0 | 1)),
        format!("then status: {}", status.stderr),
    );
    let current = current(machine);
    let usable =
        current.as_ref().is_some_and(|token| machine.platform.valid_tokens().contains(token));
    if scenario == Scenario::Refresh || scenario.is_login() {
        check_login(&mut verdict, scenario, fault, ended, seen, usable, current.is_some());
    } else {
        let exists = match scenario {
            Scenario::Select => true,
            _ => !done,
        };
        // Killed in between, the command may have had its effect.
        let either = fault == Fault::Kill && scenario != Scenario::Select;
        verdict.expect(
            either || exists == current.is_some(),
            format!("done {done}, and then a login: {}", current.is_some()),
        );
        let may_end = scenario == Scenario::Logout;
        let once = !matches!(fault, Fault::Error { lasting: true, .. } | Fault::Kill);
        verdict.expect(
            usable || current.is_none() || may_end && !once,
            "the token that is still stored is not valid",
        );
        let config = machine.config().unwrap_or_default();
        let effect = match scenario {
            Scenario::Select => config["organization_id"] == ORGANIZATION,
            Scenario::Environment => config["environment"] == "qa",
            _ => true,
        };
        verdict.expect(effect || !done, "exit code 0 without effect");
    }
    check_next_login(&mut verdict, machine, scenario == Scenario::Environment);
    verdict
}

fn check_login(
    verdict: &mut Verdict,
    scenario: Scenario,
    fault: Fault,
    ended: &Ended,
    seen: &Evidence,
    usable: bool,
    exists: bool,
) {
    let lasting = matches!(fault, Fault::Error { lasting: true, .. });
    verdict.expect(usable || !ended.status.success(), "exit code 0 without a login");
    let claims_kept = ended.stderr.contains("next") && ended.stderr.contains("kept");
    verdict
        .expect(usable || !claims_kept, "the message says that the token is kept, but it is not");
    let claims_lost = ended.stderr.contains("is lost");
    verdict
        .expect(!usable || !claims_lost, "the message says that the token is lost, but it is not");
    let must_exist = scenario == Scenario::Refresh || seen.answered;
    if usable || !must_exist && !exists {
        return;
    }
    let never_arrived = !seen.answered;
    let never_written = !seen.written && (fault == Fault::Kill || seen.memory);
    if never_arrived || never_written || lasting {
        verdict.unavoidable += usize::from(!lasting);
    } else {
        verdict.broken.push("the login is lost".to_owned());
    }
}

/// The exit code and the message.
fn check_end(verdict: &mut Verdict, fault: Fault, ended: &Ended, seen: &Evidence) {
    let Ended { status, stdout, stderr } = ended;
    let said = !stderr.is_empty() || !stdout.is_empty();
    match (status.code(), status.signal()) {
        (Some(0), _) => {}
        // The message may be what failed.
        (Some(1 | 3), _) => verdict.expect(said || seen.injected, "no message"),
        (None, Some(libc::SIGKILL)) if fault == Fault::Kill => {}
        (_, Some(libc::SIGABRT | libc::SIGSEGV)) if seen.memory => {}
        _ => verdict.broken.push(format!("it ended with {status}")),
    }
    let panicked = stderr.contains("internal error") || stderr.contains("panicked");
    verdict.expect(!panicked || seen.memory, format!("internal error: {}", stderr.trim()));
}

/// No file but the config file holds a token, except one whose name ends with a word of `except`.
fn check_files(verdict: &mut Verdict, machine: &Machine, when: &str, except: &str) {
    for file in fs::read_dir(machine.directory()).expect("a directory").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read(file.path()).unwrap_or_default();
        let has_token = String::from_utf8_lossy(&text).contains("eyJ");
        let is_expected = except.split(' ').any(|end| !end.is_empty() && name.ends_with(end));
        if name != "config.json" && has_token && !is_expected {
            verdict.broken.push(format!("{when}, a token is in {name}"));
        }
    }
}

/// The config file is whole, and the members of others are in it.
fn check_config(verdict: &mut Verdict, machine: &Machine) -> Value {
    match machine.config() {
        Err(error) => verdict.broken.push(format!("config file torn: {error}")),
        Ok(config) => {
            verdict.expect(config["foreign"]["kept"][1] == "two", "a member of others is lost");
            return config;
        }
    }
    Value::Null
}

/// The next login works, and removes what a killed `rio` left.
fn check_next_login(verdict: &mut Verdict, machine: &Machine, other_hosts: bool) {
    if other_hosts && machine.config().is_ok_and(|config| config["environment"] == "qa") {
        run(machine, &["auth", "environment", "ga"]);
    } else {
        let login = ["auth", "login", "--silent", "--email", EMAIL, "--password-file", "password"];
        let ended = run(machine, &login);
        verdict.expect(ended.status.success(), format!("then login: {}", ended.stderr.trim()));
    }
    check_files(verdict, machine, "after the next login", "");
    check_config(verdict, machine);
}

/// Checks two runs, one of which was stopped during the other. `other` is `None` for the Python `rio`.
pub fn check_pair(
    machine: &Machine,
    stopped: (Scenario, &Ended),
    other: Option<(Scenario, &Ended)>,
) -> Verdict {
    let mut verdict = Verdict { tried: 1, ..Verdict::default() };
    let nothing = Evidence { answered: true, written: true, injected: false, memory: false };
    let runs: Vec<_> = [Some(stopped), other].into_iter().flatten().collect();
    for (_, ended) in &runs {
        check_end(&mut verdict, Fault::Stop(None), ended, &nothing);
        if ended.status.success() {
            check_files(&mut verdict, machine, "after the runs", "");
        }
    }
    let config = check_config(&mut verdict, machine);
    let current = current(machine);
    let valid = machine.platform.valid_tokens();
    match &current {
        Some(token) => verdict.expect(
            valid.contains(token),
            format!("the stored token is not valid\n{}", messages(&runs)),
        ),
        None => {
            let removed = runs.iter().any(|(scenario, _)| scenario.removes_login());
            verdict.expect(removed, format!("no login\n{}", messages(&runs)));
        }
    }
    if other.is_none() {
        verdict.expect(config["python"] == "written", "the member of the Python rio is lost");
        verdict.expect(stopped.1.status.success(), format!("failed: {}", stopped.1.stderr.trim()));
    }
    let only = |wanted| {
        runs.iter().all(|(scenario, _)| *scenario == wanted || *scenario == Scenario::Refresh)
    };
    for (scenario, ended) in &runs {
        if *scenario == Scenario::Select && ended.status.success() && only(Scenario::Select) {
            verdict.expect(config["organization_id"] == ORGANIZATION, "the selection is lost");
        }
    }
    let other_hosts = runs.iter().any(|(scenario, _)| *scenario == Scenario::Environment);
    check_next_login(&mut verdict, machine, other_hosts);
    verdict
}

fn messages(runs: &[(Scenario, &Ended)]) -> String {
    let message = |(scenario, ended): &(Scenario, &Ended)| {
        format!("      {}: {} {}", scenario.name(), ended.status, ended.stderr.trim())
    };
    runs.iter().map(message).collect::<Vec<_>>().join("\n")
}

/// How long another run may take while one is stopped. It may wait for a lock.
pub const GRACE: Duration = Duration::from_millis(400);
