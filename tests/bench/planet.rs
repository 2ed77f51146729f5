//! The requests of a million robots, simulated with the program's rule for due tokens, its polling, and the times of
//! `rio-refresh.timer`. `RIO_BENCH_ROBOTS` sets another number.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rio::http::FailureKind;
use rio::machine::random::Fraction;
use rio::oauth::device_flow::{DeviceAuthorization, Failure, PollResponse, Polling};
use rio::secret::Secret;
use rio::session::due::is_due;
use rio::token::Token;

use crate::Bench;
use crate::random::{Random, number_of};
use crate::report::{Report, Row, grouped};

/// Times are in milliseconds.
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `rio-refresh.timer`.
const INTERVAL: u64 = 10 * MINUTE;
const JITTER: u64 = 2 * MINUTE;
const FROM_BOOT: u64 = 2 * MINUTE;
/// On average.
const PERIOD: u64 = INTERVAL + JITTER / 2;
/// `rio-refresh.service`.
const WANTED: Duration = Duration::from_secs(5 * 24 * 60 * 60);

const LIFETIMES: [(&str, u64); 4] =
    [("30 minutes", 30 * MINUTE), ("1 day", DAY), ("7 days", 7 * DAY), ("30 days", 30 * DAY)];
const OUTAGES: [u64; 3] = [10 * MINUTE, 6 * HOUR, 4 * DAY];
/// One in this many robots waits for someone to approve its login.
const LOGINS: u64 = 1000;

pub fn measure(_: &Bench, report: &mut Report) {
    let robots = number_of("RIO_BENCH_ROBOTS", 1_000_000);
    report
        .section(format!("{} robots, simulated: requests at the server", grouped(robots as usize)));
    let started = cpu_time();
    let mut days = 0.0;
    for (name, lifetime) in LIFETIMES {
        let fleet = Fleet { robots, lifetime, due: age_when_due(lifetime) };
        let ordinary = fleet.run(Interruption::NONE, DAY);
        days += 1.0;
        report.row(Row::new(
            format!("tokens valid for {name}: mean a second, busiest second, busiest minute"),
            format!(
                "{}, {}, {}",
                rounded(ordinary.total(0..DAY) as f64 / (DAY / SECOND) as f64),
                grouped(ordinary.busiest(SECOND, 0..DAY)),
                grouped(ordinary.busiest(MINUTE, 0..DAY)),
            ),
        ));
        days += fleet.report_outages(report);
    }
    days +=
        Fleet { robots, lifetime: 7 * DAY, due: age_when_due(7 * DAY) }.report_power_cut(report);
    let cpu = cpu_time() - started;
    report_logins(report, robots / LOGINS);
    report.row(Row::new(
        "CPU time of the simulation per robot and day",
        format!("{:.2} µs", cpu.as_secs_f64() * 1e6 / (robots as f64 * days)),
    ));
}

fn rounded(figure: f64) -> String {
    match figure {
        100.0.. => grouped(figure.round() as usize),
        _ => format!("{figure:.1}"),
    }
}

/// The age at which the program refreshes a token, in whole seconds.
fn age_when_due(lifetime: u64) -> u64 {
    const ISSUED: u64 = 1_800_000_000;
    let expires = ISSUED + lifetime / SECOND;
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"iat\":{ISSUED},\"exp\":{expires}}}"));
    let token = Token::parse(&format!("e30.{claims}.c2ln")).expect("a token");
    let mut ages = 0..lifetime / SECOND;
    while ages.start < ages.end {
        let middle = ages.start.midpoint(ages.end);
        match is_due(&token, None, WANTED, ISSUED + middle) {
            true => ages.end = middle,
            false => ages.start = middle + 1,
        }
    }
    ages.start * SECOND
}

/// A time in which the server does not answer, or all robots are off.
#[derive(Clone)]
struct Interruption {
    time: Range<u64>,
    is_power_cut: bool,
}

impl Interruption {
    const NONE: Interruption = Interruption { time: 0..0, is_power_cut: false };
}

struct Fleet {
    robots: u64,
    lifetime: u64,
    due: u64,
}

impl Fleet {
    /// Starts on an ordinary day: robots differ in the age of the token and the phase of the timer.
    fn run(&self, interruption: Interruption, end: u64) -> Load {
        let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let parts: Vec<Load> = thread::scope(|scope| {
            let parts: Vec<_> = (0..threads)
                .map(|part| {
                    let robots = self.robots * part / threads..self.robots * (part + 1) / threads;
                    let interruption = &interruption;
                    scope.spawn(move || self.run_part(robots, interruption, end))
                })
                .collect();
            parts.into_iter().map(|part| part.join().expect("a simulation")).collect()
        });
        parts.into_iter().reduce(Load::add).expect("a part")
    }

    fn run_part(&self, robots: Range<u64>, interruption: &Interruption, end: u64) -> Load {
        let mut load = Load::new(end);
        for robot in robots {
            let mut random = Random::new(robot);
            let mut age = random.below(self.due);
            let period = INTERVAL + random.below(JITTER);
            let mut now = random.below(period);
            age += now;
            while now < end {
                let is_interrupted = interruption.time.contains(&now);
                let next = match is_interrupted && interruption.is_power_cut {
                    true => interruption.time.end + FROM_BOOT + random.below(JITTER),
                    false => {
                        if age >= self.due {
                            load.count(now);
                            // A token that has expired is refused, and tried again.
                            if !is_interrupted && age < self.lifetime {
                                age = 0;
                            }
                        }
                        now + INTERVAL + random.below(JITTER)
                    }
                };
                age += next - now;
                now = next;
            }
        }
        load
    }

