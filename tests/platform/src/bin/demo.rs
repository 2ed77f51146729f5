//! `demo RIO`: runs a login with this rio against a fake rapyuta.io on this machine.
//!
//! At a terminal, the user approves the login and selects. Otherwise the demo does both.

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
    // `exit` does not drop the platform, which would panic because of other requests of browsers, such as icons.
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
        isolate(&mut command, &config);
        let code = exit_code(finish(command, platform)?);
        if code != 0 {
            return Ok(code);
        }
    }
    Ok(0)
}

fn introduce(platform: &Platform, scratch: &Path) {
    println!("This demo logs in with rio to a fake rapyuta.io at {}.", platform.url());
    println!(
        "It needs no network. It writes only to {} and removes it at the end.",
        scratch.display()
    );
    if io::stdin().is_terminal() {
        println!(
            "Open the URL that rio prints, check that the page shows the same code, and approve the login."
        );
        println!("Account: {}, password: {}", platform::EMAIL, platform::PASSWORD);
    } else {
        println!(
            "Standard input is not a terminal, so the demo approves the login and selects for you."
        );
    }
}

fn isolate(command: &mut Command, config: &Path) {
    // HOME stays, so that rio opens the user's own browser.
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
    // `rio auth status` does not read its input and may have exited already.
    let _ = stdin.as_mut().map(|stdin| stdin.write_all(CHOICES));
    drop(stdin);
    rio.wait()
}

/// As a shell reports it: 128 plus the number of the signal.
fn exit_code(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap_or(1)
}

/// A temporary directory that is removed however this process ends.
struct Scratch {
    path: PathBuf,
    cleaner: Child,
}

impl Scratch {
    fn new() -> io::Result<Scratch> {
        let path = env::temp_dir().join(format!("rio-demo-{}", process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        // Ctrl-C kills this process before it can remove the directory. So a shell does it, when its standard input
        // closes because this process has ended. In its own process group it does not get the Ctrl-C.
        let cleaner = Command::new("/bin/sh")
            .args(["-c", r#"read -r _; rm -rf -- "$1""#, "cleaner"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Scratch { path, cleaner })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `wait` closes the standard input of the shell first.
        let _ = self.cleaner.wait();
    }
}
