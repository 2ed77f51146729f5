//! A device login that waits for a minute, measured on the network.
#![expect(clippy::disallowed_methods, reason = "the login lasts a real minute")]

use std::thread;
use std::time::{Duration, Instant};

use platform::{Call, Request};

use crate::Bench;
use crate::program::{self, Program};
use crate::relay::{Direction, Relay};
use crate::report::{Report, Row, grouped, ms, ratio};
use crate::robot::Site;
use crate::run::NO_VALGRIND;

/// Polls answered with `authorization_pending`. The next one returns the token.
const POLLS: usize = 10;
/// Eleven polls take more than a minute.
const INTERVAL: Duration = Duration::from_secs(6);
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

/// Runs one login at a time, with nothing else on the machine but its server.
pub fn measure(bench: &Bench, report: &mut Report) {
    let rio = Login::measure(bench, &bench.rio).expect("rio logs in");
    let peer = bench.peer.as_ref().map(|peer| Login::measure(bench, peer));
    let peer = report.peer("phone login", peer);
    let interval = INTERVAL.as_secs();
    report.section(format!("Phone login over TLS with ten polls, {interval} s apart"));
    report_traffic(&rio, peer.as_ref(), report);
    report_time(&rio, peer.as_ref(), report);
    report_instructions(bench, report);
}

fn report_traffic(rio: &Login, peer: Option<&Login>, report: &mut Report) {
    let connections = |login: &Login| format!("{}, {}", login.connections, login.handshakes);
    report.row(
        Row::new("connections, TLS handshakes", connections(rio))
            .peer(peer.map(connections))
            .target("1, 1", (rio.connections, rio.handshakes) == (1, 1)),
    );
    report.row(Row::new("requests", rio.requests).peer(peer.map(|login| login.requests)));
    let total = |login: &Login| login.up + login.down;
    let bytes = |login: &Login| {
        let (up, down) = (grouped(login.up), grouped(login.down));
        format!("{} ({up} up, {down} down)", grouped(total(login)))
    };
    report.row(
        Row::new("bytes per poll, with TLS, without TCP and IP headers", bytes(rio))
            .peer(peer.map(bytes))
            .target("≤ 900", total(rio) <= 900),
    );
    report.row(
        Row::new(
            "requests from the approval to the exit, if options name organization and project",
            rio.requests_after_approval,
        )
        .peer(peer.map(|login| login.requests_after_approval))
        .target("≤ 3", rio.requests_after_approval <= 3),
    );
}

fn report_time(rio: &Login, peer: Option<&Login>, report: &mut Report) {
    report.time(
        Row::new("CPU time, of more than a minute", ms(rio.cpu))
            .peer(peer.map(|login| ms(login.cpu)))
            .target("< 10 ms", rio.cpu < Duration::from_millis(10)),
    );
    let intervals = |login: &Login| format!("{:.2}", ratio(login.after_approval, INTERVAL));
    report.time(
        Row::new(
            "polling intervals from an approval just after a poll to the exit",
            intervals(rio),
        )
        .peer(peer.map(intervals)),
    );
}

/// Polls once a second: the number of instructions does not depend on the interval. The target is for the release
/// build, whose C library is that of the machine.
fn report_instructions(bench: &Bench, report: &mut Report) {
    const LIMIT: usize = 12_800_000;
    let count = |path| {
        let site = Site::new();
        site.platform.interval(1);
        site.platform.approve_after(POLLS);
        let count = bench.runner.instructions(path, bench.rio.device_login, &site.robot());
        // On a busy machine, a connection can time out in valgrind.
        count.filter(|_| site.platform.tls().handshakes() == 1)
    };
    let count = |path| (0..3).find_map(|_| count(path));
    let (Some(rio), Some(release)) = (count(&bench.rio.path), count(program::release())) else {
        return report.row(Row::new("instructions", NO_VALGRIND));
    };
    let figure = format!("{}, {}", grouped(rio), grouped(release));
    report.row(
        Row::new("instructions: static build, cargo's release build", figure)
            .target("release ≤ 12,800,000", release <= LIMIT),
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
            thread::sleep(Duration::from_millis(50));
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
