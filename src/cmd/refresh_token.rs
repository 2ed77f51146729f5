//! `rio auth refresh-token`: exchanges the stored token for a new one, or logs in with the password if
//! the stored token is no longer valid.

use serde_json::json;

use crate::advice;
use crate::cli::args::RefreshTokenArgs;
use crate::error::{Error, Exit, Warning};
use crate::machine::Machine;
use crate::session::context::CommandContext;
use crate::session::describe::{expiry, token_json};
use crate::session::refresh::{self, Credentials, Outcome};
use crate::session::{options, secrets};
use crate::text;

pub fn run(args: RefreshTokenArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let within = options::duration("--if-expires-within", args.if_expires_within.as_deref())?;
    let password = secrets::resolve(machine, "--password", args.password, args.password_file)?;
    let forbidden_by = options::silent_option(args.silent, args.no_interactive);
    let context = CommandContext::open(machine)?;
    let old_expires_at = context.require_token()?.expires_at();
    let outcome = refresh::run(machine, &context, within, Credentials { password, forbidden_by })?;
    let (token, done) = match &outcome {
        Outcome::NotDue(token) => (token, "The token does not need a refresh yet"),
        Outcome::Refreshed(token) => (token, "Token refreshed"),
        Outcome::RefreshedByOther(token) => (token, "Another rio has refreshed the token"),
    };
    let now = text::unix_seconds(machine.clock.utc());
    let expires_at = token.expires_at();
    let done = match expires_at {
        Some(expires_at) => format!("{done}; it {}.", expiry(expires_at, now)),
        None => format!("{done}."),
    };
    match outcome {
        Outcome::NotDue(_) => machine.console.say_routine(&done),
        _ => machine.console.say(&done),
    }
    if let (Some(old), Some(new)) = (old_expires_at, expires_at)
        && new < old
    {
        let date = text::date_and_time(old);
        let fact = format!("the old token would have expired later, on {date}");
        let advice = advice::run("To get a token that is valid for longer", "rio auth login");
        machine.console.warn([Warning::new(fact).advise(advice)]);
    }
    if args.json {
        let refreshed = !matches!(outcome, Outcome::NotDue(_));
        machine
            .console
            .print_json(&json!({"refreshed": refreshed, "token": token_json(token, now)}))?;
    }
    Ok(Exit::Success)
}
