//! `make test-faults`: no single fault may cost a login.
//!
//! Each case runs the real executable against a fake rapyuta.io that ends the old token when it issues a new one,
//! and does one thing to it: an error from one system call, once or from then on; SIGKILL at a system call; a stop
//! at a system call while another rio, or a complete read and write of the Python `rio`, runs; a power failure.
//! Then [`oracle`] runs `rio` again without faults and checks the promises.
//!
//! | module | content |
//! | --- | --- |
//! | `scenario` | the commands, and a machine that is ready for each |
//! | `trace` | strace: what a run did, and how to inject a fault |
//! | `case` | the cases: their names, all of them, a sample |
//! | `oracle` | the promises |
//! | `crash` | the file systems that a power failure may leave |

mod case;
mod crash;
mod oracle;
mod scenario;
mod trace;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use case::{Case, Kind};

const USAGE: &str = "\
usage: make test-faults FAULTS='[OPTION]...'
  --all            try every case, not a sample
  --kind KIND      only error, lasting, kill, stop or crash
  --only NAME      only the cases whose name starts so, all of them; repeatable
  --seed N         repeat the sample of an earlier run
  --errors N       how many errors and kills to sample (default 2000)
  --stops N        how many stops to sample (default 300)
  --jobs N         how many cases to run at once (default 12)
  --binary PATH    the executable to test (default: the one that cargo built)
";

struct Options {
    all: bool,
    kind: Option<Kind>,
    only: Vec<String>,
    seed: u64,
    errors: usize,
    stops: usize,
    jobs: usize,
    binary: PathBuf,
}

impl Options {
    /// `None` if the command line is wrong.
    fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let mut options = Options {
            all: false,
            kind: None,
            only: Vec::new(),
            seed: u64::from(since_1970.subsec_nanos()),
            errors: 2000,
            stops: 300,
            jobs: 12,
            binary: env!("CARGO_BIN_EXE_rio").into(),
        };
        while let Some(option) = arguments.next() {
            if option == "--all" {
                options.all = true;
                continue;
            }
            let value = arguments.next()?;
            match option.as_str() {
                "--kind" => options.kind = Some(Kind::parse(&value)?),
                "--only" => options.only.push(value),
                "--seed" => options.seed = value.parse().ok()?,
                "--errors" => options.errors = value.parse().ok()?,
                "--stops" => options.stops = value.parse().ok()?,
                "--jobs" => options.jobs = value.parse().ok()?,
                "--binary" => options.binary = value.into(),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// How many cases of a kind were tried, broke a promise, and hit a loss that no program can prevent.
#[derive(Default)]
struct Count {
    tried: usize,
    broken: usize,
    unavoidable: usize,
}

fn main() -> ExitCode {
    let Some(options) = Options::read(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    if Command::new("strace").arg("--version").output().is_err() {
        eprintln!("make test-faults needs strace");
        return ExitCode::FAILURE;
    }
    let start = Instant::now();
    println!("faults: {}, seed {}", options.binary.display(), options.seed);
    let cases = case::select(&options);
    let counts = run_all(&cases, &options);
    let mut broken = 0;
    for (kind, count) in &counts {
        let Count { tried, broken: these, unavoidable } = count;
        broken += these;
        println!(
            "{kind}: {tried} tried, {these} broke a promise, {unavoidable} lost the login unavoidably"
        );
    }
    println!("{} s", start.elapsed().as_secs());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(cases: &[Case], options: &Options) -> BTreeMap<Kind, Count> {
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = case.run(&options.binary);
                    let mut counts = counts.lock().expect("no thread panicked");
                    let count: &mut Count = counts.entry(case.kind()).or_default();
                    count.tried += verdict.tried;
                    count.unavoidable += verdict.unavoidable;
                    count.broken +=
                        usize::from(!verdict.broken.is_empty()).max(verdict.broken_states);
                    if !verdict.broken.is_empty() {
                        println!("{case}");
                        verdict.broken.iter().for_each(|promise| println!("    {promise}"));
                    }
                }
            });
        }
    });
    counts.into_inner().expect("no thread panicked")
}
