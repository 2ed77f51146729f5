//! Polls of a fleet over time, as a chart.

use std::fmt::Write;
use std::time::Instant;

use platform::{Call, Request};

/// Polls in each second since the first request.
pub struct Series {
    counts: Vec<usize>,
    /// The first second of the outage, and the first after it.
    outage: Option<(usize, usize)>,
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

impl Series {
    pub fn of(requests: &[Request], outage: Option<(Instant, Instant)>) -> Series {
        let Some(start) = requests.first().map(|request| request.at) else {
            return Series { counts: Vec::new(), outage: None };
        };
        let second = |at: Instant| (at - start).as_secs() as usize;
        let mut counts = Vec::new();
        for poll in requests.iter().filter(|request| request.call == Some(Call::Token)) {
            counts.resize(counts.len().max(second(poll.at) + 1), 0);
            counts[second(poll.at)] += 1;
        }
        Series { counts, outage: outage.map(|(from, to)| (second(from), second(to))) }
    }

    /// The most polls in one second before and after the outage.
    pub fn busiest(&self) -> (usize, usize) {
        let (from, to) = self.outage.unwrap_or((self.counts.len(), self.counts.len()));
        (max(self.counts.iter().take(from)), max(self.counts.iter().skip(to)))
    }

    /// One bar per second, with the outage marked below.
    pub fn chart(&self) -> String {
        let highest = max(self.counts.iter());
        let bar = |count: &usize| match count {
            0 => ' ',
            count => BARS[(count * BARS.len()).div_ceil(highest) - 1],
        };
        let mut chart: String = self.counts.iter().map(bar).collect();
        writeln!(chart, "  (highest bar: {highest})").expect("a string is writable");
        if let Some((from, to)) = self.outage {
            writeln!(chart, "{}{} 503", " ".repeat(from), "x".repeat(to - from))
                .expect("a string is writable");
        }
        chart
    }
}

fn max<'a>(counts: impl Iterator<Item = &'a usize>) -> usize {
    counts.max().copied().unwrap_or_default()
}
