//! The machine that the benchmark runs on, and how busy it is.

use std::fs;
use std::thread;
use std::time::SystemTime;

/// Processor, memory, kernel, date and load. Not the host name: the text is published.
#[expect(clippy::disallowed_methods, reason = "the report carries the real date")]
pub fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").and_then(|total| {
        let kib: u64 = total.split(' ').next()?.parse().ok()?;
        Some(format!(", {} GiB", kib.div_ceil(1024 * 1024)))
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores{}, Linux {}, {}; load before the start: {}",
        field("/proc/cpuinfo", "model name").unwrap_or(std::env::consts::ARCH.into()),
        memory.unwrap_or_default(),
        kernel.trim().split('-').next().unwrap_or_default(),
        date(SystemTime::now()),
        load.split(' ').next().unwrap_or("?"),
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
