//! When to ask and when to connect: Happy Eyeballs (RFC 8305) as a state machine, without I/O.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use super::resolver::Family;

/// Between the starts of two attempts (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// How long IPv4 addresses wait for the IPv6 addresses (RFC 8305 §3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// How long the first questions may take before the race looks for addresses elsewhere.
const ANSWER_DELAY: Duration = Duration::from_millis(250);
/// More addresses than this could not be tried within the time limit.
const MOST_ADDRESSES: usize = 32;

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for the addresses of the name without search domains, in both families.
    AskAbsolute,
    /// Start an attempt.
    Connect(SocketAddr),
    /// Wait for an answer or the end of an attempt, at most until this time.
    WaitUntil(Option<Duration>),
    /// Nothing is left to try.
    GiveUp,
}

/// A race to connect to a host. Times count from its start.
#[derive(Debug, Default)]
pub struct Race {
    queues: [VecDeque<SocketAddr>; 2],
    /// All addresses that are or were in the queues.
    found: Vec<SocketAddr>,
    /// How many questions of each family are not answered yet.
    pending: [usize; 2],
    can_ask_absolute: bool,
    /// The addresses of an earlier race, for when DNS fails.
    earlier: Vec<SocketAddr>,
    running: usize,
    last_family: Option<Family>,
    next_attempt: Duration,
    /// When the first addresses came from DNS.
    first_answer: Option<Duration>,
    error: Option<io::Error>,
}

impl Race {
    /// A race between known addresses.
    pub fn among(addresses: Vec<SocketAddr>) -> Self {
        let mut race = Race::default();
        race.enqueue(addresses);
        race
    }

    /// A race whose addresses are being asked for, one question for each family. It starts with the address that
    /// worked before.
    pub fn for_name(
        can_ask_absolute: bool,
        earlier: Vec<SocketAddr>,
        worked: Option<SocketAddr>,
    ) -> Self {
        let mut race = Race { pending: [1, 1], can_ask_absolute, earlier, ..Race::default() };
        race.enqueue(worked.into_iter().collect());
        race
    }

    /// A question was answered, or its lookup failed.
    pub fn answered(&mut self, family: Family, answer: io::Result<Vec<SocketAddr>>, now: Duration) {
        if let Some(pending) = self.pending.get_mut(family as usize) {
            *pending = pending.saturating_sub(1);
        }
        match answer {
            Ok(addresses) if !addresses.is_empty() => {
                self.first_answer.get_or_insert(now);
                self.enqueue(addresses);
            }
            Ok(_) => {}
            Err(error) if is_shortage(&error) => self.note(error),
            Err(_) => {}
        }
    }

    /// An attempt failed. The next one starts at once (RFC 8305 §5).
    pub fn failed(&mut self, error: io::Error, now: Duration) {
        self.running = self.running.saturating_sub(1);
        self.next_attempt = now;
        self.note(error);
    }

    pub fn step(&mut self, now: Duration) -> Step {
        let is_answer_late = now >= ANSWER_DELAY || self.pending == [0, 0];
        if self.first_answer.is_none() && is_answer_late {
            if std::mem::take(&mut self.can_ask_absolute) {
                self.pending.iter_mut().for_each(|pending| *pending = pending.saturating_add(1));
                return Step::AskAbsolute;
            }
            let earlier = std::mem::take(&mut self.earlier);
            self.enqueue(earlier);
        }
        if self.queues.iter().all(VecDeque::is_empty) {
            return match (self.running, self.pending) {
                (0, [0, 0]) => Step::GiveUp,
                _ if self.first_answer.is_none() && !is_answer_late => {
                    Step::WaitUntil(Some(ANSWER_DELAY))
                }
                _ => Step::WaitUntil(None),
            };
        }
        let start = self.start_of_attempt();
        if now < start {
            return Step::WaitUntil(Some(start));
        }
        self.next_attempt = now.saturating_add(ATTEMPT_DELAY);
        self.running = self.running.saturating_add(1);
        self.dequeue().map_or(Step::GiveUp, Step::Connect)
    }

    pub fn has_addresses(&self) -> bool {
        !self.found.is_empty()
    }

    /// The error that says most about what failed so far. `None` if no address was found.
    pub fn into_error(self) -> Option<io::Error> {
        self.error
    }

