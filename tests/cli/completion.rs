//! `rio completion`: scripts that the shells accept, and what they complete, asked of the shells themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::robot::Robot;
use crate::skip::skip;
use crate::terminal::Terminal;

/// The shell's path; where it is missing, says so in the test's output.
fn shell(name: &str) -> Option<PathBuf> {
    let found = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        skip(format_args!("needs {name}"));
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
    let variables = [
        "i", "cur", "prev", "opts", "cmds", "cmd", "words", "cword", "word", "place", "option",
        "piece", "rest", "offers", "flags",
    ];
    let before: String = variables.map(|name| format!("{name}=mine\n")).concat();
    let after: String = variables.map(|name| format!("echo {name}=${name}\n")).concat();
    let Some(left) = bash_offers(&before, &["rio", "auth", "log"], &after) else { return };
    assert_eq!(left, variables.map(|name| format!("{name}=mine")));
}

#[test]
fn bash_gets_no_new_variables() {
    let before = "known=\" $(compgen -v | tr '\\n' ' ') \"";
    let after = "for name in $(compgen -v); do [[ $known == *\" $name \"* ]] || echo $name; done";
    let Some(left) = bash_offers(before, &["rio", "auth", "log"], after) else { return };
    // Bash's own, the answer, and those of this test.
    let mine = ["COMP", "BASH_", "FUNCNAME", "PIPESTATUS", "known", "name", "function"];
    let new: Vec<_> =
        left.iter().filter(|left| !mine.iter().any(|my| left.starts_with(my))).collect();
    assert!(new.is_empty(), "{new:?}");
}

#[test]
fn bash_completes_in_a_shell_that_forbids_unset_variables() {
    for words in [["rio", "auth", "log"], ["rio", "version", "--h"]] {
        let Some(offers) = bash_offers("set -u", &words, PRINT_OFFERS) else { return };
        assert!(!offers.is_empty(), "{words:?}");
    }
}

/// What each shell offers for the last word of a line. There are files, and none of them is offered.
const OFFERS: &[(&str, &[&str])] = &[
    ("rio ", &["auth", "completion", "help", "version"]),
    ("rio -", &["--help", "--version", "-V", "-h"]),
    ("rio h", &["help"]),
    ("rio auth l", &["login", "logout"]),
    ("rio auth --", &["--help"]),
    ("rio help ", &["auth", "completion", "version"]),
    ("rio help -", &[]),
    ("rio help auth log", &["login", "logout"]),
    ("rio help auth login ", &[]),
    ("rio auth help log", &["login", "logout"]),
    // Nothing fits but options, which are offered to who asks for them.
    ("rio version ", &[]),
    ("rio auth login ", &[]),
    ("rio auth status -", &["--help", "--json", "--verify", "-h"]),
    ("rio auth environment ", &["dev", "ga", "qa"]),
    ("rio auth environment g", &["ga"]),
    ("rio auth environment ga ", &[]),
    ("rio auth environment ga --", &["--help"]),
    ("rio auth environment pr123 ", &[]),
    ("rio completion ", &["bash", "fish", "nushell", "zsh"]),
    ("rio auth token --level ", &["0", "1", "2"]),
    ("rio auth token --level 1 --c", &["--current"]),
    ("rio auth token --level=1 --c", &["--current"]),
    ("rio auth login --email ", &[]),
    ("rio auth login --email=", &[]),
    ("rio auth login --email ada@example.com --pr", &["--project"]),
    ("rio auth login --email=ada@example.com --pr", &["--project"]),
    ("rio auth login --organization a:b=c@d --pr", &["--project"]),
    ("rio auth login --organization 'Acme Robotics' --pr", &["--project"]),
    ("rio auth login --organization Acme\\ Robotics --pr", &["--project"]),
    ("rio auth login --organization auth --pr", &["--project"]),
    ("rio auth login --organization --json --pr", &["--project"]),
    ("rio --organization auth auth stat", &["status"]),
    ("rio  auth   stat", &["status"]),
    ("true; rio auth stat", &["status"]),
    ("A=1 rio auth stat", &["status"]),
    ("rio nonsense ", &[]),
];

/// The files that no shell is to offer: each begins like something that was typed.
fn with_files(robot: &Robot) {
    for name in ["auth.txt", "log.txt", "ga.txt", "1", "-file"] {
        fs::write(robot.home().join(name), "").unwrap();
    }
}

/// In place of `rio`: shows the words that it is given, in order, so that the shells' order is the same.
const SHOW_WORDS: &str = "rio() { \
    echo \"<$(printf '%s ' \"$*\" | tr -s ' ' '\\n' | LC_ALL=C sort | tr '\\n' ' ')>\"; }";

