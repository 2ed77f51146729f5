//! `rio auth refresh-token`: exchanges the stored token for a new one, or logs in with the password if
//! the stored token is no longer valid.

use super::expiry::expiry;
use super::session::Session;
use super::{login_changed, secrets, silent_option};
use crate::cli::args::RefreshToken;
use crate::config::{AUTH_TOKEN, EMAIL_ID};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::secret::Secret;
use crate::text;
use crate::token::Token;

pub fn run(mut args: RefreshToken, host: &mut Host) -> Result<Exit, Error> {
    let (password, file) = (args.password.take(), args.password_file.take());
    let password = secrets::read(host, "--password", password, file)?;
    let session = Session::open(host)?;
    let token = session.require_token()?;
    let email = session.config.text(EMAIL_ID)?;
    session.platform().rip_host()?;
    session.check_writable(host)?;
    let token = match session.platform().refresh(&token)? {
        Some(token) => token,
        None => log_in(&args, email.as_deref(), password, host, &session)?,
    };
    let stored = session.file.update(|config| {
        let is_same = config.is_login_of(email.as_deref());
        if is_same {
            config.set(AUTH_TOKEN, token.expose());
        }
        is_same
    })?;
    if !stored {
        return Err(login_changed());
    }
    let now = text::unix_seconds(host.clock.utc());
    host.console.say(&match token.expires_at() {
        Some(expires_at) => format!("Token refreshed; it {}.", expiry(expires_at, now)),
        None => "Token refreshed.".to_owned(),
    });
    Ok(Exit::Success)
}

fn log_in(
    args: &RefreshToken,
    email: Option<&str>,
    password: Option<Secret>,
    host: &mut Host,
    session: &Session,
) -> Result<Token, Error> {
    const INVALID: &str = "the stored token has expired or was revoked";
    let email = email.ok_or_else(|| {
        Error::failure(
            format!("{INVALID}, and the account's email is not known"),
            "Run `rio auth login`.",
        )
    })?;
    if password.is_none() {
        if let Some(option) = silent_option(args.silent, args.no_interactive) {
            return Err(Error::failure(
                format!("{INVALID}, and {option} forbids asking for a password"),
                "Run `rio auth login`, or pass the password with `--password -`.",
            ));
        }
        host.console.say("The stored token has expired or was revoked.");
    }
    let password = secrets::password_or_prompt(host, password, email)?;
    session.platform().login(email, &password, Level::Medium)
}
