//! The terminal of the process: what it can show, and hiding what the user types.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
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
    /// `TERM=dumb`, as with a screen reader or in an editor.
    pub is_dumb: bool,
    /// For a line on standard error that is drawn again in place: whether it may be drawn now.
    pub status_line: Option<fn() -> bool>,
    /// Standard error is the journal.
    pub journal: bool,
}

/// Reads `NO_COLOR`, `TERM`, the locale and the sizes.
pub fn screen(env: &Env) -> Screen {
    let err = io::stderr().is_terminal();
    let is_dumb = env.string("TERM") == Some("dumb");
    let term = env.string("TERM").filter(|_| !is_dumb);
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.string(name));
    let encoding = locale.and_then(|locale| locale.split('@').next()).unwrap_or_default();
    Screen {
        stdout: io::stdout().is_terminal().then(|| size_of(libc::STDOUT_FILENO)),
        stderr: err.then(|| size_of(libc::STDERR_FILENO)),
        utf8: ["utf-8", "utf8"].iter().any(|name| encoding.to_ascii_lowercase().ends_with(name)),
        color: err && term.is_some() && env.get("NO_COLOR").is_none(),
        // Most of Debian's fonts for the Linux console lack them.
        half_blocks: term != Some("linux"),
        is_dumb,
        status_line: (err && term.is_some() && !env.is_on("RIO_DEBUG"))
            .then_some(|| is_in_foreground(libc::STDERR_FILENO)),
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

/// A terminal for questions where standard error is none: that of standard input.
pub fn of_input() -> Option<(File, Size)> {
    if io::stderr().is_terminal() || !io::stdin().is_terminal() {
        return None;
    }
    let file = writable_input().ok().or_else(|| {
        let mut options = File::options();
        options.write(true).custom_flags(libc::O_NOCTTY);
        ["/proc/self/fd/0", "/dev/tty"].iter().find_map(|path| options.open(path).ok())
    });
    Some((file?, size_of(libc::STDIN_FILENO)))
}

/// Standard input again, if it is open for writing, as in an interactive shell.
fn writable_input() -> io::Result<File> {
    // SAFETY: takes no pointer.
    let flags = unsafe { libc::fcntl(libc::STDIN_FILENO, libc::F_GETFL) };
    if flags & libc::O_ACCMODE != libc::O_RDWR {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// The settings of the terminal before and during a hidden prompt; null at other times. What they point to is
/// never freed, so that a signal handler can read it at any time.
static SHOWN: AtomicPtr<termios> = AtomicPtr::new(null_mut());
static HIDDEN: AtomicPtr<termios> = AtomicPtr::new(null_mut());

/// Turns echo off, and Ctrl-\ with it. The terminal no longer edits the line, because its own lines end after
/// 4,095 bytes; rpassword edits it. Ctrl-C and Ctrl-Z still send their signals.
pub fn disable_echo() -> io::Result<()> {
    let mut settings = MaybeUninit::<termios>::uninit();
    // SAFETY: tcgetattr fills in the struct, or fails.
    let before = unsafe {
        check(libc::tcgetattr(libc::STDIN_FILENO, settings.as_mut_ptr()))?;
        settings.assume_init()
    };
    let mut hidden = before;
    hidden.c_lflag &= !(libc::ECHO | libc::ECHONL | libc::ICANON);
    hidden.c_lflag |= libc::ISIG;
    hidden.c_cc[libc::VMIN] = 1;
    hidden.c_cc[libc::VTIME] = 0;
    hidden.c_cc[libc::VQUIT] = libc::_POSIX_VDISABLE;
    SHOWN.store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
    HIDDEN.store(Box::into_raw(Box::new(hidden)), Ordering::SeqCst);
    set(&hidden)
}

/// Ends a hidden prompt. Async-signal-safe.
pub fn restore_echo() {
    apply(&SHOWN);
    SHOWN.store(null_mut(), Ordering::SeqCst);
    HIDDEN.store(null_mut(), Ordering::SeqCst);
}

/// Shows the user's typing while a hidden prompt is stopped. Async-signal-safe.
pub fn suspend_hiding() {
    if is_in_foreground(libc::STDIN_FILENO) {
        apply(&SHOWN);
    }
}

/// Hides the user's typing again at a hidden prompt. Async-signal-safe.
pub fn resume_hiding() {
    apply(&HIDDEN);
}

fn apply(settings: &AtomicPtr<termios>) {
    // SAFETY: null, or a leaked box.
    if let Some(settings) = unsafe { settings.load(Ordering::SeqCst).as_ref() } {
        let _ = set(settings);
    }
}

/// Whether the terminal is this program's now, not that of a shell that runs it in the background.
/// Async-signal-safe.
pub fn is_in_foreground(terminal: c_int) -> bool {
    // SAFETY: take no pointer.
    let (foreground, own) = unsafe { (libc::tcgetpgrp(terminal), libc::getpgrp()) };
    // A terminal without a session has no foreground.
    foreground == -1 || foreground == own
}

/// Discards what the user typed before a question.
pub fn discard_input() {
    // SAFETY: takes no pointer.
    unsafe { libc::tcflush(libc::STDIN_FILENO, libc::TCIFLUSH) };
}

/// How many bytes the user has typed, in lines that are complete.
pub fn typed_bytes() -> usize {
    let mut count: c_int = 0;
    // SAFETY: FIONREAD fills in the number, or fails.
    unsafe { libc::ioctl(libc::STDIN_FILENO, libc::FIONREAD, &mut count) };
    usize::try_from(count).unwrap_or_default()
}

/// `TCSANOW`, because output that the user holds with Ctrl-S must not delay it.
fn set(settings: &termios) -> io::Result<()> {
    loop {
        // SAFETY: the struct is valid.
        let result = check(unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, settings) });
        match result {
            // A program in the background is stopped here, and goes on in the foreground.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
