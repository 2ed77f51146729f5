//! What a login prints: text on standard error, or JSON on standard output.
//!
//! The JSON is an interface for programs, described in src/dist/programs.md: one object per line.

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Error;
use crate::machine::Machine;
use crate::machine::console::Console;
use crate::machine::signals;
use crate::oauth::device_flow::DeviceAuthorization;
use crate::session::describe::{account_suffix, expiry, token_json};
use crate::session::selection::{Selected, Selection};
use crate::text;
use crate::token::Token;

#[derive(Clone, Copy)]
pub struct LoginOutput {
    json: bool,
    /// With JSON, only if a terminal shows nothing else.
    text: bool,
    qr: bool,
}

impl LoginOutput {
    pub fn new(json: bool, machine: &Machine) -> Self {
        LoginOutput { json, text: !json || machine.console.shows_only_messages(), qr: true }
    }

    /// Whether to draw a QR code where that is possible.
    pub fn with_qr(self, qr: bool) -> Self {
        LoginOutput { qr, ..self }
    }

    /// Whether the output shows the text unchanged. JSON does, with escapes.
    pub fn can_show(self, machine: &Machine, text: &str) -> bool {
        self.json || machine.console.can_show(text)
    }

    fn say(self, machine: &mut Machine, text: &str) {
        if self.text {
            machine.console.say(text);
        }
    }

    pub fn connecting(self, machine: &mut Machine, server: &str) {
        self.say(machine, &format!("Connecting to {server}..."));
    }

    /// Where to log in, and the code to enter there.
    pub fn verification(
        self,
        machine: &mut Machine,
        authorization: &DeviceAuthorization,
        resumed: bool,
        opens_browser: bool,
    ) -> Result<(), Error> {
        if self.json {
            let members = json!({
                "user_code": authorization.user_code,
                "verification_uri": authorization.verification_uri,
                "verification_uri_complete": authorization.verification_uri_complete,
                "expires_in": authorization.expires_in.as_secs(),
                "interval": authorization.interval.as_secs(),
                "resumed": resumed,
            });
            event(machine, "verification", members)?;
        }
        if !self.text {
            return Ok(());
        }
        let console = &mut machine.console;
        if resumed {
            console.say("Resuming your earlier login. The code is still valid.");
        }
        // The status line, and the line about the browser.
        let lines_below = if opens_browser { 2 } else { 1 };
        let shown = match self.qr {
            true => show_with_qr(console, authorization, lines_below),
            false => Err("--no-qr".to_owned()),
        };
        if let Err(reason) = shown {
            show_without_qr(console, authorization);
            if console.has_terminal() {
                console.say(&format!("No QR code: {reason}."));
            }
        }
        if !console.has_status() {
            let lifetime = text::in_words(authorization.expires_in);
            console.say(&format!("{WAITING}. The code expires in {lifetime}."));
        }
        Ok(())
    }

    pub fn opening_browser(self, machine: &mut Machine) {
        self.say(machine, "Opening the URL in your browser.");
    }

    /// Updates the status line. `failure` is why the last poll failed; `left` is until the code expires.
    pub fn waiting(self, machine: &mut Machine, failure: Option<&str>, left: Duration) {
        if !self.text {
            return;
        }
        let (full, short) = match failure {
            Some(reason) => (retry_status(reason, left), "Retrying"),
            None => (format!("{WAITING} ({} left)", minutes_and_seconds(left)), "Waiting"),
        };
        let status = match machine.console.fits_status(&full) {
            true => full,
            false => format!("{short} ({} left)", minutes_and_seconds(left)),
        };
        machine.console.show_status(&status);
    }

    /// A poll failed. `wait` is until the next one, `left` until the code expires.
    pub fn retrying(
        self,
        machine: &mut Machine,
        reason: &str,
        wait: Duration,
        left: Duration,
    ) -> Result<(), Error> {
        if self.json {
            let members = json!({"reason": text::printable(reason), "wait": whole_seconds(wait)});
            event(machine, "retrying", members)?;
        }
        // A reason that fits the status line is shown there.
        if self.text && !machine.console.fits_status(&retry_status(reason, left)) {
            machine.console.say(&format!("{reason}; retrying..."));
        }
        Ok(())
    }

    /// The server responds again.
    pub fn recovered(self, machine: &mut Machine) {
        if !machine.console.has_status() {
            self.say(machine, &format!("The server is responding again. {WAITING}..."));
        }
    }

    /// The stored login is kept because its token is not due for a refresh.
    pub fn kept(
        self,
        machine: &mut Machine,
        email: Option<&str>,
        token: &Token,
    ) -> Result<(), Error> {
        let now = text::unix_seconds(machine.clock.utc());
        if self.json {
            let members = json!({"email": email, "token": token_json(token, now)});
            return event(machine, "kept", members);
        }
        let expiry =
            token.expires_at().map(|expires_at| format!("; the token {}", expiry(expires_at, now)));
        let account = account_suffix(email);
        self.say(machine, &format!("Already logged in{account}{}.", expiry.unwrap_or_default()));
        Ok(())
    }

