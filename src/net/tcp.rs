//! A TCP connection as ureq's transport. ureq's own cannot be built from a stream.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

use super::deadline::Deadline;
use crate::machine::notice::Notice;

#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    buffers: LazyBuffers,
    notice: Notice,
}

impl Tcp {
    pub fn new(stream: TcpStream, buffers: LazyBuffers, notice: Notice) -> Self {
        Tcp { stream, buffers, notice }
    }
}

impl Transport for Tcp {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let mut stream = &self.stream;
        let output: &[u8] = self.buffers.output();
        let mut rest = output.get(..amount).unwrap_or(output);
        let end = end_of(timeout);
        while !rest.is_empty() {
            let written = repeat_until(end, timeout, &self.notice, |slice| {
                stream.set_write_timeout(slice)?;
                stream.write(rest)
            })?;
            if written == 0 {
                return Err(io::Error::from(ErrorKind::WriteZero).into());
            }
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut stream = &self.stream;
        let input = self.buffers.input_append_buf();
        let amount = repeat_until(end_of(timeout), timeout, &self.notice, |slice| {
            stream.set_read_timeout(slice)?;
            stream.read(input)
        })?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Whether the server has neither closed the connection nor sent more than a response.
    fn is_open(&mut self) -> bool {
        let is_silent = |mut stream: &TcpStream| {
            stream.set_nonblocking(true)?;
            let read = stream.read(&mut [0]);
            stream.set_nonblocking(false)?;
            Ok::<_, io::Error>(read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
        };
        is_silent(&self.stream).unwrap_or(false)
    }
}

/// `None` if there is no limit.
fn end_of(timeout: NextTimeout) -> Option<Deadline> {
    let has_end = !timeout.after.is_not_happening();
    has_end.then(|| Deadline::after(*timeout.after))
}

/// Repeats a read or a write, which blocks for at most the slice of time that it gets, until it succeeds or the
/// time is over. Signals interrupt it.
fn repeat_until(
    end: Option<Deadline>,
    timeout: NextTimeout,
    notice: &Notice,
    mut transfer: impl FnMut(Option<Duration>) -> io::Result<usize>,
) -> Result<usize, Error> {
    loop {
        let left = end.map_or(Duration::MAX, Deadline::left);
        if left.is_zero() {
            return Err(Error::Timeout(timeout.reason));
        }
        let slice = Some(notice.slice(left)).filter(|slice| *slice < Duration::MAX);
        match transfer(slice) {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                notice.tick();
            }
            result => return Ok(result?),
        }
    }
}