    /// When the next attempt starts. The first IPv4 address waits a little for the answer with IPv6 addresses.
    fn start_of_attempt(&self) -> Duration {
        let [ipv6, _] = &self.queues;
        let [ipv6_pending, _] = self.pending;
        let is_first = self.last_family.is_none();
        match self.first_answer {
            Some(answer) if is_first && ipv6.is_empty() && ipv6_pending > 0 => {
                answer.saturating_add(RESOLUTION_DELAY)
            }
            _ => self.next_attempt,
        }
    }

    fn enqueue(&mut self, addresses: Vec<SocketAddr>) {
        for address in addresses {
            if self.found.contains(&address) || self.found.len() >= MOST_ADDRESSES {
                continue;
            }
            self.found.push(address);
            if let Some(queue) = self.queues.get_mut(Family::of(address) as usize) {
                queue.push_back(address);
            }
        }
    }

    /// The next address: of the other family than before, IPv6 first.
    fn dequeue(&mut self) -> Option<SocketAddr> {
        let [ipv6, ipv4] = &self.queues;
        let family = match self.last_family {
            Some(Family::Ipv6) if !ipv4.is_empty() => Family::Ipv4,
            Some(Family::Ipv4) if ipv6.is_empty() => Family::Ipv4,
            None if ipv6.is_empty() => Family::Ipv4,
            _ => Family::Ipv6,
        };
        self.last_family = Some(family);
        self.queues.get_mut(family as usize)?.pop_front()
    }

    /// Keeps the error that says most. That a family has no route is normal on machines without IPv6.
    fn note(&mut self, error: io::Error) {
        let says_little = matches!(
            error.kind(),
            ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::Unsupported
        );
        if self.error.is_none() || !says_little {
            self.error = Some(error);
        }
    }
}

