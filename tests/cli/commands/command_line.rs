//! Parsing the command line, its errors, and the help pages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use argh::{ArgsInfo, CommandInfoWithArgs};
use platform::{Call, EMAIL, PASSWORD, Platform};
use rio::cli::args::Rio;
use serde_json::{Value, json};

use crate::robot::Robot;

/// Every command with its options, apart from `--help`.
pub const COMMANDS: [(&[&str], &[&str]); 17] = [
    (&[], &["--version"]),
    (&["auth"], &[]),
    (
        &["auth", "login"],
        &[
            "--email",
            "--password",
            "--password-file",
            "--auth-token",
            "--auth-token-file",
            "--organization",
            "--project",
            "--interactive",
            "--no-interactive",
            "--silent",
            "--yes",
            "--no-browser",
            "--no-qr",
            "--json",
            "--if-expires-within",
            "--timeout",
        ],
    ),
    (&["auth", "logout"], &["--json"]),
    (
        &["auth", "refresh-token"],
        &[
            "--password",
            "--password-file",
            "--interactive",
            "--no-interactive",
            "--silent",
            "--if-expires-within",
            "--json",
        ],
    ),
    (&["auth", "status"], &["--json", "--verify", "--min-valid"]),
    (
        &["auth", "token"],
        &["--email", "--password", "--password-file", "--level", "--current", "--min-valid"],
    ),
    (&["auth", "environment"], &["--yes", "--interactive", "--no-interactive", "--silent"]),
    (&["organization"], &[]),
    (&["organization", "list"], &["--json"]),
    (&["organization", "select"], &["--interactive", "--no-interactive", "--silent", "--json"]),
    (&["project"], &[]),
    (&["project", "list"], &["--json"]),
    (&["project", "select"], &["--interactive", "--no-interactive", "--silent", "--json"]),
    (&["doctor"], &["--offline", "--json"]),
    (&["version"], &[]),
    (&["completion"], &[]),
];

/// The commands, arguments and options in a help page, each with its description on one line.
pub fn described_names(help: &str) -> Vec<(String, String)> {
    let (help, _) = help.split_once("\nExamples:").unwrap_or((help, ""));
    let mut rows: Vec<(String, String)> = Vec::new();
    for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
        match (line.strip_prefix("  "), line.split_once("  ")) {
            (Some(rest), _) => {
                let (_, description) = rows.last_mut().expect("a row to continue");
                *description += &format!(" {}", rest.trim_start());
            }
            (None, Some((name, rest))) => {
                rows.push((name.to_owned(), rest.trim_start().to_owned()))
            }
            (None, None) => {}
        }
    }
    rows
}

/// The credentials that `rio auth token` sends with these arguments.
fn credentials_of(arguments: &[&str]) -> Value {
    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let arguments = [&["auth", "token"], arguments].concat();
    robot.rio(&arguments).stdin("from standard input\n").run();
    let [request] = platform.calls(Call::UserLogin).try_into().expect("one login");
    request.json()
}

/// A command and those below it, as in [`COMMANDS`].
fn declarations(
    path: Vec<&'static str>,
    command: &CommandInfoWithArgs,
) -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let options = command.flags.iter().map(|flag| flag.long).filter(|name| *name != "--help");
    let mut found = vec![(path.clone(), options.collect())];
    for below in &command.commands {
        found.extend(declarations([&path[..], &[below.name]].concat(), &below.command));
    }
    found
}

#[test]
fn table_of_commands_equals_the_declarations() {
    // The tests of help, completions, man page and READMEs compare them with the table.
    let declared = declarations(Vec::new(), &Rio::get_args_info());
    let table = COMMANDS.map(|(path, options)| (path.to_vec(), options.to_vec()));
    assert_eq!(declared, table);
}

#[test]
fn option_value_follows_space_or_equals_sign() {
    for (name, arguments, password) in [
        ("apart", &["--email", "a@b", "--password", "secret"] as &[&str], "secret"),
        ("attached", &["--email=a@b", "--password=secret"], "secret"),
        ("mixed", &["--email=a@b", "--password", "secret"], "secret"),
        ("equals signs in it", &["--email=a@b", "--password=a=b="], "a=b="),
        ("with a dash, apart", &["--email=a@b", "--password", "-x"], "-x"),
        ("with a dash, attached", &["--email=a@b", "--password=-x"], "-x"),
        ("an option, attached", &["--email=a@b", "--password=--current"], "--current"),
        ("help, attached", &["--email=a@b", "--password=--help"], "--help"),
        ("help, apart", &["--email=a@b", "--password", "-h"], "-h"),
        ("two dashes, attached", &["--email=a@b", "--password=--"], "--"),
        ("spaces in it", &["--email=a@b", "--password", " a b "], " a b "),
        ("standard input, apart", &["--email=a@b", "--password", "-"], "from standard input"),
        ("standard input, attached", &["--email=a@b", "--password=-"], "from standard input"),
    ] {
        let wanted = json!({"email": "a@b", "password": password});
        assert_eq!(credentials_of(arguments), wanted, "{name}");
    }
}

