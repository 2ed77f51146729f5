//! Time, injected so that a test can bring its own.

use std::time::{Duration, SystemTime};

use crate::host::trace::Trace;

/// The clocks of a machine, and sleeping.
///
/// Intervals and deadlines use [`Clock::now`], which cannot be set. Only dates that a server sent are
/// compared with [`Clock::utc`], which may read 1970 on a robot without a battery.
pub trait Clock {
    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;
    /// The wall clock.
    fn utc(&self) -> SystemTime;
    /// Sleeps, and passes the time to `tick` at the start, every second and at the end.
    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration));

    /// Sleeps.
    fn sleep(&self, duration: Duration) {
        self.sleep_ticking(duration, &mut |_| {});
    }
}

/// Sleeps like [`Clock::sleep_ticking`], and traces it.
pub fn wait(clock: &dyn Clock, trace: &Trace, duration: Duration, mut tick: impl FnMut(Duration)) {
    let (seconds, hundredths) = (duration.as_secs(), duration.subsec_millis() / 10);
    trace.line(&format!("wait {seconds}.{hundredths:02} s"));
    clock.sleep_ticking(duration, &mut tick);
}

/// 2025-08-07 00:00:00 UTC, in seconds since 1970: when the oldest compiler came out that this program is built
/// by (`rust-version` in Cargo.toml). No clock that is right reads less.
pub const EARLIEST: u64 = 1_754_524_800;

/// What the machine's wall clock reads. On machines of 32 bits musl's std gives up where it reads 2038 or later,
/// as that of a robot without a battery may; Linux knows better.
#[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
pub fn system_time() -> SystemTime {
    #[cfg(all(target_os = "linux", target_env = "musl", target_pointer_width = "32"))]
    {
        /// `clock_gettime64`, of the same number on each architecture of 32 bits.
        const SYS_CLOCK_GETTIME64: libc::c_long = 403;
        let mut time = [0_i64; 2];
        // SAFETY: it fills in seconds and nanoseconds, 64 bits each.
        let read = unsafe { libc::syscall(SYS_CLOCK_GETTIME64, libc::CLOCK_REALTIME, &mut time) };
        let [seconds, nanoseconds] = time.map(|number| u64::try_from(number).unwrap_or_default());
        let since_1970 =
            Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds));
        // A kernel before 5.1 does not have it, and no clock beyond 2038 either.
        if let (0, Some(time)) = (read, SystemTime::UNIX_EPOCH.checked_add(since_1970)) {
            return time;
        }
    }
    SystemTime::now()
}

/// A machine that was suspended notices within this time that the sleep is over.
const TICK: Duration = Duration::from_secs(1);

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
        system_time()
    }

    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration)) {
        let end = self.now().saturating_add(duration);
        loop {
            let now = self.now();
            tick(now);
            match end.saturating_sub(now) {
                Duration::ZERO => return,
                rest => std::thread::sleep(rest.min(TICK)),
            }
        }
    }
}
