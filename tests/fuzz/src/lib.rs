//! What the targets have in common. Each target cuts its input into parts at zero bytes, so that seeds can
//! be written, and mutated, part by part.

use rio::error::Error;
use rio::text;

/// Goes where a secret goes. Whatever becomes of it, it is not shown.
pub const SENTINEL: &str = "S3nt1nel.Of-A_Secret";

/// The parts of an input.
pub fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|byte| *byte == 0)
}

/// An error is a fact and an advice, and shows nothing of the sentinel.
pub fn check_error(error: &Error) {
    assert!(!error.fact().is_empty() && !error.advice().is_empty(), "{error:?}");
    check_words(error.fact());
    check_words(error.advice());
}

/// Words that are shown, without what could steer a terminal, and as JSON with it.
pub fn check_words(words: &str) {
    assert!(!words.contains(SENTINEL), "{words:?}");
    assert!(!text::printable(words).contains(SENTINEL), "{words:?}");
}
