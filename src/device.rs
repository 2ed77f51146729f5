//! The device authorization grant (RFC 8628) as values: no network, no clock, no terminal.
//!
//! [`Grant`] is what the server hands out, [`Reply`] what it says to a poll, and [`Poll`] decides what
//! follows: how long to wait, or that it is over. The loop that sleeps and asks is in `cmd/login`.

use std::time::Duration;

use crate::error::Error;
use crate::secret::Secret;

/// The device authorization response (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct Grant {
    /// Known to this device and the server alone; never shown (§3.3).
    pub device_code: Secret,
    /// What the person types, exactly as the server sent it: it may be case-sensitive.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code filled in, if the server offers it.
    pub verification_uri_complete: Option<String>,
    /// How long the codes are good, counted from the answer that brought them.
    pub expires_in: Duration,
    /// The least time from an answer to the next poll.
    pub interval: Duration,
}

/// What the token endpoint says to one poll (RFC 8628 §3.5); `T` is what a success carries.
#[derive(Debug)]
pub enum Reply<T> {
    /// Approved.
    Tokens(T),
    /// `authorization_pending`: nobody has decided yet.
    Pending,
    /// `slow_down`: five seconds more between polls, for good; some servers name the new interval.
    SlowDown {
        /// The interval that stood beside it, if any.
        interval: Option<Duration>,
    },
    /// No answer, or none from the server itself: a timeout, a reset, a proxy's 502. It may pass.
    Trouble {
        /// What is wrong, for the person who waits.
        reason: String,
        /// How long the answer asked to be left alone (`Retry-After`), if there was one.
        retry_after: Option<Duration>,
    },
    /// A final no: denied, expired, or an answer that makes no sense.
    Refused(Error),
}

/// RFC 8628 §3.2: the interval where the server names none.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what each `slow_down` adds.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// How far trouble may stretch the time between polls.
const BACK_OFF_CEILING: Duration = Duration::from_secs(30);
/// A little over the interval: some servers answer `slow_down` to a poll that comes a millisecond early.
const MARGIN: Duration = Duration::from_millis(50);

/// When to poll next, and when to give up. Times are those of a monotonic clock, from any start.
#[derive(Debug)]
pub struct Poll {
    interval: Duration,
    wait: Duration,
    deadline: Duration,
}

impl Poll {
    /// Starts the wait for a grant that arrived at `now`.
    pub fn new(expires_in: Duration, interval: Duration, now: Duration) -> Self {
        Poll { interval, wait: interval, deadline: now.saturating_add(expires_in) }
    }

    /// How long to sleep before the next poll, counted from the last answer.
    pub fn wait(&self) -> Duration {
        self.wait.saturating_add(MARGIN)
    }

    /// How long the codes are still good at `now`.
    pub fn remaining(&self, now: Duration) -> Duration {
        self.deadline.saturating_sub(now)
    }

    /// Takes the answer that came at `now`: tokens, or `None` to wait and poll again, or the end.
    ///
    /// The deadline is looked at after an answer, not before a poll: an approval in the last seconds
    /// still counts, and no poll comes early to catch it.
    pub fn answer<T>(&mut self, reply: Reply<T>, now: Duration) -> Result<Option<T>, Error> {
        let expired = now >= self.deadline;
        match reply {
            Reply::Tokens(tokens) => return Ok(Some(tokens)),
            Reply::Refused(error) => return Err(error),
            Reply::Trouble { reason, .. } if expired => return Err(expired_in_trouble(&reason)),
            _ if expired => return Err(expired_token()),
            Reply::Pending => self.wait = self.interval,
            Reply::SlowDown { interval } => {
                let slower = self.interval.saturating_add(SLOW_DOWN);
                self.interval = interval.unwrap_or_default().max(slower);
                self.wait = self.interval;
            }
            Reply::Trouble { retry_after, .. } => {
                let remaining = self.remaining(now).max(self.interval);
                self.wait = self
                    .wait
                    .saturating_mul(2)
                    .min(BACK_OFF_CEILING)
                    .max(retry_after.unwrap_or_default().min(remaining))
                    .max(self.interval);
            }
        }
        Ok(None)
    }
}

/// The code ended before anyone approved (`expired_token`, or the deadline kept here).
pub fn expired_token() -> Error {
    Error::refused(
        "the code expired before the login was approved",
        "Run `rio auth login` for a new code.",
    )
}

