//! `rio completion`, tested in the shells that are installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::commands::command_line::{COMMANDS, described_names};
use crate::robot::Robot;
use crate::robot::skip::installed;
use crate::robot::terminal::Terminal;

/// A robot with the completion script in a file of this name.
fn robot_with_script(shell: &str, file: &str) -> Robot {
    let robot = Robot::new();
    let script = robot.rio(&["completion", shell]).run().exits(0);
    assert!(script.stderr.is_empty(), "{script}");
    fs::write(robot.home().join(file), &script.stdout).unwrap();
    robot
}

/// The shell, in the robot's home directory and with a minimal environment.
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

/// Completes the last of these words in bash. Runs `before` first, and prints the output of `after`.
fn bash_offers(before: &str, words: &[&str], after: &str) -> Option<Vec<String>> {
    let bash = installed("bash")?;
    let robot = robot_with_script("bash", "rio.bash");
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

#[test]
fn bash_keeps_user_variables() {
    let variables = [
        "i", "cur", "word", "words", "command", "commands", "values", "option", "options", "help",
        "first", "rest", "piece", "current", "name", "matches",
    ];
    let before: String = variables.map(|name| format!("{name}=mine\n")).concat();
    let after: String = variables.map(|name| format!("echo {name}=${name}\n")).concat();
    let Some(left) = bash_offers(&before, &["rio", "auth", "log"], &after) else { return };
    assert_eq!(left, variables.map(|name| format!("{name}=mine")));
}

#[test]
fn bash_defines_no_variables() {
    let before = "known=\" $(compgen -v | tr '\\n' ' ') \"";
    let after = "for name in $(compgen -v); do [[ $known == *\" $name \"* ]] || echo $name; done";
    let Some(left) = bash_offers(before, &["rio", "auth", "log"], after) else { return };
    // Those of bash, of completion and of this test.
    let mine = ["COMP", "BASH_", "FUNCNAME", "PIPESTATUS", "known", "name", "function"];
    let new: Vec<_> =
        left.iter().filter(|left| !mine.iter().any(|my| left.starts_with(my))).collect();
    assert!(new.is_empty(), "{new:?}");
}

/// The candidates for the last word of a line. Files are candidates only after `--password-file`.
const CANDIDATES: &[(&str, &[&str])] = &[
    ("rio h", &["help"]),
    ("rio auth l", &["login", "logout"]),
    ("rio help ", &["auth", "completion", "doctor", "organization", "project", "version"]),
    ("rio help -", &["--help", "-h"]),
    ("rio help auth log", &["login", "logout"]),
    ("rio help auth login ", &[]),
    ("rio auth help log", &["login", "logout"]),
    ("rio help project ", &["list", "select"]),
    ("rio version ", &[]),
    ("rio organization select ", &[]),
    ("rio p s --no", &["--no-interactive"]),
    ("rio auth login ", &[]),
    ("rio auth environment ", &["dev", "ga", "qa"]),
    ("rio auth environment g", &["ga"]),
    ("rio auth environment ga ", &[]),
    (
        "rio auth environment ga --",
        &["--help", "--interactive", "--no-interactive", "--silent", "--yes"],
    ),
    ("rio auth environment pr123 ", &[]),
    ("rio completion ", &["bash", "fish", "nushell", "zsh"]),
    ("rio auth token --level ", &["0", "1", "2"]),
    ("rio auth token --level 1 --c", &["--current"]),
    ("rio auth token --level=1 --c", &["--current"]),
    ("rio auth token --password-file lo", &["log.txt"]),
    ("rio auth token --password-file log.txt --c", &["--current"]),
    ("rio auth login --email ", &[]),
    ("rio auth login --email=", &[]),
    ("rio auth login --email ada@example.com --pr", &["--project"]),
    ("rio auth login --email=ada@example.com --pr", &["--project"]),
    ("rio auth login --organization a:b=c@d --pr", &["--project"]),
    ("rio auth login --organization 'Acme Robotics' --pr", &["--project"]),
    ("rio auth login --organization Acme\\ Robotics --pr", &["--project"]),
    ("rio auth login --organization auth --pr", &["--project"]),
    ("rio auth login --organization --json --pr", &["--project"]),
    ("rio au stat", &["status"]),
    ("rio auth st --", &["--help", "--json", "--min-valid", "--verify"]),
    ("rio a st --ver", &["--verify"]),
    ("rio a env ", &["dev", "ga", "qa"]),
    ("rio  auth   stat", &["status"]),
    ("true; rio auth stat", &["status"]),
    ("A=1 rio auth stat", &["status"]),
    ("rio nonsense ", &[]),
];

/// [`CANDIDATES`], and all commands and options.
fn candidates() -> Vec<(String, Vec<&'static str>)> {
    let mut lines: Vec<_> = CANDIDATES
        .iter()
        .map(|(line, candidates)| ((*line).to_owned(), candidates.to_vec()))
        .collect();
    for (path, options) in COMMANDS {
        let command = ["rio"].iter().chain(path).map(|word| format!("{word} ")).collect::<String>();
        let mut options = [options, &["--help", "-h"]].concat();
        if path.is_empty() {
            options.push("-V");
        }
        let below = COMMANDS.iter().filter_map(|(other, _)| match other.split_last() {
            Some((name, group)) if group == path => Some(*name),
            _ => None,
        });
        let mut commands: Vec<_> = below.collect();
        if !commands.is_empty() {
            commands.push("help");
            commands.sort();
            lines.push((command.clone(), commands));
        }
        options.sort();
        lines.push((format!("{command}-"), options));
    }
    lines
}

/// Creates files that begin like what is typed.
fn with_files(robot: &Robot) {
    for name in ["auth.txt", "log.txt", "ga.txt", "1", "-file"] {
        fs::write(robot.home().join(name), "").unwrap();
    }
}

/// Replaces `rio`: prints its arguments, sorted, because each shell has an order of its own.
const SHOW_WORDS: &str = "rio() { \
    echo \"<$(printf '%s ' \"$*\" | tr -s ' ' '\\n' | LC_ALL=C sort | tr '\\n' ' ')>\"; }";

/// What [`SHOW_WORDS`] prints for a line whose last word is replaced by all candidates.
fn completed(line: &str, offers: &[&str]) -> String {
    let line = line.replace(['\'', '\\'], "");
    let (before, typed) = line.rsplit_once(' ').unwrap();
    let (_, before) = before.split_once("rio").unwrap();
    let left = if offers.is_empty() { typed } else { "" };
    let mut words: Vec<_> = before.split_whitespace().chain(left.split_whitespace()).collect();
    words.extend(offers);
    words.sort();
    format!("<{} >", words.join(" "))
}

/// Completes each line with a key that inserts all candidates, and runs it.
fn inserts_all_candidates(terminal: &mut Terminal, key: &str) {
    // Fish offers options here.
    let value_like_an_option = ("rio auth login --password -".to_owned(), Vec::new());
    for (line, offers) in candidates().into_iter().chain([value_like_an_option]) {
        terminal.types(&line);
        terminal.types(key);
        terminal.types("\r");
        terminal.waits_for(&completed(&line, &offers));
        terminal.waits_for("ready> ");
    }
}

/// An interactive bash that has sourced the script, with `set -u`.
fn bash(after: &str) -> Option<(Robot, Terminal)> {
    let bash = installed("bash")?;
    let robot = robot_with_script("bash", "rio.bash");
    with_files(&robot);
    let mut command = command(&robot, &bash);
    command.args(["--norc", "-i", "-u"]).env("PS1", "ready> ");
    let mut terminal = Terminal::start(command);
    terminal.waits_for("ready> ");
    terminal
        .types(&format!("source ./rio.bash; {after}; {SHOW_WORDS}; echo ready to' 'complete\r"));
    terminal.waits_for("ready to complete\r\n");
    terminal.waits_for("ready> ");
    Some((robot, terminal))
}

/// The key that inserts all candidates in readline.
const META_STAR: &str = "\x1b*";

#[test]
fn bash_completes_commands_options_and_values() {
    let Some((_robot, mut terminal)) = bash("true") else { return };
    inserts_all_candidates(&mut terminal, META_STAR);
}

#[test]
fn bash_completes_values_after_equals_sign() {
    // Bash splits words at =, but users can change that.
    for (after, completed) in
        [("true", "<--level=0 1 2 "), ("COMP_WORDBREAKS=' '", "<--level=0 --level=1 --level=2 ")]
    {
        let Some((_robot, mut terminal)) = bash(after) else { return };
        terminal.types("rio auth token --level=");
        terminal.types(META_STAR);
        terminal.types("\r");
        terminal.waits_for(completed);
    }
}

#[test]
fn fish_completes_commands_options_and_values() {
    let Some(fish) = installed("fish") else { return };
    let robot = robot_with_script("fish", "rio.fish");
    with_files(&robot);
    for (line, wanted) in candidates() {
        let line = line.replace('\'', "\"");
        let script = format!("source rio.fish; complete -C '{line}'");
        let output = command(&robot, &fish).args(["--no-config", "-c", &script]).output().unwrap();
        let mut offers = lines(output);
        for offer in &mut offers {
            match offer.find('\t') {
                Some(end) => offer.truncate(end),
                None => assert_eq!(offer, "log.txt", "undescribed"),
            }
        }
        offers.sort();
        assert_eq!(offers, wanted, "{line}");
    }
}

/// An interactive zsh that has loaded the script as the README says. `rio` prints its arguments.
fn zsh() -> Option<(Robot, Terminal)> {
    let zsh = installed("zsh")?;
    let robot = robot_with_script("zsh", "_rio");
    with_files(&robot);
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

/// Binds Ctrl-X to insert all candidates.
fn bind_ctrl_x(terminal: &mut Terminal) {
    terminal.types("zle -C all complete-word _generic; bindkey '^X' all\r");
    terminal.types("zstyle ':completion:all::::' completer _all_matches _complete\r");
    terminal.types("zstyle ':completion:all:*' insert yes\r");
    terminal.types(&format!("{SHOW_WORDS}; print ready to' 'insert\r"));
    terminal.waits_for("ready to insert\r\n");
    terminal.waits_for("ready> ");
}

#[test]
fn zsh_completes_commands_options_and_values() {
    let Some((_robot, mut terminal)) = zsh() else { return };
    bind_ctrl_x(&mut terminal);
    inserts_all_candidates(&mut terminal, "\x18");
    terminal.types("rio auth token --level=\x18\r");
    terminal.waits_for("<--level=0 --level=1 --level=2 auth token >");
}

#[test]
fn zsh_shows_descriptions() {
    for (typed, meanings) in [
        ("rio auth log", ["login   -- Log in and select", "logout  -- Log out and revoke"]),
        ("rio -", ["--help     -h  -- show this help", "--version  -V  -- print the version"]),
        ("rio auth environment ", ["dev  -- development", "ga   -- production"]),
        ("rio auth token --level=", ["0  -- 24 hours", "1  -- 7 days"]),
    ] {
        let Some((_robot, mut terminal)) = zsh() else { return };
        terminal.types(typed);
        terminal.types("\t\t");
        for meaning in meanings {
            terminal.waits_for(meaning);
        }
    }
}

#[test]
fn zsh_and_fish_keep_user_variables() {
    if let Some((_robot, mut terminal)) = zsh() {
        terminal.types("rio_help=1 line=my state=own matches=words caller=are help=here\r");
        terminal.types("rio auth stat\t\r");
        terminal.waits_for("<auth status>");
        terminal.types("print -r -- $line $state $matches $caller $help\r");
        terminal.waits_for("\nmy own words are here");
    }
    if let Some(fish) = installed("fish") {
        let robot = robot_with_script("fish", "rio.fish");
        let script = "set password my; set words own; set command words; source rio.fish; \
            complete -C 'rio auth stat'; echo $password $words $command";
        let output = command(&robot, &fish).args(["--no-config", "-c", script]).output().unwrap();
        assert_eq!(lines(output).last().unwrap(), "my own words");
    }
}

#[test]
fn nushell_declares_every_command_and_option() {
    let script = Robot::new().rio(&["completion", "nushell"]).run().exits(0).stdout;
    let externs: Vec<_> = script.split("export extern ").skip(1).collect();
    for (path, options) in COMMANDS {
        let name =
            format!("{:?} [\n", ["rio"].iter().chain(path).copied().collect::<Vec<_>>().join(" "));
        let body = externs.iter().find_map(|text| text.strip_prefix(&name)).expect("an extern");
        let (body, _) = body.split_once("\n]").unwrap();
        let mut declared: Vec<_> = body
            .lines()
            .filter_map(|line| line.trim().strip_prefix("--")?.split([':', '(', ' ']).next())
            .map(|name| format!("--{name}"))
            .collect();
        let mut wanted = [options, &["--help"]].concat();
        declared.sort();
        wanted.sort();
        assert_eq!(declared, wanted, "{name}");
    }
    // `rio help`, `rio auth help`, `rio organization help` and `rio project help`
    assert_eq!(externs.len(), COMMANDS.len() + 4);
}

#[test]
fn descriptions_equal_those_of_help() {
    let robot = Robot::new();
    let scripts = ["zsh", "fish", "nushell"]
        .map(|shell| robot.rio(&["completion", shell]).run().exits(0).stdout);
    for (path, _) in COMMANDS {
        let help = robot.rio(&[path, &["--help"]].concat()).run().exits(0).stdout;
        for (name, description) in described_names(&help) {
            if name.starts_with(|first: char| first.is_lowercase() || first == '-') {
                let is_in = |script: &String| script.contains(&description);
                assert!(scripts.iter().all(is_in), "{name}: {description}");
            }
        }
    }
}
