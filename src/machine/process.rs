//! The process: its user, no core dump, and a panic hook that reveals nothing.

use std::io::Write;
use std::panic::PanicHookInfo;

use crate::error::Exit;
use crate::machine::terminal;

pub fn set_up() {
    forbid_core_dumps();
    // A write beyond `ulimit -f` then returns an error instead of raising a signal.
    // SAFETY: no handler is set.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    std::panic::set_hook(Box::new(report_panic));
}

/// A core dump would hold passwords and tokens.
fn forbid_core_dumps() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structs are valid. The hard limit stays, for a browser that rio starts.
    unsafe {
        libc::getrlimit(libc::RLIMIT_CORE, &mut limit);
        limit.rlim_cur = 0;
        libc::setrlimit(libc::RLIMIT_CORE, &limit);
        // A core dump that is piped to a program has no limit.
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
    }
}

/// The effective user id.
pub fn user() -> u32 {
    // SAFETY: takes no pointer and cannot fail.
    unsafe { libc::geteuid() }
}

/// Prints only the location: the message of a panic may quote a secret.
#[expect(clippy::disallowed_methods, reason = "a panic hook cannot return an Exit")]
fn report_panic(panic: &PanicHookInfo) {
    terminal::restore_echo();
    let location = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
    // The console may be what failed.
    let _ = writeln!(
        std::io::stderr(),
        "rio: internal error{}\n  Run the command again with RIO_DEBUG=1, and send its output to rapyuta.io support.",
        location.unwrap_or_default()
    );
    std::process::exit(Exit::Failure.code().into());
}
