//! System calls that an old container runtime or a seccomp filter refuses, although there is a substitute.

use platform::{Call, Platform};

use super::config_file::fail_system_call;
use crate::robot::Robot;
use crate::robot::terminal::small_world;

#[test]
fn login_needs_no_call_that_has_a_substitute() {
    for call in [
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_statx,
        libc::SYS_renameat2,
        libc::SYS_prctl,
        libc::SYS_prlimit64,
        libc::SYS_setfsuid,
        libc::SYS_setfsgid,
        libc::SYS_uname,
        libc::SYS_flock,
    ] {
        for error in [libc::EPERM, libc::ENOSYS] {
            let platform = Platform::with(small_world());
            platform.interval(1);
            platform.approve_after(1);
            let robot = Robot::of(&platform);
            let rio = robot.rio(&["auth", "login", "--no-browser"]);
            let mut command = rio.command();
            fail_system_call(&mut command, call, error);
            rio.run_command(command).exits(0).hides("internal error");
            assert_eq!(platform.calls(Call::Token).len(), 2, "{call}");
        }
    }
}
