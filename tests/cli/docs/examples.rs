//! The scripts, commands, links and file names in the documentation.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use platform::{Answer, Call, Platform};
use serde_json::json;

use super::json::PROGRAMS;
use super::programs::MAN_PAGE;
use crate::commands::command_line::COMMANDS;
use crate::robot::skip::installed;
use crate::robot::{FakeClock, Outcome, Robot, binary};

pub const README: &str = include_str!("../../../README.md");
const IMAGES: &str = include_str!("../../../src/dist/images-and-fleets.md");
const BUILD: &str = include_str!("../../../src/dist/build-and-sign.md");
const FLEET_README: &str = include_str!("../../../src/dist/fleet/README.md");
const PLAYBOOK: &str = include_str!("../../../src/dist/fleet/playbook.yml");
const DEPLOY: &str = include_str!("../../../src/dist/fleet/deploy.py");
const CHANGELOG: &str = include_str!("../../../CHANGELOG.md");

/// The code block that contains this text.
pub fn example(page: &'static str, text: &str) -> &'static str {
    let mut blocks = page.split("\n```").skip(1).step_by(2);
    let block = blocks.find(|block| block.contains(text)).expect("an example");
    block.split_once('\n').unwrap().1
}

/// Only `rio` is in the robot's `PATH`.
pub fn with_rio_in_path(robot: Robot) -> Robot {
    let bin = robot.home().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(binary(), bin.join("rio")).unwrap();
    robot.env("PATH", bin)
}

fn with_rio_and_tools_in_path(robot: Robot) -> Robot {
    let robot = with_rio_in_path(robot);
    let path = format!("{}:/usr/bin:/bin", robot.home().join("bin").display());
    robot.env("PATH", path)
}

/// Runs a script. Functions in it replace programs.
pub fn run(robot: &Robot, shell: &Path, script: &str, arguments: &[&str]) -> Outcome {
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
        example(IMAGES, "while :").replace("/var/lib/rio/config.json", &path)
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
    let robot = with_rio_and_tools_in_path(robot);
    let line = example(IMAGES, "7-59/10").strip_prefix("7-59/10 * * * * ").unwrap();
    let line = line.replace("/var/lib/rio/config.json", &robot.config_path().display().to_string());
    let script =
        format!("logger() {{ sed \"s/^/$* /\"; }}\nsleep() {{ [ \"$1\" -lt 64 ]; }}\n{line}");
    run(&robot, &sh, &script, &[]).exits(0).prints("-t rio Token refreshed.\n");
    assert_ne!(robot.config()["auth_token"], token);
    // Nothing to do, nothing to log.
    run(&robot, &sh, &script, &[]).exits(0).prints("");
}

#[test]
fn metrics_script_tells_a_revoked_login_from_one_that_is_missing() {
    let Some(sh) = installed("sh") else { return };
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let robot = with_rio_and_tools_in_path(robot);
    let script = example(IMAGES, "# rio-metrics DIRECTORY");
    let run = |code| {
        run(&robot, &sh, script, &[robot.home().to_str().unwrap()]).exits(code).prints("");
        fs::read_to_string(robot.home().join("rio.prom")).unwrap()
    };
    let metrics = || run(0);
    let valid = metrics();
    let (state, expiry) = valid.split_at("rio_logged_in 1\nrio_login_rejected 0\n".len());
    assert_eq!(state, "rio_logged_in 1\nrio_login_rejected 0\n");
    let status = robot.rio(&["auth", "status", "--json"]).run().json();
    let expires = &status["token"]["expires_at_unix"];
    assert_eq!(expiry, format!("rio_token_expires_seconds {expires}\n"));

    platform.revoke(&token);
    assert!(metrics().starts_with("rio_logged_in 1\nrio_login_rejected 1\n"));
    robot.set_config(json!({"auth_token": "opaque"}));
    assert_eq!(metrics(), "rio_logged_in 1\nrio_login_rejected 1\n");
    robot.set_config(json!({"auth_token": null}));
    let without_login = "rio_logged_in 0\nrio_login_rejected 0\n";
    assert_eq!(metrics(), without_login);
    fs::write(robot.config_path(), "[]").unwrap();
    // Nothing is known, so the old file stays, and its age tells.
    assert_eq!(run(1), without_login);
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
fn documentation_names_only_commands_and_options_that_exist() {
    let robot = Robot::new();
    for (page, least) in
        [(README, 20), (IMAGES, 11), (PROGRAMS, 5), (MAN_PAGE, 11), (FLEET_README, 1)]
    {
        let code = code(page);
        let commands: Vec<_> = code.iter().flat_map(|line| arguments_in(line)).collect();
        assert!(commands.len() >= least);
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

/// The anchors of the headings in a page, as GitHub forms them.
fn anchors(page: &str) -> Vec<String> {
    let titles = page.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || " -".contains(*c);
    titles
        .map(|title| title.trim_matches(['#', ' ']).to_lowercase())
        .map(|title| title.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = [
        ("README.md", README),
        ("src/dist/images-and-fleets.md", IMAGES),
        ("src/dist/programs.md", PROGRAMS),
        ("src/dist/build-and-sign.md", BUILD),
        ("src/dist/fleet/README.md", FLEET_README),
    ];
    for (path, page) in pages {
        let links = page.split("](").skip(1).map(|text| text.split(')').next().unwrap());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let page = root.join(path);
            let target = if file.is_empty() { page } else { page.with_file_name(file) };
            let target = fs::read_to_string(target).unwrap_or_else(|_| panic!("{path}: {link}"));
            let leads = anchor.is_empty() || anchors(&target).iter().any(|name| name == anchor);
            assert!(leads, "{path}: {link}");
        }
    }
}

#[test]
fn file_names_and_changelog_have_this_version() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let (_, latest) = CHANGELOG.split_once("\n## ").unwrap();
    assert!(latest.starts_with(&format!("{VERSION} (")), "{VERSION} is not in CHANGELOG.md");
    assert!(PLAYBOOK.contains(&format!("\n    version: {VERSION}\n")));
    assert!(DEPLOY.contains(&format!("\nVERSION = \"{VERSION}\"\n")));
    for (page, prefix) in [
        (README, "rio-"),
        (README, "rio-cli_"),
        (README, "prints "),
        (IMAGES, "rio-"),
        (IMAGES, "rio-cli_"),
        (IMAGES, "rio_"),
        (IMAGES, "RIO_VERSION = "),
        (FLEET_README, "rio-"),
    ] {
        let names = page.split(prefix).skip(1);
        let versions: Vec<_> =
            names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).collect();
        assert!(!versions.is_empty(), "no file name starts with {prefix}");
        for name in versions {
            assert!(name.starts_with(VERSION), "{prefix}{}", &name[..20]);
        }
    }
}

#[test]
fn recipes_name_the_checksum_of_the_license() {
    let Some(md5sum) = installed("md5sum") else { return };
    let license = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE");
    let printed = Command::new(md5sum).arg(license).output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    let sum = printed.split(' ').next().unwrap();
    assert!(IMAGES.contains(&format!("file://LICENSE;md5={sum} ")), "{printed}");
}

#[test]
fn buildroot_recipe_installs_executable_and_units() {
    let Some(make) = installed("make") else { return };
    let robot = Robot::new().env("PATH", "/usr/bin:/bin");
    let archive = robot.home().join("archive");
    fs::create_dir_all(archive.join("systemd")).unwrap();
    for name in ["rio", "systemd/rio-refresh.service", "systemd/rio-refresh.timer"] {
        fs::write(archive.join(name), name).unwrap();
    }
    // What Buildroot does with the recipe.
    let makefile = format!(
        "INSTALL = install\nTARGET_DIR = target\n{}\n\
         archive/installed:\n\t$(RIO_INSTALL_TARGET_CMDS)\n\t$(RIO_INSTALL_INIT_SYSTEMD)\n",
        example(IMAGES, "# package/rio/rio.mk")
    );
    fs::write(robot.home().join("Makefile"), makefile).unwrap();
    let units = robot.home().join("target/usr/lib/systemd/system");
    let mut command = robot.command(make);
    command.arg("archive/installed");
    let output = command.output().unwrap();
    Outcome::of(&command, output).exits(0);
    assert_eq!(fs::read_to_string(robot.home().join("target/usr/bin/rio")).unwrap(), "rio");
    for unit in ["rio-refresh.service", "rio-refresh.timer"] {
        assert_eq!(fs::read_to_string(units.join(unit)).unwrap(), format!("systemd/{unit}"));
    }
}
