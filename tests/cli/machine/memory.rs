//! A password leaves no copy in the memory of the process.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Stdio};

use platform::{EMAIL, PASSWORD, Platform};

use crate::robot::Robot;
use crate::robot::skip::skip;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How often the text is in the writable memory of a process; `None` if this user may not read it.
fn count_in_memory(process: u32, text: &str) -> Option<usize> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let mut count = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let address = |hex| u64::from_str_radix(hex, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(address(end) - address(start)).unwrap()];
        if memory.read_exact_at(&mut bytes, address(start)).is_ok() {
            count += bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        }
    }
    Some(count)
}

#[test]
fn password_from_standard_input_is_in_memory_once() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let mut command = robot.rio(&["auth", "login", "--email", EMAIL, "--password", "-"]).command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut rio = Running(command.spawn().unwrap());
    let mut stdin = rio.0.stdin.take().unwrap();
    stdin.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let mut shown = Vec::new();
    for byte in std::io::BufReader::new(rio.0.stderr.take().unwrap()).bytes() {
        shown.push(byte.unwrap());
        if shown.ends_with(b"[y/N] ") {
            break;
        }
    }
    match count_in_memory(rio.0.id(), PASSWORD) {
        Some(count) => assert_eq!(count, 1),
        None => skip("needs root, to read the memory of a process that is not dumpable"),
    }
}

#[test]
fn password_from_standard_input_leaves_later_lines_unread() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(format!("{PASSWORD}\nsecond line\n").as_bytes()).unwrap();
    drop(writer);
    let mut command = robot.rio(&["auth", "token", "--password", "-"]).command();
    let output = command.stdin(reader.try_clone().unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "second line\n");
}
