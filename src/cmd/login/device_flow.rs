//! The device authorization grant, from the first request to the accepted id_token. What follows each
//! answer is decided in [`crate::device`]; this is the loop that sleeps and asks.

use super::report::Report;
use crate::browser;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::device::{Grant, Next, Poll};
use crate::error::Error;
use crate::host::Host;
use crate::id_token::Claims;
use crate::oidc::Provider;
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
    let oidc_host = session.hosts.oidc()?;
    report.asking(host, oidc_host.host());
    let provider = Provider::discover(&session.http, oidc_host, client_id)?;
    let grant = provider.authorize_device()?;
    if !(host.console.can_show(&grant.user_code) || report.is_json()) {
        return Err(Error::refused(
            format!("{} sent a code that this terminal cannot show", oidc_host.host()),
            "Run `rio auth login` on a terminal with UTF-8, or with --json.",
        ));
    }
    let poll = Poll::new(grant.expires_in, grant.interval, host.clock.now());
    report.verification(host, &grant)?;
    if browse {
        let page = grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri);
        (host.browser)(&browser::commands(&host.env, page));
    }
    let id_token = wait_for_id_token(host, session, &provider, &grant, poll, report)?;
    provider.accept(&id_token, text::unix_seconds(host.clock.utc()))
}

fn wait_for_id_token(
    host: &mut Host,
    session: &Session,
    provider: &Provider,
    grant: &Grant,
    mut poll: Poll,
    report: Report,
) -> Result<Secret, Error> {
    loop {
        match poll.next(host.clock.now()) {
            Next::Poll(wait) => session.http.sleep(wait),
            Next::GiveUp(wait) => {
                session.http.sleep(wait);
                return Err(poll.expired());
            }
        }
        let before = poll.trouble().map(str::to_owned);
        let answer = provider.poll(&grant.device_code);
        if let Some(id_token) = poll.receive(answer, host.clock.now())? {
            return Ok(id_token);
        }
        match poll.trouble() {
            Some(reason) if !before.as_ref().is_some_and(|before| is_same(before, reason)) => {
                report.retrying(host, reason, poll.wait())?;
            }
            None if before.is_some() => report.recovered(host),
            _ => {}
        }
    }
}

/// Whether it is the same trouble to who waits: from one poll to the next a status may change, and a
/// clock that is shown moves on.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    words(one) == words(other)
}
