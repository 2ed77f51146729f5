//! The command line: declarations, parser and help pages.

pub mod args;
pub mod help;
pub mod parse;