    /// Returns the simulated days.
    fn report_outages(&self, report: &mut Report) -> f64 {
        let mut days = 0.0;
        let mut figures = Vec::new();
        let mut most = 0.0_f64;
        for length in OUTAGES {
            let outage = HOUR..HOUR + length;
            let end = outage.end + 2 * PERIOD;
            let load = self.run(Interruption { time: outage.clone(), is_power_cut: false }, end);
            let recovery = outage.end..outage.end + PERIOD;
            let even = load.total(recovery.clone()) as f64 * MINUTE as f64 / PERIOD as f64;
            let busiest = load.busiest(MINUTE, recovery.start..end);
            figures.push(grouped(busiest));
            // A smaller share is uneven by chance.
            if even >= 500.0 {
                most = most.max(busiest as f64 / even);
            }
            days += end as f64 / DAY as f64;
        }
        let row = Row::new(
            "… busiest minute after an outage of 10 minutes, 6 hours, 4 days",
            format!("{} ({most:.2} × even)", figures.join(", ")),
        );
        report.require(row, "≤ 1.3 × even", most <= 1.3);
        days
    }

    /// Returns the simulated days.
    fn report_power_cut(&self, report: &mut Report) -> f64 {
        let cut = HOUR..7 * HOUR;
        let end = cut.end + 2 * PERIOD;
        let load = self.run(Interruption { time: cut.clone(), is_power_cut: true }, end);
        report.row(Row::new(
            "tokens valid for 7 days: busiest minute after a power cut of 6 hours, all booting at once",
            grouped(load.busiest(MINUTE, cut.end..end)),
        ));
        end as f64 / DAY as f64
    }
}

/// Requests in each second.
struct Load(Vec<u32>);

impl Load {
    fn new(end: u64) -> Load {
        Load(vec![0; end.div_ceil(SECOND) as usize])
    }

    fn count(&mut self, now: u64) {
        if let Some(second) = self.0.get_mut((now / SECOND) as usize) {
            *second += 1;
        }
    }

    fn add(mut self, other: Load) -> Load {
        self.0.iter_mut().zip(other.0).for_each(|(count, other)| *count += other);
        self
    }

    fn seconds(&self, range: Range<u64>) -> &[u32] {
        &self.0[(range.start / SECOND) as usize..(range.end / SECOND) as usize]
    }

    fn total(&self, range: Range<u64>) -> usize {
        self.seconds(range).iter().map(|count| *count as usize).sum()
    }

    /// The most requests in a second or a minute.
    fn busiest(&self, unit: u64, range: Range<u64>) -> usize {
        let units = self.seconds(range).chunks((unit / SECOND) as usize);
        units.map(|unit| unit.iter().sum::<u32>() as usize).max().unwrap_or_default()
    }
}

/// Robots on which `rio-login.service` waits for an approval.
fn report_logins(report: &mut Report, logins: u64) {
    // Longer than a code is valid, so that a longer outage makes no difference.
    let outage = 20 * MINUTE..40 * MINUTE;
    let end = HOUR;
    let mut load = Load::new(end);
    (0..logins).for_each(|login| log_in(&mut Random::new(login), &outage, end, &mut load));
    let ordinary = 10 * MINUTE..outage.start;
    report.row(Row::new(
        format!(
            "{} logins that wait for approval: mean a second, busiest second",
            grouped(logins as usize)
        ),
        format!(
            "{:.0}, {}",
            load.total(ordinary.clone()) as f64 * SECOND as f64
                / (ordinary.end - ordinary.start) as f64,
            load.busiest(SECOND, ordinary)
        ),
    ));
    report.row(Row::new("… busiest second after an outage", load.busiest(SECOND, outage.end..end)));
}

/// One login after the other, none of them approved.
fn log_in(random: &mut Random, outage: &Range<u64>, end: u64, load: &mut Load) {
    const RESTART: u64 = 30 * SECOND;
    let mut now = random.below(10 * MINUTE);
    while now < end {
        // Discovery, and the request for a code.
        load.count(now);
        if outage.contains(&now) {
            // It is tried three times.
            load.count(now + SECOND);
            load.count(now + 3 * SECOND);
        } else {
            load.count(now);
            now = poll(random, outage, now, end, load);
        }
        now += RESTART;
    }
}

/// Polls until the code expires. The time then.
fn poll(random: &mut Random, outage: &Range<u64>, start: u64, end: u64, load: &mut Load) -> u64 {
    let authorization = DeviceAuthorization {
        device_code: Secret::new("device code"),
        user_code: "USER-CODE".to_owned(),
        verification_uri: "https://oidc.example/device".to_owned(),
        verification_uri_complete: None,
        expires_in: Duration::from_secs(600),
        interval: Duration::from_secs(5),
    };
    let mut polling = Polling::new(authorization, Duration::ZERO, Duration::from_millis(start));
    let mut now = start;
    while now < end {
        now += polling.sleep().as_millis() as u64;
        load.count(now);
        let response = match outage.contains(&now) {
            true => PollResponse::TransientFailure(Failure {
                kind: FailureKind::Timeout,
                reason: String::new(),
            }),
            false => PollResponse::AuthorizationPending,
        };
        let fraction = Fraction::new(random.below(u64::from(u32::MAX)) as u32);
        if polling.receive(response, None, Duration::from_millis(now), fraction).is_err() {
            break;
        }
    }
    now
}

/// Of this process.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid struct.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
