//! `rio auth token`: a token on standard output, and nothing else.

use super::password;
use crate::args;
use crate::config::EMAIL_ID;
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::secret::Secret;
use crate::session::Session;

/// Prints a new token, or the stored one; stores nothing.
pub fn run(args: args::Token, host: &mut Host) -> Result<Exit, Error> {
    let token = if args.current { current(args, host)? } else { new(args, host)? };
    host.console.result(token.expose())?;
    Ok(Exit::Done)
}

fn current(args: args::Token, host: &mut Host) -> Result<Secret, Error> {
    if args.email.is_some() || args.password.is_some() || args.level.is_some() {
        return Err(Error::usage(
            "--current prints the stored token, so no other option goes with it",
            "Leave out --current for a new token.",
        ));
    }
    Session::open(host)?.config.auth_token()?.ok_or_else(not_logged_in)
}

fn new(args: args::Token, host: &mut Host) -> Result<Secret, Error> {
    let level = args.level.as_deref().unwrap_or("0");
    let level = Level::parse(level).ok_or_else(|| {
        Error::usage("--level is 0, 1 or 2", "0 lasts 24 hours, 1 lasts 7 days, 2 lasts 30 days.")
    })?;
    let session = Session::open(host)?;
    let email = match args.email.filter(|email| !email.trim().is_empty()) {
        Some(email) => email,
        None => session.config.text(EMAIL_ID)?.ok_or_else(|| {
            Error::usage("there is no stored email", "Give one: rio auth token --email EMAIL")
        })?,
    };
    let password = match password::of_option(host, "--password", args.password)? {
        Some(password) => password,
        None => password::ask(host, &email)?,
    };
    session.platform().login(&email, &password, level)
}

/// There is no token to use.
pub fn not_logged_in() -> Error {
    Error::refused("you are not logged in", "Run `rio auth login`.")
}
