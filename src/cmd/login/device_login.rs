//! The device flow of `rio auth login`, from discovery to the validated id_token.
//!
//! [`crate::oauth::device_flow`] decides when to poll and when to stop. This is the loop that sleeps, polls
//! and shows the progress.

use std::time::Duration;

use super::output::Report;
use crate::cmd::session::Session;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::error::Error;
use crate::host::Host;
use crate::host::{browser, clock};
use crate::oauth::device_flow::{Grant, Polling};
use crate::oauth::id_token::Claims;
use crate::oauth::pending::PendingFile;
use crate::oauth::provider::Provider;
use crate::secret::Secret;
use crate::text;

/// Unless the config file has another.
const CLIENT_ID: &str = "rio-cli";
/// Some servers answer `slow_down` to a poll that is a millisecond early.
const MARGIN: Duration = Duration::from_millis(50);

/// Logs in by device flow. With `open_browser`, also opens the page if there is a graphical session.
pub fn run(
    host: &mut Host,
    session: &Session,
    report: Report,
    open_browser: bool,
) -> Result<Claims, Error> {
    let client_id = session.config.text(DEVICE_FLOW_CLIENT_ID)?;
    let client_id = client_id.as_deref().unwrap_or(CLIENT_ID);
    let oidc_host = &session.platform().oidc_host()?;
    let mut pending = PendingFile::open(session.file.path());
    session.http.check_settings(oidc_host)?;
    report.connecting(host, oidc_host.authority());
    let provider = Provider::discover(&session.http, oidc_host, client_id)?;
    let saved = pending.load(&provider, host.clock.utc());
    let resumed = saved.is_some();
    let (grant, since_poll) = match saved {
        Some(saved) => saved,
        None => (provider.authorize_device()?, Duration::ZERO),
    };
    if !report.can_show(host, &grant.user_code) {
        return Err(Error::failure(
            format!("{} sent a code that this terminal cannot show", oidc_host.authority()),
            "Run `rio auth login` on a terminal with UTF-8, or with --json.",
        ));
    }
    let polling = Polling::new(&grant, since_poll, host.clock.now());
    if !resumed {
        pending.save(&provider, &grant, host.clock.utc());
    }
    let browsers = match open_browser && !resumed {
        true => browser::commands(&host.env, grant.most_complete_uri()),
        false => Vec::new(),
    };
    report.verification(host, &grant, resumed, !browsers.is_empty())?;
    if (host.browser)(&browsers) {
        report.opening_browser(host);
    }
    let mut login = DeviceLogin { provider: &provider, grant, polling, report, pending };
    let outcome = login.wait_for_approval(host);
    report.end_of_wait(host);
    // Also after an error: the code is of no further use.
    login.pending.remove();
    provider.validate(&outcome?, text::unix_seconds(host.clock.utc()))
}

struct DeviceLogin<'a> {
    provider: &'a Provider<'a>,
    grant: Grant,
    polling: Polling,
    report: Report,
    pending: PendingFile,
}

impl DeviceLogin<'_> {
    fn wait_for_approval(&mut self, host: &mut Host) -> Result<Secret, Error> {
        loop {
            self.sleep(host);
            let last_failure = self.polling.failure().map(|failure| failure.kind);
            let (response, retry_after) = self.provider.poll(&self.grant.device_code);
            self.pending.record_poll(host.clock.utc());
            let (now, random) = (host.clock.now(), (host.random)());
            if let Some(id_token) = self.polling.receive(response, retry_after, now, random)? {
                return Ok(id_token);
            }
            self.save_interval(host);
            match self.polling.failure() {
                Some(failure) if last_failure != Some(failure.kind) => {
                    let (wait, left) = (self.polling.wait(), self.polling.remaining(now));
                    self.report.retrying(host, &failure.reason, wait, left)?;
                }
                None if last_failure.is_some() => self.report.recovered(host),
                _ => {}
            }
        }
    }

    fn sleep(&self, host: &mut Host) {
        let (clock, trace) = (host.clock.clone(), host.trace.clone());
        clock::wait(&*clock, &trace, self.polling.wait().saturating_add(MARGIN), |now| {
            let reason = self.polling.failure().map(|failure| failure.reason.as_str());
            self.report.waiting(host, reason, self.polling.remaining(now));
        });
    }

    /// `slow_down` also applies to a resumed login (RFC 8628 §3.5: all later requests).
    fn save_interval(&mut self, host: &Host) {
        if self.grant.interval != self.polling.interval() {
            self.grant.interval = self.polling.interval();
            self.grant.expires_in = self.polling.remaining(host.clock.now());
            self.pending.save(self.provider, &self.grant, host.clock.utc());
        }
    }
}
