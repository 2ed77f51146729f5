//! Signals that end the program: it restores the terminal, then dies of the signal. After a stop by Ctrl-Z, it
//! shows its prompt again.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{c_char, c_int, sighandler_t};

use crate::machine::terminal;

/// Installs the handlers. A signal that the parent ignores, as under `nohup`, stays ignored.
pub fn install_handlers() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: both structs are plain data, valid when zeroed; the handler is async-signal-safe.
        unsafe {
            let mut old = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            new.sa_sigaction = on_fatal_signal as *const () as sighandler_t;
            // The handler raises the signal again, with its default action.
            new.sa_flags = libc::SA_RESETHAND | libc::SA_NODEFER;
            // Otherwise, restoring the terminal from the background would stop the program.
            libc::sigaddset(&mut new.sa_mask, libc::SIGTTOU);
            libc::sigaction(signal, null_mut(), &mut old);
            if old.sa_sigaction != libc::SIG_IGN {
                libc::sigaction(signal, &new, null_mut());
            }
        }
    }
}

/// Until it is dropped, SIGTERM and SIGHUP stay pending in this thread and in the threads that it starts.
#[must_use]
pub struct DeferredTermination {
    old: libc::sigset_t,
}

pub fn defer_termination() -> DeferredTermination {
    // SAFETY: the sets are plain data, valid when zeroed.
    unsafe {
        let mut old = MaybeUninit::<libc::sigset_t>::zeroed().assume_init();
        let mut deferred = MaybeUninit::<libc::sigset_t>::zeroed().assume_init();
        libc::sigemptyset(&mut deferred);
        libc::sigaddset(&mut deferred, libc::SIGTERM);
        libc::sigaddset(&mut deferred, libc::SIGHUP);
        libc::pthread_sigmask(libc::SIG_BLOCK, &deferred, &mut old);
        DeferredTermination { old }
    }
}

impl Drop for DeferredTermination {
    fn drop(&mut self) {
        // SAFETY: the set is valid.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.old, null_mut()) };
    }
}

/// Ends the program as when its terminal hangs up. Returns if the parent ignores that signal.
pub fn hang_up() {
    // SAFETY: takes no pointer.
    unsafe { libc::raise(libc::SIGHUP) };
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

/// Sets the prompt that appears again when the stopped program continues.
pub fn reprint_on_continue(prompt: Option<&str>) {
    PROMPT.store(leaked(prompt.map(str::as_bytes)), Ordering::SeqCst);
    // Only during a prompt, because a handler interrupts network calls.
    let handler =
        if prompt.is_some() { reprint_prompt as *const () as sighandler_t } else { libc::SIG_DFL };
    // SAFETY: the handler is async-signal-safe.
    unsafe { libc::signal(libc::SIGCONT, handler) };
}

/// Null without a text, or if it contains a zero byte.
fn leaked(text: Option<&[u8]>) -> *mut c_char {
    text.and_then(|text| CString::new(text).ok()).map_or(null_mut(), CString::into_raw)
}

extern "C" fn reprint_prompt(_: c_int) {
    let prompt = PROMPT.load(Ordering::SeqCst);
    if !prompt.is_null() {
        // SAFETY: all async-signal-safe; a C string that is never freed.
        unsafe { libc::write(libc::STDERR_FILENO, prompt.cast(), libc::strlen(prompt)) };
    }
}

extern "C" fn on_fatal_signal(signal: c_int) {
    terminal::restore_echo();
    let path = REMOVE_ON_INTERRUPT.load(Ordering::SeqCst);
    // SAFETY: all async-signal-safe; the path is null or a C string that is never freed.
    unsafe {
        if signal == libc::SIGINT && !path.is_null() {
            libc::unlink(path);
        }
        libc::raise(signal);
        // PID 1 survives the signal.
        libc::_exit(128_i32.wrapping_add(signal))
    }
}