/// What [`SHOW_WORDS`] shows of a line whose last word was replaced by all that is offered.
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

/// Has each line completed by a key that inserts all that is offered, and run.
fn inserts_all_offers(terminal: &mut Terminal, key: &str) {
    // Fish looks for an option there all the same.
    let value_like_an_option = ("rio auth login --password -", &[] as &[&str]);
    for (line, offers) in OFFERS.iter().chain([&value_like_an_option]) {
        terminal.types(line);
        terminal.types(key);
        terminal.types("\r");
        terminal.waits_for(&completed(line, offers));
        terminal.waits_for("ready> ");
    }
}

/// An interactive bash that has read the script, and allows no unset variables.
fn bash(after: &str) -> Option<(Robot, Terminal)> {
    let bash = shell("bash")?;
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

/// Readline's key for inserting all that is offered.
const META_STAR: &str = "\x1b*";

#[test]
fn bash_offers_what_fits_and_no_files() {
    let Some((_robot, mut terminal)) = bash("true") else { return };
    inserts_all_offers(&mut terminal, META_STAR);
}

#[test]
fn bash_offers_values_after_an_equals_sign() {
    // Bash takes = for a word of its own, unless the user has it otherwise.
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
fn fish_offers_what_fits_and_no_files() {
    let Some(fish) = shell("fish") else { return };
    let robot = robot_with_script("fish", "rio.fish");
    with_files(&robot);
    for (line, wanted) in OFFERS {
        let line = line.replace('\'', "\"");
        let script = format!("source rio.fish; complete -C '{line}'");
        let output = command(&robot, &fish).args(["--no-config", "-c", &script]).output().unwrap();
        let mut offers = lines(output);
        for offer in &mut offers {
            let end = offer.find('\t').unwrap_or_else(|| panic!("undescribed: {offer}"));
            offer.truncate(end);
        }
        offers.sort();
        assert_eq!(offers, *wanted, "{line}");
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

/// A key that inserts all that is offered.
fn bind_ctrl_x(terminal: &mut Terminal) {
    terminal.types("zle -C all complete-word _generic; bindkey '^X' all\r");
    terminal.types("zstyle ':completion:all::::' completer _all_matches _complete\r");
    terminal.types("zstyle ':completion:all:*' insert yes\r");
    terminal.types(&format!("{SHOW_WORDS}; print ready to' 'insert\r"));
    terminal.waits_for("ready to insert\r\n");
    terminal.waits_for("ready> ");
}

#[test]
fn zsh_offers_what_fits_and_no_files() {
    let Some((_robot, mut terminal)) = zsh() else { return };
    bind_ctrl_x(&mut terminal);
    inserts_all_offers(&mut terminal, "\x18");
    terminal.types("rio auth token --level=\x18\r");
    terminal.waits_for("<--level=0 --level=1 --level=2 auth token >");
}

#[test]
fn zsh_says_what_each_offer_is() {
    for (typed, meanings) in [
        ("rio auth log", ["login   -- Log in, and select", "logout  -- Log out: end the token"]),
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
fn zsh_and_fish_keep_the_users_variables() {
    if let Some((_robot, mut terminal)) = zsh() {
        terminal.types("place=my option=own word=words offers=are flags=here\r");
        terminal.types("rio auth stat\t\r");
        terminal.waits_for("<auth status>");
        terminal.types("print -r -- $place $option $word $offers $flags\r");
        terminal.waits_for("\nmy own words are here");
    }
    if let Some(fish) = shell("fish") {
        let robot = robot_with_script("fish", "rio.fish");
        let script = "source rio.fish; set place my; set option own; set word words; \
            complete -C 'rio auth stat'; echo $place $option $word";
        let output = command(&robot, &fish).args(["--no-config", "-c", script]).output().unwrap();
        assert_eq!(lines(output).last().unwrap(), "my own words");
    }
}

#[test]
fn the_meaning_of_an_option_is_that_of_the_help() {
    let robot = Robot::new();
    for shell in ["zsh", "fish", "nushell"] {
        let script = robot.rio(&["completion", shell]).run().exits(0).stdout;
        for path in [&["auth", "login"] as &[&str], &["auth", "token"], &["auth", "status"], &[]] {
            let help = robot.rio(&[path, &["--help"]].concat()).run().exits(0).stdout;
            let (_, options) = help.split_once("\nOptions:\n").unwrap();
            for row in options.lines().filter_map(|line| line.strip_prefix("  -")) {
                let (_, meaning) = row.split_once("  ").unwrap();
                assert!(script.contains(meaning.trim()), "{shell}: {meaning}");
            }
        }
    }
}