#[test]
fn repeated_option_uses_last_value() {
    let sent = credentials_of(&["--email=old@x", "--password=p", "--email", "new@x"]);
    assert_eq!(sent, json!({"email": "new@x", "password": "p"}));

    let platform = Platform::start();
    let robot = Robot::of(&platform);
    let arguments =
        ["auth", "token", "--email", EMAIL, "--level", "2", "--password", "-", "--level=1"];
    robot.rio(&arguments).stdin(PASSWORD).run().exits(0);
    assert_eq!(platform.calls(Call::UserLogin)[0].query, "type=med");
}

#[test]
fn last_interactive_switch_wins_and_silent_overrides() {
    for (switches, asks) in [
        (&[] as &[&str], true),
        (&["--interactive"], true),
        (&["--no-interactive"], false),
        (&["--interactive", "--no-interactive"], false),
        (&["--no-interactive", "--interactive"], true),
        (&["--no-interactive", "--interactive", "--no-interactive"], false),
        (&["--silent"], false),
        (&["--silent", "--interactive"], false),
        (&["--interactive", "--silent"], false),
        (&["--silent", "--no-interactive", "--interactive"], false),
    ] {
        let platform = Platform::start();
        let (robot, token) = Robot::logged_in(&platform);
        platform.revoke(&token);
        let arguments = [&["auth", "refresh-token"], switches].concat();
        let outcome = robot.rio(&arguments).stdin(PASSWORD).run();
        outcome.exits(if asks { 0 } else { 1 });
        assert_eq!(platform.calls(Call::UserLogin).len(), usize::from(asks), "{switches:?}");
    }
}

#[test]
fn help_and_readme_say_where_to_report_bugs() {
    const SUPPORT: &str = "rapyuta.io support";
    let help = Robot::new().rio(&["help"]).run().exits(0).stdout;
    for text in [&help, include_str!("../../../README.md")] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(SUPPORT), "{text}");
    }
}

#[test]
fn login_uses_last_interactive_switch() {
    for (switches, asks) in [
        (&["--interactive", "--no-interactive"] as &[&str], false),
        (&["--no-interactive", "--interactive"], true),
        (&["--silent", "--interactive"], false),
    ] {
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        let arguments = [&["auth", "login", "--email", EMAIL], switches].concat();
        let outcome = robot.rio(&arguments).stdin(PASSWORD).run();
        outcome.exits(if asks { 0 } else { 2 });
        assert_eq!(platform.requests().is_empty(), !asks, "{switches:?}");
    }
}

#[test]
fn unique_prefix_runs_the_command() {
    let robot = Robot::new();
    let status = robot.rio(&["auth", "status"]).run().exits(1).stdout;
    for beginning in [["auth", "stat"], ["au", "status"], ["a", "s"]] {
        robot.rio(&beginning).run().exits(1).prints(&status);
    }
    let version = robot.rio(&["version"]).run().exits(0).stdout;
    robot.rio(&["ver"]).run().exits(0).prints(&version);
    let help = robot.rio(&["help", "auth", "environment"]).run().exits(0).stdout;
    robot.rio(&["help", "a", "env"]).run().exits(0).prints(&help);
}

#[test]
fn ambiguous_prefix_lists_the_candidates() {
    let robot = Robot::new();
    for ambiguous in
        [&["auth", "log"] as &[&str], &["auth", "l", "--help"], &["help", "auth", "lo"]]
    {
        robot.rio(ambiguous).run().exits(2).says("login").says("logout").prints("");
    }
}

