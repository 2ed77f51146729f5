//! Random numbers that repeat, and numbers that the user sets for long runs.

use rio::machine::env::Env;

/// The number in an environment variable.
pub fn number_of(variable: &str, default: u64) -> u64 {
    let env = Env::from_process();
    env.string(variable).map_or(default, |text| text.parse().expect(variable))
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// The sequence with this seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// A number from 0 to `limit - 1`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// True once in `count` times on average.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// The seed that `RIO_TEST_SEED` sets.
pub fn seed() -> u64 {
    number_of("RIO_TEST_SEED", 0x5eed)
}
