//! Simulates a robot that runs the command of `rio-refresh.service` when `rio-refresh.timer` says, with power cuts,
//! network outages, and a clock that reads 1970 after each boot.
//!
//! `RIO_TEST_DAYS=90 cargo test --test cli simulation -- --nocapture` is a long run and prints what happened.
//! `RIO_TEST_SEED` changes the events. A power cut hits a run at a random moment, so its effect differs between runs.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use platform::Platform;
use rio::machine::clock::{Clock, SystemClock};
use rio::machine::env::Env;
use serde_json::json;

use crate::commands::expiry::{DAY, HOUR, NOW, at};
use crate::docs::units;
use crate::robot::random::{Random, number_of, seed};
use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

/// The child processes run this test.
const THIS: &str = "machine::simulation::robot_stays_logged_in_for_days";
/// The variable that holds what a child process's clock reads.
const CHILD_UTC: &str = "RIO_TEST_UTC";

/// At most. Enough for a test of a few seconds.
const DAYS: u64 = 5;
const SEEDS: u64 = 1;

const MINUTE: u64 = 60;

const MANUAL: &str = include_str!("../../../src/dist/images-and-fleets.md");

/// The longest time between two runs of the timer.
fn period() -> u64 {
    units::timer("OnUnitInactiveSec") + units::timer("RandomizedDelaySec")
}

/// The longest time from a boot to the first run.
fn boot() -> u64 {
    units::timer("OnBootSec") + units::timer("RandomizedDelaySec")
}

#[derive(Clone, Copy, Debug)]
struct Server {
    is_opaque: bool,
    rotates: bool,
    /// Of each token.
    lifetime: u64,
}

impl Server {
    /// Opaque tokens are assumed to be valid for a day.
    fn all() -> impl Iterator<Item = Server> {
        let lifetimes = [MINUTE * 30, HOUR, DAY, 7 * DAY, 30 * DAY];
        let kinds = [(false, false), (false, true), (true, false), (true, true)];
        lifetimes
            .into_iter()
            .flat_map(move |lifetime| {
                kinds.map(|(is_opaque, rotates)| Server { is_opaque, rotates, lifetime })
            })
            .filter(|server| !server.is_opaque || server.lifetime >= DAY)
    }

    /// The age of a token at which it is due, as the manual says.
    fn due(self) -> u64 {
        let lifetime = if self.is_opaque { DAY } else { self.lifetime };
        (lifetime / 3).max(lifetime.saturating_sub(5 * DAY))
    }

    /// The longest time between two runs that reach the server.
    fn longest_gap(self) -> u64 {
        self.lifetime - self.due()
    }
}

/// What happened.
#[derive(Default)]
struct Tally {
    boots: u64,
    /// Power cuts during a run.
    cuts: u64,
    outages: u64,
    /// Between two runs that reach the server, in seconds.
    longest_gap: u64,
    runs: u64,
    refreshes: u64,
    /// Runs that waited for the other one.
    waits: u64,
    /// Logins because of a power cut after the server replaced the token and before the robot stored it.
    logins_after_cut: u64,
    /// Why the robot had to log in again without such a power cut.
    other_logins: Vec<String>,
}

struct Simulation {
    server: Server,
    platform: Platform,
    unreachable: ClosedPort,
    robot: Robot,
    random: Random,
    /// The true time, in seconds since 1970.
    now: u64,
    booted_at: u64,
    is_clock_set: bool,
    outage_end: u64,
    last_contact: u64,
    refreshed_at: u64,
    /// The longest time from the start of a run to a power cut, in microseconds.
    longest_run: u64,
    /// Whether the power was cut during a run since the last refresh.
    was_cut: bool,
    tally: Tally,
}

const HEADER: &str = "\
  seed valid for tokens rotates days boots cuts outages  max gap  runs refreshes waits  logins after a cut  other logins";

impl Tally {
    fn row(&self, seed: u64, server: Server, days: u64) -> String {
        let tokens = if server.is_opaque { "opaque" } else { "JWT" };
        let rotates = if server.rotates { "yes" } else { "no" };
        let (minutes, gap) = (server.lifetime / MINUTE, self.longest_gap / MINUTE);
        format!(
            "{seed:>6} {minutes:>5} min {tokens:<6} {rotates:<7} {days:>4} {:>5} {:>4} {:>7} {gap:>4} min {:>5} {:>9} {:>5} {:>19} {:>13}",
            self.boots,
            self.cuts,
            self.outages,
            self.runs,
            self.refreshes,
            self.waits,
            self.logins_after_cut,
            self.other_logins.len(),
        )
    }
}

