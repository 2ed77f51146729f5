//! Secrets that the user gives: as an option, on standard input, or at a prompt.

use crate::error::Error;
use crate::host::Host;
use crate::secret::Secret;

/// The value of a secret option; `-` stands for the first line of standard input. Warns of a secret
/// that stands on the command line.
pub fn of_option(
    host: &mut Host,
    name: &str,
    value: Option<Secret>,
) -> Result<Option<Secret>, Error> {
    let Some(value) = value else { return Ok(None) };
    if value.expose() != "-" {
        host.console.warn(&format!(
            "a secret on the command line shows in `ps` and in the shell's history; \
             use {name} - to read it from standard input"
        ));
        return usable(name, value).map(Some);
    }
    let line = host.console.read_secret(name)?.ok_or_else(|| {
        Error::usage(
            format!("{name} - found nothing on standard input"),
            format!("Give it there: {name} - < FILE"),
        )
    })?;
    usable(name, line).map(Some)
}

fn usable(name: &str, value: Secret) -> Result<Secret, Error> {
    if value.is_empty() {
        return Err(Error::usage(format!("{name} is empty"), "Give a value, or leave it out."));
    }
    Ok(value)
}

/// Asks for the password of an account.
pub fn ask_password(host: &mut Host, email: &str) -> Result<Secret, Error> {
    let password = host.console.ask_hidden(&format!("Password of {email}: "))?;
    password.filter(|password| !password.is_empty()).ok_or_else(|| {
        Error::failure(
            "no password was given",
            "Give it at the prompt or with `--password -`. An account that signs in through SSO has \
             none: run `rio auth login`.",
        )
    })
}
