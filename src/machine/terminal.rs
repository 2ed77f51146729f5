//! The terminal of the process: what it can show, and hiding what the user types.

use std::io::{self, IsTerminal};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_int, termios};

use crate::machine::env::Env;

/// Columns and lines now; the user may resize the window.
pub type Size = Rc<dyn Fn() -> (usize, usize)>;

/// What the user's terminal can show. The default is no terminal.
#[derive(Clone, Default)]
pub struct Screen {
    /// The size of standard output, if it is a terminal.
    pub stdout: Option<Size>,
    /// The size of standard error, if it is a terminal.
    pub stderr: Option<Size>,
    /// Characters beyond ASCII.
    pub utf8: bool,
    /// The blocks that QR codes are drawn with.
    pub half_blocks: bool,
    /// Bold text and colors on standard error.
    pub color: bool,
    /// A line on standard error that is drawn again in place.
    pub status_line: bool,
    /// Standard error is the journal.
    pub journal: bool,
}

/// Reads `NO_COLOR`, `TERM`, the locale and the sizes.
pub fn screen(env: &Env) -> Screen {
    let err = io::stderr().is_terminal();
    let term = env.string("TERM").filter(|term| *term != "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.string(name));
    let encoding = locale.and_then(|locale| locale.split('@').next()).unwrap_or_default();
    Screen {
        stdout: io::stdout().is_terminal().then(|| size_of(libc::STDOUT_FILENO)),
        stderr: err.then(|| size_of(libc::STDERR_FILENO)),
        utf8: ["utf-8", "utf8"].iter().any(|name| encoding.to_ascii_lowercase().ends_with(name)),
        color: err && term.is_some() && env.get("NO_COLOR").is_none(),
        // Most of Debian's fonts for the Linux console lack them.
        half_blocks: term != Some("linux"),
        status_line: err && term.is_some() && !env.is_on("RIO_DEBUG"),
        journal: env.string("JOURNAL_STREAM").is_some_and(|id| id == identity_of_stderr()),
    }
}

/// Device and inode, as in the variable `JOURNAL_STREAM` of systemd.
fn identity_of_stderr() -> String {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: fstat fills in the struct, or leaves it zero, which is valid.
    let stat = unsafe {
        libc::fstat(libc::STDERR_FILENO, stat.as_mut_ptr());
        stat.assume_init()
    };
    format!("{}:{}", stat.st_dev, stat.st_ino)
}

fn size_of(terminal: c_int) -> Size {
    Rc::new(move || {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCGWINSZ fills in the struct, or fails.
        unsafe { libc::ioctl(terminal, libc::TIOCGWINSZ, &mut size) };
        match (size.ws_col, size.ws_row) {
            // A serial line has no size.
            (0, _) | (_, 0) => (80, 24),
            (columns, lines) => (columns.into(), lines.into()),
        }
    })
}

/// The settings to restore; null while the user's typing is shown. What it points to is never freed, so
/// that a signal handler can read it at any time.
static SAVED: AtomicPtr<termios> = AtomicPtr::new(null_mut());

/// Turns echo off, and Ctrl-Z and Ctrl-\ with it: a stopped program would leave the shell without echo.
/// Ctrl-C still sends SIGINT, and the terminal still edits the line.
pub fn disable_echo() -> io::Result<()> {
    let mut settings = MaybeUninit::<termios>::uninit();
    // SAFETY: tcgetattr fills in the struct, or fails.
    let before = unsafe {
        check(libc::tcgetattr(libc::STDIN_FILENO, settings.as_mut_ptr()))?;
        settings.assume_init()
    };
    SAVED.store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
    let mut hidden = before;
    hidden.c_lflag &= !(libc::ECHO | libc::ECHONL);
    hidden.c_lflag |= libc::ICANON | libc::ISIG;
    hidden.c_cc[libc::VSUSP] = libc::_POSIX_VDISABLE;
    hidden.c_cc[libc::VQUIT] = libc::_POSIX_VDISABLE;
    set(&hidden)
}

/// Restores the terminal if typing is hidden. Async-signal-safe.
pub fn restore_echo() {
    // SAFETY: null, or a leaked box.
    if let Some(settings) = unsafe { SAVED.load(Ordering::SeqCst).as_ref() } {
        let _ = set(settings);
        SAVED.store(null_mut(), Ordering::SeqCst);
    }
}

/// Discards what the user typed before a question.
pub fn discard_input() {
    // SAFETY: takes no pointer.
    unsafe { libc::tcflush(libc::STDIN_FILENO, libc::TCIFLUSH) };
}

/// `TCSANOW`, because output that the user holds with Ctrl-S must not delay it.
fn set(settings: &termios) -> io::Result<()> {
    // SAFETY: the struct is valid.
    check(unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, settings) })
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
