//! The real terminal: reading lines, hiding what is typed, and leaving it as it was, whatever signal
//! ends the program.

use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_char, c_int, sighandler_t, termios};
use zeroize::Zeroizing;

use crate::host::console::{Input, Screen};
use crate::host::env::Env;
use crate::secret::Secret;

/// A longer line is no answer to anything asked here.
const LONGEST_LINE: u64 = 64 * 1024;

/// Standard input of the process.
#[derive(Default)]
pub struct StandardInput {
    echo_off: Option<EchoOff>,
}

impl Input for StandardInput {
    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn discard_typed(&mut self) {
        if self.is_terminal() {
            // SAFETY: takes no pointer. In the background it would stop the program, as reading will.
            unsafe { libc::tcflush(libc::STDIN_FILENO, libc::TCIFLUSH) };
        }
    }

    /// What is no UTF-8 is a slip of the fingers; it answers no question, which is asked again.
    fn read_line(&mut self) -> io::Result<Option<String>> {
        Ok(read_line()?.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    fn hide_typing(&mut self, prompt: &str) -> io::Result<()> {
        if self.is_terminal() {
            self.echo_off = Some(EchoOff::start(prompt)?);
        }
        Ok(())
    }

    fn read_hidden(&mut self) -> io::Result<Option<Secret>> {
        if !self.is_terminal() {
            let Some(line) = read_line()? else { return Ok(None) };
            let text = std::str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
            return Ok(Some(Secret::new(text)));
        }
        let ended = Rc::new(Cell::new(false));
        let keys = Keys { ended: ended.clone() };
        let config = rpassword::ConfigBuilder::new().input_reader(keys).output_discard().build();
        let typed = Secret::new(rpassword::read_password_with_config(config)?);
        Ok((!(ended.get() && typed.is_empty())).then_some(typed))
    }

    fn show_typing(&mut self) {
        self.echo_off = None;
    }
}

/// Standard output, unbuffered. `io::stdout` ignores the error of writing to a closed descriptor.
pub fn standard_output() -> File {
    // SAFETY: nothing else in the program uses this descriptor.
    unsafe { File::from_raw_fd(libc::STDOUT_FILENO) }
}

/// Runs before std's own start, which opens a closed descriptor as `/dev/null`.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = open_closed_output_for_reading;

/// Makes each write to a closed standard output fail, as without std.
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

fn read_line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::new());
    let length = io::stdin().lock().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if length as u64 == LONGEST_LINE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if line.is_empty() {
        return Ok(None);
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        line.pop();
    }
    Ok(Some(line))
}

/// The keys typed at standard input. To rpassword the end of input is an empty password; here it
/// means that nobody answers, so it is noted.
struct Keys {
    ended: Rc<Cell<bool>>,
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = io::stdin().read(buffer)?;
        self.ended.set(count == 0);
        Ok(count)
    }
}

/// A prompt at which typing is hidden, and what the terminal was like before.
struct HiddenPrompt {
    before: termios,
    prompt: String,
}

/// The prompt that is open; null while there is none. A signal handler may look at any moment, so it is
/// one pointer, and what it points to is never freed.
static HIDDEN_PROMPT: AtomicPtr<HiddenPrompt> = AtomicPtr::new(null_mut());

fn hidden_prompt() -> Option<&'static HiddenPrompt> {
    // SAFETY: null, or a leaked box.
    unsafe { HIDDEN_PROMPT.load(Ordering::SeqCst).as_ref() }
}

/// While it lives, the terminal does not show what is typed. Lines are still edited by the terminal,
/// and Ctrl-C and Ctrl-Z still work.
struct EchoOff;

impl EchoOff {
    fn start(prompt: &str) -> io::Result<Self> {
        let mut before = MaybeUninit::<termios>::uninit();
        // SAFETY: tcgetattr fills the struct it is given, or fails.
        let before = unsafe {
            check(libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()))?;
            before.assume_init()
        };
        let open = Box::new(HiddenPrompt { before, prompt: prompt.to_owned() });
        HIDDEN_PROMPT.store(Box::into_raw(open), Ordering::SeqCst);
        let echo_off = EchoOff;
        hide_typing().map(|()| echo_off)
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        show_typing();
        HIDDEN_PROMPT.store(null_mut(), Ordering::SeqCst);
    }
}

/// Async-signal-safe.
fn hide_typing() -> io::Result<()> {
    let Some(open) = hidden_prompt() else { return Ok(()) };
    let mut hidden = open.before;
    hidden.c_lflag &= !(libc::ECHO | libc::ECHONL);
    hidden.c_lflag |= libc::ICANON | libc::ISIG;
    set_terminal(&hidden)
}

/// Async-signal-safe. Does nothing where no hidden prompt is open.
pub fn show_typing() {
    if let Some(open) = hidden_prompt() {
        let _ = set_terminal(&open.before);
    }
}

/// Async-signal-safe. From the background the terminal is another program's, and touching it would
/// stop this one. `TCSANOW` does not wait for output, which may be held by Ctrl-S.
fn set_terminal(settings: &termios) -> io::Result<()> {
    if !is_in_foreground() {
        return Ok(());
    }
    // SAFETY: a valid struct, on a descriptor that need not be a terminal any more.
    check(unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, settings) })
}

