//! `rio auth status`: shows the stored login, and with `--verify` whether the server accepts it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::advice;
use crate::cli::args;
use crate::config::{EMAIL_ID, ENVIRONMENT};
use crate::error::{Error, Exit, Warning};
use crate::machine::Machine;
use crate::platform::{TokenCheck, environment};
use crate::session::context::CommandContext;
use crate::session::describe::{account_suffix, expiry, token_json};
use crate::session::selection::Selected;
use crate::session::{clock_check, options};
use crate::text;
use crate::token::Token;

pub fn run(args: args::StatusArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let min_valid = options::duration("--min-valid", args.min_valid.as_deref())?;
    let context = CommandContext::open(machine)?;
    let mut status = Status::read(&context, text::unix_seconds(machine.clock.utc()))?;
    if let Some(token) = status.token.as_ref().filter(|_| args.verify) {
        context.end_superseded();
        status.token_check = Some(context.platform().verify(token));
        status.now = text::unix_seconds(machine.clock.utc());
    }
    if args.json {
        machine.console.print_json(&status.to_json())?;
    } else {
        status.to_text().iter().try_for_each(|line| machine.console.print(line))?;
        machine.console.print_advice(status.advice(), 0)?;
    }
    let warning = context.file.others_can_read();
    machine.console.warn(warning);
    if let Err(error) = clock_check::reading(status.now) {
        machine.console.warn([Warning::new(error.fact()).advise("Set the clock.")]);
    }
    let exit = status.exit();
    let too_short = min_valid.and_then(|min_valid| status.too_short_error(min_valid));
    status.token_check.transpose()?;
    too_short.map_or(Ok(exit), Err)
}

/// The stored login, and the server's answer about its token.
struct Status {
    now: u64,
    token: Option<Token>,
    expires_at: Option<u64>,
    email: Option<String>,
    environment: String,
    /// The environment in words.
    hosts: String,
    organization: Option<Selected>,
    project: Option<Selected>,
    file: String,
    mode: Option<u32>,
    /// The server's answer, if it was asked.
    token_check: Option<Result<TokenCheck, Error>>,
}

impl Status {
    fn read(context: &CommandContext, now: u64) -> Result<Self, Error> {
        let config = &context.config;

        let token = config.auth_token()?.valid()?;
        Ok(Status {
            now,
            expires_at: token.as_ref().and_then(Token::expires_at),
            token,
            email: config.string(EMAIL_ID)?,
            environment: config.string(ENVIRONMENT)?.unwrap_or_else(|| "ga".to_owned()),
            hosts: environment::description(config)?,
            organization: Selected::organization(config)?,
            project: Selected::project(config)?,
            file: context.file.path().display().to_string(),
            mode: context.file.mode(),
            token_check: None,
        })
    }

    fn expired(&self) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= self.now)
    }

    /// The error for a token that has not expired, but is known to expire sooner than the user asks for.
    fn too_short_error(&self, min_valid: Duration) -> Option<Error> {
        let expires_at = self.expires_at.filter(|_| !self.expired())?;
        (expires_at < self.now.saturating_add(min_valid.as_secs())).then(|| {
            let (expiry, wanted) = (expiry(expires_at, self.now), text::in_words(min_valid));
            Error::failure(
                format!("the token {expiry}, sooner than in {wanted} (--min-valid)"),
                advice::run("To refresh it", "rio auth refresh-token"),
            )
        })
    }

    /// `None` if the server was not asked or did not answer.
    fn accepted(&self) -> Option<bool> {
        Some(self.token_check.as_ref()?.as_ref().ok()?.accepted)
    }

    fn exit(&self) -> Exit {
        let is_valid = self.token.is_some() && !self.expired();
        if self.accepted().unwrap_or(is_valid) { Exit::Success } else { Exit::Failure }
    }

    fn to_text(&self) -> Vec<String> {
        let logged_in = self.token.is_some();
        let expiry = match self.expires_at {
            // The server or the clock may be wrong.
            Some(expires_at) if self.accepted() == Some(true) && self.expired() => {
                format!("{}, by its own date", expiry(expires_at, self.now))
            }
            Some(expires_at) => expiry(expires_at, self.now),
            None => "expiry unknown".to_owned(),
        };
        let server = self.token_check.as_ref().map(|token_check| match token_check {
            Ok(TokenCheck { accepted: true, .. }) => "accepts the token".to_owned(),
            Ok(_) => "rejects the token".to_owned(),
            Err(_) => "could not verify the token".to_owned(),
        });
        let rows = [
            ("Organization", logged_in.then(|| selected_or_none(&self.organization))),
            ("Project", logged_in.then(|| selected_or_none(&self.project))),
            ("Token", logged_in.then_some(expiry)),
            ("Server", server),
            ("Clock", self.clock()),
            ("Environment", Some(self.hosts.clone())),
            ("Config file", Some(self.file.clone())),
        ];
        let line = |(label, value)| Some(format!("  {label:<14}{}", value?));
        [self.headline()].into_iter().chain(rows.into_iter().filter_map(line)).collect()
    }

    fn headline(&self) -> String {
        let account = account_suffix(self.email.as_deref());
        match self.accepted() {
            _ if self.token.is_none() => "Not logged in".to_owned(),
            Some(false) => format!("The server rejected the login{account}"),
            None if self.expired() => format!("The login{account} has expired"),
            _ => format!("Logged in{account}"),
        }
    }

    /// What to run next, if anything.
    fn advice(&self) -> &'static str {
        match (self.accepted(), &self.organization, &self.project) {
            _ if self.token.is_none() => advice::LOG_IN,
            (Some(false), ..) => advice::NEW_LOGIN,
            (None, ..) if self.expired() => advice::LOG_IN_AGAIN,
            (_, None, _) => {
                "To select an organization and a project, run:\n  rio organization select\n  rio project select"
            }
            (_, _, None) => "To select a project, run:\n  rio project select",
            _ => "",
        }
    }

    fn clock(&self) -> Option<String> {
        match &self.token_check {
            Some(Ok(_)) => Some(match self.clock_offset() {
                Some(offset) => clock_check::difference(offset),
                None => format!("not compared: {}", clock_check::NO_DATE),
            }),
            _ => self.expired().then(|| {
                format!("reads {}; set it if that is wrong", text::date_and_time(self.now))
            }),
        }
    }

    /// How many seconds this machine's clock is ahead of the server's.
    fn clock_offset(&self) -> Option<i64> {
        clock_check::offset(self.now, self.token_check.as_ref()?.as_ref().ok()?.date)
    }

    /// The interface of `--json`, described in src/dist/programs.md.
    fn to_json(&self) -> Value {
        let mut status = json!({
            "logged_in": self.token.is_some(),
            "email": self.email,
            "environment": self.environment,
            "organization": self.organization.as_ref().map(Selected::organization_json),
            "project": self.project.as_ref().map(Selected::project_json),
            "token": self.token.as_ref().map(|token| token_json(token, self.now)),
            "config_file": self.file,
            "config_mode": self.mode.map(|mode| format!("{mode:04o}")),
            "verified": self.accepted(),
        });
        if let (Some(_), Some(members)) = (self.accepted(), status.as_object_mut()) {
            members.insert("clock_offset".to_owned(), json!(self.clock_offset()));
        }
        status
    }
}

fn selected_or_none(selected: &Option<Selected>) -> String {
    selected.as_ref().map_or_else(|| "none".to_owned(), Selected::to_string)
}
