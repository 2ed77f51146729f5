//! `rio auth token`: a token on standard output, and nothing else.

use super::secrets;
use crate::cli::args;
use crate::cmd::session::Session;
use crate::config::EMAIL_ID;
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::token::Token;

/// Prints a new token, or the stored one; stores nothing.
pub fn run(args: args::Token, host: &mut Host) -> Result<Exit, Error> {
    let token = if args.current { current(args, host)? } else { new(args, host)? };
    host.console.print(token.expose())?;
    Ok(Exit::Success)
}

fn current(args: args::Token, host: &mut Host) -> Result<Token, Error> {
    if args.email.is_some() || args.password.is_some() || args.level.is_some() {
        return Err(Error::usage(
            "--current prints the stored token, so no other option goes with it",
            "Leave out --current for a new token.",
        ));
    }
    Session::open(host)?.require_token()
}

fn new(args: args::Token, host: &mut Host) -> Result<Token, Error> {
    let level = args.level.as_deref().unwrap_or("0");
    let level = Level::parse(level).ok_or_else(|| {
        Error::usage("--level is 0, 1 or 2", "0 lasts 24 hours, 1 lasts 7 days, 2 lasts 30 days.")
    })?;
    if args.email.as_ref().is_some_and(|email| email.trim().is_empty()) {
        return Err(Error::usage("--email is empty", "Give the email of the account."));
    }
    let password = secrets::of_option(host, "--password", args.password)?;
    let session = Session::open(host)?;
    let email = match args.email {
        Some(email) => email,
        None => session.config.text(EMAIL_ID)?.ok_or_else(|| {
            Error::usage("there is no stored email", "Give one: rio auth token --email EMAIL")
        })?,
    };
    let password = match password {
        Some(password) => password,
        None => secrets::ask_password(host, &email)?,
    };
    session.platform().login(&email, &password, level)
}
