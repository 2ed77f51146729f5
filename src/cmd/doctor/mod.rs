//! `rio doctor`: checks this machine and its connection to rapyuta.io. Shows no email and no secret, because users
//! paste the output into tickets.

mod hosts;
mod local;
mod redaction;
mod report;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::advice;
use crate::cli::{args, parse};
use crate::config::{Config, EMAIL_ID, StoredToken};
use crate::error::{Error, Exit};
use crate::http::Response;
use crate::machine::clock::LEEWAY;
use crate::machine::{Machine, process};
use crate::platform::{TokenCheck, environment, token_check};
use crate::session::describe::expiry;
use crate::session::{clock_check, context};
use crate::text;
use crate::token::Token;
use redaction::Redaction;
use report::{Check, CheckResult, Report};

/// How long the checks of a host may take.
const HOST_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(args: args::DoctorArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let http = context::http(machine);
    let (file, config) = local::config_file(machine);
    let (targets, invalid_host) =
        config.as_ref().map(|config| hosts::targets(config, &http)).unwrap_or_default();
    let email = config.as_ref().and_then(|config| config.string(EMAIL_ID).ok().flatten());
    let redaction = Redaction::new(machine.env.home().map(PathBuf::as_path), email);
    let mut report = Report::new(args.json, redaction);
    report.start(&about(config.as_ref()), &mut machine.console)?;
    let local_checks = vec![
        Check::new("clock", clock_check::reading(now(machine))),
        Check::new("config file", invalid_host.map_or(file, Err)),
        Check::new("proxies", local::proxies(&http, &targets)),
        Check::new("certificates", http.certificates()),
    ];
    report.add(local_checks, &mut machine.console)?;
    let reason = if args.offline { "--offline" } else { "no response" };
    let (token, mut token_check) = stored_token(config.as_ref(), reason);
    let mut clock_check = CheckResult::Skip(reason.to_owned());
    for target in &targets {
        let (checks, response) = match args.offline {
            true => (target.skip(reason), None),
            false => hosts::check(&http, &*machine.clock, target, token.as_ref(), HOST_TIMEOUT),
        };
        report.add(checks, &mut machine.console)?;
        let Some(response) = response else { continue };
        if let CheckResult::Skip(_) = clock_check {
            clock_check = compare_clock(now(machine), response.date);
        }
        if let (true, Some(token)) = (target.checks_token, &token) {
            token_check = check_token(&response, token, now(machine)).into();
        }
    }
    let server = vec![Check::new("clock offset", clock_check), Check::new("token", token_check)];
    report.add(server, &mut machine.console)?;
    report.finish(&mut machine.console)
}

/// What a ticket must say: the program, the kernel and the environment.
fn about(config: Option<&Config>) -> String {
    let environment = config.and_then(|config| environment::description(config).ok());
    let environment = environment.unwrap_or_else(|| "unknown".to_owned());
    format!("{}, {}, environment {environment}", parse::version().trim(), process::kernel())
}

fn now(machine: &Machine) -> u64 {
    text::unix_seconds(machine.clock.utc())
}

/// The stored token, and the outcome of its check if no server checks it, for `reason`.
fn stored_token(config: Option<&Config>, reason: &str) -> (Option<Token>, CheckResult) {
    let skip = |reason: &str| CheckResult::Skip(reason.to_owned());
    let Some(config) = config else { return (None, skip("config file failed")) };
    match config.auth_token().unwrap_or_else(StoredToken::Malformed) {
        StoredToken::Absent => (None, skip("not logged in")),
        StoredToken::Malformed(error) => (None, CheckResult::Fail(error)),
        StoredToken::Valid(token) => (Some(token), skip(reason)),
    }
}

fn compare_clock(now: u64, server: Option<SystemTime>) -> CheckResult {
    let Some(offset) = clock_check::offset(now, server) else {
        return CheckResult::Skip(clock_check::NO_DATE.to_owned());
    };
    let difference = clock_check::difference(offset);
    if offset.unsigned_abs() > LEEWAY {
        let fact = format!("this machine's clock is {difference}");
        return CheckResult::Fail(Error::failure(fact, clock_check::ADVICE));
    }
    CheckResult::Ok(difference)
}

fn check_token(response: &Response, token: &Token, now: u64) -> Result<String, Error> {
    if let TokenCheck { accepted: false, .. } = token_check(response, token)? {
        let fact = format!("{} rejects the token", response.host);
        return Err(Error::failure(fact, advice::NEW_LOGIN));
    }
    Ok(match token.expires_at() {
        Some(expires_at) => format!("accepted; {}", expiry(expires_at, now)),
        None => "accepted; expiry unknown".to_owned(),
    })
}
