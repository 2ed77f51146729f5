//! `rio auth status`: what is known without asking anybody, and on request what the server says.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cli::args;
use crate::cmd::session::Session;
use crate::config::{
    Config, EMAIL_ID, ENVIRONMENT, ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID,
    PROJECT_ID, PROJECT_NAME,
};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::host::clock;
use crate::platform::Verdict;
use crate::platform::environment;
use crate::text;
use crate::token::Token;

/// Others than the owner may read it.
const READABLE_BY_OTHERS: u32 = 0o044;
/// Clocks that differ by less are the same to a person.
const SAME_TIME: u64 = 5;

/// Tells the standing of the stored login.
pub fn run(args: args::Status, host: &mut Host) -> Result<Exit, Error> {
    let session = Session::open(host)?;
    let standing = Standing::read(&session, text::unix_seconds(host.clock.utc()))?;
    let verified = match &standing.token {
        Some(token) if args.verify => Some(session.platform().verify(token)),
        _ => None,
    };
    let utc = host.clock.utc();
    if args.json {
        host.console.print_json(&standing.to_json(&verified, utc))?;
    } else {
        for line in standing.card(&verified, utc) {
            host.console.print(&line)?;
        }
    }
    if standing.mode.is_some_and(|mode| mode & READABLE_BY_OTHERS != 0) {
        let path = text::shell_word(session.file.path());
        host.console.warn(&format!("others can read the config file: chmod 600 {path}"));
    }
    warn_of_clock(host, standing.now);
    match verified {
        None => Ok(standing.exit()),
        Some(Ok(Verdict { accepted: true, .. })) => Ok(Exit::Success),
        Some(Ok(Verdict { accepted: false, .. })) => Ok(Exit::Failure),
        Some(Err(error)) => Err(error),
    }
}

/// A robot without a battery wakes up in 1970, and everything that has a date then seems wrong.
fn warn_of_clock(host: &mut Host, now: u64) {
    if now < clock::EARLIEST {
        let reads = text::date_and_time(now);
        host.console.warn(&format!("this machine's clock reads {reads}, which cannot be: set it"));
    }
}

type Verified = Option<Result<Verdict, Error>>;

/// What the config file says, at one moment.
struct Standing {
    now: u64,
    token: Option<Token>,
    expires_at: Option<u64>,
    email: Option<String>,
    environment: String,
    hosts_by_hand: bool,
    organization: [Option<String>; 3],
    project: [Option<String>; 2],
    file: String,
    mode: Option<u32>,
}

impl Standing {
    fn read(session: &Session, now: u64) -> Result<Self, Error> {
        let config = &session.config;
        let token = config.auth_token()?.valid()?;
        Ok(Standing {
            now,
            expires_at: token.as_ref().and_then(Token::expires_at),
            email: config.text(EMAIL_ID)?,
            // As it stands: what is wrong with it matters to who calls a host.
            environment: config.text(ENVIRONMENT)?.unwrap_or_else(|| "ga".to_owned()),
            hosts_by_hand: environment::has_custom_hosts(config),
            organization: texts(
                config,
                [ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID],
            )?,
            project: texts(config, [PROJECT_ID, PROJECT_NAME])?,
            file: session.file.path().display().to_string(),
            mode: session.file.mode(),
            token,
        })
    }

