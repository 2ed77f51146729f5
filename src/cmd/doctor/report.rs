//! The checks, as text and as JSON.

use serde_json::{Value, json};

use super::redaction::Redaction;
use crate::advice;
use crate::error::{Error, Exit};
use crate::machine::console::Console;
use crate::text;

/// The columns before advice.
const INDENT: usize = 8;

pub enum CheckResult {
    Ok(String),
    Fail(Error),
    /// Not checked, and why.
    Skip(String),
}

impl From<Result<String, Error>> for CheckResult {
    fn from(result: Result<String, Error>) -> Self {
        result.map_or_else(CheckResult::Fail, CheckResult::Ok)
    }
}

pub struct Check {
    pub name: &'static str,
    /// The host and port that it checks.
    host: Option<String>,
    outcome: CheckResult,
}

impl Check {
    pub fn new(name: &'static str, outcome: impl Into<CheckResult>) -> Self {
        Check { name, host: None, outcome: outcome.into() }
    }

    pub fn for_host(name: &'static str, host: &str, outcome: CheckResult) -> Self {
        Check { name, host: Some(host.to_owned()), outcome }
    }

    /// The line of text for this check and others with the same outcome: `names`.
    fn line(&self, names: &str) -> String {
        let result = match self.outcome {
            CheckResult::Fail(_) => "FAIL",
            _ => self.result(),
        };
        let detail = self.detail();
        let host = self.host.as_deref().filter(|host| !detail.contains(host));
        let host = host.map(|host| format!("{host}: ")).unwrap_or_default();
        format!("{result:<4}  {names:<14}  {host}{detail}")
    }

    fn result(&self) -> &'static str {
        match self.outcome {
            CheckResult::Ok(_) => "ok",
            CheckResult::Fail(_) => "fail",
            CheckResult::Skip(_) => "skip",
        }
    }

    fn detail(&self) -> &str {
        match &self.outcome {
            CheckResult::Ok(detail) | CheckResult::Skip(detail) => detail,
            CheckResult::Fail(error) => error.fact(),
        }
    }

    pub fn error(&self) -> Option<&Error> {
        match &self.outcome {
            CheckResult::Fail(error) => Some(error),
            _ => None,
        }
    }

    fn advice(&self) -> Option<&str> {
        self.error().map(|error| error.advice().trim_end_matches(advice::DOCTOR))
    }

    /// Whether both were skipped for the same reason. The text shows them on one line.
    fn is_skipped_like(&self, other: &Check) -> bool {
        let reason = |check: &Check| match &check.outcome {
            CheckResult::Skip(reason) => Some((check.host.clone(), reason.clone())),
            _ => None,
        };
        reason(self).is_some_and(|own| reason(other) == Some(own))
    }

    /// The interface of `--json`, described in src/dist/programs.md.
    fn to_json(&self, redaction: &Redaction) -> Value {
        let host = self.host.as_deref().map(|host| format!(" {host}")).unwrap_or_default();
        json!({
            "name": format!("{}{host}", self.name),
            "result": self.result(),
            "detail": text::printable(&redaction.apply(self.detail())),
            "advice": self.advice().map(|advice| redaction.apply(advice)),
        })
    }
}

/// The checks so far. Prints text at once, because a host may take seconds, but JSON at the end.
pub struct Report {
    json: bool,
    redaction: Redaction,
    checks: Vec<Check>,
    /// Hosts often fail for the same reason. The text then shows the advice once.
    printed_advice: Vec<String>,
}

impl Report {
    pub fn new(json: bool, redaction: Redaction) -> Self {
        Report { json, redaction, checks: Vec::new(), printed_advice: Vec::new() }
    }

    pub fn start(&self, about: &str, console: &mut Console) -> Result<(), Error> {
        if self.json { Ok(()) } else { console.print(&self.redaction.apply(about)) }
    }

    pub fn add(&mut self, checks: Vec<Check>, console: &mut Console) -> Result<(), Error> {
        if !self.json {
            for group in checks.chunk_by(Check::is_skipped_like) {
                self.print(group, console)?;
            }
        }
        self.checks.extend(checks);
        Ok(())
    }

    fn print(&mut self, group: &[Check], console: &mut Console) -> Result<(), Error> {
        let Some(first) = group.first() else { return Ok(()) };
        let names: Vec<_> = group.iter().map(|check| check.name).collect();
        console.print(&self.redaction.apply(&first.line(&names.join(", "))))?;
        let advice = self.redaction.apply(first.advice().unwrap_or_default());
        if !self.printed_advice.contains(&advice) {
            console.print_advice(&advice, INDENT)?;
            self.printed_advice.push(advice);
        }
        Ok(())
    }

    /// Prints JSON or a summary, and returns the exit code: 1 if this machine has a fault, even if others have one, too.
    pub fn finish(self, console: &mut Console) -> Result<Exit, Error> {
        if self.json {
            let checks: Vec<_> =
                self.checks.iter().map(|check| check.to_json(&self.redaction)).collect();
            console.print_json(&json!({"checks": checks}))?;
        }
        let exits = self.checks.iter().filter_map(Check::error).map(Error::exit);
        let (here, beyond): (Vec<_>, Vec<_>) = exits.partition(|exit| *exit == Exit::Failure);
        if !self.json {
            console.print(&summary(here.len(), beyond.len()))?;
        }
        Ok(match (here.len(), beyond.len()) {
            (0, 0) => Exit::Success,
            (0, _) => Exit::TemporaryFailure,
            _ => Exit::Failure,
        })
    }
}

fn summary(here: usize, beyond: usize) -> String {
    let problems = |count| format!("{count} problem{}", if count == 1 { "" } else { "s" });
    match (here, beyond) {
        (0, 0) => "No problems found.".to_owned(),
        (_, 0) => format!("{} on this machine.", problems(here)),
        (0, _) => format!("{} in the network or at a server.", problems(beyond)),
        _ => format!(
            "{}: {here} on this machine, {beyond} in the network or at a server.",
            problems(here + beyond)
        ),
    }
}
