//! Runs the library on the real machine.

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut machine = rio::machine::Machine::from_process();
    #[expect(clippy::disallowed_methods, reason = "this is where arguments enter the program")]
    let arguments = std::env::args_os().skip(1);
    ExitCode::from(rio::run(arguments, &mut machine).code())
}
