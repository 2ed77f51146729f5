//! Standard output or standard error that is closed or full.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use platform::Platform;

use crate::robot::Robot;

#[test]
fn closed_standard_output_is_an_error() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in [&["auth", "token", "--current"] as &[&str], &["auth", "status"], &["version"]]
    {
        for descriptors in
            [&[libc::STDOUT_FILENO] as &[i32], &[libc::STDIN_FILENO, libc::STDOUT_FILENO]]
        {
            let rio = robot.rio(arguments);
            let mut command = rio.command();
            let close = move || {
                for descriptor in descriptors {
                    // SAFETY: takes no pointer.
                    unsafe { libc::close(*descriptor) };
                }
                Ok(())
            };
            // SAFETY: the call is async-signal-safe.
            unsafe { command.pre_exec(close) };
            rio.run_command(command).exits(1).says("standard output is closed");
        }
    }
}

/// Commands that print a result without prompting.
const PRINTING: [&[&str]; 5] = [
    &["version"],
    &["help"],
    &["completion", "bash"],
    &["auth", "status"],
    &["auth", "token", "--current"],
];

#[track_caller]
fn cannot_print(robot: &Robot, arguments: &[&str], stdout: impl Into<Stdio>) {
    let mut command = robot.rio(arguments).command();
    let output = command.stdout(stdout).stderr(Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{stderr}");
    assert!(stderr.contains("standard output"), "{arguments:?}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{arguments:?}\n{stderr}");
}

#[test]
fn closed_pipe_ends_the_program_silently() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in PRINTING {
        let (reader, writer) = io::pipe().unwrap();
        // As `head` does.
        drop(reader);
        let output = robot.rio(arguments).command().stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn result_on_full_disk_is_an_error() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    for arguments in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        cannot_print(&robot, arguments, full);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn unwritable_stderr_keeps_the_exit_code() {
    let robot = Robot::new();
    for (arguments, code) in [(&["device"] as &[&str], 2), (&["auth", "token", "--current"], 1)] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let status = robot.rio(arguments).command().stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}
