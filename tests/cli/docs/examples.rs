//! The scripts and file names in `README.md` and `src/dist/README.md`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use platform::{Answer, Call, EMAIL, Platform};
use serde_json::json;

use crate::commands::command_line::COMMANDS;
use crate::robot::skip::installed;
use crate::robot::{FakeClock, Outcome, Robot, binary};

const README: &str = include_str!("../../../README.md");
const DIST_README: &str = include_str!("../../../src/dist/README.md");
const CHANGELOG: &str = include_str!("../../../CHANGELOG.md");

/// The code block that contains this text.
fn example(page: &'static str, text: &str) -> &'static str {
    let mut blocks = page.split("\n```").skip(1).step_by(2);
    let block = blocks.find(|block| block.contains(text)).expect("an example");
    block.split_once('\n').unwrap().1
}

/// Only `rio` is in the robot's `PATH`.
fn with_rio_in_path(robot: Robot) -> Robot {
    let bin = robot.home().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(binary(), bin.join("rio")).unwrap();
    robot.env("PATH", bin)
}

/// Runs a script. Functions in it replace programs.
fn run(robot: &Robot, shell: &Path, script: &str, arguments: &[&str]) -> Outcome {
    let mut command: Command = robot.command(shell);
    if shell.ends_with("busybox") {
        command.arg("sh");
    }
    command.args(["-c", script, "script"]).args(arguments);
    let output = command.output().unwrap();
    Outcome::of(&command, output)
}

#[test]
fn curl_example_sends_the_token_and_hides_it_from_ps() {
    let Some(curl) = installed("curl") else { return };
    for shell in ["dash", "busybox", "bash"] {
        let Some(shell) = installed(shell) else { continue };
        let platform = Platform::start();
        let (robot, token) = Robot::logged_in(&platform);
        let script = format!(
            "curl() {{ echo \"$*\" >&2; {} \"$@\"; }}\n{}",
            curl.display(),
            example(README, "curl").replace("https://api.rapyuta.io", platform.url())
        );
        let robot = with_rio_in_path(robot);
        run(&robot, &shell, &script, &[]).exits(0).says("-H @-").says(platform.url()).hides(&token);
        let requests = platform.requests();
        let [request] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {token}")));

        // Without a token, curl does not run.
        robot.set_config(json!({"auth_token": null}));
        let outcome = run(&robot, &shell, &script, &[]).exits(1).says("you are not logged in");
        assert!(!outcome.stderr.contains("@-"), "{outcome}");
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
fn shell_script_continues_after_failure_and_waits_ten_minutes() {
    let Some(busybox) = installed("busybox") else { return };
    let platform = Platform::start();
    platform.opaque_tokens();
    platform.answer(Call::RefreshToken, Answer::json(503, json!({})));
    let (robot, token) = Robot::logged_in(&platform);
    let robot = with_rio_in_path(robot);
    let path = robot.config_path().display().to_string();
    let script = format!(
        "sleep() {{ echo \"$1\"; count=$((count + 1)); [ \"$count\" -lt 3 ]; }}\n{}",
        example(DIST_README, "while :").replace("/var/lib/rio/config.json", &path)
    );
    let waits_three_times = |outcome: Outcome| {
        let waits: Vec<u32> = outcome.stdout.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(waits.len(), 3, "{outcome}");
        assert!(waits.iter().all(|wait| (600..720).contains(wait)), "{outcome}");
    };
    // A temporary failure, a refresh, and nothing to do.
    waits_three_times(run(&robot, &busybox, &script, &[]));
    assert_eq!(platform.calls(Call::RefreshToken).len(), 2);
    assert_ne!(robot.config()["auth_token"], token);

    let without_rio = robot.env("PATH", "/missing");
    waits_three_times(run(&without_rio, &busybox, &script, &[]));
}

#[test]
fn cron_line_refreshes_the_token() {
    let Some(sh) = installed("sh") else { return };
    let platform = Platform::start();
    platform.opaque_tokens();
    let (robot, token) = Robot::logged_in(&platform);
    let line = example(DIST_README, "7-59/10").strip_prefix("7-59/10 * * * * ").unwrap();
    let line = line.replace("/usr/local/bin/rio", &binary().display().to_string());
    let line = line.replace("/var/lib/rio/config.json", &robot.config_path().display().to_string());
    let script = format!("logger() {{ sed \"s/^/$* /\"; }}\n{line}");
    run(&robot, &sh, &script, &[]).exits(0).prints("-t rio Token refreshed.\n");
    assert_ne!(robot.config()["auth_token"], token);
    // Nothing to do, nothing to log.
    run(&robot, &sh, &script, &[]).exits(0).prints("");
}

/// Replaces ssh: runs the command on this machine, with a config file for each host. The host `away` is unreachable.
const SSH: &str = r#"ssh() {
    while [ $# -gt 2 ]; do shift; done
    [ "$1" != away ] || return 255
    RIO_CONFIG=$HOME/$1.json sh -c "$2"
}
"#;

#[test]
fn fleet_script_shows_all_links_and_results() {
    let (Some(sh), Some(_)) = (installed("sh"), installed("jq")) else { return };
    let platform = Platform::start();
    platform.interval(1);
    platform.approve_after(1);
    let robot = with_rio_in_path(Robot::new());
    let path = format!("{}:/usr/bin:/bin", robot.home().join("bin").display());
    let robot = robot.env("PATH", path);
    let hosts = ["robot-1", "robot-2"];
    for host in hosts {
        let file = robot.home().join(format!("{host}.json"));
        fs::write(file, platform.config().to_string()).unwrap();
    }
    let script = format!("{SSH}{}", example(DIST_README, "# login-fleet"));
    let outcome = run(&robot, &sh, &script, &["robot-1", "robot-2", "away"]).exits(0);
    let has = |line: &str| outcome.stdout.lines().any(|shown| shown.starts_with(line));
    for host in hosts {
        assert!(has(&format!("{host}: {}/device?user_code=", platform.url())), "{outcome}");
        assert!(has(&format!("{host}: logged in as {EMAIL}")), "{outcome}");
    }
    assert!(has("away: failed with exit code 255"), "{outcome}");
    assert_eq!(outcome.stdout.lines().count(), 5, "{outcome}");
}

/// The code in a page: each code span, and each line of a code block.
fn code(page: &str) -> Vec<String> {
    let mut code = Vec::new();
    for (number, part) in page.split("```").enumerate() {
        match number % 2 {
            0 => {
                code.extend(part.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")))
            }
            _ => code.extend(part.replace("\\\n", " ").lines().map(str::to_owned)),
        }
    }
    code
}

/// The arguments of each `rio` in a line of code.
fn arguments_in(line: &str) -> Vec<Vec<&str>> {
    let commands = line.split(['|', ';', '&', '>', '(', ')', '#']);
    let words = commands.map(|command| command.split_whitespace().collect::<Vec<_>>());
    let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    words
        .filter_map(|words| {
            // The last match: a Docker image and a volume are named `rio`, too.
            let is_rio =
                |word: &&str| *word == "rio" || word.ends_with("/rio") && !word.contains('=');
            let name = words.iter().rposition(is_rio)?;
            let arguments = words[name + 1..].to_vec();
            arguments.first().is_some_and(is_word).then_some(arguments)
        })
        .collect()
}

#[test]
fn readmes_name_only_commands_and_options_that_exist() {
    let robot = Robot::new();
    for page in [README, DIST_README] {
        let code = code(page);
        let commands: Vec<_> = code.iter().flat_map(|line| arguments_in(line)).collect();
        assert!(commands.len() > 10);
        for arguments in commands {
            // rio prints help only if it knows every argument before `--help`.
            robot.rio(&[&arguments[..], &["--help"]].concat()).run_at(&FakeClock::new()).exits(0);
        }
        for line in code.iter().filter(|line| line.starts_with("--")) {
            let option = line.split([' ', '=']).next().unwrap();
            assert!(COMMANDS.iter().any(|(_, options)| options.contains(&option)), "{option}");
        }
    }
}

#[test]
fn file_names_and_changelog_have_this_version() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let (_, latest) = CHANGELOG.split_once("\n## ").unwrap();
    assert!(latest.starts_with(&format!("{VERSION} (")), "{VERSION} is not in CHANGELOG.md");
    for prefix in ["`rio-", " rio-", "rio-cli_", "/rio_"] {
        let names = DIST_README.split(prefix).skip(1);
        let versions: Vec<_> =
            names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).collect();
        assert!(!versions.is_empty(), "no file name starts with {prefix}");
        for name in versions {
            assert!(name.starts_with(VERSION), "{prefix}{}", &name[..20]);
        }
    }
}
