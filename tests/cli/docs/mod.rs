//! What the documentation and the installed files promise.

mod examples;
mod install;
mod man;
pub mod units;
