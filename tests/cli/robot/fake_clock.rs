//! A clock under the control of the test.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rio::machine::clock::Clock;
use rio::machine::random::Fraction;

/// A clock that advances only when the program sleeps, without waiting, and records each sleep.
pub struct FakeClock {
    now: Cell<Duration>,
    utc: Cell<SystemTime>,
    sleeps: RefCell<Vec<Duration>>,
    /// Jitter of each retry, set by [`FakeClock::set_jitter`].
    pub(super) jitter: Cell<Fraction>,
    on_sleep: RefCell<OnSleep>,
}

/// Called with the number of the sleep.
type OnSleep = Box<dyn FnMut(&FakeClock, usize)>;

impl FakeClock {
    /// Starts at the real time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the tokens of the platform start at the real time"
    )]
    pub fn new() -> Rc<Self> {
        FakeClock::at(SystemTime::now())
    }

    /// Starts at this time.
    pub fn at(utc: SystemTime) -> Rc<Self> {
        let now = Cell::new(Duration::from_secs(1000));
        Rc::new(FakeClock {
            now,
            utc: Cell::new(utc),
            sleeps: RefCell::default(),
            jitter: Cell::default(),
            on_sleep: RefCell::new(Box::new(|_, _| {})),
        })
    }

    /// Starts in 1970, as on a robot without a battery for its clock.
    pub fn in_1970() -> Rc<Self> {
        FakeClock::at(UNIX_EPOCH + Duration::from_secs(100))
    }

    /// Calls this during each sleep, with its number, starting at 1.
    pub fn on_sleep(&self, callback: impl FnMut(&FakeClock, usize) + 'static) {
        *self.on_sleep.borrow_mut() = Box::new(callback);
    }

    /// Sets the jitter of retries from now on. Default: none.
    pub fn set_jitter(&self, jitter: Fraction) {
        self.jitter.set(jitter);
    }

    /// Sets the wall clock.
    pub fn set_utc(&self, utc: SystemTime) {
        self.utc.set(utc);
    }

    /// Each sleep so far, in whole seconds.
    pub fn sleeps(&self) -> Vec<u64> {
        self.sleeps.borrow().iter().map(Duration::as_secs).collect()
    }

    /// Each sleep so far, in milliseconds.
    pub fn sleeps_in_ms(&self) -> Vec<u128> {
        self.sleeps.borrow().iter().map(Duration::as_millis).collect()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn utc(&self) -> SystemTime {
        self.utc.get()
    }

    #[expect(clippy::disallowed_methods, reason = "another process needs real time")]
    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration)) {
        // Gives a child process that another test has just forked the time to exec, which releases its file locks.
        std::thread::sleep(Duration::from_micros(200));
        self.sleeps.borrow_mut().push(duration);
        let (start, end) = (self.now.get(), self.now.get() + duration);
        for second in 0..=duration.as_secs() {
            tick(start + Duration::from_secs(second));
        }
        tick(end);
        self.now.set(end);
        self.utc.set(self.utc.get() + duration);
        let count = self.sleeps.borrow().len();
        self.on_sleep.borrow_mut()(self, count);
    }
}
