//! What a login tells while it goes on: words for a person, or JSON for a program that drives it.
//!
//! The JSON is a contract, described in the README: one object a line on standard output.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cmd::select::{Choice, Selection};
use crate::error::Error;
use crate::host::Host;
use crate::host::console::Console;
use crate::oauth::device_flow::Grant;
use crate::text;

/// The one or the other.
#[derive(Clone, Copy)]
pub struct Report {
    json: bool,
}

impl Report {
    /// JSON, or words.
    pub fn new(json: bool) -> Self {
        Report { json }
    }

    /// Whether a text comes through as it is.
    pub fn can_show(self, host: &Host, text: &str) -> bool {
        self.json || host.console.can_show(text)
    }

    /// The first thing that is said: from here on the network may take its time.
    pub fn asking(self, host: &mut Host, server: &str) {
        if !self.json {
            host.console.say(&format!("Asking {server} for a code..."));
        }
    }

    /// Where to go and what to enter there; `resumed` if it was said before. Said before anything else
    /// is tried.
    pub fn verification(self, host: &mut Host, grant: &Grant, resumed: bool) -> Result<(), Error> {
        if self.json {
            return event(
                host,
                "verification",
                json!({
                    "user_code": grant.user_code,
                    "verification_uri": grant.verification_uri,
                    "verification_uri_complete": grant.verification_uri_complete,
                    "expires_in": grant.expires_in.as_secs(),
                    "interval": grant.interval.as_secs(),
                    "resumed": resumed,
                }),
            );
        }
        if resumed {
            host.console
                .say("Going on with the login that was not finished. Its code is still good.");
        }
        if !say_with_qr(&mut host.console, grant) {
            say_without_qr(&mut host.console, grant);
        }
        if !host.console.has_status() {
            let lasts = text::in_words(grant.expires_in);
            host.console.say(&format!("The code lasts {lasts}. Waiting for the approval..."));
        }
        Ok(())
    }

    /// The wait goes on, and the code is good for so long; said where it can be said in place.
    pub fn waiting(self, host: &mut Host, trouble: Option<&str>, left: Duration) {
        if self.json {
            return;
        }
        let status = match trouble.map(|reason| in_trouble(reason, left)) {
            Some(status) if host.console.fits_status(&status) => status,
            Some(_) => format!("{} left. Still trying", clock_face(left)),
            None => format!("{} left. Waiting for the approval", clock_face(left)),
        };
        host.console.show_status(&status);
    }

    /// Something is in the way of polling, and it goes on. `left` is how long the code is still good.
    pub fn retrying(
        self,
        host: &mut Host,
        reason: &str,
        wait: Duration,
        left: Duration,
    ) -> Result<(), Error> {
        if self.json {
            let members = json!({"reason": reason, "wait": seconds(wait)});
            return event(host, "retrying", members);
        }
        if !host.console.fits_status(&in_trouble(reason, left)) {
            host.console.say_words(&format!("{reason}; still trying."));
        }
        Ok(())
    }

    /// What was in the way is gone.
    pub fn recovered(self, host: &mut Host) {
        if !self.json && !host.console.has_status() {
            host.console.say("The server answers again. Waiting for the approval...");
        }
    }

    /// The wait is over, well or not.
    pub fn waited(self, host: &mut Host) {
        host.console.clear_status();
    }

    /// The token is stored; the selection is still to come.
    pub fn logged_in(self, host: &mut Host, email: Option<&str>) {
        if !self.json {
            let who = email.map(|email| format!(" as {email}")).unwrap_or_default();
            host.console.say(&format!("Logged in{who}."));
        }
    }

