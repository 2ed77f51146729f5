//! The Markdown table, and the format of its figures.

use std::fmt::Display;
use std::time::Duration;

use crate::machine::HIGHEST_LOAD;

/// A figure that is not measured.
const NONE: &str = "–";

/// A row of the table: the figures of `rio` and the Python rio, and `rio`'s target.
pub struct Row {
    what: String,
    rio: String,
    peer: String,
    target: &'static str,
    met: &'static str,
}

impl Row {
    pub fn new(what: impl Display, rio: impl Display) -> Row {
        Row { what: what.to_string(), rio: rio.to_string(), peer: NONE.into(), target: "", met: "" }
    }

    /// Adds the Python rio's figure.
    pub fn peer(mut self, figure: Option<impl Display>) -> Row {
        self.peer = figure.map_or(NONE.into(), |figure| figure.to_string());
        self
    }

    /// Adds `rio`'s target, and whether it is met.
    pub fn target(mut self, target: &'static str, met: bool) -> Row {
        self.target = target;
        self.met = if met { "yes" } else { "**no**" };
        self
    }
}

pub struct Report {
    /// The load before the start.
    load: f64,
    lines: Vec<String>,
    notes: Vec<String>,
    failures: Vec<String>,
}

impl Report {
    pub fn new(load: f64) -> Report {
        Report { load, lines: Vec::new(), notes: Vec::new(), failures: Vec::new() }
    }

    /// Starts a section; the rows that follow belong to it.
    pub fn section(&mut self, title: impl Display) {
        self.lines.push(format!("| **{title}** | | | | |"));
    }

    pub fn row(&mut self, row: Row) {
        let Row { what, rio, peer, target, met } = row;
        self.lines.push(format!("| {what} | {rio} | {peer} | {target} | {met} |"));
    }

    /// Adds a row of times. Those of a busy machine are not figures of the program.
    pub fn time(&mut self, row: Row) {
        self.row(match self.load > HIGHEST_LOAD {
            true => Row::new(row.what, format!("not measured: the load was {}", self.load)),
            false => row,
        });
    }

    /// Adds a row with a required target: if it is missed, the benchmark fails.
    pub fn require(&mut self, row: Row, target: &'static str, met: bool) {
        if !met {
            self.failures.push(format!("{} is {}, not {target}", row.what, row.rio));
        }
        self.row(row.target(target, met));
    }

    /// Adds a paragraph below the table.
    pub fn note(&mut self, text: impl Display) {
        self.notes.push(text.to_string());
    }

    /// The Python rio's result; if it failed, a note gives the reason.
    pub fn peer<T>(&mut self, what: &str, result: Option<Result<T, String>>) -> Option<T> {
        let result = result?;
        result.map_err(|error| self.note(format!("Python `rio`, {what}: n/a: {error}"))).ok()
    }

    /// Prints the report; true if all required targets are met.
    pub fn print(self) -> bool {
        println!("| | `rio` | Python `rio` | target | met |");
        println!("| --- | --- | --- | --- | --- |");
        self.lines.iter().for_each(|line| println!("{line}"));
        self.notes.iter().for_each(|note| println!("\n{note}"));
        self.failures.iter().for_each(|failure| eprintln!("bench: {failure}"));
        self.failures.is_empty()
    }
}

pub fn median<T: Ord + Copy>(mut figures: Vec<T>) -> T {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// Milliseconds, with about three digits.
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        100.0.. => format!("{} ms", grouped(ms.round() as usize)),
        10.0.. => format!("{ms:.1} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

/// KiB as MiB, with a unit.
pub fn mib(kib: u64) -> String {
    let mib = kib as f64 / 1024.0;
    match mib {
        100.0.. => format!("{} MiB", grouped(mib.round() as usize)),
        _ => format!("{mib:.1} MiB"),
    }
}

pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// `1,234,567`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
