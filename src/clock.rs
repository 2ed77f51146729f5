//! Time, as something that can be passed in.

use std::time::{Duration, SystemTime};

/// The two clocks of a machine, and waiting.
///
/// Intervals and deadlines use [`Clock::now`], which nobody can set; only what is compared with a
/// server's dates uses [`Clock::utc`], which may read 1970 on a robot without a battery.
pub trait Clock {
    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;
    /// The wall clock.
    fn utc(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// 2025-08-07 00:00:00 UTC, in seconds since 1970: when the oldest compiler came out that this program is built
/// by (`rust-version` in Cargo.toml). No clock that is right reads less.
pub const EARLIEST: u64 = 1_754_524_800;

/// The machine's own clocks.
pub struct SystemClock {
    start: std::time::Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn start() -> Self {
        SystemClock { start: std::time::Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn utc(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
