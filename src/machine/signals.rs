//! Signals that end the program: it restores the terminal, then dies of the signal. At a prompt, also those that
//! stop and continue it.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};

use libc::{c_char, c_int, sighandler_t};

use crate::machine::terminal;

/// Installs the handlers. A signal that the parent ignores, as under `nohup`, stays ignored.
pub fn install_handlers() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // The handler raises the signal again. Where it returns, the system call goes on.
        handle(signal, Some(on_fatal_signal), libc::SA_NODEFER | libc::SA_RESTART);
    }
}

/// Sets the handler, which must be async-signal-safe, or the default action. A signal that is ignored stays
/// ignored.
fn handle(signal: c_int, handler: Option<extern "C" fn(c_int)>, flags: c_int) {
    // SAFETY: both structs are plain data, valid when zeroed.
    unsafe {
        let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        new.sa_sigaction =
            handler.map_or(libc::SIG_DFL, |handler| handler as *const () as sighandler_t);
        new.sa_flags = flags;
        // Otherwise, restoring the terminal from the background would stop the program.
        libc::sigaddset(&mut new.sa_mask, libc::SIGTTOU);
        libc::sigaction(signal, null_mut(), &mut old);
        if old.sa_sigaction != libc::SIG_IGN {
            libc::sigaction(signal, &new, null_mut());
        }
    }
}

/// Until it is dropped, signals wait: a new token may exist that is not stored yet. The first SIGINT says so.
/// A SIGINT after another signal ends the program at once.
///
/// `pthread_sigmask` could not count them, and would not reach other threads.
#[must_use]
pub struct Hold(());

impl Hold {
    /// SIGTERM and SIGHUP wait.
    pub fn termination() -> Self {
        HELD.store(mask(libc::SIGTERM) | mask(libc::SIGHUP), Ordering::SeqCst);
        Hold(())
    }

    /// SIGINT and SIGQUIT wait, too.
    pub fn all() -> Self {
        let mut hold = Hold::termination();
        hold.extend_to_all();
        hold
    }

    pub fn extend_to_all(&mut self) {
        HELD.fetch_or(mask(libc::SIGINT) | mask(libc::SIGQUIT), Ordering::SeqCst);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.store(0, Ordering::SeqCst);
        let waiting = WAITING.swap(0, Ordering::SeqCst);
        if waiting != 0 {
            // SAFETY: takes no pointer.
            unsafe { libc::raise(waiting) };
        }
    }
}

/// Ends the program as when its terminal hangs up. Returns if the parent ignores that signal.
pub fn hang_up() {
    // SAFETY: takes no pointer.
    unsafe { libc::raise(libc::SIGHUP) };
}

/// The signals that wait, as a bit mask.
static HELD: AtomicU32 = AtomicU32::new(0);
/// The first signal that has come since; 0 for none.
static WAITING: AtomicI32 = AtomicI32::new(0);

fn mask(signal: c_int) -> u32 {
    u32::try_from(signal).ok().and_then(|signal| 1_u32.checked_shl(signal)).unwrap_or_default()
}

/// Whether the program goes on in spite of this signal.
fn is_held(signal: c_int) -> bool {
    const WAITS: &str = "rio: storing the new token; press Ctrl-C again to stop at once\n";
    const COSTS: &str = "rio: stopped before the new token was stored; the login may be lost\n  To check \
                         it, run:\n    rio auth status --verify\n";
    if HELD.load(Ordering::SeqCst) & mask(signal) == 0 {
        return false;
    }
    let is_first = WAITING.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    let (is_held, message) = match (signal, is_first) {
        (libc::SIGINT, true) => (true, WAITS),
        (libc::SIGINT, false) => (false, COSTS),
        _ => (true, ""),
    };
    if !message.is_empty() {
        // SAFETY: async-signal-safe; the text is valid.
        unsafe { libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len()) };
    }
    is_held
}

/// Null, or a C string that is never freed, so that the handler can read it at any time.
static REMOVE_ON_INTERRUPT: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

