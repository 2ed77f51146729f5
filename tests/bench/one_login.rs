//! A device login that waits for a minute, seen from the wire.
#![expect(clippy::disallowed_methods, reason = "it lasts a real minute")]

use std::thread;
use std::time::{Duration, Instant};

use platform::{Call, Request};

use crate::Bench;
use crate::program::Program;
use crate::relay::{Relay, Way};
use crate::report::{Report, Row, grouped, median, ms, ratio};
use crate::robot::Site;

/// So many polls are answered `authorization_pending`; the next one brings the token.
const POLLS: usize = 10;
/// With it the ten polls, and the one that follows, take a minute.
const INTERVAL: Duration = Duration::from_secs(6);
/// Logins at the same time, each with a platform of its own.
const LOGINS: usize = 5;
const PEER_LOGINS: usize = 3;

/// What a login needed.
struct Login {
    connections: usize,
    handshakes: usize,
    requests: usize,
    up: usize,
    down: usize,
    cpu: Duration,
    requests_after_approval: usize,
    after_approval: Duration,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    let (rio, peer) = thread::scope(|scope| {
        let start = |program, count| -> Vec<_> {
            (0..count).map(|_| scope.spawn(move || Login::watch(bench, program))).collect()
        };
        let rio = start(&bench.rio, LOGINS);
        // A Python that starts disturbs the others.
        thread::sleep(Duration::from_secs(2));
        let peer = bench.peer.as_ref().map(|peer| start(peer, PEER_LOGINS));
        (join(rio), peer.map(join))
    });
    let rio = rio.expect("device logins of rio");
    let peer = report.peer("device login", peer);
    report.section(format!(
        "A device login over TLS with ten polls, {} s apart (median of {LOGINS}; Python {PEER_LOGINS})",
        INTERVAL.as_secs()
    ));
    tell_the_wire(&rio, peer.as_deref(), report);
    tell_the_time(&rio, peer.as_deref(), report);
}

type Threads<'scope> = Vec<thread::ScopedJoinHandle<'scope, Result<Login, String>>>;

fn join(threads: Threads<'_>) -> Result<Vec<Login>, String> {
    threads.into_iter().map(|login| login.join().expect("no thread panics")).collect()
}

/// The median of one figure of all logins.
fn of<T: Ord + Copy>(logins: &[Login], figure: impl Fn(&Login) -> T) -> T {
    median(logins.iter().map(figure).collect())
}

fn tell_the_wire(rio: &[Login], peer: Option<&[Login]>, report: &mut Report) {
    let one = rio.iter().all(|login| (login.connections, login.handshakes) == (1, 1));
    let connections = |logins: &[Login]| {
        format!(
            "{}, {}",
            of(logins, |login| login.connections),
            of(logins, |login| login.handshakes)
        )
    };
    report.row(
        Row::new("connections, TLS handshakes", connections(rio))
            .peer(peer.map(connections))
            .target("1, 1", one),
    );
    let requests = |logins: &[Login]| of(logins, |login| login.requests);
    report.row(Row::new("requests", requests(rio)).peer(peer.map(requests)));
    let both = |logins: &[Login]| of(logins, |login| login.up + login.down);
    let bytes = |logins: &[Login]| {
        let (up, down) = (of(logins, |login| login.up), of(logins, |login| login.down));
        format!("{} ({} up, {} down)", grouped(both(logins)), grouped(up), grouped(down))
    };
    report.row(
        Row::new("bytes per poll, TLS but not TCP and IP headers", bytes(rio))
            .peer(peer.map(bytes))
            .target("≤ 900", both(rio) <= 900),
    );
}

fn tell_the_time(rio: &[Login], peer: Option<&[Login]>, report: &mut Report) {
    let cpu = |logins: &[Login]| of(logins, |login| login.cpu);
    report.row(
        Row::new("CPU time, for more than a minute", ms(cpu(rio)))
            .peer(peer.map(cpu).map(ms))
            .target("< 10 ms", cpu(rio) < Duration::from_millis(10)),
    );
    let requests = |logins: &[Login]| of(logins, |login| login.requests_after_approval);
    report.row(
        Row::new(
            "requests from approval to exit, with organization and project named",
            requests(rio),
        )
        .peer(peer.map(requests))
        .target("≤ 3", requests(rio) <= 3),
    );
    let share = |logins: &[Login]| {
        let time = of(logins, |login| login.after_approval);
        format!("{:.2}", ratio(time, INTERVAL))
    };
    report.row(
        Row::new("time from approval, just after a poll, to exit, in intervals", share(rio))
            .peer(peer.map(share)),
    );
}

impl Login {
    /// Logs in and approves right after the tenth answer, the worst moment.
    fn watch(bench: &Bench, program: &Program) -> Result<Login, String> {
        let site = Site::new();
        let platform = &site.platform;
        platform.interval(INTERVAL.as_secs());
        let relay = Relay::to(platform.tls().address());
        let url = format!("https://{}", relay.address());
        platform.seen_at(&url);
        let robot = site.robot_at(&url);
        let mut running = bench.runner.start(&program.path, program.device_login, &robot);
        while platform.calls(Call::Token).iter().filter(|poll| poll.answered.is_some()).count()
            < POLLS
        {
            if running.is_over() {
                return running.finish().and(Err("it ended before the tenth poll".into()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        platform.approve();
        let approved = Instant::now();
        let usage = running.finish()?;
        let ended = Instant::now();
        let requests = platform.requests();
        let (up, down) = per_poll(&requests, &relay);
        Ok(Login {
            connections: relay.connections(),
            handshakes: platform.tls().handshakes(),
            requests: requests.len(),
            up,
            down,
            cpu: usage.cpu,
            requests_after_approval: requests
                .iter()
                .filter(|request| request.at > approved)
                .count(),
            after_approval: ended - approved,
        })
    }
}

/// Bytes up and down from half an interval before the first poll to half an interval after the tenth, of each.
fn per_poll(requests: &[Request], relay: &Relay) -> (usize, usize) {
    let polls: Vec<_> =
        requests.iter().filter(|request| request.call == Some(Call::Token)).collect();
    let times = polls[0].at - INTERVAL / 2..polls[POLLS - 1].at + INTERVAL / 2;
    let bytes = |way| relay.bytes(way, times.clone()) / POLLS;
    (bytes(Way::Up), bytes(Way::Down))
}
