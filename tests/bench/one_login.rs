//! A device login that waits for a minute, measured on the network.
#![expect(clippy::disallowed_methods, reason = "the login lasts a real minute")]

use std::thread;
use std::time::{Duration, Instant};

use platform::{Call, Request};

use crate::Bench;
use crate::program::Program;
use crate::relay::{Direction, Relay};
use crate::report::{Report, Row, grouped, median, ms, ratio};
use crate::robot::Site;

/// Polls answered with `authorization_pending`. The next one returns the token.
const POLLS: usize = 10;
/// Eleven polls take more than a minute.
const INTERVAL: Duration = Duration::from_secs(6);
/// Concurrent logins, each with its own platform.
const LOGINS: usize = 5;
const PEER_LOGINS: usize = 3;

/// What one login took.
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
            (0..count).map(|_| scope.spawn(move || Login::measure(bench, program))).collect()
        };
        let rio = start(&bench.rio, LOGINS);
        // Starting Python takes CPU time from the logins that start.
        thread::sleep(Duration::from_secs(2));
        let peer = bench.peer.as_ref().map(|peer| start(peer, PEER_LOGINS));
        (join(rio), peer.map(join))
    });
    let rio = rio.expect("rio logs in");
    let peer = report.peer("device login", peer);
    report.section(format!(
        "Device login over TLS with ten polls, {} s apart (median of {LOGINS}; Python: {PEER_LOGINS})",
        INTERVAL.as_secs()
    ));
    report_traffic(&rio, peer.as_deref(), report);
    report_time(&rio, peer.as_deref(), report);
}

type Threads<'scope> = Vec<thread::ScopedJoinHandle<'scope, Result<Login, String>>>;

fn join(threads: Threads<'_>) -> Result<Vec<Login>, String> {
    threads.into_iter().map(|login| login.join().expect("no thread panics")).collect()
}

/// The median of one figure.
fn median_of<T: Ord + Copy>(logins: &[Login], figure: impl Fn(&Login) -> T) -> T {
    median(logins.iter().map(figure).collect())
}

fn report_traffic(rio: &[Login], peer: Option<&[Login]>, report: &mut Report) {
    let single = rio.iter().all(|login| (login.connections, login.handshakes) == (1, 1));
    let connections = |logins: &[Login]| {
        format!(
            "{}, {}",
            median_of(logins, |login| login.connections),
            median_of(logins, |login| login.handshakes)
        )
    };
    report.row(
        Row::new("connections, TLS handshakes", connections(rio))
            .peer(peer.map(connections))
            .target("1, 1", single),
    );
    let requests = |logins: &[Login]| median_of(logins, |login| login.requests);
    report.row(Row::new("requests", requests(rio)).peer(peer.map(requests)));
    let total = |logins: &[Login]| median_of(logins, |login| login.up + login.down);
    let bytes = |logins: &[Login]| {
        let (up, down) =
            (median_of(logins, |login| login.up), median_of(logins, |login| login.down));
        format!("{} ({} up, {} down)", grouped(total(logins)), grouped(up), grouped(down))
    };
    report.row(
        Row::new("bytes per poll, with TLS, without TCP and IP headers", bytes(rio))
            .peer(peer.map(bytes))
            .target("≤ 900", total(rio) <= 900),
    );
}

fn report_time(rio: &[Login], peer: Option<&[Login]>, report: &mut Report) {
    let cpu = |logins: &[Login]| median_of(logins, |login| login.cpu);
    report.row(
        Row::new("CPU time, in more than a minute", ms(cpu(rio)))
            .peer(peer.map(cpu).map(ms))
            .target("< 10 ms", cpu(rio) < Duration::from_millis(10)),
    );
    let requests = |logins: &[Login]| median_of(logins, |login| login.requests_after_approval);
    report.row(
        Row::new(
            "requests from approval to exit, with organization and project named",
            requests(rio),
        )
        .peer(peer.map(requests))
        .target("≤ 3", requests(rio) <= 3),
    );
    let intervals = |logins: &[Login]| {
        let time = median_of(logins, |login| login.after_approval);
        format!("{:.2}", ratio(time, INTERVAL))
    };
    report.row(
        Row::new("time from approval, just after a poll, to exit, in intervals", intervals(rio))
            .peer(peer.map(intervals)),
    );
}

impl Login {
    /// Logs in, and approves just after the tenth response: the longest wait for the next poll.
    fn measure(bench: &Bench, program: &Program) -> Result<Login, String> {
        let site = Site::new();
        let platform = &site.platform;
        platform.interval(INTERVAL.as_secs());
        let relay = Relay::to(platform.tls().address());
        let url = format!("https://{}", relay.address());
        platform.public_url(&url);
        let robot = site.robot_at(&url);
        let mut running = bench.runner.start(&program.path, program.device_login, &robot);
        while platform.calls(Call::Token).iter().filter(|poll| poll.answered.is_some()).count()
            < POLLS
        {
            if running.has_ended() {
                return running.finish().and(Err("exited before the tenth poll".into()));
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

/// Bytes up and down per poll, from half an interval before the first poll to half an interval after the tenth.
fn per_poll(requests: &[Request], relay: &Relay) -> (usize, usize) {
    let polls: Vec<_> =
        requests.iter().filter(|request| request.call == Some(Call::Token)).collect();
    let times = polls[0].at - INTERVAL / 2..polls[POLLS - 1].at + INTERVAL / 2;
    let bytes = |direction| relay.bytes(direction, times.clone()) / POLLS;
    (bytes(Direction::Up), bytes(Direction::Down))
}
