//! The device flow of `rio auth login`, from discovery to the validated id_token.
//!
//! [`crate::oauth::device_flow`] decides when to poll and when to stop. This is the loop that sleeps, polls
//! and shows the progress.

use std::time::Duration;

use super::output::LoginOutput;
use crate::config::DEVICE_FLOW_CLIENT_ID;
use crate::error::Error;
use crate::machine::Machine;
use crate::machine::signals::{self, Hold};
use crate::machine::{browser, clock};
use crate::oauth::device_flow::{PollResponse, Polling};
use crate::oauth::id_token::Claims;
use crate::oauth::pending::PendingFile;
use crate::oauth::provider::{DEFAULT_CLIENT_ID, Provider};
use crate::secret::Secret;
use crate::session::context::CommandContext;
use crate::text;

/// Logs in by device flow. With `open_browser`, also opens the page if there is a graphical session. After
/// `timeout`, ends with a temporary failure, and the next login resumes this one.
pub fn run<'a>(
    machine: &mut Machine,
    context: &'a CommandContext,
    output: LoginOutput,
    open_browser: bool,
    timeout: Option<Duration>,
) -> Result<Approval<'a>, Error> {
    let client_id = context.config.string(DEVICE_FLOW_CLIENT_ID)?;
    let client_id = client_id.as_deref().unwrap_or(DEFAULT_CLIENT_ID);
    let oidc_host = &context.platform().oidc_host()?;
    let mut pending = context.open_pending(machine)?;
    pending.remove_on_interrupt();
    context.http.check_settings(oidc_host)?;
    output.connecting(machine, oidc_host.authority());
    let provider = Provider::discover(&context.http, oidc_host, client_id)?;
    let saved = pending.load(&provider, machine.clock.utc());
    let resumed = saved.is_some();
    context.reserve(&mut pending, machine)?;
    pending.remove_on_interrupt();
    let (authorization, since_poll) = match saved {
        Some(saved) => saved,
        None => (provider.authorize_device()?, Duration::ZERO),
    };
    if !output.can_show(machine, &authorization.user_code) {
        return Err(Error::failure(
            format!("{} sent a code that this terminal cannot show", oidc_host.authority()),
            "Use a terminal with UTF-8, or run:\n  rio auth login --json",
        ));
    }
    let now = machine.clock.now();
    let polling = Polling::new(authorization, since_poll, now);
    let authorization = polling.authorization(now);
    if !resumed {
        pending.save(&provider, &authorization, machine.clock.utc());
    }
    let browsers = match open_browser && !resumed {
        true => browser::commands(&machine.env, authorization.most_complete_uri()),
        false => Vec::new(),
    };
    let shown = output.verification(machine, &authorization, resumed, !browsers.is_empty());
    if shown.is_ok() && (machine.browser)(&browsers) {
        output.opening_browser(machine);
    }
    let end = timeout.map(|timeout| machine.clock.now().saturating_add(timeout));
    let mut login = DeviceLogin { provider: &provider, polling, output, pending: &pending, end };
    let outcome = shown.and_then(|()| login.wait_for_approval(machine));
    output.end_of_wait(machine);
    let approved = outcome.and_then(|approved| {
        let Some((id_token, hold)) = approved else { return Ok(None) };
        let claims = provider.validate(&id_token, text::unix_seconds(machine.clock.utc()))?;
        Ok(Some((claims, hold)))
    });
    match approved {
        Ok(Some((claims, hold))) => Ok(Approval { claims, pending, hold }),
        Ok(None) => Err(not_approved_error(login.polling.remaining(machine.clock.now()))),
        Err(error) => {
            // The code is of no further use.
            pending.remove();
            Err(error)
        }
    }
}

/// The error after `--timeout`.
fn not_approved_error(left: Duration) -> Error {
    let left = text::in_words(Duration::from_secs(left.as_secs()));
    Error::temporary(
        "the login has not been approved yet",
        format!("The code stays valid for {left}. To resume the login, run:\n  rio auth login"),
    )
}

/// What an approved login leads to.
pub struct Approval<'a> {
    pub claims: Claims,
    /// For the token, until it is stored.
    pub pending: PendingFile<'a>,
    /// Until the token is stored.
    pub hold: Hold,
}

struct DeviceLogin<'a> {
    provider: &'a Provider<'a>,
    polling: Polling,
    output: LoginOutput,
    pending: &'a PendingFile<'a>,
    /// When to stop waiting, by the monotonic clock.
    end: Option<Duration>,
}

impl DeviceLogin<'_> {
    /// The id_token; `None` after the timeout.
    fn wait_for_approval(
        &mut self,
        machine: &mut Machine,
    ) -> Result<Option<(Secret, Hold)>, Error> {
        // The status line says it already.
        let _silent = machine.console.has_status().then(|| machine.notice.start_silently());
        loop {
            let sleep = self.polling.sleep();
            let left = self.end.map(|end| end.saturating_sub(machine.clock.now()));
            if let Some(left) = left.filter(|left| *left < sleep) {
                self.sleep(machine, left);
                return Ok(None);
            }
            self.sleep(machine, sleep);
            let interval = self.polling.interval();
            let last_failure = self.polling.failure().map(|failure| failure.kind);
            let mut hold = Hold::termination();
            let (response, retry_after) = self.provider.poll(self.polling.device_code());
            if matches!(response, PollResponse::Approved(_)) {
                hold.extend_to_all();
                signals::remove_on_interrupt(None);
            }
            self.pending.record_poll(machine.clock.utc());
            let (now, random) = (machine.clock.now(), (machine.random)());
            if let Some(id_token) = self.polling.receive(response, retry_after, now, random)? {
                return Ok(Some((id_token, hold)));
            }
            if self.polling.interval() != interval {
                self.save(machine);
            }
            match self.polling.failure() {
                Some(failure) if last_failure != Some(failure.kind) => {
                    let (wait, left) = (self.polling.wait(), self.polling.remaining(now));
                    self.output.retrying(machine, &failure.reason, wait, left)?;
                }
                None if last_failure.is_some() => self.output.recovered(machine),
                _ => {}
            }
        }
    }

    fn sleep(&self, machine: &mut Machine, duration: Duration) {
        let (clock, trace) = (machine.clock.clone(), machine.trace.clone());
        clock::wait(&*clock, &trace, duration, |now| {
            if self.output.is_abandoned(machine) {
                signals::hang_up();
            }
            let reason = self.polling.failure().map(|failure| failure.reason.as_str());
            self.output.waiting(machine, reason, self.polling.remaining(now));
        });
    }

    /// Saves the longer interval: `slow_down` also applies to a resumed login (RFC 8628 §3.5: all later
    /// requests).
    fn save(&mut self, machine: &Machine) {
        let authorization = self.polling.authorization(machine.clock.now());
        self.pending.save(self.provider, &authorization, machine.clock.utc());
    }
}
