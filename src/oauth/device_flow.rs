//! The device authorization grant (RFC 8628) as a state machine. It does no I/O and has no clock: the
//! caller passes in each response, the time, and a random fraction.
//!
//! The server issues a [`DeviceAuthorization`]. [`Polling`] says how long to wait before each poll. It takes
//! each [`PollResponse`] and returns the id_token, an error, or `None` to poll again. The loop that sleeps and
//! polls is in `cmd/login/device_login.rs`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::http::FailureKind;
use crate::machine::random::Fraction;
use crate::secret::{Secret, serialize_exposed};

/// A device authorization response (RFC 8628 §3.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceAuthorization {
    /// Identifies the login in each poll. Never shown (§3.3).
    #[serde(serialize_with = "serialize_exposed")]
    pub device_code: Secret,
    /// The code that the user enters, exactly as sent: it may be case-sensitive.
    pub user_code: String,
    /// The page where the user enters it.
    pub verification_uri: String,
    /// The same page with the code filled in (§3.3.1).
    pub verification_uri_complete: Option<String>,
    /// How long both codes are valid.
    pub expires_in: Duration,
    /// The minimum time between two polls.
    pub interval: Duration,
}

impl DeviceAuthorization {
    /// The page with the code filled in, if the server sent one; otherwise the page where the user enters it.
    pub fn most_complete_uri(&self) -> &str {
        self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri)
    }
}

/// A response to a poll (RFC 8628 §3.5).
#[derive(Debug)]
pub enum PollResponse {
    /// The user approved the login. Carries the id_token (OpenID Connect Core §3.1.3.3).
    Approved(Secret),
    /// `authorization_pending`: the user has not approved or denied the login yet.
    AuthorizationPending,
    /// `slow_down`: still pending. This wait and all later ones are 5 seconds longer.
    /// Some servers also send the new interval.
    SlowDown { interval: Option<Duration> },
    /// `access_denied`: the user denied the login. Some servers also send it for an unknown code.
    AccessDenied,
    /// `expired_token`: the codes expired before the user approved the login.
    ExpiredToken,
    /// `invalid_grant` (RFC 6749 §5.2): the device code expired, was used before, or is unknown.
    InvalidGrant,
    /// Any other error ends the polling.
    Error(Error),
    /// No response, or one that the token endpoint did not make. The next poll may succeed.
    TransientFailure(Failure),
}

/// A failure that does not end the polling.
#[derive(Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub reason: String,
}

/// The interval if the server sends none (RFC 8628 §3.2).
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// What each `slow_down` adds to the interval (RFC 8628 §3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest wait after a failure, before jitter, unless the interval or `Retry-After` is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// A clock that runs fast ends a wait early, and some servers answer `slow_down` to a poll that is a
/// millisecond early.
const MARGIN: Duration = Duration::from_millis(50);
/// How long after expiry the last poll may come: an approval in the last seconds still counts.
const GRACE: Duration = Duration::from_secs(5);

/// When to poll, and when to give up. All times are from one monotonic clock.
#[derive(Debug)]
pub struct Polling {
    /// Its interval grows with each `slow_down`.
    authorization: DeviceAuthorization,
    deadline: Duration,
    wait: Duration,
    jitter: Duration,
    /// Of the last poll.
    failure: Option<Failure>,
    /// Of any poll.
    had_failure: bool,
}

impl Polling {
    /// Starts polling at `now`. `since_poll` is the time since the last poll with these codes; zero for new
    /// codes.
    pub fn new(authorization: DeviceAuthorization, since_poll: Duration, now: Duration) -> Self {
        Polling {
            deadline: now.saturating_add(authorization.expires_in),
            wait: authorization.interval.saturating_sub(since_poll),
            authorization,
            jitter: Duration::ZERO,
            failure: None,
            had_failure: false,
        }
    }

    /// The time from the last response to the next poll.
    pub fn wait(&self) -> Duration {
        self.wait.saturating_add(self.jitter)
    }

    /// How long to sleep before the next poll: the wait and a margin.
    pub fn sleep(&self) -> Duration {
        self.wait().saturating_add(MARGIN)
    }

    /// The codes at `now`: how long they are still valid, and the interval that the server has asked for.
    pub fn authorization(&self, now: Duration) -> DeviceAuthorization {
        DeviceAuthorization { expires_in: self.remaining(now), ..self.authorization.clone() }
    }

    pub fn device_code(&self) -> &Secret {
        &self.authorization.device_code
    }

    /// The minimum time between two polls. Each `slow_down` makes it longer.
    pub fn interval(&self) -> Duration {
        self.authorization.interval
    }

    /// How long the codes are still valid at `now`.
    pub fn remaining(&self, now: Duration) -> Duration {
        self.deadline.saturating_sub(now)
    }