impl Simulation {
    fn new(server: Server, random: Random) -> Self {
        let platform = Platform::start();
        platform.now(NOW);
        platform.token_lifetime(server.lifetime);
        if server.rotates {
            platform.rotate_tokens();
        }
        if server.is_opaque {
            platform.opaque_tokens();
        }
        let (robot, _) = Robot::logged_in(&platform);
        Simulation {
            server,
            platform,
            unreachable: ClosedPort::new(),
            robot,
            random,
            now: NOW,
            booted_at: NOW,
            is_clock_set: false,
            outage_end: NOW,
            last_contact: NOW,
            refreshed_at: NOW,
            longest_run: 5_000,
            was_cut: false,
            tally: Tally::default(),
        }
    }

    fn run_for(mut self, days: u64) -> Tally {
        while self.now < NOW + days * DAY {
            self.set_network_and_clock();
            // Most runs that change nothing are left out.
            if self.is_due() || self.random.one_in(30) {
                self.run_or_cut_power();
            } else if self.is_online() {
                self.last_contact = self.now;
            }
            self.wait();
        }
        self.tally
    }

    fn is_due(&self) -> bool {
        !self.is_clock_set || self.now - self.refreshed_at >= self.server.due()
    }

    fn run_or_cut_power(&mut self) {
        // A power cut is more likely just after a boot.
        let is_cut = self.random.one_in(if self.has_just_booted() { 3 } else { 50 });
        if is_cut && self.now <= self.latest_end() {
            self.cut_power_during_runs();
            self.stay_off();
        } else {
            self.run();
        }
    }

    fn has_just_booted(&self) -> bool {
        self.now - self.booted_at < boot()
    }

    fn is_online(&self) -> bool {
        self.now >= self.outage_end
    }

    /// Passes the time to the platform, and sets the robot's network and clock.
    fn set_network_and_clock(&mut self) {
        let is_online = self.is_online();
        self.platform.now(self.now);
        self.platform.out_of_service(!is_online);
        let is_unreachable = !is_online && self.random.one_in(2);
        let host = if is_unreachable { self.unreachable.url() } else { self.platform.url().into() };
        self.robot.set_config(json!({"rip_host": host}));
        self.is_clock_set |= is_online && !self.has_just_booted() && self.random.one_in(2);
    }

    /// What the robot's clock reads.
    fn utc(&self) -> u64 {
        if self.is_clock_set { self.now } else { self.now - self.booted_at }
    }

    /// Advances the time to the next run.
    fn wait(&mut self) {
        let next = self.now
            + units::timer("OnUnitInactiveSec")
            + self.random.below(units::timer("RandomizedDelaySec"));
        if self.is_online() && self.random.one_in(100) {
            self.start_outage(next);
        }
        self.now = next;
        if self.random.one_in(100) {
            self.stay_off();
        }
    }

    fn start_outage(&mut self, next: u64) {
        self.tally.outages += 1;
        let start = self.now + self.random.below(next - self.now);
        let longest = self.server.longest_gap();
        let length = match self.random.below(4) {
            0 => longest,
            1 => self.random.below(longest),
            _ => self.random.below(longest.min(6 * HOUR)),
        };
        self.outage_end = self.limited(start, length);
    }

    /// Turns the robot off and boots it.
    fn stay_off(&mut self) {
        self.tally.boots += 1;
        let longest = if self.random.one_in(10) { self.server.longest_gap() } else { HOUR };
        let length = self.random.below(longest);
        self.booted_at = self.limited(self.now, length);
        self.is_clock_set = false;
        self.now = self.booted_at + self.random.below(boot());
    }

    /// The end of an outage or a power cut.
    fn limited(&self, start: u64, length: u64) -> u64 {
        start.max((start + length).min(self.latest_end()))
    }

    /// The next run must come in time, also after several outages in a row.
    fn latest_end(&self) -> u64 {
        self.last_contact + self.server.longest_gap() - period()
    }

    /// Runs rio twice at once.
    fn run(&mut self) {
        let utc = self.utc();
        let refresh = || self.robot.rio(&units::arguments()).run_at(&FakeClock::at(at(utc)));
        let outcomes = thread::scope(|scope| {
            let other = scope.spawn(refresh);
            [refresh(), other.join().unwrap()]
        });
        if self.is_online() {
            self.tally.longest_gap = self.tally.longest_gap.max(self.now - self.last_contact);
            self.last_contact = self.now;
        }
        self.tally.runs += 2;
        for outcome in &outcomes {
            if outcome.stderr.contains("Token refreshed") {
                self.tally.refreshes += 1;
                self.refreshed_at = self.now;
                self.was_cut = false;
            }
            self.tally.waits += u64::from(outcome.stderr.contains("Another rio has refreshed"));
        }
        // After exit code 0 or 3, the robot needs no login.
        if let Some(failed) = outcomes.iter().find(|o| ![Some(0), Some(3)].contains(&o.code)) {
            self.log_in(failed);
        }
    }

