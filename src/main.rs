//! Runs the library on the real machine.

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::process::ExitCode;

/// The crates of this executable, where `cargo auditable` puts them. Not read by the program.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".dep-v0"))]
static CRATES: [u8; CRATES_FILE.len()] = *CRATES_FILE;
const CRATES_FILE: &[u8; include_bytes!(concat!(env!("OUT_DIR"), "/crates")).len()] =
    include_bytes!(concat!(env!("OUT_DIR"), "/crates"));

fn main() -> ExitCode {
    let mut machine = rio::machine::Machine::from_process();
    #[expect(clippy::disallowed_methods, reason = "this is where arguments enter the program")]
    let arguments = std::env::args_os().skip(1);
    ExitCode::from(rio::run(arguments, &mut machine).code())
}
