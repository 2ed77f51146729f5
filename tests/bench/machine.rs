//! The machine that the benchmark runs on, and how busy it is.
#![expect(clippy::disallowed_methods, reason = "the report carries the real date and load")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Times are not measured while more processes than this want to run.
pub const HIGHEST_LOAD: f64 = 1.0;

/// Waits for other programs to end, such as the compiler of this one. Returns the load, which may still be too high.
pub fn wait_until_idle() -> f64 {
    const LONGEST: Duration = Duration::from_secs(5 * 60);
    let start = Instant::now();
    while load() > HIGHEST_LOAD && start.elapsed() < LONGEST {
        eprintln!("bench: waiting until the load is at most {HIGHEST_LOAD}; it is {}", load());
        thread::sleep(Duration::from_secs(15));
    }
    load()
}

/// The average number of processes that wanted to run in the last minute.
fn load() -> f64 {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().and_then(|average| average.parse().ok()).unwrap_or(f64::INFINITY)
}

/// Processor, memory, kernel and date. Not the host name: the text is published.
pub fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").and_then(|total| {
        let kib: u64 = total.split(' ').next()?.parse().ok()?;
        Some(format!(", {} GiB", kib.div_ceil(1024 * 1024)))
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores{}, Linux {}, {}",
        field("/proc/cpuinfo", "model name").unwrap_or(std::env::consts::ARCH.into()),
        memory.unwrap_or_default(),
        kernel.trim().split('-').next().unwrap_or_default(),
        date(SystemTime::now()),
    )
}

/// `2026-11-24`, in UTC.
pub fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()[..10].to_owned()
}

/// The first value of that name in one of the kernel's `name: value` files.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}