    fn log_in(&mut self, failed: &Outcome) {
        match self.was_cut && self.platform.has_ended(&self.stored_token()) {
            true => self.tally.logins_after_cut += 1,
            false => self.tally.other_logins.push(format!("at {}: {failed}", self.now - NOW)),
        }
        let token = self.platform.issue_token();
        self.robot.set_config(json!({"auth_token": token, "auth_token_record": null}));
        self.refreshed_at = self.now;
        self.was_cut = false;
    }

    /// Starts rio twice at once and kills both at a random moment.
    fn cut_power_during_runs(&mut self) {
        self.tally.cuts += 1;
        self.was_cut = true;
        let token = self.stored_token();
        let mut children = [self.start(), self.start()];
        children.iter_mut().for_each(wait_for_start);
        SystemClock.sleep(Duration::from_micros(self.random.below(self.longest_run)));
        children.iter_mut().for_each(|child| child.kill().unwrap());
        for mut child in children {
            // Adapts to the load of the machine.
            match child.wait().unwrap().signal() {
                Some(_) => self.longest_run += self.longest_run / 64,
                None => self.longest_run -= self.longest_run / 32,
            }
        }
        if self.stored_token() != token {
            self.tally.refreshes += 1;
            self.refreshed_at = self.now;
        }
    }

    /// Starts a process that runs rio at the robot's time.
    fn start(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", THIS]).env_clear();
        command.env("RIO_CONFIG", self.robot.config_path()).env(CHILD_UTC, self.utc().to_string());
        // The files that a killed process leaves are removed with the robot's home.
        command.env("TMPDIR", self.robot.home());
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn stored_token(&self) -> String {
        self.robot.config()["auth_token"].as_str().unwrap().to_owned()
    }
}

fn wait_for_start(child: &mut Child) {
    let stdout = BufReader::new(child.stdout.as_mut().unwrap());
    // The test harness prints an empty line first.
    assert_eq!(stdout.lines().nth(1).unwrap().unwrap(), "running 1 test");
}

#[test]
fn robot_stays_logged_in_for_days() {
    let env = Env::from_process();
    if env.string(CHILD_UTC).is_some() {
        let robot = Robot::new().env("RIO_CONFIG", env.get("RIO_CONFIG").unwrap());
        robot.rio(&units::arguments()).run_at(&FakeClock::at(at(number_of(CHILD_UTC, 0))));
        return;
    }
    let most_days = number_of("RIO_TEST_DAYS", DAYS);
    let (first, mut logins) = (seed(), Vec::new());
    println!("{HEADER}");
    for seed in first..first + SEEDS {
        let simulate = |server: Server| {
            let days = (30 * server.lifetime / DAY).clamp(1, most_days);
            (server, days, Simulation::new(server, Random::new(seed)).run_for(days))
        };
        let tallies: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                Server::all().map(|server| scope.spawn(move || simulate(server))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (server, days, tally) in tallies {
            println!("{}", tally.row(seed, server, days));
            assert!(server.rotates || tally.logins_after_cut == 0);
            logins.extend(tally.other_logins);
        }
    }
    assert!(logins.is_empty(), "{}", logins.join("\n"));
}

#[test]
fn robot_stays_logged_in_across_the_longest_outage() {
    for server in Server::all() {
        // The last run before the outage, also just before the token is due.
        for age in (1..=4).map(|quarter| server.due() * quarter / 4 - 1) {
            let mut simulation = Simulation::new(server, Random::new(0));
            for now in [NOW + age, NOW + age + server.longest_gap()] {
                simulation.now = now;
                simulation.is_clock_set = true;
                simulation.platform.now(now);
                simulation.run();
            }
            let logins = simulation.tally.other_logins;
            assert!(logins.is_empty(), "{server:?}, {age} s old: {}", logins.join("\n"));
        }
    }
}

#[test]
fn manual_names_the_longest_outages() {
    for server in Server::all().filter(|server| !server.is_opaque) {
        let outage = server.longest_gap().saturating_sub(2 * period());
        let row = [server.lifetime, server.due(), outage].map(time_text).join(" | ");
        assert!(MANUAL.contains(&format!("\n| {row} |\n")), "{row}");
    }
}

/// "4 d 15 h 36 min".
fn time_text(seconds: u64) -> String {
    let parts =
        [(seconds / DAY, "d"), (seconds % DAY / HOUR, "h"), (seconds % HOUR / MINUTE, "min")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let text = parts.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ");
    if text.is_empty() { "none".to_owned() } else { text }
}