#[test]
fn command_of_the_python_rio_names_it() {
    let robot = Robot::new();
    let names = "apply chart compose configtree context delete deployment device disk explain graph hwil \
                 list-examples network oauth2 package parameter permission role secret service-account shell \
                 ssh-cert static-route template update usergroup vpn";
    let commands = names.split_whitespace().map(|name| vec![name, "list"]);
    let in_groups = [vec!["project", "create", "x"], vec!["auth", "whoami"]];
    for words in commands.chain(in_groups) {
        let outcome = robot.rio(&words).run().exits(2).prints("").hides("Did you mean");
        let outcome = outcome.says("The Python rio has more commands. To install it, run:");
        let lines: Vec<_> = outcome.stderr.lines().map(str::trim).collect();
        assert!(lines.contains(&"pip install rapyuta-io-cli"), "{words:?}\n{outcome}");
    }
    robot.rio(&["device", "list"]).run().says("rio: unknown command 'device'\n");
}

#[test]
fn python_program_has_one_name() {
    let robot = Robot::new();
    let mut shown = robot.rio(&["device"]).run().stderr;
    for (path, _) in COMMANDS {
        shown += &robot.rio(&[path, &["--help"]].concat()).run().stdout;
    }
    for other in ["full CLI", "Python CLI", "Python `rio`"] {
        assert!(!shown.contains(other), "{other}\n{shown}");
    }
}

#[test]
fn word_after_a_name_is_named_with_advice_to_quote_it() {
    let robot = Robot::new();
    for (arguments, word, command) in [
        (
            &["organization", "select", "Acme", "Robotics"] as &[&str],
            "Robotics",
            "rio organization select 'Acme Robotics'",
        ),
        (
            &["project", "select", "Bob's", "big", "fleet", "--silent"],
            "big",
            "rio project select 'Bob'\\''s big fleet'",
        ),
        (
            &["auth", "login", "--organization", "Acme", "Robotics", "--yes"],
            "Robotics",
            "rio auth login --organization 'Acme Robotics'",
        ),
        (
            &["auth", "login", "--silent", "--project=big", "fleet"],
            "fleet",
            "rio auth login --project 'big fleet'",
        ),
    ] {
        let outcome = robot.rio(arguments).run().exits(2).prints("");
        let advice = format!("Quote a name that contains blanks:\n    {command}\n");
        outcome.says(&format!("rio: unexpected argument '{word}'\n")).says(&advice);
    }
    // The values of these arguments have no blanks.
    for arguments in
        [&["auth", "environment", "dev", "qa"] as &[&str], &["completion", "bash", "zsh", "fish"]]
    {
        let outcome = robot.rio(arguments).run().exits(2).hides("Quote");
        outcome.says("rio: unexpected argument '").says("For usage, run:\n    rio");
    }
}

#[test]
fn empty_command_is_a_usage_error() {
    let robot = Robot::new();
    robot.rio(&["", "login"]).run().exits(2).says("'' is ambiguous: auth, ").prints("");
}

#[test]
fn typo_suggests_the_command() {
    let robot = Robot::new();
    for (words, advice) in [
        (
            &["lgoin"] as &[&str],
            "Did you mean this?\n    rio auth login\n  For usage, run:\n    rio --help\n",
        ),
        (&["login"], "Did you mean this?\n    rio auth login\n  For usage, run:\n    rio --help\n"),
        (&["hlep"], "Did you mean this?\n    rio help\n"),
        (
            &["aut", "lgoin"],
            "Did you mean this?\n    rio auth login\n  For usage, run:\n    rio auth --help\n",
        ),
        (&["auth", "refesh-token"], "Did you mean this?\n    rio auth refresh-token\n"),
        (&["auth", "stauts"], "Did you mean this?\n    rio auth status\n"),
        (&["auth", "logut"], "Did you mean this?\n    rio auth logout\n"),
        (&["auth", "logot"], "Did you mean this?\n    rio auth logout\n"),
        (&["help", "auth", "tken"], "Did you mean this?\n    rio auth token\n"),
    ] {
        robot.rio(words).run().exits(2).says("unknown command").says(advice).prints("");
    }
    for words in [&["device"] as &[&str], &["auth", "device"], &["auth", "login", "--bogus"]] {
        robot.rio(words).run().exits(2).hides("Did you mean");
    }
}

