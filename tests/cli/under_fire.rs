//! The token cache under fire: killed at any moment of a write, and written by fifty at once.
//!
//! `RIO_TEST_KILLS=5000 cargo test --test cli under_fire` is the long run. A failure names its shot, and
//! `RIO_TEST_SEED` repeats the moments of another run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use platform::Platform;
use rio::config::ConfigFile;
use rio::host::clock::{Clock, SystemClock};
use rio::host::env::Env;
use serde_json::{Value, json};

use crate::robot::Robot;

/// So many times a test of a few seconds kills.
const KILLS: u64 = 300;
/// The moments are the same in each run, as far as a machine can be that.
const SEED: u64 = 0x5eed;
/// What others keep in the file: so much that half of it would show.
const LARGE: usize = 128 * 1024;
/// What a killed process may leave, and nothing else.
const TEMPORARY: &str = ".config.json.tmp";
/// Names a member, for a process that is to set it.
const MEMBER: &str = "RIO_TEST_MEMBER";

fn number_of(variable: &str, default: u64) -> u64 {
    let env = Env::of_process();
    env.text(variable).map_or(default, |text| text.parse().expect(variable))
}

/// SplitMix64: a sequence of numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn environment(name: &str) -> [&str; 3] {
    ["auth", "environment", name]
}

fn start(robot: &Robot, arguments: &[&str]) -> Child {
    let mut command = robot.rio(arguments).command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts the program and kills it at some moment; gives the moment, for a message, and whether the
/// program was done before that.
///
/// Half of the moments lie anywhere in its life, the others in what is its last part: from when it has
/// begun to write. A few come as soon as it was started.
struct Gun {
    clock: SystemClock,
    random: Random,
    life: Duration,
    shots: u64,
}

impl Gun {
    /// For processes that live about as long as this one.
    fn aimed_at(robot: &Robot, arguments: &[&str]) -> Self {
        let clock = SystemClock;
        let mut lives: Vec<_> = (0..5)
            .map(|_| {
                let begin = clock.now();
                robot.rio(arguments).run().exits(0);
                clock.now() - begin
            })
            .collect();
        lives.sort();
        let random = Random(number_of("RIO_TEST_SEED", SEED));
        Gun { clock, random, life: lives[2], shots: 0 }
    }

    fn fire(&mut self, robot: &Robot, arguments: &[&str]) -> Shot {
        let temporary = robot.config_path().with_file_name(TEMPORARY);
        let left = temporary.exists();
        let begun = |child: &mut Child| {
            // What an earlier one left behind goes before the new one comes.
            while temporary.exists() == left && child.try_wait().unwrap().is_none() {
                thread::yield_now();
            }
        };
        let life = self.life.as_micros() as u64 + 1;
        let kind = self.shots % 10;
        let delay = Duration::from_micros(match kind {
            0 => 0,
            1..5 => self.random.below(life * 5 / 4),
            _ => self.random.below(life / 6 + 1),
        });
        let mut child = start(robot, arguments);
        if kind >= 5 {
            begun(&mut child);
        }
        if !delay.is_zero() {
            self.clock.sleep(delay);
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let after = if kind >= 5 { "the write began" } else { "it was started" };
        let name = format!("shot {}, {delay:?} after {after}: {status}", self.shots);
        assert!(status.success() || status.signal() == Some(libc::SIGKILL), "{name}");
        self.shots += 1;
        // One that was done before it was hit lives less long than was thought: the machine is idler now.
        let step = self.life / 32;
        self.life = if status.success() { self.life - step } else { self.life + step / 2 };
        Shot { name, done: status.success() }
    }
}

struct Shot {
    name: String,
    done: bool,
}

/// What the shots met. A harness that always comes too early or too late would prove nothing.
#[derive(Debug, Default)]
struct Tally {
    old: u64,
    new: u64,
    done: u64,
    temporaries: u64,
}

impl Tally {
    fn add(&mut self, shot: &Shot, is_new: bool, directory: &Path) {
        assert!(is_new || !shot.done, "{} and nothing written", shot.name);
        *match (is_new, shot.done) {
            (false, _) => &mut self.old,
            (true, false) => &mut self.new,
            (true, true) => &mut self.done,
        } += 1;
        self.temporaries += u64::from(has_temporary(shot, directory));
    }

    fn assert_was_in_the_middle(&self) {
        println!("{self:?}");
        let written = self.new + self.done;
        let missed = self.old == 0 || written == 0 || self.temporaries == 0;
        assert!(!missed, "the shots missed the writes: {self:?}");
    }
}

/// Whether there is a temporary. There is never a second one, nor anything else, nor for others to read.
fn has_temporary(shot: &Shot, directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let names: BTreeSet<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let known = names.iter().all(|name| name == "config.json" || name == TEMPORARY);
    assert!(known, "{}: {names:?}", shot.name);
    for name in &names {
        let mode = fs::metadata(directory.join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}: {name}", shot.name);
    }
    names.contains(TEMPORARY)
}

/// The next one that is let live clears away what the killed ones left.
fn assert_mends_itself(robot: &Robot) {
    robot.rio(&environment("qa")).run().exits(0);
    assert_eq!(robot.config()["environment"], "qa");
    let directory = robot.config_path().parent().unwrap().to_owned();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

/// A file that also holds much of others, as `rio auth environment` leaves it, for each environment.
struct Pages {
    page: String,
}

impl Pages {
    fn write(robot: &Robot) -> Self {
        let maps = "0123456789abcdef".repeat(LARGE / 16);
        robot.write_config(&json!({"machine_id": 7, "maps": maps}));
        robot.rio(&environment("pr0")).run().exits(0);
        let config = robot.config();
        assert_eq!((&config["machine_id"], &config["maps"]), (&7.into(), &maps.into()));
        Pages { page: String::from_utf8(robot.config_bytes()).unwrap() }
    }

    fn of(&self, environment: &str) -> Vec<u8> {
        self.page.replace("pr0", environment).into_bytes()
    }

    /// The file is one of them, to the last byte.
    fn assert_whole(&self, bytes: &[u8]) {
        let config: Value = serde_json::from_slice(bytes)
            .unwrap_or_else(|error| panic!("{} bytes: {error}", bytes.len()));
        let name = config["environment"].as_str().unwrap();
        assert!(bytes == self.of(name), "{} bytes that are not of {name}", bytes.len());
    }
}

/// Reads the file again and again while `work` is done.
fn while_read<T>(
    robot: &Robot,
    mut check: impl FnMut(&[u8]) + Send,
    work: impl FnOnce() -> T,
) -> T {
    let stop = AtomicBool::new(false);
    // Stops the reader also when the work fails.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let path = robot.config_path();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let clock = SystemClock;
            let mut looks = 0;
            while !stop.load(Ordering::Relaxed) {
                check(&fs::read(&path).unwrap());
                looks += 1;
                clock.sleep(Duration::from_millis(1));
            }
            looks
        });
        let stop = Stop(&stop);
        let result = work();
        drop(stop);
        assert!(reader.join().unwrap() > 0);
        result
    })
}

