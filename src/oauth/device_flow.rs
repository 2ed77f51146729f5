//! The device authorization grant (RFC 8628) as values: no network, no clock, no chance, no terminal.
//!
//! [`Grant`] is what the server hands out, [`Answer`] what it says to a poll, and [`Poll`] decides what
//! follows: how long to wait, or that it is over. The loop that sleeps and asks is in `cmd/login`.

use std::time::Duration;

use crate::error::Error;
use crate::host::random::Fraction;
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
pub enum Answer<T> {
    /// Approved.
    Tokens(T),
    /// `authorization_pending`: nobody has decided yet.
    Pending {
        /// How long the answer asks to be left alone (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// `slow_down`: five seconds more between polls, for good; some servers name the new interval.
    SlowDown {
        /// The interval that stood beside it, if any.
        interval: Option<Duration>,
        /// How long the answer asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer, or none from the server itself: a timeout, a reset, a proxy's 502. It may pass.
    Trouble {
        /// What is wrong, for the person who waits.
        reason: String,
        /// How long the answer asked to be left alone, if there was one.
        retry_after: Option<Duration>,
    },
    /// A final no: denied, expired, or an answer that makes no sense.
    Refused(Error),
}

/// RFC 8628 §3.2: the interval where the server names none.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: what each `slow_down` adds.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// How far trouble may stretch the time between polls, before chance adds to it.
const BACK_OFF_CEILING: Duration = Duration::from_secs(30);
/// A little over the interval: some servers answer `slow_down` to a poll that comes a millisecond early.
const MARGIN: Duration = Duration::from_millis(50);

/// A poll may come so long after the code's end: an approval in its last seconds still counts.
const GRACE: Duration = DEFAULT_INTERVAL;

/// What follows an answer that decides nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Sleep so long, then poll.
    Poll(Duration),
    /// The next poll would come when the code is long over: sleep until it is, and give up.
    GiveUp(Duration),
}

/// When to poll next, and when to give up. Times are those of a monotonic clock, from any start.
#[derive(Debug)]
pub struct Poll {
    expires_in: Duration,
    deadline: Duration,
    interval: Duration,
    wait: Duration,
    /// What chance adds to the wait.
    spread: Duration,
    trouble: Option<String>,
}

impl Poll {
    /// Starts the wait for a grant that arrived at `now`.
    pub fn new(expires_in: Duration, interval: Duration, now: Duration) -> Self {
        let deadline = now.saturating_add(expires_in);
        let spread = Duration::ZERO;
        Poll { expires_in, deadline, interval, wait: interval, spread, trouble: None }
    }

    /// The same for a login that is gone on with, so long after its last poll.
    pub fn after(self, since_poll: Duration) -> Self {
        Poll { wait: self.interval.saturating_sub(since_poll), ..self }
    }

    /// The interval, as the server has raised it by now.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// What is in the way of polling, since the last answer that was one.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The time from the last answer to the next poll.
    pub fn wait(&self) -> Duration {
        self.wait.saturating_add(self.spread)
    }

    /// What to do at `now`, which is when the last answer came.
    pub fn next(&self, now: Duration) -> Next {
        let remaining = self.remaining(now);
        if self.wait > remaining.saturating_add(GRACE) {
            return Next::GiveUp(remaining);
        }
        Next::Poll(self.wait().saturating_add(MARGIN))
    }

    /// How long the codes are still good at `now`.
    pub fn remaining(&self, now: Duration) -> Duration {
        self.deadline.saturating_sub(now)
    }

