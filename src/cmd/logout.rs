//! `rio auth logout`.

use crate::config::{AUTH_TOKEN, EMAIL_ID, ORGANIZATION, PROJECT};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::session::Session;

/// Tells the server, and forgets whatever it answers.
pub fn run(host: &mut Host) -> Result<Exit, Error> {
    let session = Session::open(host)?;
    let token = session.config.auth_token()?;
    let told = token.as_ref().map(|token| session.platform().logout(token));
    session.file.update(|config| {
        config.remove(&[AUTH_TOKEN, EMAIL_ID]);
        config.remove(&ORGANIZATION);
        config.remove(&PROJECT);
    })?;
    match told {
        None => host.console.say("You are logged out already."),
        Some(Ok(())) => host.console.say("You are logged out."),
        Some(Err(error)) => {
            host.console.say("You are logged out on this machine.");
            host.console.warn(&format!(
                "the server could not be told, so the token may live on until it ends: {}",
                error.fact()
            ));
        }
    }
    Ok(Exit::Done)
}