#[test]
fn errors_never_repeat_a_possible_secret() {
    let robot = Robot::new();
    for (name, arguments) in [
        ("misspelled, attached", &["auth", "login", "--passwrd=hunter2"] as &[&str]),
        ("misspelled, apart", &["auth", "login", "--passwrd", "hunter2"]),
        ("short, as with mysql", &["auth", "login", "-phunter2"]),
        ("short, attached", &["auth", "login", "-p=hunter2"]),
        ("attached without a separator", &["auth", "login", "--passwordhunter"]),
        ("short, letters only", &["auth", "login", "-phunter"]),
        ("unexpected", &["auth", "login", "hunter2"]),
        ("after two dashes", &["auth", "login", "--", "hunter2"]),
        ("a second word", &["auth", "login", "--password", "correct", "hunter2"]),
        ("a value for a switch", &["auth", "login", "--silent=hunter2"]),
        ("an option of another command", &["auth", "status", "--password=hunter2"]),
        ("at the top", &["--password=hunter2", "auth", "login"]),
        ("at the group", &["auth", "--password=hunter2", "login"]),
        ("no argument expected", &["auth", "logout", "hunter2"]),
        ("after an email", &["auth", "login", "--email", "a@b", "hunter2"]),
        (
            "after a name and a password",
            &["auth", "login", "--organization=a", "--password", "x", "hunter2"],
        ),
        ("after a name and two dashes", &["auth", "login", "--organization=a", "--", "hunter2"]),
        ("after a name and a switch", &["auth", "login", "--project=a", "--silent", "hunter2"]),
        ("a bad level", &["auth", "token", "--level", "hunter2"]),
        ("a bad shell", &["completion", "hunter2"]),
    ] {
        let outcome = robot.rio(arguments).run();
        assert!(!outcome.stderr.contains("hunter"), "{name}\n{outcome}");
        outcome.exits(2).prints("");
    }
}

#[test]
fn unknown_option_suggests_what_to_type() {
    let robot = Robot::new();
    for (arguments, option, advice) in [
        (&["auth", "login", "--passwrd=x"] as &[&str], "--passwrd", "Did you mean --password?"),
        (&["auth", "login", "--organisation", "x"], "--organisation", "mean --organization?"),
        (&["auth", "login", "--emial", "x"], "--emial", "Did you mean --email?"),
        (&["auth", "login", "--org=x"], "--org", "Did you mean --organization?"),
        (&["auth", "login", "--passwordx"], "", "Did you mean --password?"),
        (&["auth", "login", "--bogus"], "--bogus", "For usage, run:\n    rio auth login --help\n"),
        (&["auth", "status", "-j"], "-j", "For usage, run:\n    rio auth status --help\n"),
        (&["auth", "--bogus"], "--bogus", "For usage, run:\n    rio auth --help\n"),
    ] {
        let fact = format!("rio: unknown option {option}");
        robot.rio(arguments).run().exits(2).says(fact.trim_end()).says(advice).prints("");
    }
}

#[test]
fn invalid_or_missing_value_is_named() {
    let robot = Robot::new();
    for (arguments, named) in [
        (&["auth", "login", "--email"] as &[&str], "--email"),
        (&["auth", "login", "--email", "--silent"], "--email"),
        (&["auth", "login", "--email", "a@b", "--password"], "--password"),
        (&["auth", "login", "--silent=yes"], "--silent"),
        (&["auth", "login", "--email=", "--password=p"], "--email"),
        (&["auth", "login", "--auth-token="], "--auth-token"),
        (&["auth", "login", "--organization", ""], "--organization"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level", "3"], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level=-1"], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level="], "--level"),
        (&["auth", "token", "--email=a@b", "--password=p", "--level", "high"], "--level"),
        (&["auth", "environment", ""], "unknown environment"),
        (&["auth", "environment", "dev", "qa"], "unexpected argument"),
        (&["completion"], "missing argument SHELL"),
        (&["completion", "tcsh"], "nushell"),
        (&["version", "1"], "unexpected argument"),
    ] {
        robot.rio(arguments).run().exits(2).says(named).prints("");
    }
}

#[test]
fn incomplete_login_options_send_nothing() {
    for (name, arguments, missing) in [
        ("silent alone", &["--silent"] as &[&str], &["--email", "--password"] as &[&str]),
        ("not interactive", &["--no-interactive"], &["--email", "--password"]),
        ("no password", &["--silent", "--email", EMAIL], &["--password"]),
        ("no password, not interactive", &["--no-interactive", "--email", EMAIL], &["--password"]),
        ("no email", &["--silent", "--password", "hunter2"], &["--email"]),
        (
            "a project without organization, by password",
            &["--silent", "--email", EMAIL, "--password", PASSWORD, "--project", "simulation"],
            &["--organization"],
        ),
        (
            "a project without organization, by token",
            &["--silent", "--auth-token", "hunter2", "--project", "simulation"],
            &["--organization"],
        ),
        (
            "a project without organization, not interactive",
            &["--no-interactive", "--auth-token", "hunter2", "--project", "simulation"],
            &["--organization"],
        ),
    ] {
        let platform = Platform::start();
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        let mut outcome = robot.rio(&[&["auth", "login"], arguments].concat()).run();
        for option in missing {
            outcome = outcome.says(option);
        }
        outcome.exits(2).hides("hunter2").hides(PASSWORD).prints("");
        assert_eq!(platform.connections(), 0, "{name}");
        assert_eq!(robot.config_bytes(), before, "{name}");
    }
}

