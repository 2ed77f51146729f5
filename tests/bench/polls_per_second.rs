//! The polls of a fleet over time.

use std::fmt::Write;
use std::time::Instant;

use platform::{Call, Request};

/// Polls in each second from the first request on.
pub struct Series {
    counts: Vec<usize>,
    /// The seconds in which the server is away, from and to.
    away: Option<(usize, usize)>,
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

impl Series {
    pub fn of(requests: &[Request], away: Option<(Instant, Instant)>) -> Series {
        let Some(start) = requests.first().map(|request| request.at) else {
            return Series { counts: Vec::new(), away: None };
        };
        let second = |at: Instant| (at - start).as_secs() as usize;
        let mut counts = Vec::new();
        for poll in requests.iter().filter(|request| request.call == Some(Call::Token)) {
            counts.resize(counts.len().max(second(poll.at) + 1), 0);
            counts[second(poll.at)] += 1;
        }
        Series { counts, away: away.map(|(from, to)| (second(from), second(to))) }
    }

    /// The most polls in a second before the server goes away, and after it is back.
    pub fn busiest(&self) -> (usize, usize) {
        let (from, to) = self.away.unwrap_or((self.counts.len(), self.counts.len()));
        (most(self.counts.iter().take(from)), most(self.counts.iter().skip(to)))
    }

    /// A bar a second, and below them where the server is away.
    pub fn chart(&self) -> String {
        let highest = most(self.counts.iter());
        let bar = |count: &usize| match count {
            0 => ' ',
            count => BARS[(count * BARS.len()).div_ceil(highest) - 1],
        };
        let mut chart: String = self.counts.iter().map(bar).collect();
        writeln!(chart, "  (the highest bar: {highest})").expect("a string takes everything");
        if let Some((from, to)) = self.away {
            writeln!(chart, "{}{} 503", " ".repeat(from), "x".repeat(to - from))
                .expect("a string takes everything");
        }
        chart
    }
}

fn most<'a>(counts: impl Iterator<Item = &'a usize>) -> usize {
    counts.max().copied().unwrap_or_default()
}
