//! The commands, one file each.

mod clock;
mod completion;
mod doctor;
mod environment;
mod expiry;
mod login;
mod logout;
mod organization;
mod project;
mod refresh;
mod refresh_token;
mod secrets;
mod select;
mod session;
mod status;
mod token;

use std::time::Duration;

use crate::cli::args::{AuthCommand, Command, OrganizationCommand, ProjectCommand, Rio};
use crate::cli::parse;
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::text;

/// Runs a command. The caller shows the error.
pub fn run(rio: Rio, machine: &mut Machine) -> Result<Exit, Error> {
    match rio.command {
        Command::Auth(auth) => match auth.command {
            AuthCommand::Login(args) => login::run(args, machine),
            AuthCommand::Logout(_) => logout::run(machine),
            AuthCommand::RefreshToken(args) => refresh_token::run(args, machine),
            AuthCommand::Status(args) => status::run(args, machine),
            AuthCommand::Token(args) => token::run(args, machine),
            AuthCommand::Environment(args) => environment::run(args, machine),
        },
        Command::Organization(organization) => match organization.command {
            OrganizationCommand::Select(args) => organization::run(args, machine),
        },
        Command::Project(project) => match project.command {
            ProjectCommand::Select(args) => project::run(args, machine),
        },
        Command::Doctor(args) => doctor::run(args, machine),
        Command::Version(_) => {
            machine.console.print_text(&parse::version()).map(|()| Exit::Success)
        }
        Command::Completion(args) => completion::run(args, machine),
    }
}

fn login_changed() -> Error {
    Error::failure(
        "another rio logged in or out in the meantime; its change was kept",
        "Run `rio auth status` to see it.",
    )
}

/// " as EMAIL", if the email is known.
fn as_account(email: Option<&str>) -> String {
    email.map(|email| format!(" as {email}")).unwrap_or_default()
}

/// Asks before `command` removes a login. Any answer but yes is an error.
fn confirm(machine: &mut Machine, question: &str, command: &str) -> Result<(), Error> {
    let answer = machine.console.ask(question)?;
    match answer.map(|answer| answer.trim().to_ascii_lowercase()).as_deref() {
        Some("y" | "yes") => Ok(()),
        Some(_) => Err(Error::failure("kept the existing login", "Nothing has changed.")),
        None => Err(Error::failure(
            "there was no answer; kept the existing login",
            format!("To skip the question, run `{command} --yes`."),
        )),
    }
}

/// The value of an option that takes a duration.
fn duration(option: &str, value: Option<&str>) -> Result<Option<Duration>, Error> {
    let Some(value) = value else { return Ok(None) };
    let duration = text::parse_duration(value).ok_or_else(|| {
        Error::usage(
            format!("{option} is not a duration"),
            "Use a number with the unit d, h, m or s, such as 2d, 12h, 90m or '1h 30m'.",
        )
    })?;
    Ok(Some(duration))
}

fn check_not_blank(option: &str, value: Option<&str>) -> Result<(), Error> {
    match value {
        Some(value) if value.trim().is_empty() => {
            Err(Error::usage(format!("{option} is empty"), "Pass a value, or omit it."))
        }
        _ => Ok(()),
    }
}

/// The option that forbids prompts, for messages.
fn silent_option(silent: bool, no_interactive: bool) -> Option<&'static str> {
    match (silent, no_interactive) {
        (true, _) => Some("--silent"),
        (false, true) => Some("--no-interactive"),
        (false, false) => None,
    }
}
