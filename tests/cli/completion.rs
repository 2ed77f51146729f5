//! `rio completion`: scripts that the shells accept, and what they complete, asked of the shells themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::robot::Robot;
use crate::terminal::Terminal;

/// The shell's path; where it is missing, says so in the test's output.
fn shell(name: &str) -> Option<PathBuf> {
    let found = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: there is no {name} on this machine");
    }
    found
}

/// A machine with the shell's script in a file of this name.
fn robot_with_script(shell: &str, file: &str) -> Robot {
    let robot = Robot::new();
    let script = robot.rio(&["completion", shell]).run().exits(0);
    assert!(script.stderr.is_empty(), "{script}");
    fs::write(robot.home().join(file), &script.stdout).unwrap();
    robot
}

/// The shell, in the robot's home and with nothing in its environment but that.
fn command(robot: &Robot, shell: &Path) -> Command {
    let mut command = Command::new(shell);
    command.env_clear().env("HOME", robot.home()).env("PATH", "/usr/bin:/bin");
    command.env("TERM", "xterm").env("LANG", "C.UTF-8").current_dir(robot.home());
    command
}

#[track_caller]
fn lines(output: Output) -> Vec<String> {
    let (stdout, stderr) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (stdout, stderr) = (stdout.unwrap(), stderr.unwrap());
    assert!(output.status.success() && stderr.is_empty(), "{stdout}\n{stderr}");
    stdout.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// What bash offers for these words, of which the last one is being typed, after this much of a script.
fn bash_offers(before: &str, words: &[&str], after: &str) -> Option<Vec<String>> {
    let bash = shell("bash")?;
    let robot = robot_with_script("bash", "rio.bash");
    // The function is whichever the script has registered for the command.
    let script = format!(
        "{before}\nsource ./rio.bash || exit\n\
         function=$(complete -p rio | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_LINE=\"$*\" COMP_POINT=${{#COMP_LINE}}\n\
         \"$function\" rio \"${{@: -1}}\" \"${{@: -2:1}}\" || exit\n\
         {after}\n"
    );
    let mut command = command(&robot, &bash);
    let output = command.args(["--norc", "-c", &script, "bash"]).args(words).output().unwrap();
    Some(lines(output))
}

const PRINT_OFFERS: &str = "printf '%s\\n' \"${COMPREPLY[@]}\"";

#[test]
fn there_is_a_script_for_each_shell_that_knows_commands_and_options() {
    let robot = Robot::new();
    for shell in ["bash", "zsh", "fish", "nushell"] {
        let outcome = robot.rio(&["completion", shell]).run().exits(0);
        assert!(outcome.stderr.is_empty(), "{outcome}");
        for word in ["login", "refresh-token", "environment", "organization", "no-interactive"] {
            assert!(outcome.stdout.contains(word), "{word}\n{outcome}");
        }
    }
}

#[test]
fn the_shells_find_no_fault_with_their_scripts() {
    for name in ["bash", "zsh", "fish"] {
        let Some(path) = shell(name) else { continue };
        let robot = robot_with_script(name, "script");
        lines(command(&robot, &path).args(["-n", "script"]).output().unwrap());
    }
}

#[test]
fn bash_offers_commands_and_options() {
    for (words, wanted) in [
        (&["rio", "au"] as &[&str], &["auth"] as &[&str]),
        (&["rio", "auth", "log"], &["login", "logout"]),
        (&["rio", "auth", "stat"], &["status"]),
        (&["rio", "auth", "login", "--o"], &["--organization"]),
        (&["rio", "auth", "login", "--silent", "--pa"], &["--password"]),
        (&["rio", "auth", "status", "--v"], &["--verify"]),
        (&["/opt/bin/rio", "auth", "log"], &["login", "logout"]),
    ] {
        let Some(mut offers) = bash_offers("", words, PRINT_OFFERS) else { return };
        offers.sort();
        assert_eq!(offers, wanted, "{words:?}");
    }
}

#[test]
fn bash_does_not_take_the_value_of_an_option_for_a_command() {
    let words = ["rio", "auth", "login", "--organization", "status", "--pa"];
    let Some(offers) = bash_offers("", &words, PRINT_OFFERS) else { return };
    assert_eq!(offers, ["--password"]);
}

#[test]
fn bash_keeps_the_users_variables() {
    let variables = ["i", "cur", "prev", "opts", "cmds", "cmd", "words", "cword"];
    let before: String = variables.map(|name| format!("{name}=mine\n")).concat();
    let after: String = variables.map(|name| format!("echo {name}=${name}\n")).concat();
    let Some(left) = bash_offers(&before, &["rio", "auth", "log"], &after) else { return };
    assert_eq!(left, variables.map(|name| format!("{name}=mine")));
}

#[test]
fn bash_completes_in_a_shell_that_forbids_unset_variables() {
    for words in [["rio", "auth", "log"], ["rio", "version", "--h"]] {
        let Some(offers) = bash_offers("set -u", &words, PRINT_OFFERS) else { return };
        assert!(!offers.is_empty(), "{words:?}");
    }
}

#[test]
fn fish_offers_commands_and_options() {
    let Some(fish) = shell("fish") else { return };
    let robot = robot_with_script("fish", "rio.fish");
    for (line, wanted) in [
        ("rio au", &["auth"] as &[&str]),
        ("rio auth log", &["login", "logout"]),
        ("rio auth stat", &["status"]),
        ("rio auth login --o", &["--organization"]),
        ("rio auth login --organization status --pa", &["--password"]),
        ("rio auth status --v", &["--verify"]),
    ] {
        let script = format!("source rio.fish; complete -C '{line}'");
        let output = command(&robot, &fish).args(["--no-config", "-c", &script]).output().unwrap();
        let mut offers = lines(output);
        offers.iter_mut().for_each(|offer| {
            offer.truncate(offer.find('\t').unwrap_or(offer.len()));
        });
        offers.sort();
        assert_eq!(offers, wanted, "{line}");
    }
}

/// An interactive zsh that has found the script where the README has it put, and prints what it would run.
fn zsh() -> Option<(Robot, Terminal)> {
    let zsh = shell("zsh")?;
    let robot = robot_with_script("zsh", "_rio");
    let mut command = command(&robot, &zsh);
    command.args(["-f", "-i"]).env("PS1", "ready> ");
    let mut terminal = Terminal::start(command);
    terminal.waits_for("ready> ");
    terminal.types("fpath=(~ $fpath); autoload -Uz compinit; compinit -D -u; LISTMAX=1000\r");
    terminal.types("rio() { print -r -- \"<$*>\" }; print ready to' 'complete\r");
    terminal.waits_for("ready to complete\r\n");
    terminal.waits_for("ready> ");
    Some((robot, terminal))
}

#[test]
fn zsh_completes_what_is_unique() {
    let Some((_robot, mut terminal)) = zsh() else { return };
    for (typed, completed) in [
        ("rio au\t", "<auth>"),
        ("rio auth stat\t", "<auth status>"),
        ("rio auth login --o\t", "<auth login --organization>"),
        (
            "rio auth login --organization status --pa\t",
            "<auth login --organization status --password>",
        ),
        ("rio auth status --v\t", "<auth status --verify>"),
    ] {
        terminal.types(typed);
        terminal.types("\r");
        terminal.waits_for(completed);
    }
}

#[test]
fn zsh_lists_what_is_not() {
    let Some((_robot, mut terminal)) = zsh() else { return };
    terminal.types("rio auth log\t\t");
    terminal.waits_for("login ");
    terminal.waits_for("logout ");
}