fn expired_in_trouble(reason: &str) -> Error {
    Error::unavailable(
        format!("the code expired while the login server could not be asked: {reason}"),
        "Check the network, then run `rio auth login` for a new code.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn trouble(retry_after: Option<u64>) -> Reply<()> {
        Reply::Trouble { reason: "reset".into(), retry_after: retry_after.map(seconds) }
    }

    fn slow_down(interval: Option<u64>) -> Reply<()> {
        Reply::SlowDown { interval: interval.map(seconds) }
    }

    /// The waits, in whole seconds, before the first poll and after each reply to a ten-minute code.
    fn waits(interval: u64, replies: Vec<Reply<()>>) -> Vec<u64> {
        let mut now = seconds(7);
        let mut poll = Poll::new(seconds(600), seconds(interval), now);
        let mut waits = vec![poll.wait().as_secs()];
        for reply in replies {
            now += poll.wait();
            assert!(poll.answer(reply, now).unwrap().is_none());
            waits.push(poll.wait().as_secs());
        }
        waits
    }

    #[test]
    fn slow_down_adds_five_seconds_for_good() {
        let replies = vec![Reply::Pending, slow_down(None), Reply::Pending, slow_down(None)];
        assert_eq!(waits(1, replies), [1, 1, 6, 6, 11]);
    }

    #[test]
    fn an_interval_beside_slow_down_raises_it_further_but_never_lowers_it() {
        assert_eq!(waits(5, vec![slow_down(Some(30)), Reply::Pending]), [5, 30, 30]);
        assert_eq!(waits(5, vec![slow_down(Some(1)), Reply::Pending]), [5, 10, 10]);
    }

    #[test]
    fn trouble_doubles_the_wait_up_to_a_ceiling_and_an_answer_ends_it() {
        let mut replies: Vec<_> = (0..5).map(|_| trouble(None)).collect();
        replies.push(Reply::Pending);
        assert_eq!(waits(5, replies), [5, 10, 20, 30, 30, 30, 5]);
    }

    #[test]
    fn back_off_is_never_shorter_than_the_interval() {
        assert_eq!(waits(45, vec![trouble(None), trouble(None)]), [45, 45, 45]);
    }

    #[test]
    fn trouble_after_slow_down_returns_to_the_slower_interval() {
        assert_eq!(waits(1, vec![slow_down(None), trouble(None), Reply::Pending]), [1, 6, 12, 6]);
    }

    #[test]
    fn retry_after_is_honoured_within_the_life_of_the_code() {
        assert_eq!(waits(5, vec![trouble(Some(120))]), [5, 120]);
        assert_eq!(waits(5, vec![trouble(Some(1))]), [5, 10]);
        let bounded = waits(5, vec![trouble(Some(u64::MAX))]);
        assert!(bounded[1] < 600, "{bounded:?}");
    }

    #[test]
    fn every_wait_is_a_little_over_the_interval() {
        let poll = Poll::new(seconds(600), seconds(5), Duration::ZERO);
        assert!(poll.wait() > seconds(5) && poll.wait() < seconds(6));
    }

    #[test]
    fn an_approval_that_is_answered_after_the_deadline_still_counts() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        assert_eq!(poll.answer(Reply::Tokens(1), seconds(12)).unwrap(), Some(1));
    }

    #[test]
    fn a_pending_answer_after_the_deadline_ends_the_login() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        assert!(poll.answer::<()>(Reply::Pending, seconds(9)).unwrap().is_none());
        let error = poll.answer::<()>(Reply::Pending, seconds(10)).unwrap_err();
        assert_eq!(error, expired_token());
    }

    #[test]
    fn a_deadline_that_passes_in_trouble_says_what_the_trouble_was() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        let error = poll.answer(trouble(None), seconds(11)).unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Unavailable);
        assert!(error.fact().ends_with("reset"), "{error}");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut poll = Poll::new(Duration::MAX, Duration::MAX, Duration::MAX);
        poll.answer(slow_down(Some(u64::MAX)), Duration::ZERO).unwrap();
        poll.answer(trouble(Some(u64::MAX)), Duration::ZERO).unwrap();
        assert_eq!(poll.wait(), Duration::MAX);
    }
}
