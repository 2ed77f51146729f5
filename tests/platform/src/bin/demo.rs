//! `demo RIO`: a login from beginning to end, against a fake rapyuta.io on this machine.
//!
//! At a terminal a person approves the login and chooses; without one the demo does both by itself.

use std::env;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};

use platform::Platform;

const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The first organization and its first project.
const CHOICES: &[u8] = b"1\n1\n";

fn main() {
    let Some(rio) = env::args_os().nth(1) else {
        eprintln!("usage: demo RIO");
        process::exit(2);
    };
    let platform = Platform::start();
    let code = run(&PathBuf::from(rio), &platform).unwrap_or_else(|error| {
        eprintln!("demo: {error}");
        1
    });
    // Leaves without dropping the platform, which would complain of what else browsers ask for, icons and such.
    process::exit(code);
}

fn run(rio: &Path, platform: &Platform) -> io::Result<i32> {
    let scratch = Scratch::new()?;
    let config = scratch.path.join("config.json");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&config)?
        .write_all(format!("{:#}\n", platform.config()).as_bytes())?;
    platform.interval(2);
    introduce(platform, &scratch.path);
    for arguments in [["auth", "login"], ["auth", "status"]] {
        println!("\n$ rio {}", arguments.join(" "));
        let mut command = Command::new(rio);
        command.args(arguments);
        confine(&mut command, &config);
        let code = exit_code(finish(command, platform)?);
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

fn introduce(platform: &Platform, scratch: &Path) {
    println!("A login with rio, against a fake rapyuta.io at {}.", platform.url());
    println!("No network is used, and nothing outside {} is touched;", scratch.display());
    println!("that directory is removed at the end.");
    if io::stdin().is_terminal() {
        println!("Open the address that rio prints, compare the code, and approve.");
        println!("The account is {}, its password: {}", platform::EMAIL, platform::PASSWORD);
    } else {
        println!(
            "There is no terminal: the demo approves by itself and chooses the first of everything."
        );
    }
}

fn confine(command: &mut Command, config: &Path) {
    // The home stays: a browser that opens is to be the newcomer's own.
    command.env("RIO_CONFIG", config);
    for name in PROXIES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
}

fn finish(mut command: Command, platform: &Platform) -> io::Result<ExitStatus> {
    if io::stdin().is_terminal() {
        return command.status();
    }
    platform.approve_after(2);
    let mut rio = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = rio.stdin.take();
    // A rio that asks nothing may be gone before it could be told.
    let _ = stdin.as_mut().map(|stdin| stdin.write_all(CHOICES));
    drop(stdin);
    rio.wait()
}

/// As a shell tells it: a signal is 128 and its number.
fn exit_code(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap_or(1)
}

/// A directory of our own that does not outlive us.
struct Scratch {
    path: PathBuf,
    janitor: Child,
}

impl Scratch {
    fn new() -> io::Result<Scratch> {
        let path = env::temp_dir().join(format!("rio-demo-{}", process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        // Ctrl-C ends this process before it could tidy up. So a shell waits for the end of its input, which comes
        // with our end, however we end; in a process group of its own the Ctrl-C does not reach it.
        let janitor = Command::new("/bin/sh")
            .args(["-c", r#"read -r _; rm -rf -- "$1""#, "janitor"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Scratch { path, janitor })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `wait` closes the janitor's input first.
        let _ = self.janitor.wait();
    }
}
