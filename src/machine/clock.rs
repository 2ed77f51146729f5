//! Time, passed in so that a test can supply its own.

use std::time::{Duration, SystemTime};

use crate::machine::trace::Trace;

/// The clocks of a machine, and sleeping.
///
/// Intervals and deadlines use [`Clock::now`], which cannot be set. [`Clock::utc`] is only for dates that
/// come from a server or a file: it may read 1970 on a robot without a battery.
pub trait Clock {
    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;
    /// The wall clock.
    fn utc(&self) -> SystemTime;
    /// Sleeps, and passes the time to `tick` at the start, every second and at the end.
    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration));

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

/// How far the clocks of this machine and of a server may differ, in seconds.
pub const LEEWAY: u64 = 5 * 60;

/// 2025-08-07 00:00:00 UTC as a Unix time: the release date of the oldest compiler that builds rio
/// (`rust-version` in Cargo.toml). A clock that reads less is wrong.
pub const EARLIEST: u64 = 1_754_524_800;

#[expect(clippy::disallowed_methods, reason = "the wall clock enters the program here")]
pub fn system_time() -> SystemTime {
    // On 32-bit musl, std aborts when the clock is beyond 2038, as that of a robot without a battery may be.
    #[cfg(all(target_os = "linux", target_env = "musl", target_pointer_width = "32"))]
    {
        /// `clock_gettime64`, the same number on all 32-bit architectures.
        const SYS_CLOCK_GETTIME64: libc::c_long = 403;
        let mut time = [0_i64; 2];
        // SAFETY: the call fills in seconds and nanoseconds, 64 bits each.
        let result = unsafe { libc::syscall(SYS_CLOCK_GETTIME64, libc::CLOCK_REALTIME, &mut time) };
        let [seconds, nanoseconds] = time.map(|number| u64::try_from(number).unwrap_or_default());
        let since_1970 =
            Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds));
        // Kernels before 5.1 do not have this call, nor a clock beyond 2038.
        if let (0, Some(time)) = (result, SystemTime::UNIX_EPOCH.checked_add(since_1970)) {
            return time;
        }
    }
    SystemTime::now()
}

/// The machine's own clocks.
pub struct SystemClock;

/// Counts the time that the machine is suspended; `std::time::Instant` does not on Linux.
#[cfg(target_os = "linux")]
const MONOTONIC: libc::clockid_t = libc::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const MONOTONIC: libc::clockid_t = libc::CLOCK_MONOTONIC;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call fills in the struct.
        unsafe {
            // Kernels before 2.6.39 and some containers refuse the first clock.
            if libc::clock_gettime(MONOTONIC, &mut time) != 0 {
                libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
            }
        }
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }

    fn utc(&self) -> SystemTime {
        system_time()
    }

    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration)) {
        sleep_in_slices(duration, || self.now(), pause, tick);
    }
}

/// Sleeps, or less if a signal comes. `std::thread::sleep` panics where a container forbids `clock_nanosleep`.
fn pause(duration: Duration) {
    let milliseconds = duration.as_micros().div_ceil(1000);
    let timeout = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    // SAFETY: no file is waited for.
    unsafe { libc::poll(std::ptr::null_mut(), 0, timeout) };
}

/// Sleeps at most a second at a time, so that a machine that was suspended soon notices that the wait is
/// over.
fn sleep_in_slices(
    duration: Duration,
    now: impl Fn() -> Duration,
    sleep: impl Fn(Duration),
    tick: &mut dyn FnMut(Duration),
) {
    const SLICE: Duration = Duration::from_secs(1);
    let end = now().saturating_add(duration);
    loop {
        let now = now();
        tick(now);
        match end.saturating_sub(now) {
            Duration::ZERO => return,
            rest => sleep(rest.min(SLICE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// The times of the ticks, in seconds, of a sleep of 5.5 s during which the machine is suspended.
    fn ticks(suspended: Duration) -> Vec<f64> {
        let (now, left) = (Cell::new(Duration::ZERO), Cell::new(suspended));
        let ticks: RefCell<Vec<f64>> = RefCell::default();
        let sleep = |slice| now.set(now.get() + slice + left.take());
        let tick = &mut |now: Duration| ticks.borrow_mut().push(now.as_secs_f64());
        sleep_in_slices(Duration::from_millis(5500), || now.get(), sleep, tick);
        ticks.into_inner()
    }

    #[test]
    fn sleep_ticks_each_second() {
        assert_eq!(ticks(Duration::ZERO), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.5]);
    }

    #[test]
    fn sleep_counts_the_time_suspended() {
        assert_eq!(ticks(Duration::from_secs(3)), [0.0, 4.0, 5.0, 5.5]);
        assert_eq!(ticks(Duration::from_secs(7200)), [0.0, 7201.0]);
    }
}