    /// The failure of the last poll.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Takes the response that arrived at `now`, with its `Retry-After`. Returns the id_token, or `None` to
    /// wait and poll again.
    ///
    /// The deadline is checked only here, not before a poll: a poll that is due shortly after it, within
    /// `GRACE`, still counts.
    pub fn receive(
        &mut self,
        response: PollResponse,
        retry_after: Option<Duration>,
        now: Duration,
        random: Fraction,
    ) -> Result<Option<Secret>, Error> {
        self.failure = None;
        let wait = match response {
            PollResponse::Approved(id_token) => return Ok(Some(id_token)),
            PollResponse::AuthorizationPending => self.authorization.interval,
            PollResponse::SlowDown { interval } => self.slow_down(interval),
            PollResponse::AccessDenied => {
                return Err(Error::failure("the login was denied (access_denied)", NEW_CODE));
            }
            PollResponse::ExpiredToken => return Err(self.expired_error()),
            PollResponse::InvalidGrant => return Err(invalid_grant_error(self.had_failure)),
            PollResponse::Error(error) => return Err(error),
            PollResponse::TransientFailure(failure) => {
                self.failure = Some(failure);
                self.had_failure = true;
                self.wait.saturating_mul(2).min(MAX_BACKOFF)
            }
        };
        let remaining = self.remaining(now);
        if remaining.is_zero() {
            return Err(self.expired_error());
        }
        if self.authorization.interval > remaining.saturating_add(GRACE) {
            let fact = "the code will expire before the login server allows another request";
            return Err(Error::failure(fact, NEW_CODE));
        }
        self.schedule(wait.max(retry_after.unwrap_or_default()), remaining, random);
        Ok(None)
    }

    /// RFC 8628 §3.5: `slow_down` adds 5 seconds. An interval that the server names can only add more, and
    /// is ignored if it outlasts the code.
    fn slow_down(&mut self, named: Option<Duration>) -> Duration {
        let slower = self.authorization.interval.saturating_add(SLOW_DOWN);
        let named = named.filter(|interval| *interval < self.authorization.expires_in);
        self.authorization.interval = named.unwrap_or_default().max(slower);
        self.authorization.interval
    }

    /// Sets the wait, which is never shorter than the interval.
    ///
    /// A wait that would outlast the code is shortened to end an interval before the code expires, which
    /// leaves room for jitter. Jitter keeps a fleet from polling in step after a failure that hit all of it.
    /// It is at most an interval, and never moves a poll beyond the deadline.
    fn schedule(&mut self, wait: Duration, remaining: Duration, random: Fraction) {
        let interval = self.authorization.interval;
        let latest = remaining.saturating_sub(interval);
        let wait = if wait > remaining { latest } else { wait };
        self.wait = wait.max(interval);
        let room = remaining.saturating_sub(self.wait).min(interval);
        self.jitter = if self.failure.is_some() { random.of(room) } else { Duration::ZERO };
    }

    fn expired_error(&self) -> Error {
        match &self.failure {
            None => Error::failure("the code expired before the login was approved", NEW_CODE),
            Some(failure) => Error::temporary(
                format!("the code expired while the login server was failing: {}", failure.reason),
                format!("An approval that you already gave does not count. {NEW_CODE}"),
            ),
        }
    }
}

const NEW_CODE: &str = "For a new code, run:\n  rio auth login";

