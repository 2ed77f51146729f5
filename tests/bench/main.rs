//! What `rio` costs, as a table in Markdown, beside what the Python `rio` costs: `make bench`.
//!
//! Everything is measured on the real binary, as a process of its own, against the fake rapyuta.io over TLS. [`run`]
//! runs a program and tells what it needed, [`program`] names the two programs, [`robot`] is the machine that they find,
//! and [`report`] the table. Then one module a section: [`start_up`], [`memory`], [`one_login`] with a [`relay`] that
//! counts bytes, [`fleet`] with its [`polls_per_second`], and [`size`].
//!
//! A missed target shows in the table. The benchmark only fails where something does not hold that must.

mod fleet;
mod machine;
mod memory;
mod one_login;
mod polls_per_second;
mod program;
mod relay;
mod report;
mod robot;
mod run;
mod size;
mod start_up;

use std::process::ExitCode;

use program::Program;
use report::Report;
use run::Runner;

/// What every section measures with.
pub struct Bench {
    pub runner: Runner,
    pub rio: Program,
    pub peer: Option<Program>,
}

type Section = fn(&Bench, &mut Report);

const SECTIONS: [(&str, Section); 5] = [
    ("start-up", start_up::measure),
    ("memory", memory::measure),
    ("login", one_login::measure),
    ("fleet", fleet::measure),
    ("size", size::measure),
];

/// Runs the sections that the command line names, or all.
#[expect(clippy::disallowed_methods, reason = "there is no Host here to ask for the arguments")]
fn main() -> ExitCode {
    // Cargo adds an option of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let bench = Bench { runner: Runner::new(), rio: program::rio(), peer: program::peer() };
    let peer = bench.peer.as_ref().map(|peer| peer.name.as_str());
    println!("`rio` {}, {}.", env!("CARGO_PKG_VERSION"), bench.rio.name);
    println!("Python `rio`: {}.", peer.unwrap_or("not there; `make bench-peer` installs it"));
    println!("On {}.\n", machine::describe());
    let mut report = Report::default();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            eprintln!("bench: {name}...");
            measure(&bench, &mut report);
        }
    }
    ExitCode::from(if report.print() { 0 } else { 1 })
}
