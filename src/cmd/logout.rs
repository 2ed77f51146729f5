//! `rio auth logout`: revokes the token if the server can be reached, and removes the login.

use super::session::Session;
use crate::config::{Config, StoredToken};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::oauth::pending;

pub fn run(host: &mut Host) -> Result<Exit, Error> {
    let session = Session::open(host)?;
    let token = session.config.auth_token()?;
    if !session.config.has_login() {
        pending::remove(session.file.path());
        host.console.say("You are not logged in.");
        return Ok(Exit::Success);
    }
    session.file.check_writable()?;
    let revoked = match token {
        StoredToken::Valid(token) => session.platform().logout(&token),
        StoredToken::Absent | StoredToken::Malformed(_) => Ok(()),
    };
    session.file.update(Config::remove_login)?;
    pending::remove(session.file.path());
    match revoked {
        Ok(()) => host.console.say("Logged out."),
        Err(error) => {
            host.console.say("Logged out on this machine.");
            host.console.warn(&format!(
                "could not tell the server, so the token may stay valid until it expires: {}",
                error.fact()
            ));
        }
    }
    Ok(Exit::Success)
}
