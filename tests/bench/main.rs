//! `make bench`: measures what `rio` costs beside the Python rio, and prints a Markdown table.
//!
//! Each program runs as a process of its own against the fake rapyuta.io over TLS. [`run`] runs a program and
//! measures it, [`program`] defines the two programs, [`robot`] the machine that they run on, and [`report`]
//! the table. Each section of the table has a module: [`start_up`], [`memory`], [`one_login`] with a [`relay`]
//! that counts bytes, [`fleet`] with [`polls_per_second`], [`planet`], and [`size`].
//!
//! A missed target shows in the table. The benchmark fails only if a required target is missed.

mod fleet;
mod machine;
mod memory;
mod one_login;
mod planet;
mod polls_per_second;
mod program;
#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../cli/robot/random.rs"]
mod random;
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

/// What every section needs.
pub struct Bench {
    pub runner: Runner,
    pub rio: Program,
    pub peer: Option<Program>,
}

type Section = fn(&Bench, &mut Report);

const SECTIONS: [(&str, Section); 6] = [
    ("start-up", start_up::measure),
    ("memory", memory::measure),
    ("login", one_login::measure),
    ("fleet", fleet::measure),
    ("planet", planet::measure),
    ("size", size::measure),
];

/// Runs the sections that the command line names, by default all.
#[expect(clippy::disallowed_methods, reason = "the benchmark has no Machine")]
fn main() -> ExitCode {
    // Cargo adds --bench.
    let names: Vec<String> = std::env::args().skip(1).filter(|name| name != "--bench").collect();
    let bench = Bench { runner: Runner::new(), rio: program::rio(), peer: program::peer() };
    let peer = bench.peer.as_ref().map(|peer| peer.name.as_str());
    println!("`rio` {}, {}.", env!("CARGO_PKG_VERSION"), bench.rio.name);
    println!("Python `rio`: {}.", peer.unwrap_or("not installed; run `make bench-peer`"));
    let load = machine::wait_until_idle();
    println!("Measured on {}; load before the start: {load}.\n", machine::describe());
    let mut report = Report::new(load);
    for (name, measure) in SECTIONS {
        if names.is_empty() || names.iter().any(|selected| selected == name) {
            eprintln!("bench: {name}...");
            measure(&bench, &mut report);
        }
    }
    ExitCode::from(if report.print() { 0 } else { 1 })
}
