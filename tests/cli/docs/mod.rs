//! What the documentation and the installed files promise.

mod examples;
mod install;
mod json;
mod man;
mod programs;
pub mod units;
