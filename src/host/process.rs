//! What keeps secrets in when the program itself fails: no core dump, and no word of a panic.

use std::io::Write;
use std::panic::PanicHookInfo;

use crate::error::Exit;
use crate::host::terminal;

/// Takes effect for the whole process, from here on.
pub fn set_up() {
    forbid_core_dumps();
    #[cfg(target_env = "musl")]
    crate::host::relro::protect();
    // A file that may not grow is an error to tell, and not a reason to die.
    // SAFETY: no handler is set that could do harm.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    std::panic::set_hook(Box::new(tell_of_panic));
}

/// A core dump would hold every secret of the moment.
fn forbid_core_dumps() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: valid structs, and a number. Where one of them fails, nothing else is worse for it. The hard
    // limit stays, for a browser that is started.
    unsafe {
        libc::getrlimit(libc::RLIMIT_CORE, &mut limit);
        limit.rlim_cur = 0;
        libc::setrlimit(libc::RLIMIT_CORE, &limit);
        // A dump that is piped to a program heeds no limit.
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
    }
}

/// The message of a panic may quote what it choked on, so only the place is told.
#[expect(clippy::disallowed_methods, reason = "there is nobody left to return an Exit to")]
fn tell_of_panic(panic: &PanicHookInfo) {
    terminal::show_typing();
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    // Not by the console, which may be what failed; and a second panic would say it all.
    let _ = writeln!(
        std::io::stderr(),
        "rio: it hit a bug of its own{}\n  Run it again with RIO_DEBUG=1, and report what it shows.",
        place.unwrap_or_default()
    );
    std::process::exit(Exit::Failure.code().into());
}