    /// Takes the answer that came at `now`: tokens, or `None` to wait and poll again, or the end. `share`
    /// is drawn by chance for the wait that follows.
    ///
    /// The deadline is looked at after an answer, not before a poll: an approval in the last seconds
    /// still counts, and no poll comes early to catch it.
    pub fn receive<T>(
        &mut self,
        answer: Answer<T>,
        now: Duration,
        share: Fraction,
    ) -> Result<Option<T>, Error> {
        self.trouble = None;
        let (wait, retry_after) = match answer {
            Answer::Tokens(tokens) => return Ok(Some(tokens)),
            Answer::Refused(error) => return Err(error),
            Answer::Pending { retry_after } => (self.interval, retry_after),
            Answer::SlowDown { interval, retry_after } => {
                // One that outlasts the code makes no sense.
                let named = interval.filter(|interval| *interval < self.expires_in);
                let slower = self.interval.saturating_add(SLOW_DOWN);
                self.interval = named.unwrap_or_default().max(slower);
                (self.interval, retry_after)
            }
            Answer::Trouble { reason, retry_after } => {
                self.trouble = Some(reason);
                (self.wait.saturating_mul(2).min(BACK_OFF_CEILING), retry_after)
            }
        };
        let asked = wait.max(retry_after.unwrap_or_default()).max(self.interval);
        self.plan(asked, self.remaining(now), share);
        if now >= self.deadline { Err(self.expired()) } else { Ok(None) }
    }

    /// Waits as long as is asked for. After trouble, which comes to many machines at one moment, chance adds
    /// up to an interval, so that they return at the rate of as many whose polls were never in step.
    fn plan(&mut self, asked: Duration, remaining: Duration, share: Fraction) {
        let most = if self.trouble.is_some() { self.interval } else { Duration::ZERO };
        (self.wait, self.spread) = match remaining.checked_sub(asked) {
            Some(room) => (asked, share.of(most.min(room))),
            // Whatever asks for more than the interval leaves room for a poll before the code is over.
            None => (remaining.saturating_sub(share.of(most)).max(self.interval), Duration::ZERO),
        };
    }

