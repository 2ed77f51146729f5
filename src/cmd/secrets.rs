//! Passwords and tokens that the user gives: as an option, on standard input, or at a prompt.

use crate::error::Error;
use crate::host::Host;
use crate::secret::Secret;

/// The value of an option such as `--password`. `-` reads the first line of standard input.
pub fn from_option(
    host: &mut Host,
    name: &str,
    value: Option<Secret>,
) -> Result<Option<Secret>, Error> {
    let Some(mut value) = value else { return Ok(None) };
    if value.expose() == "-" {
        value = host.console.read_secret(name)?.ok_or_else(|| {
            Error::usage(
                format!("{name} - needs a value on standard input"),
                format!("Pipe it in, for example `{name} - < FILE`."),
            )
        })?;
    } else {
        host.console.warn(&format!(
            "a secret on the command line is visible in `ps` and in shell history; \
             use {name} - to read it from standard input"
        ));
    }
    if value.is_empty() {
        return Err(Error::usage(format!("{name} is empty"), "Pass a value, or omit the option."));
    }
    Ok(Some(value))
}

pub fn password_or_prompt(
    host: &mut Host,
    password: Option<Secret>,
    email: &str,
) -> Result<Secret, Error> {
    if let Some(password) = password {
        return Ok(password);
    }
    let password = host.console.ask_hidden(&format!("Password for {email}: "))?;
    password.filter(|password| !password.is_empty()).ok_or_else(|| {
        Error::failure(
            "no password was entered",
            "Enter it at the prompt, or use `--password -`. SSO accounts have no password: run \
             `rio auth login`.",
        )
    })
}