#[test]
fn a_write_that_is_killed_leaves_the_old_file_or_the_new_one_whole() {
    let robot = Robot::new();
    let pages = Pages::write(&robot);
    let directory = robot.config_path().parent().unwrap().to_owned();
    let mut gun = Gun::aimed_at(&robot, &environment("pr0"));
    let mut tally = Tally::default();
    let check = |bytes: &[u8]| pages.assert_whole(bytes);
    while_read(&robot, check, || {
        let mut old = pages.of("pr0");
        for number in 1..=number_of("RIO_TEST_KILLS", KILLS) {
            let name = format!("pr{number}");
            let new = pages.of(&name);
            let shot = gun.fire(&robot, &environment(&name));
            let bytes = robot.config_bytes();
            assert!(bytes == old || bytes == new, "{}: {} bytes", shot.name, bytes.len());
            tally.add(&shot, bytes == new, &directory);
            old = bytes;
        }
    });
    tally.assert_was_in_the_middle();
    assert_mends_itself(&robot);
}

#[test]
fn a_first_write_that_is_killed_leaves_no_file_or_a_whole_one() {
    let robot = Robot::new();
    robot.rio(&environment("dev")).run().exits(0);
    let whole = robot.config_bytes();
    let directory = robot.config_path().parent().unwrap().to_owned();
    let mut gun = Gun::aimed_at(&robot, &environment("dev"));
    let mut tally = Tally::default();
    for _ in 0..number_of("RIO_TEST_KILLS", KILLS) / 3 {
        // Where there was no file, the next one goes on with what the killed one had made.
        if robot.config_path().exists() {
            fs::remove_dir_all(robot.home().join(".config")).unwrap();
        }
        let shot = gun.fire(&robot, &environment("dev"));
        let made = robot.config_path().exists();
        assert!(!made || robot.config_bytes() == whole, "{}", shot.name);
        tally.add(&shot, made, &directory);
    }
    tally.assert_was_in_the_middle();
    assert_mends_itself(&robot);
}