/// Sets the file that Ctrl-C removes. Other signals leave it.
pub fn remove_on_interrupt(path: Option<&Path>) {
    REMOVE_ON_INTERRUPT
        .store(leaked(path.map(|path| path.as_os_str().as_bytes())), Ordering::SeqCst);
}

/// Like [`REMOVE_ON_INTERRUPT`].
static PROMPT: AtomicPtr<c_char> = AtomicPtr::new(null_mut());
/// The terminal that shows the prompt.
static PROMPT_TERMINAL: AtomicI32 = AtomicI32::new(libc::STDERR_FILENO);

/// The flags of a handler that raises the signal again, with its default action.
const RAISED_AGAIN: c_int = libc::SA_RESETHAND | libc::SA_NODEFER;

/// Whether the program has continued since Ctrl-Z.
static CONTINUED: AtomicBool = AtomicBool::new(false);

/// Until it is dropped, Ctrl-Z shows the user's typing, and the program that continues hides it again and
/// shows its prompt again.
///
/// Only during a prompt, because a handler interrupts network calls.
#[must_use]
pub struct StoppablePrompt(());

pub fn stoppable_prompt(prompt: &str, terminal: RawFd) -> StoppablePrompt {
    PROMPT.store(leaked(Some(prompt.as_bytes())), Ordering::SeqCst);
    PROMPT_TERMINAL.store(terminal, Ordering::SeqCst);
    handle(libc::SIGCONT, Some(on_continue), 0);
    handle(libc::SIGTSTP, Some(on_stop), RAISED_AGAIN);
    StoppablePrompt(())
}

impl Drop for StoppablePrompt {
    fn drop(&mut self) {
        handle(libc::SIGCONT, None, 0);
        handle(libc::SIGTSTP, None, 0);
        PROMPT.store(null_mut(), Ordering::SeqCst);
    }
}

/// Null without a text, or if it contains a zero byte.
fn leaked(text: Option<&[u8]>) -> *mut c_char {
    text.and_then(|text| CString::new(text).ok()).map_or(null_mut(), CString::into_raw)
}

extern "C" fn on_stop(_: c_int) {
    terminal::suspend_hiding();
    CONTINUED.store(false, Ordering::SeqCst);
    // The program stops here, unless no shell could continue it.
    // SAFETY: async-signal-safe.
    unsafe { libc::raise(libc::SIGTSTP) };
    handle(libc::SIGTSTP, Some(on_stop), RAISED_AGAIN);
    if !CONTINUED.load(Ordering::SeqCst) {
        on_continue(libc::SIGCONT);
    }
}

/// The signal also interrupts the call that reads. So a hidden line starts again: its beginning was typed
/// before the stop.
extern "C" fn on_continue(_: c_int) {
    CONTINUED.store(true, Ordering::SeqCst);
    let prompt = PROMPT.load(Ordering::SeqCst);
    if prompt.is_null() || !terminal::is_in_foreground(libc::STDIN_FILENO) {
        return;
    }
    // First, so that the next Ctrl-Z finds the handler as soon as the user sees the prompt.
    handle(libc::SIGTSTP, Some(on_stop), RAISED_AGAIN);
    terminal::resume_hiding();
    // SAFETY: all async-signal-safe; a C string that is never freed.
    unsafe {
        let terminal = PROMPT_TERMINAL.load(Ordering::SeqCst);
        libc::write(terminal, prompt.cast(), libc::strlen(prompt));
    }
}

extern "C" fn on_fatal_signal(signal: c_int) {
    if is_held(signal) {
        return;
    }
    terminal::restore_echo();
    let path = REMOVE_ON_INTERRUPT.load(Ordering::SeqCst);
    // SAFETY: all async-signal-safe; the path is null or a C string that is never freed.
    unsafe {
        if signal == libc::SIGINT && !path.is_null() {
            libc::unlink(path);
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
        // PID 1 survives the signal.
        libc::_exit(128_i32.wrapping_add(signal))
    }
}