    fn expired(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= self.now)
    }

    fn exit(&self) -> Exit {
        if self.token.is_some() && !self.expired() { Exit::Success } else { Exit::Failure }
    }

    fn card(&self, verified: &Verified, utc: SystemTime) -> Vec<String> {
        let mut rows = Vec::new();
        if self.token.is_some() {
            rows.push(("Organization", named(&self.organization)));
            rows.push(("Project", named(&self.project)));
            rows.push(("Token", self.token_end()));
        }
        match verified {
            None => {}
            Some(Ok(verdict)) => {
                let verb = if verdict.accepted { "accepts" } else { "refuses" };
                rows.push(("Server", format!("{verb} the token")));
                rows.push(("Clock", clock_difference(verdict, utc)));
            }
            Some(Err(_)) => rows.push(("Server", "could not be asked".to_owned())),
        }
        if self.expired() && !matches!(verified, Some(Ok(_))) {
            let reads = text::date_and_time(self.now);
            rows.push(("Clock", format!("reads {reads}; set it if that is wrong")));
        }
        let by_hand = if self.hosts_by_hand { " (with hosts set by hand)" } else { "" };
        rows.push(("Environment", format!("{}{by_hand}", self.environment)));
        rows.push(("Config file", self.file.clone()));
        let rows = rows.into_iter().map(|(label, value)| format!("  {label:<14}{value}"));
        std::iter::once(self.headline(verified)).chain(rows).collect()
    }

    fn headline(&self, verified: &Verified) -> String {
        if self.token.is_none() {
            return "Not logged in. To log in, run: rio auth login".to_owned();
        }
        let who = self.email.as_deref().unwrap_or("an account whose email is not known");
        match verified {
            Some(Ok(Verdict { accepted: true, .. })) => format!("Logged in as {who}"),
            Some(Ok(_)) => {
                format!("The login of {who} is refused. To log in again, run: rio auth login")
            }
            _ if self.expired() => {
                format!("The login of {who} has expired. To renew it, run: rio auth refresh-token")
            }
            _ => format!("Logged in as {who}"),
        }
    }

    fn token_end(&self) -> String {
        let Some(end) = self.expires_at else { return "does not say when it ends".to_owned() };
        let distance = text::in_words(Duration::from_secs(end.abs_diff(self.now)));
        let when = text::date_and_time(end);
        match self.expired() {
            true => format!("ended {distance} ago, at {when}"),
            false => format!("ends in {distance}, at {when}"),
        }
    }

    /// The contract of `--json`, as in the README.
    fn to_json(&self, verified: &Verified, utc: SystemTime) -> Value {
        let [organization, name, short_guid] = &self.organization;
        let [project, project_name] = &self.project;
        let kind = |token: &Token| if token.is_jwt() { "jwt" } else { "opaque" };
        let verdict = verified.as_ref().and_then(|verified| verified.as_ref().ok());
        let mut status = json!({
            "logged_in": self.token.is_some(),
            "email": self.email,
            "environment": self.environment,
            "organization": organization.as_ref().map(|guid| {
                json!({"guid": guid, "name": name, "short_guid": short_guid})
            }),
            "project": project.as_ref().map(|guid| json!({"guid": guid, "name": project_name})),
            "token": self.token.as_ref().map(|token| json!({
                "kind": kind(token),
                "expires_at": self.expires_at.and_then(text::rfc3339),
                "expires_at_unix": self.expires_at,
                "expired": self.expired(),
            })),
            "config_file": self.file,
            "config_mode": self.mode.map(|mode| format!("{mode:04o}")),
            "verified": verdict.map(|verdict| verdict.accepted),
        });
        if let (Some(verdict), Some(members)) = (verdict, status.as_object_mut()) {
            members.insert("clock_offset".to_owned(), json!(clock_offset(verdict, utc)));
        }
        status
    }
}

fn texts<const N: usize>(config: &Config, keys: [&str; N]) -> Result<[Option<String>; N], Error> {
    let mut texts = [const { None }; N];
    for (text, key) in texts.iter_mut().zip(keys) {
        *text = config.text(key)?;
    }
    Ok(texts)
}

/// "Acme Robotics (org-acme)" of a GUID and a name; "none" if nothing is selected.
fn named(parts: &[Option<String>]) -> String {
    match parts {
        [Some(guid), Some(name), ..] => format!("{name} ({guid})"),
        [Some(guid), ..] => guid.clone(),
        _ => "none".to_owned(),
    }
}

/// How many seconds this machine's clock is ahead of the server's.
fn clock_offset(verdict: &Verdict, utc: SystemTime) -> Option<i64> {
    let (here, there) = (text::unix_seconds(utc), text::unix_seconds(verdict.date?));
    let distance = i64::try_from(here.abs_diff(there)).ok()?;
    Some(if here >= there { distance } else { distance.saturating_neg() })
}

fn clock_difference(verdict: &Verdict, utc: SystemTime) -> String {
    let Some(offset) = clock_offset(verdict, utc) else {
        return "the server does not tell its own".to_owned();
    };
    let distance = text::in_words(Duration::from_secs(offset.unsigned_abs()));
    match offset {
        _ if offset.unsigned_abs() <= SAME_TIME => "agrees with the server's".to_owned(),
        ..0 => format!("is {distance} behind the server's"),
        _ => format!("is {distance} ahead of the server's"),
    }
}
