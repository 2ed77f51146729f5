//! `RIO_DEBUG=1` prints a line for each request and each wait. It never prints a header, a body, a code or a
//! token.

use std::io::Write;
use std::rc::Rc;

use crate::text;

/// Off by default.
#[derive(Clone, Default)]
pub struct Trace(Option<Sink>);

type Sink = Rc<dyn Fn(&str)>;

impl Trace {
    pub fn to(sink: impl Fn(&str) + 'static) -> Self {
        Trace(Some(Rc::new(sink)))
    }

    pub fn to_stderr() -> Self {
        Trace::to(|line| drop(writeln!(std::io::stderr(), "rio: debug: {line}")))
    }

    pub fn line(&self, line: &str) {
        if let Some(sink) = &self.0 {
            sink(&text::printable(line));
        }
    }
}
