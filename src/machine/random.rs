//! Random numbers for jitter, which keeps a fleet from retrying in step. Not for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

/// A fraction from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fraction(u32);

impl Fraction {
    /// `part` of [`u32::MAX`].
    pub const fn new(part: u32) -> Self {
        Fraction(part)
    }

    pub fn of(self, whole: Duration) -> Duration {
        let part = f64::from(self.0) / f64::from(u32::MAX);
        Duration::try_from_secs_f64(whole.as_secs_f64() * part).unwrap_or(whole).min(whole)
    }
}

/// Returns another fraction on each call.
pub type RandomFraction = Rc<dyn Fn() -> Fraction>;

/// Random numbers from the seeds of std's hash maps, which never block on a machine that has just booted.
#[expect(clippy::disallowed_methods, reason = "randomness enters the program here")]
pub fn from_process() -> RandomFraction {
    Rc::new(|| {
        let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
        Fraction(u32::from_ne_bytes([a, b, c, d]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fraction_is_between_zero_and_the_whole() {
        for whole in [Duration::ZERO, Duration::from_secs(5), Duration::MAX] {
            assert_eq!(Fraction::default().of(whole), Duration::ZERO);
            assert_eq!(Fraction::new(u32::MAX).of(whole), whole);
        }
        let half = Fraction::new(u32::MAX / 2).of(Duration::from_secs(10));
        assert_eq!(half.as_millis(), 4999);
    }

    #[test]
    fn random_fractions_are_spread_evenly() {
        let draw = from_process();
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let tenth = draw().of(Duration::from_secs(10)).as_secs().min(9);
            tenths[tenth as usize] += 1;
        }
        // Six standard deviations: it fails once in a hundred million runs.
        assert!(tenths.iter().all(|count| (820..1180).contains(count)), "{tenths:?}");
    }
}
