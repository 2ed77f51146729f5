//! A thousand robots log in at the same time, once with a server that has an outage.
#![expect(clippy::disallowed_methods, reason = "the logins wait in real time")]

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
/// Polls of each robot before the outage or the approval.
const POLLS: usize = 2;
const OUTAGE: Duration = Duration::from_secs(20);
/// Time from the end of the outage to the approval.
const RECOVERY: Duration = Duration::from_secs(25);

/// The logins of one fleet.
struct Fleet {
    usages: Vec<Result<Usage, String>>,
    memory: Memory,
    requests: Vec<Request>,
    outage: Option<(Instant, Instant)>,
}

/// Memory of all processes while they wait, in KiB.
#[derive(Default)]
struct Memory {
    /// Private pages, and a share of the shared ones (PSS).
    proportional: u64,
    private: u64,
}

pub fn measure(bench: &Bench, report: &mut Report) {
    allow_many_files();
    let fleet = Fleet::run(bench, false);
    report.section(format!(
        "{} concurrent logins over TLS, with the server on the same machine",
        grouped(ROBOTS)
    ));
    fleet.report_logins(report);
    fleet.report_cost(report);
    report.section("The same, while the server returns 503 for 20 s");
    let with_outage = Fleet::run(bench, true);
    with_outage.report_logins(report);
    with_outage.report_load(report);
    report.note(format!(
        "Polls per second of {} logins, without and with 20 s of 503\n\n```\n{}\n{}```",
        grouped(ROBOTS),
        polls_per_second::Series::of(&fleet.requests, None).chart(),
        polls_per_second::Series::of(&with_outage.requests, with_outage.outage).chart(),
    ));
}

impl Fleet {
    fn run(bench: &Bench, has_outage: bool) -> Fleet {
        let mut site = Site::new();
        let robots: Vec<Robot> = (0..ROBOTS).map(|_| site.robot()).collect();
        site.platform.expect_many_clients();
        let platform = &site.platform;
        let login = |robot| bench.runner.start(&bench.rio.path, bench.rio.device_login, robot);
        let mut running: Vec<Running> = robots.iter().map(login).collect();
        wait_for_polls(&site, &mut running);
        let memory = Memory::of(&running);
        let outage = has_outage.then(|| {
            let from = Instant::now();
            platform.out_of_service(true);
            thread::sleep(OUTAGE);
            platform.out_of_service(false);
            let to = Instant::now();
            thread::sleep(RECOVERY);
            (from, to)
        });
        platform.approve_after(0);
        let usages = running.into_iter().map(Running::finish).collect();
        Fleet { usages, memory, requests: platform.requests(), outage }
    }

    fn report_logins(&self, report: &mut Report) {
        let successful = self.usages.iter().flatten().count();
        if let Some(Err(error)) = self.usages.iter().find(|usage| usage.is_err()) {
            report.note(format!("A login failed: {error}"));
        }
        report.require(Row::new("logged in", grouped(successful)), "all", successful == ROBOTS);
        let gap = shortest_gap(&self.requests);
        report.require(
            Row::new(
                "shortest time from a response to the next poll",
                format!("{:.3} s", gap.as_secs_f64()),
            ),
            "≥ 5 s",
            gap >= INTERVAL,
        );
    }

    fn report_cost(&self, report: &mut Report) {
        let total =
            |figure: fn(&Usage) -> u64| self.usages.iter().flatten().map(figure).sum::<u64>();
        let peak = total(|usage| usage.peak);
        report.row(Row::new("memory: sum of all peaks (shared pages count in each)", mib(peak)));
        let Memory { proportional, private } = self.memory;
        report.row(Row::new(
            "memory while all wait: proportional (PSS), private",
            format!("{}, {}", mib(proportional), mib(private)),
        ));
        let cpu: Duration = self.usages.iter().flatten().map(|usage| usage.cpu).sum();
        report.time(Row::new("CPU time, total", format!("{:.1} s", cpu.as_secs_f64())));
    }

    fn report_load(&self, report: &mut Report) {
        let series = polls_per_second::Series::of(&self.requests, self.outage);
        let (before, after) = series.busiest();
        let even = ROBOTS / INTERVAL.as_secs() as usize;
        report.row(
            Row::new(
                format!(
                    "polls in the busiest second: before, after the outage (evenly spread: {even})"
                ),
                format!("{before}, {after}"),
            )
            .target("after ≤ 1.35 × even", 100 * after <= 135 * even),
        );
    }
}

impl Memory {
    fn of(running: &[Running]) -> Memory {
        let mut memory = Memory::default();
        for pid in running.iter().filter_map(Running::pid) {
            // A process that has ended has no memory; `report_logins` reports failures.
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

/// Waits until each robot has polled [`POLLS`] times or has ended.
fn wait_for_polls(site: &Site, running: &mut [Running]) {
    loop {
        let polls = site.platform.calls(Call::Token);
        let ready = polls_by_device(&polls).values().filter(|polls| polls.len() >= POLLS).count();
        let ended = running.iter_mut().map(|robot| usize::from(robot.has_ended())).sum::<usize>();
        if ready + ended >= ROBOTS {
            return;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// The polls of each login, in order, by device code.
fn polls_by_device(requests: &[Request]) -> HashMap<String, Vec<&Request>> {
    let mut polls: HashMap<String, Vec<&Request>> = HashMap::new();
    for request in requests.iter().filter(|request| request.call == Some(Call::Token)) {
        let code = request.form().into_iter().find(|(name, _)| name == "device_code");
        polls.entry(code.unwrap_or_default().1).or_default().push(request);
    }
    polls
}

/// The shortest time from a response to the next poll of the same login.
fn shortest_gap(requests: &[Request]) -> Duration {
    let polls = polls_by_device(requests);
    let pairs = polls.values().flat_map(|polls| polls.windows(2));
    let gaps = pairs.filter_map(|pair| Some(pair[1].at - pair[0].answered?));
    gaps.min().unwrap_or_default()
}

/// Raises the limit of open files: each connection takes several in this process, which is also the server.
fn allow_many_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid struct.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: a valid struct.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
}