#[test]
fn invalid_level_sends_nothing() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let arguments = ["auth", "token", "--password", "-", "--level", "7"];
    robot.rio(&arguments).stdin(PASSWORD).run().exits(2).says("--level").prints("");
    assert_eq!(platform.connections(), 0);
}

#[test]
fn non_utf8_argument_is_a_usage_error() {
    let robot = Robot::new();
    for arguments in [&["auth", "login", "--email"] as &[&str], &["auth"], &[]] {
        let mut command = robot.rio(arguments).command();
        let output = command.arg(OsStr::from_bytes(b"hunter2\xff")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("UTF-8") && !stderr.contains("hunter2"), "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn group_without_command_prints_its_help_to_stderr() {
    let robot = Robot::new();
    for (arguments, command) in [(&[] as &[&str], "completion"), (&["auth"], "refresh-token")] {
        let help = robot.rio(&[&["help"], arguments].concat()).run().exits(0).stdout;
        let outcome = robot.rio(arguments).run().exits(2);
        let outcome = outcome.says("Usage:").says(command).prints("");
        assert_eq!(outcome.stderr, help);
    }
}

#[test]
fn help_works_at_every_level() {
    let robot = Robot::new();
    for (path, _) in COMMANDS {
        let help = robot.rio(&[&["help"], path].concat()).run().exits(0);
        assert!(help.stderr.is_empty(), "{help}");
        assert!(help.stdout.contains(&format!("Usage: rio {}", path.join(" "))), "{help}");
        for flag in ["--help", "-h"] {
            robot.rio(&[path, &[flag]].concat()).run().exits(0).prints(&help.stdout);
        }
        if let [group, command] = path {
            robot.rio(&[group, "help", command]).run().exits(0).prints(&help.stdout);
        }
    }
    for path in [
        &["auth", "login"] as &[&str],
        &["auth", "logout"],
        &["auth", "environment"],
        &["doctor"],
        &["completion"],
    ] {
        let help = robot.rio(&[&["help"], path].concat()).run().stdout;
        robot.rio(&[path, &["help"]].concat()).run().exits(0).prints(&help);
    }
    // An organization may have this name.
    robot.rio(&["organization", "select", "help"]).run().exits(1).says("not logged in");
    let auth = robot.rio(&["auth", "help"]).run().exits(0).stdout;
    robot.rio(&["help", "auth"]).run().prints(&auth);
}

#[test]
fn help_option_ignores_other_arguments() {
    let robot = Robot::new();
    let help = robot.rio(&["help", "auth", "login"]).run().stdout;
    for arguments in [
        &["auth", "login", "--silent", "--help"] as &[&str],
        &["auth", "login", "too", "many", "-h"],
        &["auth", "login", "-h", "--bogus"],
        &["help", "auth", "login", "--help"],
        &["help", "auth", "login", "-h"],
    ] {
        robot.rio(arguments).run().exits(0).prints(&help);
    }
    let top = robot.rio(&["help"]).run().stdout;
    robot.rio(&["help", "--help"]).run().exits(0).prints(&top);
}

#[test]
fn help_for_unknown_command_is_a_usage_error() {
    let robot = Robot::new();
    for arguments in [&["help", "nope"] as &[&str], &["auth", "help", "nope"]] {
        robot.rio(arguments).run().exits(2).says("nope").prints("");
    }
}

#[test]
fn help_fits_the_screen() {
    const LONGER: &[&str] = &["auth", "login"];
    let robot = Robot::new();
    for (path, _) in COMMANDS {
        let outcome = robot.rio(&[path, &["--help"]].concat()).run();
        let help = &outcome.stdout;
        assert!(help.lines().all(|line| line.len() <= 80), "{outcome}");
        // Commands are not broken.
        assert!(help.lines().all(|line| line.matches('`').count() % 2 == 0), "{outcome}");
        // The prompt takes the 24th line.
        let limit = if path == LONGER { 33 } else { 23 };
        assert!(help.lines().count() <= limit, "{outcome}");
    }
}

#[test]
fn help_lists_exactly_the_options_and_ends_with_examples() {
    let robot = Robot::new();
    for (path, options) in COMMANDS {
        let outcome = robot.rio(&[path, &["--help"]].concat()).run();
        let (_, rest) = outcome.stdout.split_once("\nOptions:\n").expect("options");
        // Other rows continue the one above.
        let rows = rest.lines().take_while(|line| !line.is_empty());
        let names = rows.filter(|row| row.starts_with("  -"));
        let listed: Vec<_> = names
            .map(|row| row.split_whitespace().find(|word| word.starts_with("--")).expect("a name"))
            .collect();
        assert_eq!(listed, [options, &["--help"]].concat(), "{outcome}");
        if path.is_empty() {
            assert!(!rest.contains("Examples"), "no room\n{outcome}");
            continue;
        }
        let (_, examples) = rest.split_once("\nExamples:\n").expect("examples");
        assert!(examples.starts_with("  # "), "the first line is a comment\n{outcome}");
        let mut commands = examples.lines().filter(|line| !line.starts_with("  # "));
        let command = format!("rio {}", path.join(" "));
        assert!(commands.any(|line| line.contains(&command)), "{outcome}");
        assert!(examples.lines().all(|line| line.starts_with("  ")), "{outcome}");
    }
}

#[test]
fn description_says_main_effect_and_surprise() {
    const LOGIN: &[&str] = &["auth", "login"];
    const REFRESH: &[&str] = &["auth", "refresh-token"];
    const NAME: &str = "exact name or GUID of the";
    let robot = Robot::new();
    for (path, name, parts) in [
        (LOGIN, "--silent", &["no login by phone", "implies --yes"] as &[&str]),
        (LOGIN, "--no-interactive", &["like --silent"]),
        (LOGIN, "--json", &["no prompts", "implies --yes"]),
        (LOGIN, "--password-file PATH", &["- for standard input"]),
        (LOGIN, "--organization NAME", &[NAME]),
        (LOGIN, "--project NAME", &[NAME]),
        (LOGIN, "--timeout DURATION", &["90s, 10m", "exit with code 3"]),
        (LOGIN, "--if-expires-within DURATION", &["valid for longer", "first third"]),
        (REFRESH, "--if-expires-within DURATION", &["valid for longer", "first third"]),
        (&["auth", "token"], "--min-valid DURATION", &["2d, 12h, 90m", "first third", "warns"]),
        (&["auth", "status"], "--min-valid DURATION", &["exit with 1", "2d, 12h, 90m"]),
        (&["organization", "select"], "NAME", &[NAME]),
        (&["project", "select"], "NAME", &[NAME]),
    ] {
        let help = robot.rio(&[path, &["--help"]].concat()).run().exits(0).stdout;
        let mut rows = described_names(&help).into_iter();
        let (_, description) = rows.find(|(row, _)| row == name).expect(name);
        assert!(parts.iter().all(|part| description.contains(part)), "{name}: {description}");
    }
}

#[test]
fn top_help_leads_to_the_other_pages() {
    let help = Robot::new().rio(&["--help"]).run().exits(0).stdout;
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("no {text}\n{help}"));
    assert!(at("Commands:") < at("`rio help COMMAND`") && at("`man rio`") < at("Exit codes: 0"));
    assert!(help.ends_with(":\n  pip install rapyuta-io-cli\n"), "{help}");
    // The man page has the environment variables.
    assert!(!help.contains("RIO_") && !help.contains("PROXY"), "{help}");
}

#[test]
fn group_help_lists_every_command() {
    let robot = Robot::new();
    for (path, _) in COMMANDS {
        let [.., name] = path else { continue };
        let group = &path[..path.len() - 1];
        let help = robot.rio(&[group, &["--help"]].concat()).run();
        let named = |line: &str| line.split_whitespace().next() == Some(*name);
        assert!(help.stdout.lines().any(named), "{name}\n{help}");
    }
}

#[test]
fn version_is_a_command_and_an_option() {
    let robot = Robot::new();
    let version = robot.rio(&["version"]).run().exits(0).stdout;
    for arguments in [["version"], ["--version"], ["-V"], ["-v"]] {
        let outcome = robot.rio(&arguments).run().exits(0).prints(&version);
        assert!(outcome.stderr.is_empty(), "{outcome}");
    }
}
