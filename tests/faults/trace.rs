//! strace: what a run did, and how to inject a fault into one.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::scenario::{Machine, Scenario};

/// The longest that a run may take, with all its retries.
const TIMEOUT: Duration = Duration::from_secs(150);

/// The words of an strace command line. `injection` is an argument of `-e inject`.
pub fn tracer(machine: &Machine, injection: Option<&str>) -> Vec<String> {
    let log = log_path(machine).to_string_lossy().into_owned();
    let mut words =
        ["strace", "-f", "-y", "-qq", "-s", "70000", "-o", &log].map(str::to_owned).to_vec();
    words.extend(injection.iter().flat_map(|it| ["-e".to_owned(), format!("inject={it}")]));
    words
}

fn log_path(machine: &Machine) -> PathBuf {
    machine.home.path().join("strace.log")
}

pub fn log(machine: &Machine) -> String {
    String::from_utf8_lossy(&fs::read(log_path(machine)).unwrap_or_default()).into_owned()
}

/// The kernel never returns an error from these. For `getrandom`, std would end the program.
const NEVER_FAIL: [&str; 4] = ["execve", "exit", "exit_group", "getrandom"];

/// Continues a stopped run, until it ends. strace counts in each thread, so that it may stop again.
pub fn go_on(machine: &Machine, running: &mut Running) {
    let pid = log(machine).split_whitespace().next().and_then(|pid| pid.parse().ok());
    let deadline = Instant::now() + TIMEOUT;
    while running.wait(Duration::from_millis(20)).is_none() && Instant::now() < deadline {
        // SAFETY: takes no pointer.
        pid.map(|pid| unsafe { libc::kill(pid, libc::SIGCONT) });
    }
}

/// How a run ended.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A process in a group of its own.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Running(command.process_group(0).spawn().expect("a process"))
    }

    /// `None` if it does not end within the time; then it goes on.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// `None` if it had to be killed.
    pub fn finish(mut self) -> Option<Ended> {
        let status = self.wait(TIMEOUT);
        if status.is_none() {
            // SAFETY: takes no pointer.
            unsafe { libc::kill(-self.0.id().cast_signed(), libc::SIGKILL) };
            self.0.wait().expect("a child");
        }
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.0.stdout.take()?.read_to_string(&mut stdout).ok()?;
        self.0.stderr.take()?.read_to_string(&mut stderr).ok()?;
        Some(Ended { status: status?, stdout, stderr })
    }
}

/// A system call of a recorded run: the `number`th of its name.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    pub number: usize,
    /// Before the run looked at the config file's directory, for example while it was loaded.
    pub is_early: bool,
}

/// The system calls of a run without faults.
pub fn record(machine: &Machine, scenario: Scenario) -> Vec<Call> {
    let ended = Running::start(&mut machine.scenario(scenario, &tracer(machine, None))).finish();
    let ended = ended.expect("a run ends");
    assert!(ended.status.success(), "{}: {}", scenario.name(), ended.stderr);
    let (mut calls, mut is_early): (Vec<Call>, bool) = (Vec::new(), true);
    let directory = machine.directory().to_string_lossy().into_owned();
    // strace counts in each thread. The first one has nearly all calls.
    let log = log(machine);
    let main = log.split_whitespace().next().unwrap_or_default().to_owned();
    for line in log.lines() {
        let mut words = line.splitn(2, char::is_whitespace);
        let (thread, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Some((name, arguments)) = rest.trim_start().split_once('(') else { continue };
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if thread != main || !is_name || NEVER_FAIL.contains(&name) {
            continue;
        }
        is_early &= !arguments.contains(&directory);
        let number = calls.iter().filter(|call| call.name == name).count() + 1;
        calls.push(Call { name: name.to_owned(), number, is_early });
    }
    calls
}

/// What the log of a run proves.
pub struct Evidence {
    /// The response with the new token was read.
    pub answered: bool,
    /// The new token was written to a file.
    pub written: bool,
    /// The fault was injected.
    pub injected: bool,
    /// The fault hit the allocation of memory.
    pub memory: bool,
}

pub fn evidence(machine: &Machine, scenario: Scenario) -> Evidence {
    let log = log(machine);
    let home = machine.directory().to_string_lossy().into_owned();
    let mut new = machine.platform.valid_tokens();
    new.retain(|token| machine.stored.as_ref() != Some(token));
    let failed = ["= -1 ", "= ?", "INJECTED"];
    let succeeded = |line: &&str| !failed.iter().any(|text| line.contains(text));
    let is_answer = |line: &str| {
        let reads =
            line.contains("recvfrom") || line.contains("read(") && line.contains("socket:[");
        reads && scenario.answer().is_some_and(|answer| line.contains(answer))
    };
    let is_write = |line: &str| {
        let writes = line.contains("write") && line.contains(&home);
        writes && new.iter().any(|token| line.contains(token))
    };
    let mut injected = log.lines().filter(|line| line.contains("INJECTED"));
    let memory = |line: &str| ["mmap", "brk", "mremap"].iter().any(|name| line.contains(name));
    Evidence {
        answered: log.lines().filter(succeeded).any(is_answer),
        written: log.lines().filter(succeeded).any(is_write),
        injected: log.contains("INJECTED") || log.contains("killed by SIGKILL"),
        memory: injected.any(memory),
    }
}