/// A code can be used once. If the response with the tokens is lost, the next poll gets `invalid_grant`.
pub(super) fn invalid_grant_error(had_failure: bool) -> Error {
    let fact = "the code has expired, was already used, or is unknown to the server";
    let lost = "An earlier response was lost. If you approved the login, that does not count. ";
    Error::failure(fact, format!("{}{NEW_CODE}", if had_failure { lost } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    const ZERO: Fraction = Fraction::new(0);
    const ONE: Fraction = Fraction::new(u32::MAX);
    /// A response and its `Retry-After` in seconds.
    type Poll = (PollResponse, Option<u64>);

    const PENDING: Poll = (PollResponse::AuthorizationPending, None);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn failure() -> Poll {
        let reason = "no response in time".into();
        (PollResponse::TransientFailure(Failure { kind: FailureKind::Timeout, reason }), None)
    }

    fn slow_down(interval: Option<u64>) -> Poll {
        (PollResponse::SlowDown { interval: interval.map(seconds) }, None)
    }

    fn retry_after(seconds: u64, (response, _): Poll) -> Poll {
        (response, Some(seconds))
    }

    fn authorization(expires_in: Duration, interval: Duration) -> DeviceAuthorization {
        DeviceAuthorization {
            device_code: Secret::new("device code"),
            user_code: "USER-CODE".into(),
            verification_uri: "https://oidc.example/device".into(),
            verification_uri_complete: None,
            expires_in,
            interval,
        }
    }

    /// Polling that starts at time 0.
    fn polling(expires_in: u64, interval: u64) -> Polling {
        Polling::new(
            authorization(seconds(expires_in), seconds(interval)),
            Duration::ZERO,
            Duration::ZERO,
        )
    }

    fn try_receive(
        polling: &mut Polling,
        (response, retry_after): Poll,
        now: u64,
        random: Fraction,
    ) -> Result<Option<Secret>, Error> {
        polling.receive(response, retry_after.map(seconds), seconds(now), random)
    }

    /// Takes a response that does not end the login.
    fn receive(polling: &mut Polling, poll: Poll, now: u64, random: Fraction) {
        assert!(try_receive(polling, poll, now, random).unwrap().is_none());
    }

    /// The waits in seconds before the first poll and after each response, for a code of ten minutes.
    fn waits(interval: u64, polls: Vec<Poll>) -> Vec<u64> {
        let mut polling = polling(600, interval);
        let mut waits = vec![polling.wait().as_secs()];
        for poll in polls {
            receive(&mut polling, poll, waits.iter().sum(), ZERO);
            waits.push(polling.wait().as_secs());
        }
        waits
    }

    /// The wait after one response at `now`, for a code of ten minutes and an interval of 5 s.
    fn wait_after(poll: Poll, now: u64, random: Fraction) -> Duration {
        let mut polling = polling(600, 5);
        receive(&mut polling, poll, now, random);
        polling.wait()
    }

    #[test]
    fn slow_down_adds_five_seconds_for_good() {
        let responses = vec![PENDING, slow_down(None), PENDING, slow_down(None)];
        assert_eq!(waits(1, responses), [1, 1, 6, 6, 11]);
    }

    #[test]
    fn slow_down_interval_never_shortens_the_wait() {
        assert_eq!(waits(5, vec![slow_down(Some(30)), PENDING]), [5, 30, 30]);
        assert_eq!(waits(5, vec![slow_down(Some(1)), PENDING]), [5, 10, 10]);
    }

    #[test]
    fn slow_down_interval_longer_than_code_is_ignored() {
        assert_eq!(waits(5, vec![slow_down(Some(600)), slow_down(Some(u64::MAX))]), [5, 10, 15]);
    }

    #[test]
    fn failures_double_the_wait_up_to_a_maximum() {
        let mut responses: Vec<_> = (0..5).map(|_| failure()).collect();
        responses.push(PENDING);
        assert_eq!(waits(5, responses), [5, 10, 20, 30, 30, 30, 5]);
    }

    #[test]
    fn backoff_is_never_shorter_than_interval() {
        assert_eq!(waits(45, vec![failure(), failure()]), [45, 45, 45]);
    }

    #[test]
    fn pending_after_failure_returns_to_slower_interval() {
        assert_eq!(waits(1, vec![slow_down(None), failure(), PENDING]), [1, 6, 12, 6]);
    }

    #[test]
    fn retry_after_extends_the_wait() {
        assert_eq!(waits(5, vec![retry_after(120, failure())]), [5, 120]);
        assert_eq!(waits(5, vec![retry_after(1, failure())]), [5, 10]);
        let polls = vec![retry_after(9, PENDING), retry_after(30, slow_down(None)), PENDING];
        assert_eq!(waits(5, polls), [5, 9, 30, 10]);
    }

    #[test]
    fn wait_beyond_expiry_ends_within_the_last_interval() {
        // 100 s remain.
        let cases = [(98, 98, 100), (100, 100, 100), (101, 95, 100), (u64::MAX, 95, 100)];
        for (asked, earliest, latest) in cases {
            let wait = |random| wait_after(retry_after(asked, failure()), 500, random).as_secs();
            assert_eq!([wait(ZERO), wait(ONE)], [earliest, latest]);
        }
        // 3 s remain, less than the interval.
        assert_eq!(wait_after(PENDING, 597, ONE), seconds(5));
        assert_eq!(wait_after(failure(), 597, ONE), seconds(5));
    }

    #[test]
    fn resumed_login_waits_for_the_rest_of_the_interval() {
        let authorization = authorization(seconds(600), seconds(5));
        for (since_poll, wait) in [(0, 5), (3, 2), (60, 0)] {
            let polling = Polling::new(authorization.clone(), seconds(since_poll), seconds(7));
            assert_eq!(polling.wait(), seconds(wait));
        }
    }

    #[test]
    fn interval_longer_than_remaining_time_ends_the_login() {
        let mut polling = polling(60, 5);
        receive(&mut polling, slow_down(Some(59)), 6, ZERO);
        assert_eq!(polling.wait(), seconds(59), "up to 5 s late");
        let error = try_receive(&mut polling, slow_down(Some(59)), 7, ZERO).unwrap_err();
        assert!(error.fact().contains("another request"), "{error:?}");
    }

    #[test]
    fn approval_after_deadline_counts() {
        let approved = (PollResponse::Approved(Secret::new("id_token")), None);
        assert!(try_receive(&mut polling(10, 5), approved, 12, ZERO).unwrap().is_some());
    }

    #[test]
    fn pending_after_deadline_ends_the_login() {
        let mut polling = polling(10, 5);
        receive(&mut polling, PENDING, 9, ZERO);
        let error = try_receive(&mut polling, PENDING, 10, ZERO).unwrap_err();
        assert_eq!(error.exit(), Exit::Failure);
        assert_eq!(error.fact(), "the code expired before the login was approved");
    }

    #[test]
    fn failure_after_deadline_is_temporary_and_names_the_reason() {
        let error = try_receive(&mut polling(10, 5), failure(), 11, ZERO).unwrap_err();
        assert_eq!(error.exit(), Exit::TemporaryFailure);
        assert!(error.fact().ends_with("no response in time"), "{error:?}");
    }

    #[test]
    fn invalid_grant_after_failure_mentions_a_lost_approval() {
        let mut polling = polling(600, 5);
        let invalid_grant = |polling: &mut Polling| {
            try_receive(polling, (PollResponse::InvalidGrant, None), 20, ZERO).unwrap_err()
        };
        assert_eq!(invalid_grant(&mut polling).advice(), NEW_CODE);
        receive(&mut polling, failure(), 5, ZERO);
        receive(&mut polling, PENDING, 15, ZERO);
        assert_eq!(invalid_grant(&mut polling).advice(), invalid_grant_error(true).advice());
    }

    #[test]
    fn largest_durations_do_not_overflow() {
        let authorization = authorization(Duration::MAX, Duration::MAX);
        let mut polling = Polling::new(authorization.clone(), Duration::ZERO, Duration::MAX);
        for poll in [slow_down(Some(u64::MAX)), retry_after(u64::MAX, failure())] {
            receive(&mut polling, poll, 0, ONE);
        }
        assert_eq!(polling.wait(), Duration::MAX);
    }

    #[test]
    fn jitter_follows_failures_only() {
        for (poll, shortest, longest) in [
            (&(|| PENDING) as &dyn Fn() -> Poll, 5, 5),
            (&|| retry_after(9, PENDING), 9, 9),
            (&|| slow_down(None), 10, 10),
            (&|| failure(), 10, 15),
            (&|| retry_after(120, failure()), 120, 125),
        ] {
            for (random, wait) in [(ZERO, shortest), (ONE, longest)] {
                assert_eq!(wait_after(poll(), 5, random), seconds(wait));
            }
        }
    }

    #[test]
    fn jitter_is_not_doubled() {
        let mut polling = polling(600, 5);
        let mut waits = Vec::new();
        for poll in [failure(), failure(), failure(), failure(), PENDING] {
            receive(&mut polling, poll, 5, ONE);
            waits.push(polling.wait().as_secs());
        }
        assert_eq!(waits, [15, 25, 35, 35, 5]);
    }

    /// The times at which 1000 machines poll that start together. Polls in the first 20 seconds fail.
    fn polls_of_fleet(asked: Option<u64>, mut random: impl FnMut() -> Fraction) -> Vec<Duration> {
        let mut polls = Vec::new();
        for _ in 0..1000 {
            let mut polling = polling(600, 5);
            let mut now = polling.wait();
            while now < seconds(300) {
                polls.push(now);
                let (response, retry_after) = match now < seconds(20) {
                    true => (failure().0, asked.map(seconds)),
                    false => (PENDING.0, None),
                };
                polling.receive(response, retry_after, now, random()).unwrap();
                now += polling.wait();
            }
        }
        polls
    }

    /// The most polls within one second after the failures.
    fn peak(polls: &[Duration]) -> usize {
        let mut times: Vec<_> = polls.iter().filter(|time| **time >= seconds(20)).collect();
        times.sort_unstable();
        let within =
            |first: usize| times.partition_point(|t| **t < *times[first] + seconds(1)) - first;
        (0..times.len()).map(within).max().unwrap()
    }

    #[test]
    fn fleet_does_not_poll_in_step_after_failures() {
        // A generator with the same output in each run (Knuth's MMIX).
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Fraction::new((state >> 32) as u32)
        };
        for asked in [None, Some(20)] {
            assert_eq!(peak(&polls_of_fleet(asked, || ZERO)), 1000, "without jitter");
            // Evenly spread, each second of a 5 s interval gets 200.
            let peak = peak(&polls_of_fleet(asked, &mut random));
            assert!(peak <= 270, "{peak} of 1000 polls within a second");
        }
    }
}
