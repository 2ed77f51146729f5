//! The device authorization grant, from the first request to the accepted id_token. What follows each
//! answer is decided in [`crate::device`]; this is the loop that sleeps and asks.

use super::report::Report;
use crate::browser;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::device::{Grant, Poll, Reply};
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
    let provider = Provider::discover(&session.http, &session.hosts.oidc, client_id)?;
    let grant = provider.authorize_device()?;
    let poll = Poll::new(grant.expires_in, grant.interval, host.clock.now());
    report.verification(host, &grant)?;
    if browse {
        let page = grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri);
        (host.browser)(&browser::commands(&host.env, page));
    }
    let id_token = wait_for_tokens(host, session, &provider, &grant, poll, report)?;
    provider.accept(&id_token, text::unix_seconds(host.clock.utc()))
}

fn wait_for_tokens(
    host: &mut Host,
    session: &Session,
    provider: &Provider,
    grant: &Grant,
    mut poll: Poll,
    report: Report,
) -> Result<Secret, Error> {
    let mut trouble = None;
    loop {
        session.http.sleep(poll.wait());
        let reply = provider.poll(&grant.device_code);
        let reason = match &reply {
            Reply::Trouble { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        if let Some(tokens) = poll.answer(reply, host.clock.now())? {
            return Ok(tokens);
        }
        match &reason {
            Some(reason) if trouble.as_ref() != Some(reason) => {
                report.retrying(host, reason, poll.wait())?;
            }
            None if trouble.is_some() => report.recovered(host),
            _ => {}
        }
        trouble = reason;
    }
}
