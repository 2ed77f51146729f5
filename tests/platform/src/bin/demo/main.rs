//! `demo RIO`: logs in with RIO to a fake rapyuta.io on this machine.
//!
//! At a terminal, the user approves the login, answers the questions, and can try more commands in a shell. Otherwise,
//! the demo approves the login and answers the questions.

mod scratch;
mod shell;

use std::env;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};

use platform::Platform;
use scratch::Scratch;

const USAGE: &str = "usage: demo RIO";

const HELP: &str = "
Logs in with RIO to a fake rapyuta.io on this machine.

At a terminal, you approve the login in a browser, and can then try other
commands in a shell. Otherwise, the demo approves the login for you.";

const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The first organization and its first project.
const CHOICES: &[u8] = b"1\n1\n";

fn main() {
    let rio = match env::args_os().nth(1) {
        Some(argument) if argument == "--help" || argument == "-h" => {
            println!("{USAGE}\n{HELP}");
            return;
        }
        Some(rio) => PathBuf::from(rio),
        None => {
            eprintln!("{USAGE}");
            process::exit(2);
        }
    };
    let platform = Platform::start();
    let fail = |error| {
        eprintln!("demo: {error}");
        1
    };
    // Dropping the directory prints the last words of the demo, so the error comes first.
    let code = Scratch::new()
        .map_or_else(fail, |scratch| run(&rio, &platform, &scratch).unwrap_or_else(fail));
    // `exit` does not drop the platform, which panics if a browser has requested anything else, such as an icon.
    process::exit(code);
}

fn run(rio: &Path, platform: &Platform, scratch: &Scratch) -> io::Result<i32> {
    let config = scratch.write("config.json", &format!("{:#}\n", platform.config()))?;
    platform.interval(2);
    let interactive = io::stdin().is_terminal();
    introduce(platform, &scratch.path, interactive);
    // The login fills a terminal of 24 lines, so wait until the user has read the introduction.
    if interactive {
        const WRONG: &str = "Press Enter, type a, or press Ctrl-C to end the demo.";
        match ask("Press Enter to start the login. ", &["", "a"], WRONG)?.as_deref() {
            None => return Ok(0),
            Some("a") => platform.approve_after(2),
            Some(_) => {}
        }
    }
    for arguments in [["auth", "login"], ["auth", "status"]] {
        println!("\n$ rio {}", arguments.join(" "));
        let mut command = Command::new(rio);
        command.args(arguments);
        isolate(&mut command, &config);
        let code = exit_code(finish(command, platform, interactive)?);
        if code != 0 {
            return Ok(code);
        }
    }
    if interactive {
        offer_shell(rio, scratch, &config)?;
    }
    Ok(0)
}

fn introduce(platform: &Platform, scratch: &Path, interactive: bool) {
    println!("This demo uses rio to log in to a fake rapyuta.io at {}.", platform.url());
    println!("It needs no network.");
    println!("It writes only to {} and removes it at the end.", scratch.display());
    println!("{}", if interactive { YOU_APPROVE } else { DEMO_APPROVES });
}

const YOU_APPROVE: &str = "
rio will show a URL and a code, as on a robot, and a QR code if the terminal
can show one. The URL is on this machine, so a phone cannot open it. Open it in
a browser on this machine, check that the page shows the same code, and approve
the login. Then rio asks for an organization and a project. At the end, you can
try more commands in a shell.

If this machine has no browser, type a and press Enter. Then the demo approves
each login for you.
";

const DEMO_APPROVES: &str =
    "Standard input is not a terminal, so the demo approves the login for you.";

/// Asks a question until the answer, in lower case, is one of `answers`. `None` is the end of the input.
fn ask(question: &str, answers: &[&str], wrong: &str) -> io::Result<Option<String>> {
    loop {
        print!("{question}");
        io::stdout().flush()?;
        let mut line = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            println!();
            return Ok(None);
        }
        let answer = String::from_utf8_lossy(&line).trim().to_lowercase();
        if answers.contains(&answer.as_str()) {
            return Ok(Some(answer));
        }
        println!("{wrong}");
    }
}

fn offer_shell(rio: &Path, scratch: &Scratch, config: &Path) -> io::Result<()> {
    println!("\nThe fake rapyuta.io is still running. You can try more rio commands in a shell.");
    let answer = ask("Start the shell? [Y/n] ", &["", "y", "yes", "n", "no"], "Answer y or n.")?;
    if !matches!(answer.as_deref(), Some("" | "y" | "yes")) {
        return Ok(());
    }
    println!("\nType `rio help` for the commands and `exit` to end the demo.");
    println!(
        "`rio auth environment NAME` leaves the fake rapyuta.io; to go back, restart the demo."
    );
    println!("If a command asks for the password of {}, enter this one:", platform::EMAIL);
    println!("    {}", platform::PASSWORD);
    let mut shell = shell::command(rio, scratch)?;
    isolate(&mut shell, config);
    // The exit code is that of the user's last command.
    shell.status()?;
    Ok(())
}

fn isolate(command: &mut Command, config: &Path) {
    // HOME stays, so that rio opens the user's own browser.
    command.env("RIO_CONFIG", config);
    for name in PROXIES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
}

fn finish(mut command: Command, platform: &Platform, interactive: bool) -> io::Result<ExitStatus> {
    if interactive {
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