#[test]
fn a_refresh_that_is_killed_leaves_a_token_and_all_else_as_it_was() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let directory = robot.config_path().parent().unwrap().to_owned();
    let refresh = ["auth", "refresh-token"];
    let mut gun = Gun::aimed_at(&robot, &refresh);
    let mut tally = Tally::default();
    for _ in 0..number_of("RIO_TEST_KILLS", KILLS) / 6 {
        // The server may know the old one no more: it was asked, and nobody lived to keep its answer.
        let (good, token) = Robot::logged_in(&platform);
        robot.write_config_text(good.config_bytes());
        let mut before = robot.config();
        let shot = gun.fire(&robot, &refresh);
        let after = robot.config();
        let kept = after["auth_token"].as_str().unwrap();
        assert!(!kept.is_empty(), "{}", shot.name);
        tally.add(&shot, kept != token, &directory);
        before["auth_token"] = after["auth_token"].clone();
        assert_eq!(after, before, "{}", shot.name);
    }
    println!("{tally:?}");
    // Most of a refresh is the asking, so few of some dozen shots hit the write itself.
    assert!(tally.old > 0, "no shot came before the end: {tally:?}");
    robot.rio(&refresh).run();
    assert_mends_itself(&robot);
}

/// What a process does that is told a member: sets it as commands do, and nothing else.
fn set_member(name: &str) {
    let file = ConfigFile::locate(&Env::of_process(), Rc::new(SystemClock)).unwrap();
    file.update(|config| config.set(name, name)).unwrap();
}

#[test]
fn fifty_processes_that_write_a_member_each_lose_nothing() {
    // This very test, alone in a process of its own.
    const THIS: &str = "under_fire::fifty_processes_that_write_a_member_each_lose_nothing";
    if let Some(member) = Env::of_process().text(MEMBER) {
        return set_member(member);
    }
    let robot = Robot::new();
    let pages = Pages::write(&robot);
    let names: Vec<_> = (0..50).map(|number| format!("member_{number}")).collect();
    let writer = |name: &String| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", THIS]).env_clear().env("HOME", robot.home()).env(MEMBER, name);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut seen = BTreeSet::new();
    let check = |bytes: &[u8]| {
        let config: Value = serde_json::from_slice(bytes).unwrap();
        let config = config.as_object().unwrap();
        let lost: Vec<_> = seen.iter().filter(|name| !config.contains_key(*name)).collect();
        assert!(lost.is_empty(), "{lost:?}");
        seen.extend(config.keys().cloned());
    };
    while_read(&robot, check, || {
        // They all come to the lock while it is held, so that none is done before the last has begun.
        let lock = File::open(robot.config_path().parent().unwrap()).unwrap();
        lock.lock().unwrap();
        let writers: Vec<_> = names.iter().map(writer).collect();
        let environments: Vec<_> =
            (0..10).map(|number| start(&robot, &environment(&format!("pr{number}")))).collect();
        drop(lock);
        for child in writers {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
        }
        for child in environments {
            assert!(child.wait_with_output().unwrap().status.success());
        }
    });
    let mut config = robot.config();
    for name in &names {
        assert_eq!(config[name], *name, "lost");
        config.as_object_mut().unwrap().remove(name);
    }
    let name = config["environment"].as_str().unwrap();
    let others: Value = serde_json::from_slice(&pages.of(name)).unwrap();
    assert_eq!(config, others, "and what was there before");
    assert_eq!(fs::read_dir(robot.config_path().parent().unwrap()).unwrap().count(), 1);
}
