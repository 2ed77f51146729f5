//! `rio auth refresh-token`.

use super::{password, token::not_logged_in};
use crate::args::RefreshToken;
use crate::config::{AUTH_TOKEN, EMAIL_ID};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::secret::Secret;
use crate::session::Session;

/// Exchanges the stored token, by itself if it is still good, by the password if it is not.
pub fn run(args: RefreshToken, host: &mut Host) -> Result<Exit, Error> {
    let session = Session::open(host)?;
    let token = session.config.auth_token()?.ok_or_else(not_logged_in)?;
    session.file.check_writable()?;
    let fresh = match session.platform().refresh(&token)? {
        Some(token) => token,
        None => by_password(args, host, &session)?,
    };
    session.file.update(|config| config.set(AUTH_TOKEN, fresh.expose()))?;
    host.console.say("The token is refreshed.");
    Ok(Exit::Done)
}

fn by_password(args: RefreshToken, host: &mut Host, session: &Session) -> Result<Secret, Error> {
    let email = session.config.text(EMAIL_ID)?.ok_or_else(cannot_ask)?;
    let password = match password::of_option(host, "--password", args.password)? {
        Some(password) => password,
        None if args.silent || args.no_interactive => return Err(cannot_ask()),
        None => {
            host.console.say("The stored token is no longer good.");
            password::ask(host, &email).map_err(|_| cannot_ask())?
        }
    };
    session.platform().login(&email, &password, Level::Medium)
}

fn cannot_ask() -> Error {
    Error::refused(
        "the stored token is no longer good, and without a password it cannot be replaced",
        "Run `rio auth login`, or `rio auth refresh-token --password -` for an account with a \
         password.",
    )
}
