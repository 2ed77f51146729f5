//! The question before a command removes a login.

use crate::advice;
use crate::error::Error;
use crate::machine::Machine;

/// Asks before `command` removes a login. Any answer but yes is an error.
pub fn confirm(machine: &mut Machine, question: &str, command: &str) -> Result<(), Error> {
    let answer = machine.console.ask(question)?;
    match answer.map(|answer| answer.trim().to_ascii_lowercase()).as_deref() {
        Some("y" | "yes") => Ok(()),
        Some(_) => Err(Error::failure(
            "kept the existing login",
            "To continue, run the command again and answer y.",
        )),
        None => Err(Error::failure(
            "there was no answer; kept the existing login",
            advice::run("To skip the question", &format!("{command} --yes")),
        )),
    }
}
