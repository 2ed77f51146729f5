//! The result of a command, and assertions on it.

use std::process::{Command, Output};

use serde_json::Value;

/// How a command ended and what it printed. A failed assertion prints all of it.
#[derive(Debug)]
pub struct Outcome {
    pub arguments: Vec<String>,
    /// `None` if a signal killed it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// # Panics
    ///
    /// If the output is not UTF-8.
    pub fn of(command: &Command, output: Output) -> Self {
        let arguments = command.get_args();
        Outcome {
            arguments: arguments.map(|argument| argument.to_string_lossy().into()).collect(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The exit code is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        self.check(self.code == Some(code), &format!("exit code {code}"));
        self
    }

    /// Standard error contains `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        self.check(self.stderr.contains(text), &format!("on standard error: {text}"));
        self
    }

    /// Neither stream contains `text`.
    #[track_caller]
    pub fn hides(self, text: &str) -> Self {
        let shown = self.stdout.contains(text) || self.stderr.contains(text);
        self.check(!shown, &format!("nowhere: {text}"));
        self
    }

    /// Standard output is exactly `text`.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        self.check(self.stdout == text, &format!("on standard output: {text:?}"));
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("JSON wanted\n{self}"))
    }

    /// Standard output as JSON, one value per line.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let read =
            |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON wanted\n{self}"));
        self.stdout.lines().map(read).collect()
    }

    #[track_caller]
    fn check(&self, holds: bool, wanted: &str) {
        assert!(holds, "wanted {wanted}\n{self}");
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome { arguments, code, stdout, stderr } = self;
        write!(f, "$ rio {}\nexit code {code:?}\n", arguments.join(" "))?;
        write!(f, "--- standard output\n{stdout}--- standard error\n{stderr}---")
    }
}
