//! Standard input and output, and files with a secret, unbuffered.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::machine::console::{Input, Output};
use crate::secret::Secret;

/// In bytes.
const LONGEST_LINE: usize = 64 * 1024;

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

    fn read_secret_line(&mut self) -> io::Result<Option<Secret>> {
        if !self.is_terminal() {
            return read_line(&self.0)?.map(secret).transpose();
        }
        // rpassword ignores arrow and function keys, and returns an empty password at the end of input.
        let input = self.0.try_clone()?;
        let config = rpassword::ConfigBuilder::new().input_reader(input).output_discard().build();
        let password = rpassword::read_password_with_config(config).map(Secret::new)?;
        Ok(Some(password).filter(|password| !password.is_empty()))
    }
}

/// Without the byte-order mark that Windows editors write.
fn secret(mut line: Vec<u8>) -> io::Result<Secret> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(line).map(Secret::new).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[expect(clippy::unbuffered_bytes, reason = "lines are short, and may be passwords")]
fn read_line(input: &File) -> io::Result<Option<Vec<u8>>> {
    // Allocated once, so that growing leaves no copy of a password behind.
    let mut line = Vec::with_capacity(LONGEST_LINE);
    for byte in input.bytes() {
        line.push(byte?);
        if line.ends_with(b"\n") {
            break;
        } else if line.len() == LONGEST_LINE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    if line.is_empty() {
        return Ok(None);
    }
    while matches!(line.last(), Some(b'\r' | b'\n')) {
        line.pop();
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
