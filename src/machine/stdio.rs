//! Standard input and output, and files with a secret, unbuffered.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::machine::console::{Input, Output};
use crate::machine::terminal;
use crate::secret::Secret;

/// In bytes, without the line break.
const LONGEST_LINE: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Standard input. A buffer, like that of `io::stdin`, would keep passwords in memory.
pub struct StandardInput(File);

impl StandardInput {
    pub fn open() -> Self {
        // SAFETY: nothing else in the program uses this descriptor.
        StandardInput(unsafe { File::from_raw_fd(libc::STDIN_FILENO) })
    }
}

impl Input for StandardInput {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        read_line(&self.0)
    }

    fn typed_bytes(&self) -> usize {
        terminal::typed_bytes()
    }

    fn read_secret_line(&mut self) -> io::Result<Option<Secret>> {
        if !self.is_terminal() {
            return read_line(&self.0)?.map(secret).transpose();
        }
        loop {
            let input = HiddenLine { input: self.0.try_clone()?, length: 0 };
            let config = rpassword::ConfigBuilder::new().input_reader(input).output_discard();
            return match rpassword::read_password_with_config(config.build()) {
                Ok(line) => Ok(Some(Secret::new(line)).filter(|line| !line.is_empty())),
                // The program was stopped, and continues.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // Ctrl-D, or a terminal that is gone.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
                Err(error) if error.kind() == ErrorKind::NotConnected => Ok(None),
                Err(error) => Err(error),
            };
        }
    }
}

/// What the user types at a hidden prompt. rpassword edits the line, and ignores arrow and function keys.
struct HiddenLine {
    input: File,
    length: usize,
}

impl Read for HiddenLine {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.length > LONGEST_LINE {
            // A shell would run what is left.
            while self.input.read(buffer)? > 0 && !buffer.contains(&b'\n') {}
            return Err(ErrorKind::FileTooLarge.into());
        }
        let count = self.input.read(buffer)?;
        self.length = self.length.saturating_add(count);
        // rpassword would take the beginning of a line for a line.
        if count == 0 { Err(ErrorKind::NotConnected.into()) } else { Ok(count) }
    }
}

fn secret(line: Vec<u8>) -> io::Result<Secret> {
    String::from_utf8(line).map(Secret::new).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Without the line break, and without the byte-order mark that Windows editors write.
#[expect(clippy::unbuffered_bytes, reason = "lines are short, and may be passwords")]
fn read_line(input: &File) -> io::Result<Option<Vec<u8>>> {
    // Allocated once, so that growing leaves no copy of a password behind.
    let mut line = Vec::with_capacity(LONGEST_LINE.saturating_add(1));
    for byte in input.bytes() {
        line.push(byte?);
        if line.ends_with(b"\n") {
            break;
        } else if line.len() > LONGEST_LINE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    if line.is_empty() {
        return Ok(None);
    }
    while matches!(line.last(), Some(b'\r' | b'\n')) {
        line.pop();
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(Some(line))
}

/// The first line of a file; empty if the file is. [`io::ErrorKind::InvalidData`] if the line is not UTF-8,
/// [`io::ErrorKind::FileTooLarge`] if it is over 64 KiB.
pub fn first_line(file: &File) -> io::Result<Secret> {
    secret(read_line(file)?.unwrap_or_default())
}

/// Standard output. `io::stdout` ignores the error of writing to a closed descriptor.
pub fn standard_output() -> File {
    // SAFETY: nothing else in the program uses this descriptor.
    unsafe { File::from_raw_fd(libc::STDOUT_FILENO) }
}

impl Output for File {
    fn is_abandoned(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.as_raw_fd(), events: 0, revents: 0 };
        // SAFETY: one struct, which the call fills in.
        let found = unsafe { libc::poll(&mut poll, 1, 0) };
        found > 0 && poll.revents & (libc::POLLERR | libc::POLLHUP) != 0
    }
}

/// Runs before std starts, which opens `/dev/null` in place of a closed descriptor.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = open_closed_output_for_reading;

/// Then each write to a closed standard output fails.
extern "C" fn open_closed_output_for_reading() {
    // SAFETY: the path is a C string; the other arguments are numbers.
    unsafe {
        if libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) == -1 {
            let root = libc::open(c"/".as_ptr(), libc::O_RDONLY);
            if root != libc::STDOUT_FILENO {
                libc::dup2(root, libc::STDOUT_FILENO);
                libc::close(root);
            }
        }
    }
}
