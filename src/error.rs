//! Errors, warnings and exit codes.

use std::io;

use crate::advice;
use crate::text;

/// The exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command succeeded.
    Success = 0,
    /// Denied, expired, wrong password, not logged in, invalid config file.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Network, TLS, proxy, server, or a shortage on this machine: the same command may succeed later.
    TemporaryFailure = 3,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Whether the same system call may succeed later, without any change by the user.
pub fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::ESTALE | libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EINTR)
    )
}

/// A fact (what happened, naming the host, file or option) and advice (what to type or change).
///
/// The fact starts lower case and has no final full stop; the advice is sentences and commands, as
/// [`crate::advice`] describes. Neither holds a secret or the body of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    exit: Exit,
    fact: String,
    advice: String,
    quiet: bool,
}

impl Error {
    /// The command failed. Exit code 1.
    pub fn failure(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::Failure, fact.into(), advice.into())
    }

    /// The command line is wrong. Exit code 2.
    pub fn usage(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::Usage, fact.into(), advice.into())
    }

    /// The same command may succeed later. Exit code 3.
    pub fn temporary(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::TemporaryFailure, fact.into(), advice.into())
    }

    /// A system call failed: temporary if that [may pass](may_pass), otherwise a failure with this advice.
    pub fn system(error: &io::Error, fact: String, advice: impl Into<String>) -> Self {
        match may_pass(error) {
            true => Error::temporary(fact, advice::TRY_LATER),
            false => Error::failure(fact, advice),
        }
    }

    /// The fact is one line, and no text in it can control a terminal: it also goes into JSON.
    fn new(exit: Exit, fact: String, advice: String) -> Self {
        Error { exit, fact: text::printable(&fact), advice: String::new(), quiet: false }
            .advise(advice)
    }

    /// Reports it by the exit code only, as when `head` closes the pipe.
    pub fn quiet(self) -> Self {
        Error { quiet: true, ..self }
    }

    /// Prefixes the fact with the consequence of the error.
    pub fn context(self, fact: &str) -> Self {
        Error { fact: format!("{fact}: {}", self.fact), ..self }
    }

    /// The same error with exit code 3.
    pub fn into_temporary(self) -> Self {
        Error { exit: Exit::TemporaryFailure, ..self }
    }

    /// The same error with exit code 1.
    pub fn into_failure(self) -> Self {
        Error { exit: Exit::Failure, ..self }
    }

    pub fn advise(self, advice: impl Into<String>) -> Self {
        let advice = advice.into();
        let lines: Vec<_> = advice.lines().map(text::printable).collect();
        Error { advice: lines.join("\n"), ..self }
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub fn fact(&self) -> &str {
        &self.fact
    }

    pub fn advice(&self) -> &str {
        &self.advice
    }
}

/// A fact that does not stop a command, and advice, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    fact: String,
    advice: String,
}

impl Warning {
    pub fn new(fact: impl Into<String>) -> Self {
        Warning { fact: fact.into(), advice: String::new() }
    }

    /// A warning that a shell command makes obsolete.
    pub fn fixed_by(fact: impl Into<String>, command: impl AsRef<str>) -> Self {
        Warning::new(fact).advise(advice::run("To fix this", command.as_ref()))
    }

    pub fn advise(self, advice: impl Into<String>) -> Self {
        Warning { advice: advice.into(), ..self }
    }

    pub fn fact(&self) -> &str {
        &self.fact
    }

    pub fn advice(&self) -> &str {
        &self.advice
    }
}

impl From<Warning> for Error {
    fn from(warning: Warning) -> Self {
        Error::failure(warning.fact, warning.advice)
    }
}
