//! The real terminal: reading lines, hiding what is typed, and leaving it as it was, whatever signal
//! ends the program.

use std::cell::Cell;
use std::io::{self, BufRead, IsTerminal, Read};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_int, sighandler_t, termios};
use zeroize::Zeroizing;

use crate::console::{Input, Screen};
use crate::env::Env;
use crate::secret::Secret;

/// A longer line is no answer to anything asked here.
const LONGEST_LINE: u64 = 64 * 1024;

/// Standard input of the process.
pub struct StandardInput;

impl Input for StandardInput {
    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn read_line(&mut self) -> io::Result<Option<String>> {
        Ok(read_line()?.map(|line| line.to_string()))
    }

    fn read_hidden(&mut self) -> io::Result<Option<Secret>> {
        if !self.is_terminal() {
            return Ok(read_line()?.map(|line| Secret::new(line.as_str())));
        }
        let _echo_off = EchoOff::start()?;
        let ended = Rc::new(Cell::new(false));
        let keys = Keys { ended: ended.clone() };
        let config = rpassword::ConfigBuilder::new().input_reader(keys).output_discard().build();
        let typed = Secret::new(rpassword::read_password_with_config(config)?);
        Ok((!(ended.get() && typed.is_empty())).then_some(typed))
    }
}

fn read_line() -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().take(LONGEST_LINE).read_line(&mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
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

/// What the terminal was like before echo was turned off; null while echo is on. A signal handler can
/// read it at any moment, so it is one pointer, and what it points to is never freed.
static BEFORE_ECHO_OFF: AtomicPtr<termios> = AtomicPtr::new(null_mut());

/// While it lives, the terminal does not show what is typed. Lines are still edited by the terminal,
/// and Ctrl-C and Ctrl-Z still work.
struct EchoOff;

impl EchoOff {
    fn start() -> io::Result<Self> {
        let mut before = MaybeUninit::<termios>::uninit();
        // SAFETY: tcgetattr fills the struct it is given, or fails.
        let before = unsafe {
            check(libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()))?;
            before.assume_init()
        };
        BEFORE_ECHO_OFF.store(Box::into_raw(Box::new(before)), Ordering::SeqCst);
        hide_typing();
        Ok(EchoOff)
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        show_typing();
        BEFORE_ECHO_OFF.store(null_mut(), Ordering::SeqCst);
    }
}

/// Async-signal-safe.
fn hide_typing() {
    // SAFETY: the pointer is null or points to a struct that is never freed.
    if let Some(before) = unsafe { BEFORE_ECHO_OFF.load(Ordering::SeqCst).as_ref() } {
        let mut hidden = *before;
        hidden.c_lflag &= !(libc::ECHO | libc::ECHONL);
        hidden.c_lflag |= libc::ICANON | libc::ISIG;
        // SAFETY: a valid struct, on a descriptor that need not be a terminal any more.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, &hidden) };
    }
}

/// Async-signal-safe.
fn show_typing() {
    let before = BEFORE_ECHO_OFF.load(Ordering::SeqCst);
    if !before.is_null() {
        // SAFETY: not null, and never freed.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, before) };
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes Ctrl-C and its kin leave the terminal as it was. A signal that the parent had ignored, as
/// `nohup` does, stays ignored.
pub fn restore_on_signals() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        handle(signal, end as extern "C" fn(c_int) as sighandler_t);
    }
    handle(libc::SIGTSTP, suspend as extern "C" fn(c_int) as sighandler_t);
}

fn handle(signal: c_int, handler: sighandler_t) {
    // SAFETY: both structs are plain data, valid when zeroed; the handlers are async-signal-safe.
    unsafe {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        new.sa_sigaction = handler;
        // Nothing is to be interrupted by Ctrl-Z and back; the same signal may come within its handler.
        new.sa_flags = libc::SA_RESTART | libc::SA_NODEFER;
        if libc::sigaction(signal, null_mut(), &mut old) == 0 && old.sa_sigaction != libc::SIG_IGN {
            libc::sigaction(signal, &new, null_mut());
        }
    }
}

/// Ends the program as shells number it: 130 for Ctrl-C. Only async-signal-safe calls: the config file
/// is whole at any moment, so there is nothing else to put right.
extern "C" fn end(signal: c_int) {
    show_typing();
    // SAFETY: both are async-signal-safe; the newline moves the prompt off a half-written line.
    unsafe {
        if libc::isatty(libc::STDERR_FILENO) == 1 {
            libc::write(libc::STDERR_FILENO, c"\n".as_ptr().cast(), 1);
        }
        libc::_exit(128_i32.wrapping_add(signal));
    }
}

/// Ctrl-Z: the shell gets its echo while the program sleeps.
extern "C" fn suspend(signal: c_int) {
    show_typing();
    // SAFETY: all async-signal-safe. With the default action back, `raise` stops the program here.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    handle(signal, suspend as extern "C" fn(c_int) as sighandler_t);
    hide_typing();
}

/// What the terminal can show (`NO_COLOR`, `TERM`, the locale). What is not a terminal keeps every
/// character; whoever reads it later has a screen of their own.
pub fn screen(env: &Env) -> Screen {
    let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let dumb = env.text("TERM").is_none_or(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.text(name));
    let utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8")
    });
    Screen {
        color: err && !dumb && env.get("NO_COLOR").is_none(),
        ascii_out: out && !utf8,
        ascii_err: err && !utf8,
    }
}