/// Whether a lookup failed because this machine has too few threads or files, not because of DNS.
fn is_shortage(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
        || matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V6: [&str; 3] = ["[2001:db8::1]:443", "[2001:db8::2]:443", "[2001:db8::3]:443"];
    const V4: [&str; 3] = ["192.0.2.1:443", "192.0.2.2:443", "192.0.2.3:443"];

    fn parse(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn connect(address: &str) -> Step {
        Step::Connect(address.parse().unwrap())
    }

    fn until(milliseconds: u64) -> Step {
        Step::WaitUntil(Some(ms(milliseconds)))
    }

    fn new_name() -> Race {
        Race::for_name(true, Vec::new(), None)
    }

    fn not_found() -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("no such host"))
    }

    /// The attempts of a race in which no address responds, and when each starts, in milliseconds.
    fn attempts(mut race: Race) -> Vec<(String, u128)> {
        let (mut now, mut attempts) = (Duration::ZERO, Vec::new());
        loop {
            match race.step(now) {
                Step::Connect(address) => attempts.push((address.to_string(), now.as_millis())),
                Step::WaitUntil(Some(next)) => now = next,
                _ => return attempts,
            }
        }
    }

    #[test]
    fn attempts_alternate_between_families_every_250_ms() {
        let race = Race::among(parse(&[V4[0], V6[0], V6[1], V4[1], V6[2]]));
        let expected = [V6[0], V4[0], V6[1], V4[1], V6[2]];
        let expected = expected.iter().zip([0, 250, 500, 750, 1000]);
        let expected: Vec<_> = expected.map(|(address, at)| ((*address).to_owned(), at)).collect();
        assert_eq!(attempts(race), expected);
    }

    #[test]
    fn next_attempt_starts_as_soon_as_one_fails() {
        let mut race = Race::among(parse(&[V6[0], V4[0], V4[1]]));
        assert_eq!(race.step(ms(0)), connect(V6[0]));
        race.failed(ErrorKind::NetworkUnreachable.into(), ms(1));
        assert_eq!(race.step(ms(1)), connect(V4[0]));
        assert_eq!(race.step(ms(1)), until(251));
        race.failed(ErrorKind::ConnectionRefused.into(), ms(9));
        assert_eq!(race.step(ms(9)), connect(V4[1]));
    }

    #[test]
    fn ipv4_waits_50_ms_for_ipv6() {
        let mut race = new_name();
        race.answered(Family::Ipv4, Ok(parse(&V4[..1])), ms(20));
        assert_eq!(race.step(ms(20)), until(70));
        race.answered(Family::Ipv6, Ok(parse(&V6[..1])), ms(60));
        assert_eq!(race.step(ms(60)), connect(V6[0]));

        for answer in [not_found(), Ok(Vec::new())] {
            let mut race = new_name();
            race.answered(Family::Ipv4, Ok(parse(&V4[..1])), ms(20));
            race.answered(Family::Ipv6, answer, ms(30));
            assert_eq!(race.step(ms(30)), connect(V4[0]));
        }
    }

    #[test]
    fn silence_of_one_question_does_not_hide_the_other() {
        for (family, address) in [(Family::Ipv6, V6[0]), (Family::Ipv4, V4[0])] {
            let mut race = new_name();
            race.answered(family, Ok(parse(&[address])), ms(5));
            assert_eq!(race.step(ms(55)), connect(address));
            assert_eq!(race.step(ms(9000)), Step::WaitUntil(None));
        }
    }

    #[test]
    fn absolute_name_is_asked_after_250_ms_or_when_both_lookups_fail() {
        let mut race = new_name();
        assert_eq!(race.step(ms(0)), until(250));
        assert_eq!(race.step(ms(250)), Step::AskAbsolute);
        assert_eq!(race.step(ms(250)), Step::WaitUntil(None));
        race.answered(Family::Ipv4, Ok(parse(&V4[..1])), ms(260));
        assert_eq!(race.step(ms(310)), connect(V4[0]));

        let mut race = new_name();
        race.answered(Family::Ipv6, not_found(), ms(2));
        assert_eq!(race.step(ms(2)), until(250));
        race.answered(Family::Ipv4, not_found(), ms(3));
        assert_eq!(race.step(ms(3)), Step::AskAbsolute);
        race.answered(Family::Ipv6, not_found(), ms(4));
        race.answered(Family::Ipv4, not_found(), ms(5));
        assert_eq!(race.step(ms(5)), Step::GiveUp);
        assert!(race.into_error().is_none());
    }

    #[test]
    fn answer_within_250_ms_needs_no_second_question() {
        let mut race = new_name();
        race.answered(Family::Ipv4, Ok(parse(&V4[..1])), ms(9));
        assert_eq!(race.step(ms(260)), connect(V4[0]));
        assert_eq!(race.step(ms(9000)), Step::WaitUntil(None));
    }

    #[test]
    fn addresses_of_earlier_race_are_used_while_dns_fails() {
        let mut race = Race::for_name(false, parse(&V4[..2]), None);
        assert_eq!(race.step(ms(1)), until(250));
        assert_eq!(race.step(ms(250)), connect(V4[0]));

        let mut race = Race::for_name(false, parse(&V4[..2]), None);
        race.answered(Family::Ipv6, not_found(), ms(1));
        race.answered(Family::Ipv4, not_found(), ms(2));
        assert_eq!(race.step(ms(2)), connect(V4[0]));
    }

    #[test]
    fn address_that_worked_is_tried_first_and_at_once() {
        let mut race = Race::for_name(true, parse(&V4), Some(parse(&V4)[1]));
        assert_eq!(race.step(ms(0)), connect(V4[1]));
        race.answered(Family::Ipv4, Ok(parse(&V4)), ms(3));
        race.answered(Family::Ipv6, Ok(parse(&V6)), ms(4));
        assert_eq!(race.step(ms(250)), connect(V6[0]));
        assert_eq!(race.step(ms(500)), connect(V4[0]));
    }

    #[test]
    fn each_address_is_tried_once() {
        let mut race = new_name();
        race.answered(Family::Ipv4, Ok(parse(&[V4[0], V4[0]])), ms(0));
        race.answered(Family::Ipv6, Ok(Vec::new()), ms(0));
        race.answered(Family::Ipv4, Ok(parse(&V4[..1])), ms(0));
        assert_eq!(attempts(race), [(V4[0].to_owned(), 0)]);
    }

    #[test]
    fn missing_route_does_not_hide_another_error() {
        let (refused, no_route) = (ErrorKind::ConnectionRefused, ErrorKind::NetworkUnreachable);
        for errors in [[refused, no_route], [no_route, refused]] {
            let mut race = Race::among(parse(&[V6[0], V4[0]]));
            for error in errors {
                assert!(matches!(race.step(ms(0)), Step::Connect(_)));
                race.failed(error.into(), ms(0));
            }
            assert_eq!(race.step(ms(0)), Step::GiveUp);
            assert_eq!(race.into_error().map(|error| error.kind()), Some(refused));
        }
    }

    #[test]
    fn failed_lookup_is_an_error_only_for_lack_of_threads_or_files() {
        for (errno, is_error) in [(libc::EMFILE, true), (libc::EAGAIN, true), (libc::ENOENT, false)]
        {
            let mut race = new_name();
            race.answered(Family::Ipv4, Err(io::Error::from_raw_os_error(errno)), ms(0));
            assert_eq!(race.into_error().is_some(), is_error);
        }
    }
}
