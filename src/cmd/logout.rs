//! `rio auth logout`: revokes the token if the server can be reached, and removes the login.

use serde_json::json;

use crate::advice;
use crate::cli::args::LogoutArgs;
use crate::config::{AUTH_TOKEN, Config, StoredToken};
use crate::error::{Error, Exit, Warning};
use crate::machine::Machine;
use crate::oauth::pending;
use crate::session::context::CommandContext;
use crate::token::Token;

pub fn run(args: LogoutArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let context = CommandContext::open(machine)?;
    let (token, token_text) = (context.config.auth_token()?, context.config.string(AUTH_TOKEN)?);
    if !context.config.has_login() {
        pending::remove(&context.file.pending_path());
        machine.console.say("You are not logged in.");
        return finish(args, machine, false, None);
    }
    context.check_writable(machine)?;
    context.end_superseded();
    let revoked = match token {
        StoredToken::Valid(token) => Some(revoke(machine, &context, &token)),
        _ => None,
    };
    let is_same = |config: &Config| {
        let stored = config.string(AUTH_TOKEN).ok().flatten();
        stored.is_none() || stored == token_text
    };
    let removed = context.file.insist_on_update_if(is_same, Config::remove_login)?;
    context.show_warnings(machine);
    pending::remove(&context.file.pending_path());
    if !removed {
        return Err(Error::failure(
            "another rio logged in during the logout; its login was kept",
            advice::run("To remove it too", "rio auth logout"),
        ));
    }
    machine.console.say(match revoked {
        Some(false) => "Logged out on this machine only.",
        _ => "Logged out.",
    });
    finish(args, machine, true, revoked)
}

/// Revokes the token. Returns whether the server confirmed that; otherwise, shows a warning.
fn revoke(machine: &mut Machine, context: &CommandContext, token: &Token) -> bool {
    let Err(error) = context.platform().logout(token) else { return true };
    let fact = "could not revoke the token, which may stay valid until it expires";
    let warning = Warning::new(format!("{fact}: {}", error.fact()));
    machine.console.warn([warning.advise(
        "If others may have the token, change the password, or ask rapyuta.io support to revoke it.",
    )]);
    false
}

/// Prints the result of `--json`. `revoked` is `None` if there was no token to revoke.
fn finish(
    args: LogoutArgs,
    machine: &mut Machine,
    changed: bool,
    revoked: Option<bool>,
) -> Result<Exit, Error> {
    if args.json {
        machine.console.print_json(&json!({"changed": changed, "revoked": revoked}))?;
    }
    Ok(Exit::Success)
}
