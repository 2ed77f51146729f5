//! The device authorization grant, from the first request to the accepted id_token. What follows each
//! answer is decided in [`crate::device`]; this is the loop that sleeps and asks.

use std::time::Duration;

use super::report::Report;
use crate::browser;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::device::{Grant, Next, Poll};
use crate::error::Error;
use crate::host::Host;
use crate::id_token::Claims;
use crate::oidc::Provider;
use crate::pending::PendingFile;
use crate::secret::Secret;
use crate::session::Session;
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
    let mut pending = PendingFile::beside(session.file.path());
    let begun = match resume(host, session, client_id, &mut pending)? {
        Some(resumed) => resumed,
        None => begin(host, session, client_id, report, &mut pending)?,
    };
    pending.watch();
    let Begun { provider, grant, poll, resumed } = begun;
    report.verification(host, &grant, resumed)?;
    if browse && !resumed {
        let page = grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri);
        (host.browser)(&browser::commands(&host.env, page));
    }
    let wait = Wait { session, provider: &provider, grant: &grant, report, pending: &pending };
    let id_token = wait.for_id_token(host, poll);
    report.waited(host);
    pending.forget();
    provider.accept(&id_token?, text::unix_seconds(host.clock.utc()))
}

/// A login that waits from here on.
struct Begun<'a> {
    provider: Provider<'a>,
    grant: Grant,
    poll: Poll,
    resumed: bool,
}

/// Goes on with the login that was cut off, if there is one with the same server.
fn resume<'a>(
    host: &Host,
    session: &'a Session,
    client_id: &'a str,
    pending: &mut PendingFile,
) -> Result<Option<Begun<'a>>, Error> {
    let Some(kept) = pending.claim(host.clock.utc()) else { return Ok(None) };
    let since_poll = kept.since_poll;
    let resumed = Provider::resume(&session.http, session.hosts.oidc()?, client_id, kept);
    Ok(resumed.map(|(provider, grant)| {
        let poll = Poll::new(grant.expires_in, grant.interval, host.clock.now()).after(since_poll);
        Begun { provider, grant, poll, resumed: true }
    }))
}

/// Asks for a new code.
fn begin<'a>(
    host: &mut Host,
    session: &'a Session,
    client_id: &'a str,
    report: Report,
    pending: &mut PendingFile,
) -> Result<Begun<'a>, Error> {
    let oidc_host = session.hosts.oidc()?;
    report.asking(host, oidc_host.host());
    let provider = Provider::discover(&session.http, oidc_host, client_id)?;
    let grant = provider.authorize_device()?;
    if !report.can_show(host, &grant.user_code) {
        return Err(Error::refused(
            format!("{} sent a code that this terminal cannot show", oidc_host.host()),
            "Run `rio auth login` on a terminal with UTF-8, or with --json.",
        ));
    }
    let poll = Poll::new(grant.expires_in, grant.interval, host.clock.now());
    pending.keep(&provider.parties(), &grant, host.clock.utc());
    Ok(Begun { provider, grant, poll, resumed: false })
}

/// So often the time that is left is shown anew.
const TICK: Duration = Duration::from_secs(1);

/// The wait for somebody to approve.
struct Wait<'a> {
    session: &'a Session,
    provider: &'a Provider<'a>,
    grant: &'a Grant,
    report: Report,
    pending: &'a PendingFile,
}

impl Wait<'_> {
    fn for_id_token(&self, host: &mut Host, mut poll: Poll) -> Result<Secret, Error> {
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
            if let Some(id_token) = poll.receive(answer, host.clock.now())? {
                return Ok(id_token);
            }
            match poll.trouble() {
                Some(reason) if !before.as_ref().is_some_and(|before| is_same(before, reason)) => {
                    self.report.retrying(host, reason, poll.wait())?;
                }
                None if before.is_some() => self.report.recovered(host),
                _ => {}
            }
        }
    }

    /// Sleeps, and shows how time goes by where that can be seen.
    fn sleep(&self, host: &mut Host, poll: &Poll, wait: Duration) {
        if !self.report.shows_waiting(host) {
            return self.session.http.sleep(wait);
        }
        let end = host.clock.now().saturating_add(wait);
        loop {
            let now = host.clock.now();
            self.report.waiting(host, poll.trouble(), poll.remaining(now));
            match end.saturating_sub(now) {
                Duration::ZERO => return,
                rest => host.clock.sleep(rest.min(TICK)),
            }
        }
    }
}

/// Whether it is the same trouble to who waits: from one poll to the next a status may change, and a
/// clock that is shown moves on.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}