/// Async-signal-safe. A terminal that controls no session, as under `setsid`, has no background.
fn is_in_foreground() -> bool {
    // SAFETY: neither call takes a pointer.
    let (foreground, own) = unsafe { (libc::tcgetpgrp(libc::STDIN_FILENO), libc::getpgrp()) };
    foreground == -1 || foreground == own
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes Ctrl-C and its kin leave the terminal as it was. A signal that the parent had ignored, as
/// `nohup` does, stays ignored.
pub fn restore_on_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        handle(signal, end);
    }
    handle(libc::SIGTSTP, suspend);
    handle(libc::SIGCONT, resume);
}

fn handle(signal: c_int, handler: extern "C" fn(c_int)) {
    // SAFETY: both structs are plain data, valid when zeroed; the handlers are async-signal-safe.
    unsafe {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        new.sa_sigaction = handler as *const () as sighandler_t;
        // Nothing is to be interrupted by Ctrl-Z and back; the same signal may come within its handler.
        new.sa_flags = libc::SA_RESTART | libc::SA_NODEFER;
        if libc::sigaction(signal, null_mut(), &mut old) == 0 && old.sa_sigaction != libc::SIG_IGN {
            libc::sigaction(signal, &new, null_mut());
        }
    }
}

/// What Ctrl-C takes away, as a C string; null for nothing. Never freed, for the handler may look at any
/// moment.
static REMOVE_ON_INTERRUPT: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

/// Names a file that makes no sense any more once the person gives up by Ctrl-C. A hang-up or a reboot
/// leaves it.
pub fn remove_on_interrupt(path: Option<&Path>) {
    let path = path.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    REMOVE_ON_INTERRUPT.store(path.map_or(null_mut(), CString::into_raw), Ordering::SeqCst);
}

/// Ends the program as shells number it: 130 for Ctrl-C. Only async-signal-safe calls: the config file
/// is whole at any moment, so there is little else to put right.
extern "C" fn end(signal: c_int) {
    show_typing();
    let path = REMOVE_ON_INTERRUPT.load(Ordering::SeqCst);
    if signal == libc::SIGINT && !path.is_null() {
        // SAFETY: async-signal-safe; the path is a C string that is never freed.
        unsafe { libc::unlink(path) };
    }
    // SAFETY: takes no pointer.
    if unsafe { libc::isatty(libc::STDIN_FILENO) } == 1 && is_in_foreground() {
        // The shell's prompt is not to stand behind a half-written line.
        write_to_stderr("\n");
    }
    // SAFETY: async-signal-safe, and takes no pointer.
    unsafe { libc::_exit(128_i32.wrapping_add(signal)) }
}

/// Ctrl-Z: the shell gets its echo while the program sleeps.
extern "C" fn suspend(signal: c_int) {
    let errno = io::Error::last_os_error().raw_os_error();
    show_typing();
    // SAFETY: all async-signal-safe. With the default action back, `raise` stops the program here.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    // `resume` has run by now, unless the stop was not for this program.
    handle(signal, suspend);
    set_errno(errno);
}

/// Back from Ctrl-Z, or from a stop that could not be handled: the shell has set the terminal as it
/// likes it, and the prompt has scrolled away.
extern "C" fn resume(_signal: c_int) {
    let errno = io::Error::last_os_error().raw_os_error();
    // This runs before `suspend` goes on, and the next Ctrl-Z may come before that.
    handle(libc::SIGTSTP, suspend);
    if let Some(open) = hidden_prompt().filter(|_| is_in_foreground()) {
        // First of all: the next Ctrl-Z may come as soon as typing is hidden.
        handle(libc::SIGTSTP, suspend);
        let _ = hide_typing();
        write_to_stderr(&open.prompt);
    }
    set_errno(errno);
}

/// A handler that returns must not change what the interrupted call has said.
fn set_errno(errno: Option<c_int>) {
    // SAFETY: the place is this thread's own.
    unsafe {
        #[cfg(target_os = "linux")]
        let place = libc::__errno_location();
        #[cfg(not(target_os = "linux"))]
        let place = libc::__error();
        *place = errno.unwrap_or_default();
    }
}

/// Async-signal-safe.
fn write_to_stderr(text: &str) {
    // SAFETY: the pointer and the length are those of one slice.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}

/// What the terminal can show (`NO_COLOR`, `TERM`, the locale). What is not a terminal keeps every
/// character; whoever reads it later has a screen of their own.
pub fn screen(env: &Env) -> Screen {
    let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let dumb = env.text("TERM").is_none_or(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.text(name));
    let utf8 = locale.is_some_and(|locale| {
        let locale = locale.split('@').next().unwrap_or_default().to_ascii_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8")
    });
    Screen {
        color: err && !dumb && env.get("NO_COLOR").is_none(),
        ascii_out: out && !utf8,
        ascii_err: err && !utf8,
        // Most fonts of Debian's for the Linux console lack them.
        no_half_blocks: env.text("TERM").is_some_and(|term| term == "linux"),
        out_columns: out.then(|| size(libc::STDOUT_FILENO).0),
        size: err.then(|| size(libc::STDERR_FILENO)),
        columns_now: err.then_some(|| size(libc::STDERR_FILENO).0),
        in_place: err && !dumb && !env.is_on("RIO_DEBUG"),
    }
}

/// Columns and lines of a terminal; a serial line does not know, and has 80 by 24.
fn size(terminal: c_int) -> (usize, usize) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the struct it is given, or fails.
    unsafe { libc::ioctl(terminal, libc::TIOCGWINSZ, &mut size) };
    match (size.ws_col, size.ws_row) {
        (0, _) | (_, 0) => (80, 24),
        (columns, rows) => (columns.into(), rows.into()),
    }
}
