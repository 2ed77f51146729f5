//! What is said when something cannot be done, and the exit code that goes with it.

use std::fmt;

/// How a run ends; the number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Refused or failed: denied, expired, wrong password, not logged in, bad config file.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Network, TLS, proxy or server trouble: try again later.
    TemporaryFailure = 3,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A fact (what happened, naming the host, file or option) and an advice (what to type or change).
///
/// Neither part ever carries a secret or the body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    exit: Exit,
    fact: String,
    advice: String,
    silent: bool,
}

impl Error {
    /// The request was understood, and the answer is no. Exit code 1.
    pub fn failure(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::Failure, fact.into(), advice.into())
    }

    /// The command line cannot be carried out as it stands. Exit code 2.
    pub fn usage(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::Usage, fact.into(), advice.into())
    }

    /// Nobody could be asked; the same command may work later. Exit code 3.
    pub fn temporary(fact: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::new(Exit::TemporaryFailure, fact.into(), advice.into())
    }

    fn new(exit: Exit, fact: String, advice: String) -> Self {
        Error { exit, fact, advice, silent: false }
    }

    /// The same error, not shown: the reader of a pipe that is closed, such as `head`, wants no more.
    pub fn silent(self) -> Self {
        Error { silent: true, ..self }
    }

    /// The same error, said with what it means for the step it stopped.
    pub fn context(mut self, fact: &str) -> Self {
        self.fact = format!("{fact}: {}", self.fact);
        self
    }

    /// The same error as one of a server that could not be asked. Exit code 3.
    pub fn into_temporary(self) -> Self {
        Error { exit: Exit::TemporaryFailure, ..self }
    }

    /// The same fact with another advice.
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether only the exit code reports it.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// What happened, without a final full stop.
    pub fn fact(&self) -> &str {
        &self.fact
    }

    /// What to type or change.
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.fact, self.advice)
    }
}

impl std::error::Error for Error {}
