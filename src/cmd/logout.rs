//! `rio auth logout`: revokes the token if the server can be reached, and removes the login.

use crate::config::{AUTH_TOKEN, Config, StoredToken};
use crate::error::{Error, Exit, Warning};
use crate::machine::Machine;
use crate::oauth::pending;
use crate::session::context::CommandContext;

pub fn run(machine: &mut Machine) -> Result<Exit, Error> {
    let context = CommandContext::open(machine)?;
    let (token, token_text) = (context.config.auth_token()?, context.config.string(AUTH_TOKEN)?);
    if !context.config.has_login() {
        pending::remove(&context.file.pending_path());
        machine.console.say("You are not logged in.");
        return Ok(Exit::Success);
    }
    context.check_writable(machine)?;
    if let StoredToken::Valid(token) = token
        && let Err(error) = context.platform().logout(&token)
    {
        machine.console.warn(&Warning::new(format!(
            "could not revoke the token, which may stay valid until it expires: {}",
            error.fact()
        )));
    }
    let is_same = |config: &Config| {
        let stored = config.string(AUTH_TOKEN).ok().flatten();
        stored.is_none() || stored == token_text
    };
    let removed = context.file.update_if(is_same, Config::remove_login)?;
    pending::remove(&context.file.pending_path());
    if !removed {
        return Err(Error::failure(
            "another rio logged in during the logout; its login was kept",
            "To remove it too, run `rio auth logout` again.",
        ));
    }
    machine.console.say("Logged out.");
    Ok(Exit::Success)
}
