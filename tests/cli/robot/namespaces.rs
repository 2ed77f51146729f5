//! Tests in namespaces of their own, where they can change the network and mount files.

use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::Command;

use rio::machine::env::Env;

use super::skip::skip;

/// Set in the child process.
const IS_CHILD: &str = "RIO_TEST_ISOLATED";

/// Runs the body of a test in a child process with its own mount and network namespaces. The loopback interface
/// is up.
pub fn isolated<Body: FnOnce()>(body: Body) {
    if Env::from_process().is_on(IS_CHILD) {
        start_loopback();
        return body();
    }
    let Some(mut command) = unshare() else {
        skip("needs mount and network namespaces (unshare)");
        return;
    };
    command.arg(std::env::current_exe().unwrap()).env(IS_CHILD, "1");
    let output = command.args(["--nocapture", "--exact", test_of::<Body>()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}", output.status);
}

/// The name of the test that contains this closure, from `cli::MODULE::TEST::{{closure}}`.
fn test_of<Closure>() -> &'static str {
    let (_, name) = std::any::type_name::<Closure>().split_once("::").unwrap();
    name.rsplit_once("::").unwrap().0
}

/// `unshare` with a user namespace or, where these are forbidden, as root.
fn unshare() -> Option<Command> {
    [&["--map-root-user", "--mount", "--net"][..], &["--mount", "--net"]].iter().find_map(|own| {
        let command = || {
            let mut command = Command::new("unshare");
            command.args(*own);
            command
        };
        let mount = command().args(["mount", "-t", "tmpfs", "none", "/tmp"]).output();
        mount.is_ok_and(|output| output.status.success()).then(command)
    })
}

/// Brings up the loopback interface, which is down in a new network namespace.
fn start_loopback() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: plain data, valid when zeroed.
    let mut loopback: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, letter) in loopback.ifr_name.iter_mut().zip(b"lo") {
        *place = *letter as libc::c_char;
    }
    loopback.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: an open socket, and one valid struct.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &loopback) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}