    /// The end of a wait that nobody ended.
    pub fn expired(&self) -> Error {
        match &self.trouble {
            None => expired_token(),
            Some(reason) => Error::temporary(
                format!("the code expired while the login server could not be asked: {reason}"),
                "Check the network, then run `rio auth login` for a new code.",
            ),
        }
    }
}

/// The code ended before anyone approved (`expired_token`, or the deadline kept here).
pub fn expired_token() -> Error {
    Error::failure(
        "the code expired before the login was approved",
        "Run `rio auth login` for a new code.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// RandomFraction adds nothing.
    const NONE: Fraction = Fraction::new(0);
    const PENDING: Answer<()> = Answer::Pending { retry_after: None };

    fn trouble(retry_after: Option<u64>) -> Answer<()> {
        Answer::Trouble { reason: "reset".into(), retry_after: retry_after.map(seconds) }
    }

    fn slow_down(interval: Option<u64>) -> Answer<()> {
        Answer::SlowDown { interval: interval.map(seconds), retry_after: None }
    }

    fn wait(poll: &Poll, now: Duration) -> Duration {
        match poll.next(now) {
            Next::Poll(wait) => wait,
            Next::GiveUp(_) => panic!("the code is not over"),
        }
    }

    /// The waits, in whole seconds, before the first poll and after each answer to a ten-minute code.
    fn waits(interval: u64, answers: Vec<Answer<()>>) -> Vec<u64> {
        let mut now = seconds(7);
        let mut poll = Poll::new(seconds(600), seconds(interval), now);
        let mut waits = vec![wait(&poll, now).as_secs()];
        for answer in answers {
            now += wait(&poll, now);
            assert!(poll.receive(answer, now, NONE).unwrap().is_none());
            waits.push(wait(&poll, now).as_secs());
        }
        waits
    }

    #[test]
    fn slow_down_adds_five_seconds_for_good() {
        let answers = vec![PENDING, slow_down(None), PENDING, slow_down(None)];
        assert_eq!(waits(1, answers), [1, 1, 6, 6, 11]);
    }

    #[test]
    fn an_interval_beside_slow_down_raises_it_further_but_never_lowers_it() {
        assert_eq!(waits(5, vec![slow_down(Some(30)), PENDING]), [5, 30, 30]);
        assert_eq!(waits(5, vec![slow_down(Some(1)), PENDING]), [5, 10, 10]);
    }

    #[test]
    fn an_interval_that_outlasts_the_code_counts_as_none() {
        assert_eq!(waits(5, vec![slow_down(Some(600)), slow_down(Some(u64::MAX))]), [5, 10, 15]);
    }

    #[test]
    fn trouble_doubles_the_wait_up_to_a_ceiling_and_an_answer_ends_it() {
        let mut answers: Vec<_> = (0..5).map(|_| trouble(None)).collect();
        answers.push(PENDING);
        assert_eq!(waits(5, answers), [5, 10, 20, 30, 30, 30, 5]);
    }

    #[test]
    fn back_off_is_never_shorter_than_the_interval() {
        assert_eq!(waits(45, vec![trouble(None), trouble(None)]), [45, 45, 45]);
    }

    #[test]
    fn trouble_after_slow_down_returns_to_the_slower_interval() {
        assert_eq!(waits(1, vec![slow_down(None), trouble(None), PENDING]), [1, 6, 12, 6]);
    }

    #[test]
    fn retry_after_is_honoured_within_the_life_of_the_code() {
        assert_eq!(waits(5, vec![trouble(Some(120))]), [5, 120]);
        assert_eq!(waits(5, vec![trouble(Some(1))]), [5, 10]);
        let bounded = waits(5, vec![trouble(Some(u64::MAX))]);
        assert!(bounded[1] < 600, "{bounded:?}");
        let pending = Answer::Pending { retry_after: Some(seconds(9)) };
        let slow_down = Answer::SlowDown { interval: None, retry_after: Some(seconds(30)) };
        assert_eq!(waits(5, vec![pending, slow_down, PENDING]), [5, 9, 30, 10]);
    }

    #[test]
    fn back_off_leaves_room_for_a_poll_before_the_code_is_over() {
        let mut poll = Poll::new(seconds(50), seconds(5), Duration::ZERO);
        for now in [5, 15] {
            poll.receive(trouble(None), seconds(now), NONE).unwrap();
        }
        poll.receive(trouble(None), seconds(35), NONE).unwrap();
        assert_eq!(poll.next(seconds(35)), Next::Poll(seconds(15) + MARGIN));
    }

    #[test]
    fn every_wait_is_a_little_over_the_interval() {
        let poll = Poll::new(seconds(600), seconds(5), Duration::ZERO);
        let wait = wait(&poll, Duration::ZERO);
        assert!(wait > seconds(5) && wait < seconds(6), "{wait:?}");
    }

    #[test]
    fn a_poll_that_would_come_long_after_the_end_is_not_waited_for() {
        let mut poll = Poll::new(seconds(60), seconds(5), Duration::ZERO);
        poll.receive(slow_down(Some(59)), seconds(6), NONE).unwrap();
        assert_eq!(poll.next(seconds(6)), Next::Poll(seconds(59) + MARGIN));
        poll.receive(slow_down(Some(59)), seconds(7), NONE).unwrap();
        assert_eq!(poll.next(seconds(7)), Next::GiveUp(seconds(53)));
    }

    #[test]
    fn the_last_poll_may_come_a_moment_after_the_end() {
        let poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        assert!(matches!(poll.next(seconds(8)), Next::Poll(_)));
    }

    #[test]
    fn an_approval_that_is_answered_after_the_deadline_still_counts() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        assert_eq!(poll.receive(Answer::Tokens(1), seconds(12), NONE).unwrap(), Some(1));
    }

    #[test]
    fn a_pending_answer_after_the_deadline_ends_the_login() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        assert!(poll.receive(PENDING, seconds(9), NONE).unwrap().is_none());
        let error = poll.receive(PENDING, seconds(10), NONE).unwrap_err();
        assert_eq!(error, expired_token());
    }

