//! `rio auth refresh-token`.

use super::{overtaken, secrets};
use crate::cli::args::RefreshToken;
use crate::cmd::session::Session;
use crate::config::{AUTH_TOKEN, EMAIL_ID};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::secret::Secret;
use crate::token::Token;

/// Exchanges the stored token, by itself if it is still good, by the password if it is not.
pub fn run(mut args: RefreshToken, host: &mut Host) -> Result<Exit, Error> {
    let password = secrets::of_option(host, "--password", args.password.take())?;
    let may_ask = !(args.silent || args.no_interactive);
    let session = Session::open(host)?;
    let token = session.require_token()?;
    let email = session.config.text(EMAIL_ID)?;
    session.platform().rip_host()?;
    session.file.check_writable()?;
    let fresh = match session.platform().refresh(&token)? {
        Some(fresh) => fresh,
        None => by_password(email.as_deref(), password, may_ask, host, &session)?,
    };
    let mut stored = false;
    session.file.update(|config| {
        stored = config.is_login_of(email.as_deref());
        if stored {
            config.set(AUTH_TOKEN, fresh.expose());
        }
    })?;
    if !stored {
        return Err(overtaken());
    }
    host.console.say("The token is refreshed.");
    Ok(Exit::Success)
}

fn by_password(
    email: Option<&str>,
    password: Option<Secret>,
    may_ask: bool,
    host: &mut Host,
    session: &Session,
) -> Result<Token, Error> {
    let email = email.ok_or_else(|| {
        Error::failure(
            "the stored token is no longer good, and whose it is is not known",
            "Run `rio auth login`.",
        )
    })?;
    let password = match password {
        Some(password) => password,
        None if may_ask => {
            host.console.say("The stored token is no longer good.");
            secrets::ask_password(host, email)?
        }
        None => {
            return Err(Error::failure(
                "the stored token is no longer good, and nobody may be asked for the password",
                "Run `rio auth login`, or `rio auth refresh-token --password -` for an account with \
                 a password.",
            ));
        }
    };
    session.platform().login(email, &password, Level::Medium)
}
