//! The cases: their names, all of them, and a sample.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::oracle::{self, GRACE, Verdict};
use crate::scenario::{Machine, Scenario};
use crate::trace::{self, Running};
use crate::{Options, crash};

/// The errors that a system call may return on a machine in trouble.
const ERRORS: [&str; 8] =
    ["EIO", "ENOSPC", "EINTR", "EBUSY", "EMFILE", "ENOMEM", "EACCES", "ESTALE"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Error {
        name: &'static str,
        lasting: bool,
    },
    Kill,
    /// Stops the run while another one runs: that of the Python `rio` if `None`.
    Stop(Option<Scenario>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Error,
    Lasting,
    Kill,
    Stop,
    Crash,
}

impl Kind {
    const ALL: [(Kind, &'static str); 5] = [
        (Kind::Error, "error"),
        (Kind::Lasting, "lasting"),
        (Kind::Kill, "kill"),
        (Kind::Stop, "stop"),
        (Kind::Crash, "crash"),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            Kind::ALL.into_iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

pub enum Case {
    /// A fault at one system call.
    Call { scenario: Scenario, call: String, number: usize, is_early: bool, fault: Fault },
    /// All power failures during one run.
    Crash(Scenario),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case::Call { scenario, call, number, fault, .. } = self else {
            let Case::Crash(scenario) = self else { return Ok(()) };
            return write!(f, "crash/{}", scenario.name());
        };
        write!(f, "{}/{call}#{number}/", scenario.name())?;
        match fault {
            Fault::Error { name, lasting: false } => f.write_str(name),
            Fault::Error { name, lasting: true } => write!(f, "{name}+"),
            Fault::Kill => f.write_str("SIGKILL"),
            Fault::Stop(other) => write!(f, "stop/{}", other.map_or("python", Scenario::name)),
        }
    }
}

impl Case {
    pub fn kind(&self) -> Kind {
        match self {
            Case::Crash(_) => Kind::Crash,
            Case::Call { fault, .. } => match fault {
                Fault::Error { lasting: false, .. } => Kind::Error,
                Fault::Error { lasting: true, .. } => Kind::Lasting,
                Fault::Kill => Kind::Kill,
                Fault::Stop(_) => Kind::Stop,
            },
        }
    }

    pub fn run(&self, binary: &Path) -> Verdict {
        let Case::Call { scenario, call, number, is_early, fault } = self else {
            let Case::Crash(scenario) = self else { return Verdict::default() };
            return crash::check(binary, *scenario);
        };
        let injection = match fault {
            Fault::Error { name, lasting: false } => format!("{call}:error={name}:when={number}"),
            Fault::Error { name, lasting: true } => format!("{call}:error={name}:when={number}+"),
            Fault::Kill => format!("{call}:signal=SIGKILL:when={number}"),
            Fault::Stop(_) => format!("{call}:signal=SIGSTOP:when={number}"),
        };
        if let Fault::Stop(other) = fault {
            return run_pair(binary, *scenario, *other, &injection);
        }
        let machine = Machine::new(binary, &[*scenario]);
        let tracer = trace::tracer(&machine, Some(&injection));
        match Running::start(&mut machine.scenario(*scenario, &tracer)).finish() {
            Some(ended) => {
                let seen = trace::evidence(&machine, *scenario);
                if *is_early && !ended.status.success() {
                    return Verdict { tried: 1, ..Verdict::default() };
                }
                let mut verdict = oracle::check(&machine, *scenario, *fault, &ended, &seen);
                if !verdict.broken.is_empty() {
                    let message = ended.stderr.trim().replace('\n', "\n        ");
                    verdict.broken.push(format!("{}: {message}", ended.status));
                }
                verdict
            }
            None => Verdict { tried: 1, broken: vec!["it hangs".to_owned()], ..Verdict::default() },
        }
    }
}

/// Stops the first run at a system call, and lets the other one run.
fn run_pair(binary: &Path, first: Scenario, other: Option<Scenario>, injection: &str) -> Verdict {
    let scenarios: Vec<_> = [Some(first), other].into_iter().flatten().collect();
    let machine = Machine::new(binary, &scenarios);
    let tracer = trace::tracer(&machine, Some(injection));
    let mut stopped = Running::start(&mut machine.scenario(first, &tracer));
    // The log says when it has stopped.
    let is_stopped = || trace::log(&machine).contains("stopped by SIGSTOP");
    while !is_stopped() && stopped.wait(Duration::from_millis(3)).is_none() {}
    let mut running = match other {
        Some(scenario) => Some(Running::start(&mut machine.scenario(scenario, &[]))),
        None => {
            machine.python_writes();
            None
        }
    };
    running.as_mut().map(|running| running.wait(GRACE));
    trace::go_on(&machine, &mut stopped);
    let (first_ended, other_ended) = (stopped.finish(), running.map(Running::finish));
    let hangs = Verdict { tried: 1, broken: vec!["it hangs".to_owned()], ..Verdict::default() };
    let Some(first_ended) = first_ended else { return hangs };
    match other_ended {
        Some(None) => hangs,
        Some(Some(ended)) => {
            oracle::check_pair(&machine, (first, &first_ended), other.map(|other| (other, &ended)))
        }
        None => oracle::check_pair(&machine, (first, &first_ended), None),
    }
}

/// The cases that the options ask for.
pub fn select(options: &Options) -> Vec<Case> {
    let mut random = Random(options.seed | 1);
    let mut cases: BTreeMap<Kind, Vec<Case>> = BTreeMap::new();
    for case in Scenario::ALL.into_iter().flat_map(|scenario| all(&options.binary, scenario)) {
        cases.entry(case.kind()).or_default().push(case);
    }
    if !options.all && options.only.is_empty() {
        for (kind, cases) in &mut cases {
            cases.retain(|case| !matches!(case, Case::Call { is_early: true, .. }));
            random.shuffle(cases);
            cases.truncate(match kind {
                Kind::Error => options.errors / 2,
                Kind::Lasting => options.errors / 4,
                Kind::Kill => options.errors / 4,
                Kind::Stop => options.stops,
                Kind::Crash => Scenario::ALL.len(),
            });
        }
    }
    let mut cases: Vec<_> = cases.into_values().flatten().collect();
    let named = |case: &Case| options.only.iter().any(|name| case.to_string().starts_with(name));
    cases.retain(|case| {
        options.kind.is_none_or(|kind| case.kind() == kind)
            && (options.only.is_empty() || named(case))
    });
    cases
}

fn all(binary: &Path, scenario: Scenario) -> Vec<Case> {
    let calls = trace::record(&Machine::new(binary, &[scenario]), scenario);
    let mut faults = vec![Fault::Kill, Fault::Stop(None)];
    for name in ERRORS {
        faults.push(Fault::Error { name, lasting: false });
        // A call that is interrupted again and again is interrupted by someone.
        if name != "EINTR" {
            faults.push(Fault::Error { name, lasting: true });
        }
    }
    // Two device logins share one approval.
    let others =
        Scenario::ALL.into_iter().filter(|other| scenario != *other || *other != Scenario::Device);
    faults.extend(others.map(|other| Fault::Stop(Some(other))));
    let mut cases = vec![Case::Crash(scenario)];
    for call in calls {
        cases.extend(faults.iter().map(|fault| Case::Call {
            scenario,
            call: call.name.clone(),
            number: call.number,
            is_early: call.is_early,
            fault: *fault,
        }));
    }
    cases
}

/// xorshift64: the same sample for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
