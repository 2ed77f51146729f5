//! A thousand robots that log in at once, and a server that goes away meanwhile.
#![expect(clippy::disallowed_methods, reason = "a fleet waits in real time")]

use std::collections::HashMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use platform::{Call, Request};

use crate::Bench;
use crate::polls_per_second;
use crate::report::{Report, Row, grouped, mib};
use crate::robot::{Robot, Site};
use crate::run::{Running, Usage};

const ROBOTS: usize = 1000;
const INTERVAL: Duration = Duration::from_secs(5);
/// Each robot polls so often before anything happens.
const POLLS: usize = 2;
/// How long the server is away, and how long it is looked at afterwards.
const AWAY: Duration = Duration::from_secs(20);
const AFTERWARDS: Duration = Duration::from_secs(25);

/// What came of the logins of one fleet.
struct Fleet {
    usages: Vec<Result<Usage, String>>,
    waiting: Memory,
    requests: Vec<Request>,
    away: Option<(Instant, Instant)>,
}

/// The memory of all processes while they wait, in KiB.
#[derive(Default)]
struct Memory {
    /// What only one process has, and its share of what it shares.
    proportional: u64,
    /// What only one process has.
    private: u64,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    allow_many_files();
    let calm = Fleet::run(bench, false);
    report.section(format!(
        "{} logins at once over TLS, on one machine with their server",
        grouped(ROBOTS)
    ));
    calm.tell_logins(report);
    calm.tell_cost(report);
    report.section("The same, with a server that answers 503 for 20 s");
    let rough = Fleet::run(bench, true);
    rough.tell_logins(report);
    rough.tell_load(report);
    report.note(format!(
        "Polls per second, of {} logins: undisturbed, and with 503 for 20 s\n\n```\n{}\n{}```",
        grouped(ROBOTS),
        polls_per_second::Series::of(&calm.requests, None).chart(),
        polls_per_second::Series::of(&rough.requests, rough.away).chart(),
    ));
}

impl Fleet {
    fn run(bench: &Bench, goes_away: bool) -> Fleet {
        let mut site = Site::new();
        let robots: Vec<Robot> = (0..ROBOTS).map(|_| site.robot()).collect();
        site.platform.expect_a_crowd();
        let platform = &site.platform;
        let login = |robot| bench.runner.start(&bench.rio.path, bench.rio.device_login, robot);
        let mut running: Vec<Running> = robots.iter().map(login).collect();
        wait_for_polls(&site, &mut running);
        let waiting = Memory::of(&running);
        let away = goes_away.then(|| {
            let from = Instant::now();
            platform.out_of_service(true);
            thread::sleep(AWAY);
            platform.out_of_service(false);
            let to = Instant::now();
            thread::sleep(AFTERWARDS);
            (from, to)
        });
        platform.approve_after(0);
        let usages = running.into_iter().map(Running::finish).collect();
        Fleet { usages, waiting, requests: platform.requests(), away }
    }

    fn tell_logins(&self, report: &mut Report) {
        let good = self.usages.iter().flatten().count();
        if let Some(Err(error)) = self.usages.iter().find(|usage| usage.is_err()) {
            report.note(format!("A login that failed: {error}"));
        }
        report.must(Row::new("logged in", grouped(good)), "all", good == ROBOTS);
        let earliest = earliest_poll(&self.requests);
        report.must(
            Row::new(
                "the earliest poll after an answer",
                format!("{:.3} s", earliest.as_secs_f64()),
            ),
            "≥ 5 s",
            earliest >= INTERVAL,
        );
    }

    fn tell_cost(&self, report: &mut Report) {
        let total =
            |figure: fn(&Usage) -> u64| self.usages.iter().flatten().map(figure).sum::<u64>();
        let peak = total(|usage| usage.peak);
        report.row(Row::new(
            "memory, the sum of all peaks (what is shared counts in each)",
            mib(peak),
        ));
        let Memory { proportional, private } = self.waiting;
        report.row(Row::new(
            "memory while all wait: proportional, private",
            format!("{}, {}", mib(proportional), mib(private)),
        ));
        let cpu: Duration = self.usages.iter().flatten().map(|usage| usage.cpu).sum();
        report.row(Row::new("CPU time of all", format!("{:.1} s", cpu.as_secs_f64())));
    }

    fn tell_load(&self, report: &mut Report) {
        let series = polls_per_second::Series::of(&self.requests, self.away);
        let (before, after) = series.busiest();
        let share = ROBOTS / INTERVAL.as_secs() as usize;
        report.row(
            Row::new(
                format!(
                    "polls in the busiest second: before, after it is back (an even share: {share})"
                ),
                format!("{before}, {after}"),
            )
            .target("after ≤ 1.35 × the share", 100 * after <= 135 * share),
        );
    }
}

impl Memory {
    fn of(running: &[Running]) -> Memory {
        let mut memory = Memory::default();
        for pid in running.iter().filter_map(Running::pid) {
            // One that has failed meanwhile is told of elsewhere.
            let smaps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
            for line in smaps.lines() {
                let mut words = line.split_whitespace();
                let total = match words.next() {
                    Some("Pss:") => &mut memory.proportional,
                    Some("Private_Clean:" | "Private_Dirty:") => &mut memory.private,
                    _ => continue,
                };
                *total += words.next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        memory
    }
}

/// Until each robot has polled so often as it shall, or has failed.
fn wait_for_polls(site: &Site, running: &mut [Running]) {
    loop {
        let polls = site.platform.calls(Call::Token);
        let ready = polls_by_device(&polls).values().filter(|polls| polls.len() >= POLLS).count();
        let over = running.iter_mut().map(|robot| usize::from(robot.is_over())).sum::<usize>();
        if ready + over >= ROBOTS {
            return;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// The polls of each login, in order.
fn polls_by_device(requests: &[Request]) -> HashMap<String, Vec<&Request>> {
    let mut polls: HashMap<String, Vec<&Request>> = HashMap::new();
    for request in requests.iter().filter(|request| request.call == Some(Call::Token)) {
        let code = request.form().into_iter().find(|(name, _)| name == "device_code");
        polls.entry(code.unwrap_or_default().1).or_default().push(request);
    }
    polls
}

/// The least time from an answer to the next poll of the same login.
fn earliest_poll(requests: &[Request]) -> Duration {
    let polls = polls_by_device(requests);
    let pairs = polls.values().flat_map(|polls| polls.windows(2));
    let gaps = pairs.filter_map(|pair| Some(pair[1].at - pair[0].answered?));
    gaps.min().unwrap_or_default()
}

/// Each connection takes several files here: the platform's two relays and its server are in this process.
fn allow_many_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid struct.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: a valid struct.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
}
