//! Standard output that cannot take the result.

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

#[test]
fn closed_pipe_is_a_silent_failure() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = robot.rio(&["auth", "token", "--current"]).command();
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
