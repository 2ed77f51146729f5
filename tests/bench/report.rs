//! The table that is printed, and how figures are written in it.

use std::fmt::Display;
use std::time::Duration;

/// What is not measured, or not there.
pub const NONE: &str = "–";

/// A line of the table: what it is, what `rio` needs, what the Python `rio` needs, and how `rio` should be.
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

    /// The same of the Python `rio`.
    pub fn peer(mut self, figure: Option<impl Display>) -> Row {
        self.peer = figure.map_or(NONE.into(), |figure| figure.to_string());
        self
    }

    /// What `rio`'s figure should be, and whether it is.
    pub fn target(mut self, target: &'static str, met: bool) -> Row {
        self.target = target;
        self.met = if met { "yes" } else { "**no**" };
        self
    }
}

/// The report as it comes into being.
#[derive(Default)]
pub struct Report {
    lines: Vec<String>,
    after: Vec<String>,
    broken: Vec<String>,
}

impl Report {
    /// Rows from here on belong to this.
    pub fn section(&mut self, title: impl Display) {
        self.lines.push(format!("| **{title}** | | | | |"));
    }

    pub fn row(&mut self, row: Row) {
        let Row { what, rio, peer, target, met } = row;
        self.lines.push(format!("| {what} | {rio} | {peer} | {target} | {met} |"));
    }

    /// A row whose target is more than a wish: where it is not met, the benchmark fails.
    pub fn must(&mut self, row: Row, target: &'static str, holds: bool) {
        if !holds {
            self.broken.push(format!("{} is {}, not {target}", row.what, row.rio));
        }
        self.row(row.target(target, holds));
    }

    /// A paragraph below the table.
    pub fn note(&mut self, text: impl Display) {
        self.after.push(text.to_string());
    }

    /// What the Python `rio` did, or a note that tells why it did not.
    pub fn peer<T>(&mut self, what: &str, result: Option<Result<T, String>>) -> Option<T> {
        let result = result?;
        result.map_err(|error| self.note(format!("Python `rio`, {what}: n/a: {error}"))).ok()
    }

    /// Prints it all; true if all holds that must.
    pub fn print(self) -> bool {
        println!("| | `rio` | Python `rio` | target | met |");
        println!("| --- | --- | --- | --- | --- |");
        self.lines.iter().for_each(|line| println!("{line}"));
        self.after.iter().for_each(|note| println!("\n{note}"));
        self.broken.iter().for_each(|broken| eprintln!("bench: {broken}"));
        self.broken.is_empty()
    }
}

/// The middle one.
pub fn median<T: Ord + Copy>(mut figures: Vec<T>) -> T {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// Milliseconds, in about three digits.
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        100.0.. => format!("{} ms", grouped(ms.round() as usize)),
        10.0.. => format!("{ms:.1} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

/// Mebibytes, of kibibytes.
pub fn mib(kib: u64) -> String {
    let mib = kib as f64 / 1024.0;
    match mib {
        100.0.. => format!("{} MiB", grouped(mib.round() as usize)),
        _ => format!("{mib:.1} MiB"),
    }
}

/// How many times the other one.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// With a comma after each three digits.
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
