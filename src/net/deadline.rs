//! Time limits of sockets, which follow the real clock also in a test with a clock of its own.

use std::time::Duration;

use crate::machine::clock::{Clock, SystemClock};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    pub fn after(duration: Duration) -> Self {
        Deadline(SystemClock.now().saturating_add(duration))
    }

    /// Zero if the deadline has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(SystemClock.now())
    }

    pub fn has_passed(self) -> bool {
        self.left().is_zero()
    }
}
