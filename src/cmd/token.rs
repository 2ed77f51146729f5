//! `rio auth token`: prints a new token, or the stored one. Stores nothing.

use super::session::Session;
use super::{check_not_blank, secrets};
use crate::cli::args;
use crate::config::EMAIL_ID;
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::token::Token;

pub fn run(args: args::Token, host: &mut Host) -> Result<Exit, Error> {
    let token = if args.current { current(args, host)? } else { new(args, host)? };
    host.console.print(token.expose())?;
    Ok(Exit::Success)
}

fn current(args: args::Token, host: &mut Host) -> Result<Token, Error> {
    let has_password = args.password.is_some() || args.password_file.is_some();
    if args.email.is_some() || has_password || args.level.is_some() {
        return Err(Error::usage(
            "--current cannot be used with --email, --level or a password",
            "Omit --current to get a new token.",
        ));
    }
    Session::open(host)?.require_token()
}

fn new(args: args::Token, host: &mut Host) -> Result<Token, Error> {
    let level = Level::parse(args.level.as_deref().unwrap_or("0")).ok_or_else(|| {
        Error::usage("--level must be 0, 1 or 2", "Use 0 (24 hours), 1 (7 days) or 2 (30 days).")
    })?;
    check_not_blank("--email", args.email.as_deref())?;
    let password = secrets::read(host, "--password", args.password, args.password_file)?;
    let session = Session::open(host)?;
    let email = match args.email {
        Some(email) => email,
        None => session.config.text(EMAIL_ID)?.ok_or_else(|| {
            Error::usage("the account's email is not known", "Run `rio auth token --email EMAIL`.")
        })?,
    };
    let password = secrets::password_or_prompt(host, password, &email)?;
    session.platform().login(&email, &password, level)
}
