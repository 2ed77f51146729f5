//! Passwords and tokens that the user gives: as an option, on standard input, in a file, or at a prompt.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::options;
use crate::error::{Error, Warning};
use crate::machine::{Machine, access, stdio};
use crate::secret::Secret;
use crate::text;

/// The value of an option such as `--password`, or the first line of the file that `--password-file` names.
pub fn resolve(
    machine: &mut Machine,
    option: &str,
    value: Option<Secret>,
    file: Option<String>,
) -> Result<Option<Secret>, Error> {
    check_one_source(option, value.as_ref(), file.as_deref())?;
    match (value, file) {
        (Some(value), _) => from_option(machine, option, value).map(Some),
        // As for `gh` and `git`.
        (None, Some(file)) if file == "-" => from_stdin(machine, option).map(Some),
        (None, Some(file)) => from_file(machine, option, &file).map(Some),
        (None, None) => Ok(None),
    }
}

/// Two sources for one secret are an error.
pub fn check_one_source(
    option: &str,
    value: Option<&Secret>,
    file: Option<&str>,
) -> Result<(), Error> {
    match (value, file) {
        (Some(_), Some(_)) => Err(Error::usage(
            format!("{option}-file cannot be used with {option}"),
            "Use one of the two.",
        )),
        _ => Ok(()),
    }
}

fn from_option(machine: &mut Machine, option: &str, value: Secret) -> Result<Secret, Error> {
    if value.expose() == "-" {
        return from_stdin(machine, option);
    }
    let fact = "a secret on the command line is visible in ps and in the shell history";
    let advice = format!("Use {option}-file FILE, or {option} - to read it from standard input.");
    machine.console.warn([Warning::new(fact).advise(advice)]);
    not_empty(option, value)
}

fn from_stdin(machine: &mut Machine, option: &str) -> Result<Secret, Error> {
    let value = machine.console.secret_from_stdin(option)?.ok_or_else(|| {
        Error::usage(
            format!("{option} - needs a value on standard input"),
            format!("Pipe it in, or use {option}-file FILE."),
        )
    })?;
    not_empty(option, value)
}

fn not_empty(option: &str, value: Secret) -> Result<Secret, Error> {
    match value.is_empty() {
        true => {
            Err(Error::usage(format!("{option} is empty"), "Pass a value, or omit the option."))
        }
        false => Ok(value),
    }
}

fn from_file(machine: &mut Machine, option: &str, path: &str) -> Result<Secret, Error> {
    options::check_not_blank(&format!("{option}-file"), Some(path))?;
    let unreadable = |error: io::Error| {
        let problem = match error.kind() {
            ErrorKind::InvalidData => "it is not text".to_owned(),
            ErrorKind::FileTooLarge => "the first line is over 64 KiB".to_owned(),
            ErrorKind::UnexpectedEof => "the first line is empty".to_owned(),
            _ => text::io_error(&error),
        };
        let fact = format!("cannot read {}: {problem}", text::detail(path));
        let advice = format!(
            "Check the path after {option}-file. The first line of the file must be the secret."
        );
        Error::system(&error, fact, advice)
    };
    let file = File::open(path).map_err(unreadable)?;
    let secret = stdio::first_line(&file).map_err(unreadable)?;
    if secret.is_empty() {
        return Err(unreadable(ErrorKind::UnexpectedEof.into()));
    }
    let metadata = file.metadata().map_err(unreadable)?;
    if !is_credential(machine, path) {
        let warning = access::others_can_read(&text::detail(path), Path::new(path), &metadata);
        machine.console.warn(warning);
    }
    Ok(secret)
}

/// Whether a file is a credential of a systemd service. Such a file can have an ACL, which its mode shows as
/// group access.
fn is_credential(machine: &Machine, path: &str) -> bool {
    let directory =
        machine.env.get("CREDENTIALS_DIRECTORY").and_then(|path| fs::canonicalize(path).ok());
    directory.is_some_and(|directory| {
        fs::canonicalize(path).is_ok_and(|path| path.starts_with(directory))
    })
}

pub fn password_or_prompt(
    machine: &mut Machine,
    password: Option<Secret>,
    email: &str,
) -> Result<Secret, Error> {
    if let Some(password) = password {
        return Ok(password);
    }
    let password =
        machine.console.prompt_secret(&format!("Password for {}: ", text::name(email)))?;
    password.filter(|password| !password.is_empty()).ok_or_else(|| {
        Error::failure(
            "no password was entered",
            "Enter it at the prompt, or use --password-file FILE. An SSO account has no password: to log in by \
             phone, run:\n  rio auth login",
        )
    })
}
