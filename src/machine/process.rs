//! The process: its user, no core dump, and a panic hook that reveals nothing.

use std::ffi::CStr;
use std::fs::Metadata;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;
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

/// The user whose files this thread makes: the effective one, unless [`act_as`] was called.
pub fn user() -> u32 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: takes no pointer. There is no user -1, so the call changes nothing.
        let user = unsafe { libc::setfsuid(libc::uid_t::MAX) };
        // A container may refuse the call.
        if let Ok(user) = u32::try_from(user) {
            return user;
        }
    }
    effective_user()
}

/// The group of the files that this thread makes.
pub fn group() -> u32 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: as in `user`.
        let group = unsafe { libc::setfsgid(libc::gid_t::MAX) };
        if let Ok(group) = u32::try_from(group) {
            return group;
        }
    }
    effective_group()
}

fn effective_user() -> u32 {
    // SAFETY: takes no pointer and cannot fail.
    unsafe { libc::geteuid() }
}

fn effective_group() -> u32 {
    // SAFETY: takes no pointer and cannot fail.
    unsafe { libc::getegid() }
}

pub fn is_root() -> bool {
    effective_user() == 0
}

pub fn can_change_mode(file: &Metadata) -> bool {
    is_root() || file.uid() == effective_user()
}

/// Uses files with the rights of this user and group only, in this thread and those that it starts. Root alone
/// can do that, and only on Linux.
pub fn act_as(user: u32, group: u32) {
    #[cfg(target_os = "linux")]
    // SAFETY: take no pointer.
    unsafe {
        libc::setfsgid(group);
        libc::setfsuid(user);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (user, group);
}

pub fn act_as_self() {
    act_as(effective_user(), effective_group());
}

/// The kernel and its release: "Linux 6.1.0".
pub fn kernel() -> String {
    let mut names = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: the call fills in the struct, which is valid when zeroed, with C strings.
    let [name, release] = unsafe {
        libc::uname(names.as_mut_ptr());
        let names = names.assume_init_ref();
        [&names.sysname, &names.release].map(|text| CStr::from_ptr(text.as_ptr()))
    };
    format!("{} {}", name.to_string_lossy(), release.to_string_lossy())
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
