//! `rio auth token`: prints a new token, or the stored one. Only `--min-valid` stores anything.

use std::time::Duration;

use crate::advice;
use crate::cli::args;
use crate::config::EMAIL_ID;
use crate::error::{Error, Exit, Warning};
use crate::machine::{Machine, clock};
use crate::platform::Level;
use crate::session::context::CommandContext;
use crate::session::describe::expiry;
use crate::session::refresh::{self, Credentials, Outcome};
use crate::session::{options, secrets};
use crate::text;
use crate::token::Token;

pub fn run(args: args::TokenArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let min_valid = options::duration("--min-valid", args.min_valid.as_deref())?;
    if min_valid.is_some() && !args.current {
        return Err(Error::usage("--min-valid needs --current", "Add --current."));
    }
    let token = if args.current { current(args, min_valid, machine)? } else { new(args, machine)? };
    machine.console.print(token.expose())?;
    Ok(Exit::Success)
}

fn current(
    args: args::TokenArgs,
    min_valid: Option<Duration>,
    machine: &mut Machine,
) -> Result<Token, Error> {
    let has_password = args.password.is_some() || args.password_file.is_some();
    if args.email.is_some() || has_password || args.level.is_some() {
        return Err(Error::usage(
            "--current cannot be used with --email, --level or a password",
            "Omit --current to get a new token.",
        ));
    }
    let context = CommandContext::open(machine)?;
    let token = match min_valid {
        None => context.require_token()?,
        Some(_) => {
            let credentials = Credentials { password: None, forbidden_by: Some("--current") };
            match refresh::run(machine, &context, min_valid, credentials)? {
                Outcome::NotDue(token)
                | Outcome::Refreshed(token)
                | Outcome::RefreshedByOther(token) => token,
            }
        }
    };
    warn_if_it_expires(&token, min_valid.unwrap_or_default(), machine);
    Ok(token)
}

/// Warns if the token has expired, or does so within the time that the user asks for.
fn warn_if_it_expires(token: &Token, within: Duration, machine: &mut Machine) {
    let now = text::unix_seconds(machine.clock.utc());
    let Some(expires_at) = token.expires_at() else { return };
    if now < clock::EARLIEST || expires_at > now.saturating_add(within.as_secs()) {
        return;
    }
    let advice = if expires_at <= now { advice::LOG_IN_AGAIN } else { "" };
    let fact = format!("the token {}", expiry(expires_at, now));
    machine.console.warn([Warning::new(fact).advise(advice)]);
}

fn new(args: args::TokenArgs, machine: &mut Machine) -> Result<Token, Error> {
    let level = Level::parse(args.level.as_deref().unwrap_or("0")).ok_or_else(|| {
        Error::usage("--level must be 0, 1 or 2", "Use 0 (24 hours), 1 (7 days) or 2 (30 days).")
    })?;
    options::check_not_blank("--email", args.email.as_deref())?;
    let password = secrets::resolve(machine, "--password", args.password, args.password_file)?;
    let context = CommandContext::open(machine)?;
    let email = match args.email {
        Some(email) => email,
        None => context.config.string(EMAIL_ID)?.ok_or_else(|| {
            let advice = "Name the account:\n  rio auth token --email EMAIL";
            Error::usage("the account's email is not known", advice)
        })?,
    };
    let password = secrets::password_or_prompt(machine, password, &email)?;
    context.end_superseded();
    context.platform().login(&email, &password, level)
}
