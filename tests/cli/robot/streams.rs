//! Standard streams in memory, for runs in this process.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use rio::machine::console::{Input, Output};
use rio::secret::Secret;

/// The lines that have not been read yet, in reverse order.
pub(super) struct Lines(pub(super) Vec<String>);

impl Input for Lines {
    fn is_terminal(&self) -> bool {
        false
    }

    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.pop().map(String::into_bytes))
    }

    fn read_secret_line(&mut self) -> io::Result<Option<Secret>> {
        Ok(self.0.pop().map(Secret::new))
    }
}

/// A stream that keeps what is written to it.
#[derive(Clone, Default)]
pub struct Stream(Rc<RefCell<Vec<u8>>>);

impl Stream {
    /// The text written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Output for Stream {
    fn is_abandoned(&self) -> bool {
        false
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
