//! Kills rio at any moment of a write, also beside a program that writes in place, and lets sixty
//! processes write at once.
//!
//! `RIO_TEST_KILLS=5000 cargo test --test cli crash_safety` is a long run. `RIO_TEST_SEED` changes the
//! moments.

use std::collections::BTreeSet;
use std::fs;
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
use rio::machine::clock::{Clock, SystemClock};
use rio::machine::env::Env;
use serde_json::{Value, json};

use crate::machine::config_file::{ConfigLock, write_in_place};
use crate::robot::Robot;
use crate::robot::random::{Random, number_of, seed};

/// Enough for a test of a few seconds.
const KILLS: u64 = 300;
/// Bytes of other programs in the file: enough to notice half a write.
const LARGE: usize = 128 * 1024;
/// The only file that a killed process may leave.
const TEMPORARY: &str = ".config.json.tmp";
const REFRESH_LOCK: &str = ".config.json.refresh.lock";
/// The variable that names the member which a child process sets.
const MEMBER: &str = "RIO_TEST_MEMBER";

fn environment(name: &str) -> [&str; 3] {
    ["auth", "environment", name]
}

fn start(robot: &Robot, arguments: &[&str]) -> Child {
    let mut command = robot.rio(arguments).command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts processes and kills them.
///
/// Some at once, some at a random moment of their life, and half after they have created the temporary
/// file.
struct Killer {
    clock: SystemClock,
    random: Random,
    life: Duration,
    kills: u64,
    /// How many processes in a row were killed before their end.
    unfinished: u64,
}

impl Killer {
    /// Measures how long a process lives.
    fn for_command(robot: &Robot, arguments: &[&str]) -> Self {
        let clock = SystemClock;
        let mut lives: Vec<_> = (0..5)
            .map(|_| {
                let begin = clock.now();
                robot.rio(arguments).run().exits(0);
                clock.now() - begin
            })
            .collect();
        lives.sort();
        let random = Random::new(seed());
        Killer { clock, random, life: lives[2], kills: 0, unfinished: 0 }
    }

    fn kill(&mut self, robot: &Robot, arguments: &[&str]) -> Kill {
        let temporary = robot.config_path().with_file_name(TEMPORARY);
        let state = || {
            let metadata = fs::metadata(&temporary).ok()?;
            Some((metadata.ino(), metadata.len(), metadata.mtime_nsec()))
        };
        let leftover = state();
        let wait_for_write = |child: &mut Child| {
            while state() == leftover && child.try_wait().unwrap().is_none() {
                thread::yield_now();
            }
        };
        let life = self.life.as_micros() as u64 + 1;
        let kind = self.kills % 10;
        let delay = Duration::from_micros(match kind {
            0 => 0,
            1..5 => self.random.below(life * 5 / 4),
            _ => self.random.below(life / 6 + 1),
        });
        let mut child = start(robot, arguments);
        if kind >= 5 {
            wait_for_write(&mut child);
        }
        if !delay.is_zero() {
            self.clock.sleep(delay);
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        let after = if kind >= 5 { "the write started" } else { "the start" };
        let name = format!("kill {}, {delay:?} after {after}: {status}", self.kills);
        assert!(status.success() || status.signal() == Some(libc::SIGKILL), "{name}");
        self.kills += 1;
        // Adapts to the load of the machine.
        self.unfinished = if status.success() { 0 } else { self.unfinished + 1 };
        self.life = match self.unfinished {
            0 => self.life - self.life / 32,
            1..8 => self.life + self.life / 64,
            _ => self.life + self.life / 4,
        };
        Kill { name, done: status.success() }
    }
}

struct Kill {
    name: String,
    done: bool,
}

/// What the killed processes left. Proves that some kills hit a write.
#[derive(Debug, Default)]
struct Tally {
    old: u64,
    new: u64,
    done: u64,
    temporaries: u64,
}

impl Tally {
    fn add(&mut self, kill: &Kill, is_new: bool, directory: &Path) {
        assert!(is_new || !kill.done, "{} and nothing written", kill.name);
        *match (is_new, kill.done) {
            (false, _) => &mut self.old,
            (true, false) => &mut self.new,
            (true, true) => &mut self.done,
        } += 1;
        self.temporaries += u64::from(has_temporary(kill, directory));
    }

    fn assert_kills_hit_writes(&self) {
        println!("{self:?}");
        let written = self.new + self.done;
        let missed = self.old == 0 || written == 0 || self.temporaries == 0;
        assert!(!missed, "no kill hit a write: {self:?}");
    }
}

/// Whether there is a temporary file. Checks that there are no other files, and the modes.
fn has_temporary(kill: &Kill, directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let names: BTreeSet<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let known = ["config.json", TEMPORARY, REFRESH_LOCK];
    let known = names.iter().all(|name| known.contains(&name.as_str()));
    assert!(known, "{}: {names:?}", kill.name);
    for name in &names {
        let mode = fs::metadata(directory.join(name)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}: {name}", kill.name);
    }
    names.contains(TEMPORARY)
}

/// The next process that completes removes what the killed ones left.
fn assert_next_write_cleans_up(robot: &Robot) {
    robot.rio(&environment("qa")).run().exits(0);
    assert_eq!(robot.config()["environment"], "qa");
    let directory = robot.config_path().parent().unwrap().to_owned();
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(entries.filter(|name| name != REFRESH_LOCK).count(), 1);
}

/// The large file that `rio auth environment pr0` writes, and those for other environments.
struct Expected {
    pr0: String,
}

impl Expected {
    fn write(robot: &Robot) -> Self {
        let maps = "0123456789abcdef".repeat(LARGE / 16);
        robot.write_config(&json!({"machine_id": 7, "maps": maps}));
        robot.rio(&environment("pr0")).run().exits(0);
        let config = robot.config();
        assert_eq!((&config["machine_id"], &config["maps"]), (&7.into(), &maps.into()));
        Expected { pr0: String::from_utf8(robot.config_bytes()).unwrap() }
    }

    fn of(&self, environment: &str) -> Vec<u8> {
        self.pr0.replace("pr0", environment).into_bytes()
    }

    fn assert_whole(&self, bytes: &[u8]) {
        let config: Value = serde_json::from_slice(bytes)
            .unwrap_or_else(|error| panic!("{} bytes: {error}", bytes.len()));
        let name = config["environment"].as_str().unwrap();
        assert!(bytes == self.of(name), "{} bytes that are not of {name}", bytes.len());
    }
}

/// Reads the file repeatedly during `work`.
fn while_read<T>(
    robot: &Robot,
    mut check: impl FnMut(&[u8]) + Send,
    work: impl FnOnce() -> T,
) -> T {
    let stop = AtomicBool::new(false);
    // Stops the reader even if `work` panics.
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
fn killed_write_leaves_old_or_new_file() {
    let robot = Robot::new();
    let expected = Expected::write(&robot);
    let directory = robot.config_path().parent().unwrap().to_owned();
    let mut killer = Killer::for_command(&robot, &environment("pr0"));
    let mut tally = Tally::default();
    let check = |bytes: &[u8]| expected.assert_whole(bytes);
    while_read(&robot, check, || {
        let mut old = expected.of("pr0");
        for number in 1..=number_of("RIO_TEST_KILLS", KILLS) {
            let name = format!("pr{number}");
            let new = expected.of(&name);
            let kill = killer.kill(&robot, &environment(&name));
            let bytes = robot.config_bytes();
            assert!(bytes == old || bytes == new, "{}: {} bytes", kill.name, bytes.len());
            tally.add(&kill, bytes == new, &directory);
            old = bytes;
        }
    });
    tally.assert_kills_hit_writes();
    assert_next_write_cleans_up(&robot);
}

/// The Python `rio` writes in place, without a lock.
#[test]
fn killed_write_beside_in_place_writer_loses_no_member() {
    let robot = Robot::new();
    Expected::write(&robot);
    let (path, maps) = (robot.config_path(), robot.config()["maps"].clone());
    let directory = path.parent().unwrap();
    let mut killer = Killer::for_command(&robot, &environment("pr0"));
    let mut tally = Tally::default();
    let mut looks = 0;
    let check_and_write = |bytes: &[u8]| {
        let mut config: Value = serde_json::from_slice(bytes).unwrap();
        assert!(config["machine_id"] == 7 && config["maps"] == maps, "{} bytes", bytes.len());
        looks += 1;
        if looks % 10 == 0 {
            config["writes"] = looks.into();
            write_in_place(&path, config.to_string().as_bytes(), || ());
        }
    };
    while_read(&robot, check_and_write, || {
        for number in 1..=number_of("RIO_TEST_KILLS", KILLS / 6) {
            let kill = killer.kill(&robot, &environment(&format!("pr{number}")));
            tally.add(&kill, kill.done, directory);
        }
    });
    tally.assert_kills_hit_writes();
    assert!(robot.config()["writes"].is_number(), "{looks} looks");
    assert_next_write_cleans_up(&robot);
    assert!(robot.config()["machine_id"] == 7 && robot.config()["maps"] == maps);
}

#[test]
fn killed_first_write_leaves_no_file_or_a_complete_one() {
    let robot = Robot::new();
    robot.rio(&environment("dev")).run().exits(0);
    let whole = robot.config_bytes();
    let directory = robot.config_path().parent().unwrap().to_owned();
    let mut killer = Killer::for_command(&robot, &environment("dev"));
    let mut tally = Tally::default();
    for _ in 0..number_of("RIO_TEST_KILLS", KILLS) / 3 {
        // Without a config file, the directories stay for the next process.
        if robot.config_path().exists() {
            fs::remove_dir_all(robot.home().join(".config")).unwrap();
        }
        let kill = killer.kill(&robot, &environment("dev"));
        let made = robot.config_path().exists();
        assert!(!made || robot.config_bytes() == whole, "{}", kill.name);
        tally.add(&kill, made, &directory);
    }
    tally.assert_kills_hit_writes();
    assert_next_write_cleans_up(&robot);
}

#[test]
fn killed_refresh_keeps_a_token_and_all_other_members() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let directory = robot.config_path().parent().unwrap().to_owned();
    let refresh = ["auth", "refresh-token"];
    let mut killer = Killer::for_command(&robot, &refresh);
    let mut tally = Tally::default();
    for _ in 0..number_of("RIO_TEST_KILLS", KILLS) / 6 {
        // The killed process may have lost the new token.
        let (good, token) = Robot::logged_in(&platform);
        robot.write_config_text(good.config_bytes());
        let mut before = robot.config();
        let kill = killer.kill(&robot, &refresh);
        let after = robot.config();
        let kept = after["auth_token"].as_str().unwrap();
        assert!(!kept.is_empty(), "{}", kill.name);
        tally.add(&kill, kept != token, &directory);
        before["auth_token"] = after["auth_token"].clone();
        if let Some(record) = after.get("auth_token_record") {
            before["auth_token_record"] = record.clone();
        }
        assert_eq!(after, before, "{}", kill.name);
    }
    println!("{tally:?}");
    // Few kills hit the write: a refresh takes most of its time for the request.
    assert!(tally.old > 0, "no process was killed: {tally:?}");
    robot.rio(&refresh).run();
    assert_next_write_cleans_up(&robot);
}

/// What the child process of `concurrent_writes_lose_no_member` does.
fn set_member(name: &str) {
    let file = ConfigFile::locate(&Env::from_process(), Rc::new(SystemClock)).unwrap();
    file.update(|config| config.set(name, name)).unwrap();
}

#[test]
fn concurrent_writes_lose_no_member() {
    // The child processes run this test.
    const THIS: &str = "machine::crash_safety::concurrent_writes_lose_no_member";
    if let Some(member) = Env::from_process().string(MEMBER) {
        return set_member(member);
    }
    let robot = Robot::new();
    let expected = Expected::write(&robot);
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
        // All wait for the lock, so that none ends before the last has started.
        let lock = ConfigLock::new(&robot);
        let writers: Vec<_> = names.iter().map(writer).collect();
        let environments: Vec<_> =
            (0..10).map(|number| start(&robot, &environment(&format!("pr{number}")))).collect();
        drop(lock);
        for child in writers {
            let output = child.wait_with_output().unwrap();
            let output_text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && output_text.contains("1 passed"), "{output:?}");
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
    let others: Value = serde_json::from_slice(&expected.of(name)).unwrap();
    assert_eq!(config, others, "the members from before");
    assert_eq!(fs::read_dir(robot.config_path().parent().unwrap()).unwrap().count(), 1);
}
