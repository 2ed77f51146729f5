//! The device authorization grant, from the first request to the accepted id_token. What follows each
//! answer is decided in [`crate::oauth::device_flow`]; this is the loop that sleeps and asks.

use std::time::Duration;

use super::output::Report;
use crate::cmd::session::Session;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::error::Error;
use crate::host::Host;
use crate::host::{browser, clock};
use crate::oauth::device_flow::{Grant, Next, Poll};
use crate::oauth::id_token::Claims;
use crate::oauth::pending::{Pending, PendingFile};
use crate::oauth::provider::Provider;
use crate::secret::Secret;
use crate::text;

/// The client id that rapyuta.io knows the command line by.
const CLIENT_ID: &str = "rio-cli";

/// Runs the flow; `browse` tries to open the page in a graphical session.
pub fn run(
    host: &mut Host,
    session: &Session,
    report: Report,
    browse: bool,
) -> Result<Claims, Error> {
    let client_id = session.config.text(DEVICE_FLOW_CLIENT_ID)?;
    let client_id = client_id.as_deref().unwrap_or(CLIENT_ID);
    let oidc_host = &session.platform().oidc_host()?;
    let mut pending = PendingFile::beside(session.file.path());
    let kept = pending.claim(host.clock.utc());
    report.requesting_code(host, oidc_host.host());
    let provider = Provider::discover(&session.http, oidc_host, client_id)?;
    let Begun { grant, poll, resumed } = begin(host, &provider, kept)?;
    if !report.can_show(host, &grant.user_code) {
        return Err(Error::failure(
            format!("{} sent a code that this terminal cannot show", oidc_host.host()),
            "Run `rio auth login` on a terminal with UTF-8, or with --json.",
        ));
    }
    if !resumed {
        pending.keep(&provider.parties(), &grant, host.clock.utc());
    }
    report.verification(host, &grant, resumed)?;
    if browse && !resumed {
        let page = grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri);
        (host.browser)(&browser::commands(&host.env, page));
    }
    let mut wait = Wait { provider: &provider, grant, report, pending };
    let id_token = wait.for_id_token(host, poll);
    report.end_of_wait(host);
    wait.pending.forget();
    provider.accept(&id_token?, text::unix_seconds(host.clock.utc()))
}

/// A login that waits from here on.
struct Begun {
    grant: Grant,
    poll: Poll,
    resumed: bool,
}

/// Goes on with the login that was cut off, if it is with this server; else asks for a new code.
fn begin(host: &Host, provider: &Provider, kept: Option<Pending>) -> Result<Begun, Error> {
    let poll = |grant: &Grant| Poll::new(grant.expires_in, grant.interval, host.clock.now());
    let since_poll = kept.as_ref().map(|kept| kept.since_poll).unwrap_or_default();
    if let Some(grant) = kept.and_then(|kept| provider.resume(kept)) {
        return Ok(Begun { poll: poll(&grant).after(since_poll), grant, resumed: true });
    }
    let grant = provider.authorize_device()?;
    Ok(Begun { poll: poll(&grant), grant, resumed: false })
}

/// The wait for somebody to approve.
struct Wait<'a> {
    provider: &'a Provider<'a>,
    grant: Grant,
    report: Report,
    pending: PendingFile,
}

impl Wait<'_> {
    fn for_id_token(&mut self, host: &mut Host, mut poll: Poll) -> Result<Secret, Error> {
        loop {
            match poll.next(host.clock.now()) {
                Next::Poll(wait) => self.sleep(host, &poll, wait),
                Next::GiveUp(wait) => {
                    self.sleep(host, &poll, wait);
                    return Err(poll.expired());
                }
            }
            let before = poll.trouble().map(str::to_owned);
            let answer = self.provider.poll(&self.grant.device_code);
            self.pending.polled(host.clock.utc());
            if let Some(id_token) = poll.receive(answer, host.clock.now(), (host.random)())? {
                return Ok(id_token);
            }
            self.keep_interval(host, &poll);
            match poll.trouble() {
                Some(reason) if !before.as_ref().is_some_and(|before| is_same(before, reason)) => {
                    let left = poll.remaining(host.clock.now());
                    self.report.retrying(host, reason, poll.wait(), left)?;
                }
                None if before.is_some() => self.report.recovered(host),
                _ => {}
            }
        }
    }

    /// `slow_down` is for good, so also for who goes on with this login.
    fn keep_interval(&mut self, host: &Host, poll: &Poll) {
        if self.grant.interval != poll.interval() {
            self.grant.interval = poll.interval();
            self.grant.expires_in = poll.remaining(host.clock.now());
            self.pending.keep(&self.provider.parties(), &self.grant, host.clock.utc());
        }
    }

    /// Sleeps, and shows the time left.
    fn sleep(&self, host: &mut Host, poll: &Poll, wait: Duration) {
        let (clock, trace) = (host.clock.clone(), host.trace.clone());
        clock::wait(&*clock, &trace, wait, |now| {
            self.report.waiting(host, poll.trouble(), poll.remaining(now));
        });
    }
}

/// Whether it is the same trouble to who waits: from one poll to the next a status may change, and a
/// clock that is shown moves on.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}