    /// The end of a login that went well. What is not selected is said in words either way.
    pub fn selected(
        self,
        host: &mut Host,
        email: Option<&str>,
        selection: &Selection,
    ) -> Result<(), Error> {
        let (organization, project) =
            (selection.organization.selected(), selection.project.selected());
        if self.json {
            let members = json!({
                "email": email,
                "organization": organization.map(|o| {
                    json!({"guid": o.guid, "name": o.name, "short_guid": o.short_guid})
                }),
                "project": project.map(|p| json!({"guid": p.guid, "name": p.name})),
            });
            event(host, "logged_in", members)?;
        } else {
            let named = [
                ("Organization", organization.map(|o| (&o.name, &o.guid))),
                ("Project", project.map(|p| (&p.name, &p.guid))),
            ];
            for (label, chosen) in named {
                if let Some((name, guid)) = chosen {
                    host.console.say(&format!("{label}: {name} ({guid})"));
                }
            }
        }
        if let Some(note) = note(selection) {
            host.console.say_words(&note);
        }
        Ok(())
    }

    /// The end of one that did not; the words are said where every command's error is.
    pub fn error(self, host: &mut Host, error: &Error) -> Result<(), Error> {
        if !self.json {
            return Ok(());
        }
        event(
            host,
            "error",
            json!({
                "code": error.exit().code(),
                "message": error.fact(),
                "advice": error.advice(),
            }),
        )
    }
}

const WARNING: &str = "Approve only a login you started.";

/// For a camera, with the address and the code in few lines: all of it is to fit on one screen.
fn say_with_qr(console: &mut Console, grant: &Grant) -> bool {
    let page = grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri);
    let how = "Scan it, or open this address and enter this code. Approve only your own login:";
    let one_line = format!("    {}    {}", grant.verification_uri, grant.user_code);
    let where_to = match one_line.chars().count() <= console.columns() {
        true => vec![one_line],
        false => vec![grant.verification_uri.clone(), grant.user_code.clone()],
    };
    let status = 1;
    let lines = where_to.iter().map(|line| console.lines_of(line)).sum::<usize>();
    if !console.draw_qr(page, lines.saturating_add(console.lines_of(how)).saturating_add(status)) {
        return false;
    }
    console.say(how);
    where_to.iter().for_each(|line| console.say_strong(line));
    true
}

fn say_without_qr(console: &mut Console, grant: &Grant) {
    // With blanks between, all that is to be read would not fit on a small screen.
    const ROOMY: usize = 20;
    let space = |console: &mut Console| {
        if console.lines() >= ROOMY {
            console.say("");
        }
    };
    let strong = |console: &mut Console, text: &str| {
        space(console);
        console.say_strong(&format!("    {text}"));
        space(console);
    };
    space(console);
    console.say("To log in, open this address on any device:");
    strong(console, &grant.verification_uri);
    console.say("and enter this code:");
    strong(console, &grant.user_code);
    if let Some(complete) = &grant.verification_uri_complete {
        console.say("Or open this address, which has the code in it:");
        strong(console, complete);
    }
    console.say(WARNING);
}

fn in_trouble(reason: &str, left: Duration) -> String {
    format!("{} left. {reason}; still trying", clock_face(left))
}

/// A second that has begun counts.
fn seconds(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000)
}

/// "9:58"; a code of ten minutes starts at 10:00.
fn clock_face(duration: Duration) -> String {
    const MINUTE: u128 = 60;
    let seconds = seconds(duration);
    let (minutes, rest) = (seconds.checked_div(MINUTE), seconds.checked_rem(MINUTE));
    format!("{}:{:02}", minutes.unwrap_or_default(), rest.unwrap_or_default())
}

fn note(selection: &Selection) -> Option<String> {
    let how = "To select one, run: rio auth login --yes --organization NAME --project NAME";
    match (&selection.organization, &selection.project) {
        (Choice::NoAnswer, _) => Some(format!("No organization is selected. {how}")),
        (Choice::NothingExists, _) => {
            Some("The account belongs to no organization yet.".to_owned())
        }
        (Choice::Selected(_), Choice::NoAnswer) => Some(format!("No project is selected. {how}")),
        (Choice::Selected(_), Choice::NothingExists) => {
            Some("The organization has no projects yet.".to_owned())
        }
        (Choice::Selected(_), Choice::Selected(_)) => None,
    }
}

fn event(host: &mut Host, name: &str, mut members: Value) -> Result<(), Error> {
    if let Some(members) = members.as_object_mut() {
        members.insert("event".to_owned(), json!(name));
    }
    host.console.print_json(&members)
}
