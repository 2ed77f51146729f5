//! What `RIO_DEBUG=1` shows: one line a request, one a wait. Never a header, a body, a code or a token.

use std::io::Write;
use std::rc::Rc;

use crate::text;

/// Where the trace goes; nowhere when it is off.
#[derive(Clone, Default)]
pub struct Trace(Option<Sink>);

type Sink = Rc<dyn Fn(&str)>;

impl Trace {
    /// Hands each line to `sink`.
    pub fn to(sink: impl Fn(&str) + 'static) -> Self {
        Trace(Some(Rc::new(sink)))
    }

    /// Writes each line to standard error.
    pub fn to_stderr() -> Self {
        // A trace that cannot be written stops nothing.
        Trace::to(|line| drop(writeln!(std::io::stderr(), "rio: debug: {line}")))
    }

    /// Shows one line, if the trace is on.
    pub fn line(&self, line: &str) {
        if let Some(sink) = &self.0 {
            sink(&text::printable(line));
        }
    }
}