    #[test]
    fn a_deadline_that_passes_in_trouble_says_what_the_trouble_was() {
        let mut poll = Poll::new(seconds(10), seconds(5), Duration::ZERO);
        let error = poll.receive(trouble(None), seconds(11), NONE).unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::TemporaryFailure);
        assert!(error.fact().ends_with("reset"), "{error:?}");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut poll = Poll::new(Duration::MAX, Duration::MAX, Duration::MAX);
        poll.receive(slow_down(Some(u64::MAX)), Duration::ZERO, NONE).unwrap();
        poll.receive(trouble(Some(u64::MAX)), Duration::ZERO, NONE).unwrap();
        assert_eq!(poll.next(Duration::ZERO), Next::Poll(Duration::MAX));
    }

    /// All that chance can add.
    const ALL: Fraction = Fraction::new(u32::MAX);

    /// The wait after one answer at `now`, with the margin left out.
    fn wait_after(answer: Answer<()>, now: u64, share: Fraction) -> Duration {
        let mut poll = Poll::new(seconds(600), seconds(5), Duration::ZERO);
        assert!(poll.receive(answer, seconds(now), share).unwrap().is_none());
        assert_eq!(wait(&poll, seconds(now)), poll.wait() + MARGIN);
        poll.wait()
    }

    #[test]
    fn chance_adds_up_to_an_interval_after_trouble_and_nothing_else() {
        let retry_after = Some(seconds(9));
        for (answer, shortest, longest) in [
            (&(|| PENDING) as &dyn Fn() -> Answer<()>, 5.0, 5.0),
            (&|| Answer::Pending { retry_after }, 9.0, 9.0),
            (&|| slow_down(None), 10.0, 10.0),
            (&|| trouble(None), 10.0, 15.0),
            (&|| trouble(Some(120)), 120.0, 125.0),
        ] {
            for (share, wait) in [(NONE, shortest), (ALL, longest)] {
                assert_eq!(wait_after(answer(), 5, share), Duration::from_secs_f64(wait));
            }
        }
    }

    #[test]
    fn what_chance_added_is_not_doubled_and_ends_with_the_trouble() {
        let mut poll = Poll::new(seconds(600), seconds(5), Duration::ZERO);
        let mut waits = Vec::new();
        for answer in [trouble(None), trouble(None), trouble(None), trouble(None), PENDING] {
            poll.receive(answer, seconds(5), ALL).unwrap();
            waits.push(poll.wait().as_millis());
        }
        assert_eq!(waits, [15_000, 25_000, 35_000, 35_000, 5000]);
    }

    #[test]
    fn chance_makes_no_wait_outlast_the_code() {
        let waits = |retry_after| {
            [NONE, ALL].map(|share| wait_after(trouble(Some(retry_after)), 500, share).as_secs())
        };
        assert_eq!(waits(98), [98, 100]);
        // What asks for more than there is cannot be had: those are spread before the end.
        assert_eq!(waits(200), [100, 95]);
        // There is no room for more than the interval.
        assert_eq!(wait_after(PENDING, 597, ALL), seconds(5));
        assert_eq!(wait_after(trouble(None), 597, ALL), seconds(5));
    }

    /// When a thousand machines poll that began at one moment, while the server is in trouble for its
    /// first 20 seconds.
    fn polls_of_a_fleet(
        retry_after: Option<u64>,
        mut random: impl FnMut() -> Fraction,
    ) -> Vec<Duration> {
        let mut polls = Vec::new();
        for _ in 0..1000 {
            let mut poll = Poll::new(seconds(600), seconds(5), Duration::ZERO);
            let mut now = wait(&poll, Duration::ZERO);
            while now < seconds(300) {
                polls.push(now);
                let answer = if now < seconds(20) { trouble(retry_after) } else { PENDING };
                poll.receive(answer, now, random()).unwrap();
                now += wait(&poll, now);
            }
        }
        polls
    }

    /// The most polls that come within a second, once the server is well.
    fn peak(polls: &[Duration]) -> usize {
        let mut times: Vec<_> = polls.iter().filter(|time| **time >= seconds(20)).collect();
        times.sort_unstable();
        let within =
            |first: usize| times.partition_point(|t| **t < *times[first] + seconds(1)) - first;
        (0..times.len()).map(within).max().unwrap()
    }

    #[test]
    fn a_fleet_that_met_trouble_together_does_not_poll_together_afterwards() {
        // A generator that is the same in each run (Knuth's MMIX).
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Fraction::new((state >> 32) as u32)
        };
        for retry_after in [None, Some(20)] {
            assert_eq!(
                peak(&polls_of_a_fleet(retry_after, || NONE)),
                1000,
                "in step without chance"
            );
            // A fifth is what a second gets of an interval of five, if nothing is in step.
            let peak = peak(&polls_of_a_fleet(retry_after, &mut random));
            assert!(peak <= 270, "{peak} of 1000 polls within a second");
        }
    }
}
