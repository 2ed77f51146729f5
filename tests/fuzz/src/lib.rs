//! Shared by the targets. Each target splits its input at zero bytes, so seeds can be written and mutated part
//! by part.

use rio::error::Error;
use rio::text;

/// Stands for a secret. No message may contain it.
pub const SENTINEL: &str = "S3nt1nel.Of-A_Secret";

/// The parts of an input.
pub fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|byte| *byte == 0)
}

/// Checks that an error has a fact and an advice, and hides the sentinel.
pub fn check_error(error: &Error) {
    assert!(!error.fact().is_empty() && !error.advice().is_empty(), "{error:?}");
    check_text(error.fact());
    check_text(error.advice());
}

/// Checks that a text hides the sentinel, as JSON and as printed.
pub fn check_text(shown: &str) {
    assert!(!shown.contains(SENTINEL), "{shown:?}");
    assert!(!text::printable(shown).contains(SENTINEL), "{shown:?}");
}