    /// Whether the program that reads the events has gone.
    pub fn is_abandoned(self, machine: &Machine) -> bool {
        self.json && machine.console.is_abandoned()
    }

    pub fn end_of_wait(self, machine: &mut Machine) {
        machine.console.clear_status();
    }

    /// The token is stored.
    pub fn logged_in(self, machine: &mut Machine, email: Option<&str>, expires_at: Option<u64>) {
        self.say(machine, &format!("Logged in{}.", account_suffix(email)));
        if let Some(expires_at) = expires_at {
            let now = text::unix_seconds(machine.clock.utc());
            self.say(machine, &format!("The token {}.", expiry(expires_at, now)));
        }
    }

    /// The login is complete. The note about a missing selection is text even with `--json`.
    pub fn selected(
        self,
        machine: &mut Machine,
        email: Option<&str>,
        selection: &Selection,
    ) -> Result<(), Error> {
        if !self.json {
            selection.show(&mut machine.console);
            return Ok(());
        }
        let organization = selection.organization.selected().map(Selected::from);
        let organization = organization.map(|organization| organization.organization_json());
        let project = selection.project.selected().map(Selected::from);
        let project = project.map(|project| project.project_json());
        let members = json!({"email": email, "organization": organization, "project": project});
        event(machine, "logged_in", members)?;
        selection.show_note(&mut machine.console);
        Ok(())
    }

    /// The login failed. Without `--json`, the caller prints the error, as for every command.
    pub fn error(self, machine: &mut Machine, error: &Error) -> Result<(), Error> {
        if !self.json {
            return Ok(());
        }
        let code = error.exit().code();
        let members = json!({"code": code, "message": error.fact(), "advice": error.advice()});
        event(machine, "error", members)
    }
}

const WAITING: &str = "Waiting for approval";

/// Shows a QR code, if it fits the screen together with the URL, the code and `lines_below`. Otherwise returns the
/// reason.
fn show_with_qr(
    console: &mut Console,
    authorization: &DeviceAuthorization,
    lines_below: usize,
) -> Result<(), String> {
    // At most 80 characters: a second line would leave no room for the QR code on 24 lines.
    let instructions =
        "Approve only logins you started. Scan the QR code or enter the code at the URL:";
    let one_line = format!("    {}    {}", authorization.verification_uri, authorization.user_code);
    let url_and_code = match text::columns(&one_line) <= console.columns() {
        true => vec![one_line],
        false => vec![authorization.verification_uri.clone(), authorization.user_code.clone()],
    };
    let lines = url_and_code.iter().map(|line| console.lines_of(line)).sum::<usize>();
    let lines = lines.saturating_add(console.lines_of(instructions)).saturating_add(lines_below);
    console.draw_qr(authorization.most_complete_uri(), lines)?;
    console.say(instructions);
    url_and_code.iter().for_each(|line| console.say_strong(line));
    Ok(())
}

fn show_without_qr(console: &mut Console, authorization: &DeviceAuthorization) {
    /// On a smaller screen, not everything fits with blank lines between.
    const LINES_FOR_BLANKS: usize = 20;
    let blank = |console: &mut Console| {
        if console.lines() >= LINES_FOR_BLANKS {
            console.say("");
        }
    };
    let mut steps = vec![
        ("To log in, open this URL on any device:", &authorization.verification_uri),
        ("and enter this code:", &authorization.user_code),
    ];
    let complete = authorization.verification_uri_complete.as_ref();
    steps.extend(complete.map(|url| ("Or open this URL (includes the code):", url)));
    blank(console);
    for (instructions, text) in steps {
        console.say(instructions);
        blank(console);
        console.say_strong(&format!("    {text}"));
        blank(console);
    }
    console.say("Approve only logins you started.");
}

fn retry_status(reason: &str, left: Duration) -> String {
    format!("Retrying ({} left): {reason}", minutes_and_seconds(left))
}

fn whole_seconds(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000)
}

/// "9:58".
fn minutes_and_seconds(duration: Duration) -> String {
    let seconds = whole_seconds(duration);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn event(machine: &mut Machine, name: &str, mut members: Value) -> Result<(), Error> {
    if let Some(members) = members.as_object_mut() {
        members.insert("event".to_owned(), json!(name));
    }
    machine.console.print_json(&members).inspect_err(|error| {
        // The reader has gone, as when its ssh connection drops. The next login resumes this one.
        if error.is_quiet() {
            signals::hang_up();
        }
    })
}
