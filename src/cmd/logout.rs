//! `rio auth logout`.

use crate::cmd::session::Session;
use crate::config::{Config, StoredToken};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::oauth::pending::PendingFile;

/// Tells the server, and forgets whatever it answers.
pub fn run(host: &mut Host) -> Result<Exit, Error> {
    let session = Session::open(host)?;
    let token = session.config.auth_token()?;
    if !session.config.has_login() {
        PendingFile::beside(session.file.path()).discard();
        host.console.say("You are logged out already.");
        return Ok(Exit::Success);
    }
    session.file.check_writable()?;
    let told = match token {
        StoredToken::Valid(token) => Some(session.platform().logout(&token)),
        StoredToken::Absent | StoredToken::Malformed(_) => None,
    };
    session.file.update(Config::remove_login)?;
    PendingFile::beside(session.file.path()).discard();
    match told {
        None | Some(Ok(())) => host.console.say("You are logged out."),
        Some(Err(error)) => {
            host.console.say("You are logged out on this machine.");
            host.console.warn(&format!(
                "the server could not be told, so the token may live on until it ends: {}",
                error.fact()
            ));
        }
    }
    Ok(Exit::Success)
}
