//! On what all this was measured, and what else that had to do.

use std::fs;
use std::thread;
use std::time::SystemTime;

/// Processor, kernel, day and load, but not whose machine it is.
#[expect(clippy::disallowed_methods, reason = "it is today's figure")]
pub fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").and_then(|total| {
        let kib: u64 = total.split(' ').next()?.parse().ok()?;
        Some(format!(", {} GiB", kib.div_ceil(1024 * 1024)))
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    format!(
        "{}, {cores} cores{}, Linux {}, {}, with a load of {} before",
        field("/proc/cpuinfo", "model name").unwrap_or(std::env::consts::ARCH.into()),
        memory.unwrap_or_default(),
        kernel.trim().split('-').next().unwrap_or_default(),
        &today[..10],
        load.split(' ').next().unwrap_or("?"),
    )
}

/// The first value of that name in one of the kernel's `name: value` files.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(its, _)| its.trim() == name).map(|(_, value)| value.trim().to_owned())
}
