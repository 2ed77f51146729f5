//! Opens TCP connections: looks up the name of a host, and races its addresses.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::deadline::Deadline;
use super::race::{Race, Step};
use super::resolver::{self, Family, Lookup};
use crate::machine::clock::{Clock, SystemClock};
use crate::machine::notice::Notice;

/// Why no connection was opened.
#[derive(Debug)]
pub enum DialError {
    /// DNS has no address of the host.
    NotFound,
    /// DNS did not answer in time.
    LookupTimeout,
    /// No address responded in time.
    Timeout,
    Io(io::Error),
}

impl DialError {
    pub fn is_dns(&self) -> bool {
        match self {
            DialError::NotFound | DialError::LookupTimeout => true,
            DialError::Timeout => false,
            DialError::Io(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// Opens the connections of a run. While DNS fails, it uses the last addresses of a host, so that a waiting login
/// survives.
#[derive(Debug)]
pub struct Dialer {
    lookup: Lookup,
    known: Mutex<HashMap<(String, u16), Known>>,
    notice: Notice,
}

/// What is known about a host.
#[derive(Clone, Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    /// The address of the last connection.
    worked: Option<SocketAddr>,
}

enum Event {
    Answer(Family, io::Result<Vec<SocketAddr>>),
    Attempt(SocketAddr, io::Result<TcpStream>),
}

impl Dialer {
    pub fn new(notice: Notice) -> Self {
        Dialer { lookup: resolver::look_up, known: Mutex::default(), notice }
    }

    /// Connects to a host, which may be an IP address, also in brackets.
    pub fn connect(
        &self,
        host: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<TcpStream, DialError> {
        let (sender, receiver) = channel();
        let race = match resolver::without_lookup(host, port) {
            Some(addresses) => Race::among(addresses),
            None => {
                let known = self.known(host, port);
                self.ask(host, port, &sender);
                Race::for_name(!host.ends_with('.'), known.addresses, known.worked)
            }
        };
        Course { dialer: self, host, port, deadline, race, sender, receiver, answers: Vec::new() }
            .run()
    }

    /// The addresses that the last lookup of a host found; that of the last connection comes first.
    pub fn addresses(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        let Known { mut addresses, worked } = self.known(host, port);
        addresses.sort_by_key(|address| Some(*address) != worked);
        addresses
    }

    fn ask(&self, name: &str, port: u16, sender: &Sender<Event>) {
        let sender = sender.clone();
        resolver::ask(self.lookup, name, port, move |family, answer| {
            // The receiver is gone if the race is over.
            let _ = sender.send(Event::Answer(family, answer));
        });
    }

    fn known(&self, host: &str, port: u16) -> Known {
        self.lock().get(&(host.to_owned(), port)).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A race with its lookups and attempts.
struct Course<'a> {
    dialer: &'a Dialer,
    host: &'a str,
    port: u16,
    deadline: Deadline,
    race: Race,
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    answers: Vec<SocketAddr>,
}

impl Course<'_> {
    fn run(mut self) -> Result<TcpStream, DialError> {
        let start = SystemClock.now();
        loop {
            let now = SystemClock.now().saturating_sub(start);
            let until = match self.race.step(now) {
                Step::AskAbsolute => {
                    let absolute = format!("{}.", self.host);
                    self.dialer.ask(&absolute, self.port, &self.sender);
                    continue;
                }
                Step::Connect(address) => {
                    self.attempt(address);
                    continue;
                }
                Step::GiveUp => {
                    self.remember(None);
                    return Err(self.race.into_error().map_or(DialError::NotFound, DialError::Io));
                }
                Step::WaitUntil(until) => until,
            };
            let left = until.map_or(Duration::MAX, |until| until.saturating_sub(now));
            let event = self.next_event(left.min(self.deadline.left()));
            let now = SystemClock.now().saturating_sub(start);
            match event {
                Some(Event::Answer(family, answer)) => {
                    self.answers.extend(answer.iter().flatten());
                    self.race.answered(family, answer, now);
                }
                Some(Event::Attempt(address, Ok(stream))) => {
                    self.remember(Some(address));
                    return Ok(stream);
                }
                Some(Event::Attempt(_, Err(error))) => self.race.failed(error, now),
                None if self.deadline.has_passed() => return Err(self.timeout()),
                None => {}
            }
        }
    }

    /// Connects in a thread, because other attempts run meanwhile. Without a thread, nothing else runs.
    fn attempt(&self, address: SocketAddr) {
        let deadline = self.deadline;
        let sender = self.sender.clone();
        let connect = move || {
            let stream = connect_until(address, deadline);
            let _ = sender.send(Event::Attempt(address, stream));
        };
        if thread::Builder::new().spawn(connect.clone()).is_err() {
            connect();
        }
    }

    fn next_event(&self, left: Duration) -> Option<Event> {
        let notice = &self.dialer.notice;
        let event = self.receiver.recv_timeout(notice.slice(left)).ok();
        if event.is_none() {
            notice.tick();
        }
        event
    }

    fn timeout(self) -> DialError {
        self.remember(None);
        match self.race.has_addresses() {
            true => DialError::Timeout,
            false => DialError::LookupTimeout,
        }
    }

    fn remember(&self, worked: Option<SocketAddr>) {
        let mut all = self.dialer.lock();
        let known = all.entry((self.host.to_owned(), self.port)).or_default();
        if !self.answers.is_empty() {
            known.addresses.clone_from(&self.answers);
        }
        known.worked = worked.or(known.worked);
    }
}

fn connect_until(address: SocketAddr, deadline: Deadline) -> io::Result<TcpStream> {
    // Zero is not allowed.
    let left = deadline.left().max(Duration::from_millis(1));
    let stream = TcpStream::connect_timeout(&address, left)?;
    // Small requests must not wait for the acknowledgement of the previous one.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const HOST: &str = "a.example";

    fn dialer(lookup: Lookup) -> Dialer {
        Dialer { lookup, ..Dialer::new(Notice::default()) }
    }

    /// Connects to a port of the loopback address, at most for this time.
    fn connect(dialer: &Dialer, port: u16, timeout: Duration) -> Result<SocketAddr, DialError> {
        let stream = dialer.connect(HOST, port, Deadline::after(timeout))?;
        Ok(stream.peer_addr().unwrap())
    }

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(5);

    fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn finds(_: &str, family: Family, port: u16) -> io::Result<Vec<SocketAddr>> {
        match family {
            Family::Ipv4 => Ok(vec![([127, 0, 0, 1], port).into()]),
            Family::Ipv6 => fails(HOST, family, port),
        }
    }

    fn finds_none(_: &str, _: Family, _: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(Vec::new())
    }

    fn fails(_: &str, _: Family, _: u16) -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("temporary failure in name resolution"))
    }

    fn is_silent(_: &str, _: Family, _: u16) -> io::Result<Vec<SocketAddr>> {
        loop {
            thread::park();
        }
    }

    fn is_silent_about_ipv6(name: &str, family: Family, port: u16) -> io::Result<Vec<SocketAddr>> {
        match family {
            Family::Ipv4 => finds(name, family, port),
            Family::Ipv6 => is_silent(name, family, port),
        }
    }

    fn finds_only_absolute(name: &str, family: Family, port: u16) -> io::Result<Vec<SocketAddr>> {
        match name.ends_with('.') {
            true => finds(name, family, port),
            false => is_silent(name, family, port),
        }
    }

    #[test]
    fn bad_or_missing_answer_does_not_hide_the_other() {
        let (_listener, address) = listen();
        let lookups: [Lookup; 3] = [finds, is_silent_about_ipv6, finds_only_absolute];
        for lookup in lookups {
            assert_eq!(connect(&dialer(lookup), address.port(), LONG).unwrap(), address);
        }
    }

    #[test]
    fn name_without_address_is_an_error() {
        for lookup in [fails as Lookup, finds_none] {
            let error = connect(&dialer(lookup), 9, LONG).unwrap_err();
            assert!(matches!(error, DialError::NotFound), "{error:?}");
        }
        let error = connect(&dialer(is_silent), 9, SHORT).unwrap_err();
        assert!(matches!(error, DialError::LookupTimeout), "{error:?}");
    }

    #[test]
    fn known_addresses_are_used_while_dns_fails() {
        let (_listener, address) = listen();
        for lookup in [fails as Lookup, finds_none, is_silent] {
            let mut dialer = dialer(finds);
            connect(&dialer, address.port(), LONG).unwrap();
            dialer.lookup = lookup;
            assert_eq!(connect(&dialer, address.port(), LONG).unwrap(), address);
            assert_eq!(dialer.addresses(HOST, address.port()), [address]);
            assert!(dialer.addresses("b.example", address.port()).is_empty());
        }
    }

    #[test]
    fn refused_connection_is_an_error_with_its_reason() {
        let (listener, address) = listen();
        drop(listener);
        let error = connect(&dialer(finds), address.port(), LONG).unwrap_err();
        let DialError::Io(error) = error else { panic!("{error:?}") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
