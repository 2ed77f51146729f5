//! The config file: its path, its permissions, and that no write loses a member.

use std::ffi::{CStr, CString};
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use platform::{Call, EMAIL, PASSWORD, Platform};
use rio::config::ConfigFile;
use rio::error::{Error, Exit};
use rio::machine::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::robot::skip::{installed, skip};
use crate::robot::{ClosedPort, FakeClock, Outcome, PLAIN_USER, Robot, binary, is_root};

/// Writes the file and sends nothing.
const WRITE: [&str; 3] = ["auth", "environment", "dev"];

const LOGIN: [&str; 7] = ["auth", "login", "--email", EMAIL, "--password", PASSWORD, "--silent"];

/// Every command that reads the file.
const COMMANDS: [&[&str]; 10] = [
    &["auth", "login", "--yes", "--no-browser"],
    &LOGIN,
    &["auth", "login", "--auth-token", "t0ken", "--silent"],
    &["auth", "logout"],
    &["auth", "refresh-token"],
    &["auth", "status"],
    &["auth", "status", "--verify", "--json"],
    &["auth", "token", "--email", EMAIL, "--password", PASSWORD],
    &["auth", "token", "--current"],
    &WRITE,
];

/// Runs a command with an empty standard input.
fn outcome(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Outcome::of(command, output)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The names in a directory, sorted.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The directory holds the config file and nothing else: no temporary file. The lock of a refresh stays.
#[track_caller]
fn assert_alone(file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let mut names = names_in(file.parent().unwrap());
    names.retain(|found| *found != format!(".{name}.refresh.lock"));
    assert_eq!(names, [name]);
}

/// Runs the command that the program advises; it contains this word.
#[track_caller]
fn follow_the_advice(robot: &Robot, outcome: &Outcome, word: &str) {
    let mut commands = outcome.stderr.lines().filter_map(|line| line.strip_prefix("    "));
    let line = commands.find(|line| line.contains(word));
    let line = line.unwrap_or_else(|| panic!("a command with {word} wanted\n{outcome}"));
    let shell = Command::new("sh").arg("-c").arg(line).current_dir(robot.home()).output().unwrap();
    assert!(shell.status.success(), "{line}\n{shell:?}\n{outcome}");
}

// Path.

#[test]
fn environment_variables_determine_path() {
    let home = |robot: &Robot, path: &str| robot.home().join(path);
    for (variables, expected) in [
        (&[][..], ".config/rio-cli/config.json"),
        (&[("XDG_CONFIG_HOME", "~/xdg")][..], "xdg/rio-cli/config.json"),
        (&[("XDG_CONFIG_HOME", "")][..], ".config/rio-cli/config.json"),
        // The XDG specification: "consider the path invalid and ignore it".
        (&[("XDG_CONFIG_HOME", "xdg")][..], ".config/rio-cli/config.json"),
        (&[("RIO_CONFIG", "~/there/my rio.json")][..], "there/my rio.json"),
        (&[("RIO_CONFIG", "here.json")][..], "here.json"),
        (&[("RIO_CONFIG", ""), ("XDG_CONFIG_HOME", "~/xdg")][..], "xdg/rio-cli/config.json"),
        (&[("RIO_CONFIG", "~/one"), ("XDG_CONFIG_HOME", "~/xdg")][..], "one"),
    ] {
        println!("case: {variables:?}");
        let mut robot = Robot::new();
        for (name, value) in variables {
            let value = match value.strip_prefix("~/") {
                Some(rest) => home(&robot, rest).into_os_string(),
                None => value.into(),
            };
            robot = robot.env(name, value);
        }
        robot.rio(&WRITE).run().exits(0);
        let written = fs::read(home(&robot, expected)).unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["environment"], "dev");
        let first = Path::new(expected).iter().next().unwrap().to_str().unwrap();
        assert_eq!(names_in(robot.home()), [first], "one entry in the home directory");
    }
}

#[test]
fn missing_home_is_an_error_that_names_rio_config() {
    // A relative HOME is ignored. (If HOME is unset, /etc/passwd has the home directory.)
    let platform = Platform::start();
    for arguments in COMMANDS {
        let robot = Robot::new().env("HOME", "nowhere").env("HTTPS_PROXY", platform.url());
        robot.rio(arguments).run().exits(1).prints_no_result().says("RIO_CONFIG");
        assert_eq!(names_in(robot.home()), [""; 0], "{arguments:?}");
    }
    assert!(platform.requests().is_empty());

    let robot = Robot::new().env("HOME", "nowhere").env("RIO_CONFIG", "named.json");
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(names_in(robot.home()), ["named.json"]);
    Robot::new().env("HOME", "nowhere").rio(&["version"]).run().exits(0);
}

#[test]
fn unset_home_falls_back_to_passwd_entry() {
    let robot = Robot::new();
    // SAFETY: the result is copied before the next call.
    let home = unsafe {
        let user = libc::getpwuid(libc::geteuid());
        (!user.is_null()).then(|| CStr::from_ptr((*user).pw_dir).to_str().unwrap().to_owned())
    };
    let Some(home) = home.filter(|home| home.starts_with('/')) else {
        skip("needs a user with a home directory in /etc/passwd");
        return;
    };
    // The home directory is real, so the test only reads.
    let mut status = robot.rio(&["auth", "status"]).command();
    let outcome = outcome(status.env_remove("HOME"));
    let path = default_path_in(&home);
    assert!(outcome.stdout.contains(&path) || outcome.stderr.contains(&path), "{path}\n{outcome}");
}

fn default_path_in(home: &str) -> String {
    match cfg!(target_os = "macos") {
        true => format!("{home}/Library/Application Support/rio-cli/config.json"),
        false => format!("{home}/.config/rio-cli/config.json"),
    }
}

impl Outcome {
    /// Standard output is empty. `--json` prints errors, too.
    #[track_caller]
    fn prints_no_result(self) -> Self {
        if self.arguments.iter().any(|word| word == "--json") { self } else { self.prints("") }
    }
}

/// No shell has replaced the variable, or removed the quotes.
#[test]
fn write_creates_no_directories_for_a_relative_path() {
    for path in ["$HOME/rio.json", "%h/rio.json", "'/data/rio.json'", "a/b.json"] {
        let robot = Robot::new().env("RIO_CONFIG", path);
        let outcome = robot.rio(&WRITE).run().exits(1);
        outcome
            .says(&format!("cannot write {path}: no such file"))
            .says("to an absolute path")
            .hides("mkdir");
        assert_eq!(fs::read_dir(robot.home()).unwrap().count(), 0, "{path}");
    }
    let robot = Robot::new().env("RIO_CONFIG", "a/b.json");
    fs::create_dir(robot.home().join("a")).unwrap();
    robot.rio(&WRITE).run().exits(0);
}

#[test]
fn write_creates_at_most_two_directories() {
    let robot = Robot::new();
    for (path, made) in [("a/b/c.json", true), ("x/y/z/c.json", false)] {
        let file = robot.home().join(path);
        let outcome = outcome(robot.rio(&WRITE).command().env("RIO_CONFIG", &file));
        match made {
            true => drop(outcome.exits(0)),
            false => {
                let outcome = outcome.exits(1).says(&file.display().to_string());
                let directory = file.parent().unwrap().display();
                outcome.says(&format!("To create it, run:\n    mkdir -p {directory}\n"));
            }
        }
        assert_eq!(file.exists(), made);
    }
    assert_eq!(names_in(robot.home()), ["a"]);
}

#[test]
fn failed_command_leaves_no_empty_directory() {
    let robot = Robot::new().env("HTTPS_PROXY", ClosedPort::new().url());
    let login = || robot.rio(&["auth", "login", "--silent", "--auth-token", "t0ken"]);
    login().run_at(&FakeClock::new()).exits(3);
    assert!(!robot.config_path().parent().unwrap().exists());

    let directory = robot.config_path().parent().unwrap().to_owned();
    fs::create_dir_all(&directory).unwrap();
    login().run_at(&FakeClock::new()).exits(3);
    assert!(directory.exists(), "only directories that rio created are removed");
}

#[test]
fn file_in_place_of_directory_is_an_error() {
    let robot = Robot::new();
    fs::write(robot.home().join("file"), "mine").unwrap();
    let path = robot.home().join("file/config.json");
    let robot = robot.env("RIO_CONFIG", &path);
    for arguments in COMMANDS {
        let outcome = robot.rio(arguments).run_at(&FakeClock::new()).exits(1);
        outcome.says(&path.display().to_string()).says("RIO_CONFIG");
    }
    assert_eq!(fs::read(robot.home().join("file")).unwrap(), b"mine");
}

// Permissions.

#[test]
fn new_file_and_directories_are_private_under_any_umask() {
    for umask in [0o000, 0o022, 0o077, 0o277, 0o777] {
        println!("case: umask {umask:03o}");
        let robot = Robot::new();
        let mut command = robot.rio_as_plain_user(&WRITE);
        // SAFETY: umask is async-signal-safe and cannot fail.
        unsafe {
            command.pre_exec(move || {
                libc::umask(umask);
                Ok(())
            });
        }
        outcome(&mut command).exits(0);
        let file = robot.config_path();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        assert_eq!(mode(&robot.home().join(".config")), 0o700);
        assert_alone(&file);
    }
}

#[test]
fn write_sets_mode_0600() {
    for loose in [0o644, 0o666, 0o640, 0o604, 0o777, 0o400] {
        let robot = Robot::new();
        robot.write_config(&json!({"machine_id": 7}));
        let directory = robot.config_path().parent().unwrap().to_owned();
        set_mode(&robot.config_path(), loose);
        set_mode(&directory, 0o755);
        robot.rio(&WRITE).run().exits(0);
        assert_eq!(mode(&robot.config_path()), 0o600, "was {loose:o}");
        assert_eq!(mode(&directory), 0o755, "the mode of an existing directory stays");
        assert_eq!(robot.config()["machine_id"], 7);
    }
}

#[test]
fn root_keeps_owner_of_file() {
    if !is_root() {
        skip("needs root, to write to the file of another user");
        return;
    }
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    chown(robot.config_path(), Some(PLAIN_USER), Some(PLAIN_USER + 1)).unwrap();
    robot.rio(&WRITE).run().exits(0);
    let metadata = fs::metadata(robot.config_path()).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (PLAIN_USER, PLAIN_USER + 1));
    assert_eq!(mode(&robot.config_path()), 0o600);
}

// Contents.

#[test]
fn write_keeps_members_of_other_programs() {
    let members = [
        ("piping_server", r#""https://piping.example""#),
        ("huge", "1e400"),
        ("long", "12345678901234567890123"),
        ("one", "1.0"),
        ("exponent", "1E+2"),
        ("minus", "-0"),
        ("precise", "0.1000000000000000055511151231257827"),
        ("nothing", "null"),
        ("no", "false"),
        ("spaced", "[1,   2,\n        {\"b\": 1, \"a\": 2, \"b\": 3} ]"),
        ("surrogate", r#""\ud800 and \udfff""#),
        ("escapes", r#""\u00e9 \/ \" \\ \u0000 \u001b[31m""#),
        ("empty", r#"{}"#),
        ("twice", "1"),
        ("twice", "2"),
        ("", r#""a name may be empty""#),
        ("auth_token ", r#""not the token""#),
        ("Auth_Token", r#""nor this""#),
        ("hwil_auth_token", r#""another secret""#),
        ("organization", r#"{"organization_id": "org-kept"}"#),
    ];
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let members = members.into_iter().chain([("deep", &*deep)]);

    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let login = robot.config();
    let login =
        login.as_object().unwrap().iter().map(|(name, value)| format!("\"{name}\": {value}"));
    let kept: Vec<_> = members.map(|(name, value)| format!("\"{name}\": {value}")).collect();
    // Members of other programs before, between and after rio's own.
    let mut all: Vec<_> = kept.clone();
    login.enumerate().for_each(|(index, member)| all.insert(3 * index + 2, member));
    robot.write_config_text(format!("{{{}}}", all.join(",\t")));

    for arguments in [&["auth", "refresh-token"][..], &LOGIN, &["auth", "logout"], &WRITE] {
        robot.rio(arguments).run().exits(0);
        let text = String::from_utf8(robot.config_bytes()).unwrap();
        let mut rest = &*text;
        for member in &kept {
            let found = rest.find(member.as_str());
            let found = found.unwrap_or_else(|| panic!("{member} after {arguments:?} in\n{text}"));
            rest = &rest[found + member.len()..];
        }
        // No member is duplicated.
        assert_eq!(text.matches("\"twice\"").count(), 2, "{text}");
        assert_eq!(text.matches("\"piping_server\"").count(), 1, "{text}");
    }
}

#[test]
fn write_keeps_spelling_of_member_names() {
    // The last three are lone surrogates: valid JSON, but no Unicode text (RFC 8259 §8.2).
    let names = [
        (r"\ud83d\ude00", r"\ud83d\ude00"),
        ("é 🤖", r"\u00e9 \ud83e\udd16"),
        (r"a\/b", r"a\/b"),
        (r"\u0000", r"\u0000"),
        (r"\udce9t\udce9", r"\udce9t\udce9"),
        (r"\ud83d", r"\ud83d"),
        (r"\ude00\ud83d", r"\ude00\ud83d"),
    ];
    for (name, written) in names {
        println!("case: {name}");
        let robot = Robot::new();
        robot.write_config_text(format!("{{\"{name}\": 1, \"machine_id\": 7}}"));
        robot.rio(&WRITE).run().exits(0);
        let text = String::from_utf8(robot.config_bytes()).unwrap();
        assert!(text.contains("\"machine_id\": 7"), "{text}");
        assert!(text.contains(&format!("\"{written}\": 1")), "{text}");
    }
}

#[test]
fn write_escapes_non_ascii_characters() {
    let robot = Robot::new();
    let config = json!({"site": "Zürich 🤖", "floors": ["Erdgeschoß"], "project_name": "Depôt"});
    robot.write_config(&config);
    robot.rio(&WRITE).run().exits(0);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains(r#""site": "Z\u00fcrich \ud83e\udd16""#), "{text}");
    let written = robot.config();
    assert_eq!((&written["site"], &written["floors"]), (&config["site"], &config["floors"]));
}

#[test]
fn escaped_name_of_own_member_is_recognized() {
    let robot = Robot::new();
    robot.write_config_text(r#"{"auth\u005ftoken": "t0ken"}"#);
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints("t0ken\n");
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(robot.config().get("auth_token"), None);
}

#[test]
fn duplicate_token_uses_last_value_and_logout_removes_both() {
    let platform = Platform::start();
    let robot = Robot::new();
    let token = platform.issue_token();
    let url = platform.url();
    robot.write_config_text(format!(
        r#"{{"rip_host": "{url}", "auth_token": "first", "x": 1, "auth_token": "{token}"}}"#
    ));
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints(&format!("{token}\n"));
    robot.rio(&["auth", "logout"]).run().exits(0);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    assert!(!text.contains("auth_token"), "{text}");
    assert!(text.contains("\"x\": 1"), "{text}");
}

#[test]
fn empty_file_counts_as_missing() {
    let robot = Robot::new();
    robot.write_config_text("");
    robot.rio(&["auth", "token", "--current"]).run().exits(1).says("not logged in");
    robot.rio(&["auth", "logout"]).run().exits(0);
    robot.write_config_text("");
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(robot.config()["environment"], "dev");
}

#[test]
fn invalid_file_stops_every_command_and_stays_unchanged() {
    let platform = Platform::start();
    let mut config = platform.config();
    config["auth_token"] = platform.issue_token().into();
    let good = config.to_string().into_bytes();
    let cut = good[..good.len() - 1].to_vec();
    let with = |before: &[u8], after: &[u8]| [before, &good, after].concat();
    let files = [
        ("an array", with(b"[", b"]")),
        ("two objects", with(b"", b"\n{}")),
        ("text", b"auth_token = abc".to_vec()),
        ("a string", br#""{}""#.to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("HTML", b"<html></html>".to_vec()),
        ("spaces", b" \n".to_vec()),
        ("zeros, as after a power loss", vec![0; 4096]),
        ("a truncated object", cut.clone()),
        ("a truncated string", b"{\"auth_token\": \"abc".to_vec()),
        ("a trailing comma", [&cut[..], b",}"].concat()),
        ("a comment", with(b"", b"// mine")),
        ("single quotes", b"{'auth_token': 'abc'}".to_vec()),
        ("a byte order mark", with(b"\xef\xbb\xbf", b"")),
        ("UTF-16", with(b"", b"").iter().flat_map(|byte| [*byte, 0]).collect()),
        ("invalid UTF-8", [&cut[..], b",\"x\":\"\xff\"}"].concat()),
        ("a raw line break in a string", [&cut[..], b",\"x\":\"\n\"}"].concat()),
        ("more than 1 MiB", with(b"", &vec![b' '; 1024 * 1024])),
        ("2 MiB", [&cut[..], b",\"x\":\"", &vec![b'x'; 2 * 1024 * 1024], b"\"}"].concat()),
    ];
    for (name, bytes) in &files {
        for arguments in COMMANDS {
            println!("case: {name}, {arguments:?}");
            // The proxy would show a request to a default host.
            let robot = Robot::new().env("HTTPS_PROXY", platform.url());
            robot.write_config_text(bytes);
            robot
                .rio(arguments)
                .run_at(&FakeClock::new())
                .exits(1)
                .prints_no_result()
                .says(&robot.config_path().display().to_string())
                .says("mv ");
            assert_eq!(robot.config_bytes(), *bytes);
            assert_alone(&robot.config_path());
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn syntax_error_names_line_and_column_but_no_text() {
    let robot = Robot::new();
    for (text, words) in [
        ("7", "config.json is not a JSON object\n"),
        ("[]", "config.json is not a JSON object\n"),
        ("[\"s3cret\"]", "config.json is not a JSON object\n"),
        ("{\n \"a\" 1}", "config.json is not a JSON object (line 2, column 6)\n"),
        ("{\"auth_token\": \"s3cret\",\n  \"x\": }", " (line 2, column 8)\n"),
        ("{\"auth_token\": \"s3cret\"\n", " (line 2, column 0)\n"),
        ("{\"auth_token\": s3cret}", " (line 1, column 16)\n"),
        ("{\"auth_token\": 1}", "config.json is not a string\n"),
    ] {
        robot.write_config_text(text);
        for command in ["logout", "status"] {
            let outcome = robot.rio(&["auth", command]).run().exits(1).says(words);
            outcome
                .says("To move it aside, which removes this login, run:")
                .hides("entity")
                .hides("s3cret");
        }
    }
}

#[test]
fn file_of_1_mib_is_read_and_larger_is_an_error() {
    let robot = Robot::new();
    let mut text = String::from(r#"{"auth_token": "t0ken"}"#);
    text.push_str(&" ".repeat(1024 * 1024 - text.len()));
    robot.write_config_text(&text);
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints("t0ken\n");
    text.push(' ');
    robot.write_config_text(&text);
    robot.rio(&["auth", "token", "--current"]).run().exits(1).says("1 MiB");
}

#[test]
fn write_fails_if_file_would_exceed_1_mib() {
    const MIB: usize = 1024 * 1024;
    let write = |length: usize| {
        let robot = Robot::new();
        robot.write_config(&json!({"maps": "a".repeat(length)}));
        let before = robot.config_bytes();
        let outcome = robot.rio(&WRITE).run();
        (outcome, before, robot.config_bytes())
    };
    let (_, _, after) = write(0);
    let room = MIB - after.len();
    let (outcome, _, after) = write(room);
    outcome.exits(0);
    assert_eq!(after.len(), MIB);
    let (outcome, before, after) = write(room + 1);
    outcome.exits(1).says("would become larger than 1 MiB");
    assert!(after == before);
}

#[test]
fn advised_mv_command_works() {
    for name in ["config.json", "my robot.json", "ada's $HOME `rio` \"x\".json", "-n.json"] {
        println!("case: {name}");
        let robot = Robot::new().env("RIO_CONFIG", name);
        fs::write(robot.home().join(name), "[]").unwrap();
        let outcome = robot.rio(&["auth", "status"]).run().exits(1);
        follow_the_advice(&robot, &outcome, "mv ");
        let left = names_in(robot.home());
        assert_eq!(left.len(), 1, "{left:?}");
        assert_ne!(left[0], name);
        assert_eq!(fs::read(robot.home().join(&left[0])).unwrap(), b"[]", "the file is as it was");
        let outcome = robot.rio(&["auth", "status"]).run().exits(1);
        assert!(outcome.stdout.contains("Not logged in"), "{outcome}");
    }
}

#[test]
fn directory_or_pipe_is_an_error_without_mv() {
    let platform = Platform::start();
    for pipe in [false, true] {
        for arguments in COMMANDS {
            println!("case: pipe {pipe}, {arguments:?}");
            let robot = Robot::new().env("HTTPS_PROXY", platform.url());
            let path = robot.config_path();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if pipe {
                let path = CString::new(path.as_os_str().as_bytes()).unwrap();
                // SAFETY: a valid string.
                assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
            } else {
                fs::create_dir(&path).unwrap();
            }
            let outcome = robot.rio(arguments).run_at(&FakeClock::new()).exits(1);
            let kind = if pipe { "is not a regular file" } else { "is a directory" };
            let outcome = outcome.prints_no_result().says(&format!("{} {kind}", path.display()));
            outcome.says("Set RIO_CONFIG to").hides("mv ");
            let still = fs::symlink_metadata(&path).unwrap().file_type();
            assert_eq!(still.is_dir(), !pipe);
            assert_alone(&path);
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn pipe_of_process_substitution_is_an_error() {
    let Some(bash) = installed("bash") else { return };
    // Bash replaces `<(cat f)` with /dev/fd/63, which is a link to a name that does not exist.
    let robot = Robot::new();
    robot.write_config(&json!({"auth_token": "t0ken"}));
    for arguments in ["auth token --current", "auth status", "auth logout"] {
        let script = format!("RIO_CONFIG=<(cat \"$1\") \"$2\" {arguments}");
        let mut command = Command::new(&bash);
        command.args(["-c", &script, "bash"]).arg(robot.config_path()).arg(binary());
        outcome(&mut command).exits(1).prints("").says("/dev/fd/").says("is not a regular file");
    }
}

#[test]
fn device_is_an_error() {
    let platform = Platform::start();
    for device in ["/dev/null", "/dev/zero"] {
        for arguments in COMMANDS {
            println!("case: {device}, {arguments:?}");
            let robot = Robot::new().env("RIO_CONFIG", device).env("HTTPS_PROXY", platform.url());
            // As another user: a bug under root would delete /dev/null.
            let outcome = outcome(&mut robot.rio_as_plain_user(arguments)).exits(1);
            outcome.prints_no_result().says(device).says("RIO_CONFIG");
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn unreadable_file_stops_every_command() {
    let platform = Platform::start();
    for arguments in COMMANDS {
        println!("case: {arguments:?}");
        let robot = Robot::new().env("HTTPS_PROXY", platform.url());
        robot.write_config(&platform.config());
        let bytes = robot.config_bytes();
        let mut command = robot.rio_as_plain_user(arguments);
        set_mode(&robot.config_path(), 0);
        let outcome = outcome(&mut command).exits(1).prints_no_result();
        let outcome = outcome.says(&robot.config_path().display().to_string());
        // The contents may be good, so moving it aside is no advice.
        let outcome = outcome.says("permission denied").hides("mv ");
        assert_eq!(mode(&robot.config_path()), 0);
        follow_the_advice(&robot, &outcome, "chmod ");
        assert_eq!(mode(&robot.config_path()), 0o600);
        assert_eq!(robot.config_bytes(), bytes);
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn needed_member_of_wrong_type_is_an_error() {
    let platform = Platform::start();
    let token = ["auth", "token", "--password", PASSWORD];
    for (member, arguments) in [
        ("auth_token", &["auth", "token", "--current"][..]),
        ("auth_token", &["auth", "status"]),
        ("auth_token", &["auth", "status", "--verify"]),
        ("auth_token", &["auth", "refresh-token"]),
        ("auth_token", &["auth", "logout"]),
        ("auth_token", &["auth", "login", "--email", EMAIL]),
        ("email_id", &token),
        ("email_id", &["auth", "status"]),
        ("organization_id", &["auth", "status"]),
        ("project_name", &["auth", "status"]),
        ("environment", &["auth", "status"]),
        ("environment", &LOGIN),
        ("rip_host", &token),
        ("rip_host", &LOGIN),
        ("v2api_host", &LOGIN),
        ("oidc_host", &["auth", "login"]),
        ("device_flow_client_id", &["auth", "login", "--yes"]),
    ] {
        for value in ["5", "[]", "{}", "true", r#""\ud800""#] {
            println!("case: {member} {value}, {arguments:?}");
            let robot = Robot::new();
            let mut config = platform.config();
            config["auth_token"] = "t0ken".into();
            config["email_id"] = EMAIL.into();
            if member == "environment" {
                // The environment is needed only for a host without a key.
                config.as_object_mut().unwrap().remove("v2api_host");
            }
            config[member] = "HERE".into();
            robot.write_config_text(config.to_string().replace("\"HERE\"", value));
            let before = robot.config_bytes();
            robot
                .rio(arguments)
                .stdin(PASSWORD)
                .run_at(&FakeClock::new())
                .exits(1)
                .prints("")
                .says(member)
                .says(&robot.config_path().display().to_string())
                .says("mv ");
            assert_eq!(robot.config_bytes(), before);
        }
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn unneeded_member_of_wrong_type_is_ignored() {
    let robot = Robot::new();
    robot.write_config(&json!({"auth_token": "t0ken", "email_id": 5, "project_name": []}));
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints("t0ken\n");
    robot.write_config(&json!({"auth_token": 5, "email_id": 5, "project_name": [], "x": 5}));
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(robot.config()["x"], 5);
    assert_eq!(robot.config()["auth_token"], Value::Null);
}

#[test]
fn invalid_host_stops_only_commands_that_need_it() {
    let platform = Platform::start();
    let current = ["auth", "token", "--current"];
    let all = ["environment", "oidc_host", "rip_host", "v2api_host"];
    // Every host has a key, so no command needs the environment.
    for (arguments, needed) in [
        (&current[..], &[][..]),
        (&["auth", "status"], &[]),
        (&["auth", "logout"], &[]),
        (&["auth", "status", "--verify"], &["rip_host"]),
        (&["auth", "refresh-token"], &["rip_host"]),
        (&["auth", "token", "--password", PASSWORD], &["rip_host"]),
        (&LOGIN, &["rip_host", "v2api_host"]),
    ] {
        for member in all.iter().filter(|member| !needed.contains(*member)) {
            println!("case: {member}, {arguments:?}");
            let (robot, _) = Robot::logged_in(&platform);
            robot.set_config(json!({*member: "nonsense"}));
            robot.rio(arguments).run().exits(0);
            assert_eq!(robot.config()[*member], "nonsense");
        }
    }
}

#[test]
fn null_counts_as_missing() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let mut config = robot.config();
    for member in ["organization_id", "project_id", "environment", "device_flow_client_id"] {
        config[member] = Value::Null;
    }
    robot.write_config(&config);
    robot.rio(&["auth", "status"]).run().exits(0);
    robot.rio(&["auth", "token", "--current"]).run().exits(0).prints(&format!("{token}\n"));
}

// Replacement.

#[test]
fn write_replaces_file_and_never_edits_in_place() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let before = robot.config_bytes();
    // A process that has the old file open still sees the old contents.
    let witness = robot.home().join("witness");
    fs::hard_link(robot.config_path(), &witness).unwrap();
    let mut open = File::open(robot.config_path()).unwrap();
    robot.rio(&WRITE).run().exits(0);
    let mut seen = Vec::new();
    open.read_to_end(&mut seen).unwrap();
    assert_eq!(seen, before);
    assert_eq!(fs::read(witness).unwrap(), before);
    assert_ne!(robot.config_bytes(), before);
    assert_alone(&robot.config_path());
}

#[test]
fn symbolic_link_is_followed_and_kept() {
    for (name, links) in [
        ("absolute", &[("config.json", "~/real/target.json")][..]),
        ("relative", &[("config.json", "../../real/target.json")][..]),
        ("a chain", &[("config.json", "next"), ("next", "../../real/target.json")][..]),
    ] {
        for dangling in [false, true] {
            println!("case: {name}, dangling {dangling}");
            let robot = Robot::new();
            let directory = robot.config_path().parent().unwrap().to_owned();
            fs::create_dir_all(&directory).unwrap();
            fs::create_dir(robot.home().join("real")).unwrap();
            for (link, target) in links {
                let target = match target.strip_prefix("~/") {
                    Some(rest) => robot.home().join(rest),
                    None => PathBuf::from(target),
                };
                symlink(target, directory.join(link)).unwrap();
            }
            let target = robot.home().join("real/target.json");
            if !dangling {
                fs::write(&target, r#"{"machine_id": 7}"#).unwrap();
            }
            let before = names_in(&directory);
            robot.rio(&WRITE).run().exits(0);
            for (link, _) in links {
                assert!(directory.join(link).is_symlink());
            }
            assert_eq!(names_in(&directory), before);
            assert_alone(&target);
            assert_eq!(mode(&target), 0o600);
            assert_eq!(robot.config()["environment"], "dev");
            assert_eq!(robot.config()["machine_id"], if dangling { Value::Null } else { 7.into() });
        }
    }
}

#[test]
fn symbolic_link_to_directory_is_kept() {
    let robot = Robot::new();
    fs::create_dir_all(robot.home().join("dotfiles")).unwrap();
    symlink("dotfiles", robot.home().join(".config")).unwrap();
    robot.rio(&WRITE).run().exits(0);
    assert!(robot.home().join(".config").is_symlink());
    assert!(robot.home().join("dotfiles/rio-cli/config.json").is_file());
}

#[test]
fn symbolic_link_loop_is_an_error() {
    let robot = Robot::new();
    let path = robot.config_path();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("other", &path).unwrap();
    symlink("config.json", path.with_file_name("other")).unwrap();
    for arguments in COMMANDS {
        let outcome = robot.rio(arguments).run_at(&FakeClock::new()).exits(1);
        outcome.says(&path.display().to_string()).says("too many levels of symbolic links");
        assert!(path.is_symlink());
    }
}

#[test]
fn write_removes_leftover_temporary_file() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    // `crash_safety` kills real processes.
    let left = robot.config_path().with_file_name(".config.json.tmp");
    fs::write(&left, "{\"machine_id\": ").unwrap();
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(robot.config()["environment"], "dev");
    assert_alone(&robot.config_path());
}

/// Sets a resource limit of this process.
fn limit(resource: i32, bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: a valid struct.
    match unsafe { libc::setrlimit(resource as _, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[test]
fn planted_link_at_temporary_name_is_not_followed() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let victim = robot.home().join("victim");
    fs::write(&victim, "mine").unwrap();
    symlink(&victim, robot.config_path().with_file_name(".config.json.tmp")).unwrap();
    robot.rio(&WRITE).run().exits(0);
    assert_eq!(fs::read(&victim).unwrap(), b"mine");
    assert!(!robot.config_path().is_symlink());
    assert_alone(&robot.config_path());
}

/// A program that has the file open would read the next token.
#[test]
fn temporary_file_open_to_others_is_not_used() {
    type Open = fn(&Robot, &Path);
    let mut cases: Vec<(&str, Open)> = vec![
        ("readable by all", |_, temporary| set_mode(temporary, 0o644)),
        ("under a second name", |robot, temporary| {
            fs::hard_link(temporary, robot.home().join("other")).unwrap();
        }),
    ];
    if is_root() {
        cases.push(("of another user", |_, temporary| {
            chown(temporary, Some(PLAIN_USER), None).unwrap();
        }));
    }
    for (name, open_to_others) in cases {
        let robot = Robot::new();
        robot.write_config(&json!({"machine_id": 7}));
        let temporary = robot.config_path().with_file_name(".config.json.tmp");
        fs::write(&temporary, "").unwrap();
        set_mode(&temporary, 0o600);
        open_to_others(&robot, &temporary);
        let mut open = File::open(&temporary).unwrap();
        robot.rio(&WRITE).run().exits(0);
        let mut text = String::new();
        open.read_to_string(&mut text).unwrap();
        assert_eq!(text, "", "{name}");
        assert_alone(&robot.config_path());
    }
}

// Failures.

/// Runs each command where it cannot write the file. It says so before any request and changes nothing.
/// `run` returns `None` if this machine cannot be changed like that.
#[track_caller]
fn assert_that_file_cannot_be_written(
    commands: &[&[&str]],
    words: &[&str],
    run: impl Fn(&Robot, &[&str]) -> Option<Outcome>,
) {
    let platform = Platform::start();
    for arguments in commands {
        println!("case: {arguments:?}");
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        let Some(outcome) = run(&robot, arguments) else { return };
        let path = robot.config_path();
        let outcome = outcome.exits(1).prints("").says(path.to_str().unwrap()).says("RIO_CONFIG");
        words.iter().fold(outcome, |outcome, words| outcome.says(words));
        assert_eq!(robot.config_bytes(), before);
        assert_alone(&path);
    }
    assert!(platform.requests().is_empty());
}

#[test]
fn tilde_in_rio_config_is_the_home_directory() {
    for (variable, path) in [("~/rio.json", "rio.json"), ("~/a/b.json", "a/b.json")] {
        let robot = Robot::new().env("RIO_CONFIG", variable);
        robot.rio(&WRITE).run().exits(0);
        assert!(robot.home().join(path).exists(), "{variable}");
        assert!(!robot.home().join("~").exists(), "{variable}");
    }
    let robot = Robot::new().env("RIO_CONFIG", "~ada");
    robot.rio(&WRITE).run().exits(0);
    assert!(robot.home().join("~ada").exists());
    Robot::new().env("RIO_CONFIG", "~").rio(&WRITE).run().exits(1).says("is a directory");
    let robot = Robot::new().env("RIO_CONFIG", "~ada/rio.json");
    robot.rio(&WRITE).run().exits(1).says("RIO_CONFIG (~ada/rio.json)");
    assert_eq!(names_in(robot.home()), [""; 0]);
}

#[test]
fn unwritable_directory_is_an_error_before_any_request() {
    let commands = [&LOGIN[..], &["auth", "refresh-token"], &["auth", "login", "--yes"], &WRITE];
    assert_that_file_cannot_be_written(&commands, &["permission denied"], |robot, arguments| {
        let directory = robot.config_path().parent().unwrap().to_owned();
        let mut command = robot.rio_as_plain_user(arguments);
        set_mode(&directory, 0o500);
        let outcome = outcome(&mut command);
        // Otherwise only root could delete the temporary directory.
        set_mode(&directory, 0o700);
        Some(outcome)
    });
}

#[test]
fn file_of_another_user_is_never_replaced() {
    if !is_root() {
        skip("needs root, to create a file of another user");
        return;
    }
    let commands = [&LOGIN[..], &["auth", "refresh-token"], &["auth", "logout"], &WRITE];
    let words = ["operation not permitted"];
    assert_that_file_cannot_be_written(&commands, &words, |robot, arguments| {
        let mut command = robot.rio_as_plain_user(arguments);
        // The user may read the file and owns the directory, so the system would allow a rename.
        chown(robot.config_path(), Some(0), Some(0)).unwrap();
        set_mode(&robot.config_path(), 0o644);
        let outcome = outcome(&mut command);
        let metadata = fs::metadata(robot.config_path()).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o644));
        Some(outcome)
    });
}

#[test]
fn unwritable_home_is_an_error() {
    let robot = Robot::new();
    let mut command = robot.rio_as_plain_user(&WRITE);
    set_mode(robot.home(), 0o500);
    let outcome = outcome(&mut command);
    set_mode(robot.home(), 0o700);
    let outcome = outcome.exits(1).says(&robot.config_path().display().to_string());
    outcome.says("Run rio as a user who may write there, or set RIO_CONFIG to a file of your own.");
}

#[test]
fn failed_write_keeps_old_file_and_leaves_no_temporary() {
    let commands = [&WRITE[..], &["auth", "refresh-token"], &["auth", "logout"]];
    assert_that_file_cannot_be_written(&commands, &["too large"], |robot, arguments| {
        let mut command = robot.rio(arguments).command();
        // SAFETY: setrlimit is async-signal-safe and reads a valid struct.
        unsafe { command.pre_exec(|| limit(libc::RLIMIT_FSIZE as i32, 10)) };
        Some(outcome(&mut command))
    });
}

#[test]
fn room_for_a_larger_token_is_checked_before_the_request() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let size = robot.config_bytes().len() as u64 + 4096;
    let mut command = robot.rio(&["auth", "refresh-token"]).command();
    // SAFETY: setrlimit is async-signal-safe and reads a valid struct.
    unsafe { command.pre_exec(move || limit(libc::RLIMIT_FSIZE as i32, size)) };
    outcome(&mut command).exits(1).says("too large");
    assert!(platform.requests().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_an_error_and_keeps_old_file() {
    const SCRIPT: &str = r#"
        mount -t tmpfs -o size=8k,mode=700 tmpfs "$1" || exit 77
        cp "$2" "$1/config.json" || exit 77
        head -c 65536 /dev/zero >"$1/rest" 2>/dev/null
        RIO_CONFIG="$1/config.json" "$3" auth environment dev
        code=$?
        cmp "$2" "$1/config.json" || exit 78
        ls -A "$1"
        exit $code
    "#;
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let disk = robot.home().join("disk");
    fs::create_dir(&disk).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(&disk).arg(robot.config_path()).arg(binary());
    let Some(outcome) = outcome_in_a_mount_namespace(&mut command) else { return };
    let path = disk.join("config.json").display().to_string();
    let outcome =
        outcome.exits(1).says(&path).says("RIO_CONFIG").says("no space").says("Free some disk");
    outcome.prints("config.json\nrest\n");
}

#[cfg(target_os = "linux")]
#[test]
fn read_only_disk_is_an_error_before_any_request() {
    const SCRIPT: &str = r#"
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
        shift
        exec "$@"
    "#;
    let commands = [&["auth", "refresh-token"][..], &["auth", "login", "--yes"], &WRITE];
    assert_that_file_cannot_be_written(&commands, &["read-only"], |robot, arguments| {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(robot.config_path().parent().unwrap());
        command.arg(binary()).args(arguments).env("HOME", robot.home());
        command.env_remove("RIO_CONFIG").env_remove("XDG_CONFIG_HOME");
        outcome_in_a_mount_namespace(&mut command)
    });
}

/// Runs a command in a mount namespace. `None` if it cannot mount, which it reports with exit code 77.
#[cfg(target_os = "linux")]
pub fn outcome_in_a_mount_namespace(command: &mut Command) -> Option<Outcome> {
    // SAFETY: both calls are async-signal-safe; the strings are valid.
    unsafe {
        command.pre_exec(|| {
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let none = std::ptr::null();
            let done = libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, c"/".as_ptr(), none, private, none.cast()) == 0;
            if done { Ok(()) } else { Err(io::Error::last_os_error()) }
        });
    }
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.code() != Some(77) => output,
        Ok(output) => {
            skip(format_args!("needs to mount a file system: {output:?}"));
            return None;
        }
        Err(error) => {
            skip(format_args!("needs a mount namespace: {error}"));
            return None;
        }
    };
    Some(Outcome::of(command, output))
}

#[cfg(target_os = "linux")]
#[test]
fn mounted_file_is_an_error_before_any_request() {
    // A single file mounted into a container can be written to, but not replaced.
    const SCRIPT: &str = r#"
        mount --bind "$RIO_CONFIG" "$RIO_CONFIG" || exit 77
        mount -t tmpfs none /proc || exit 77
        exec "$@"
    "#;
    let commands = [&LOGIN[..], &["auth", "refresh-token"], &["auth", "login", "--yes"], &WRITE];
    let words = ["Mount its directory instead of the file"];
    assert_that_file_cannot_be_written(&commands, &words, |robot, arguments| {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).arg(binary()).args(arguments);
        command.env("HOME", robot.home()).env("RIO_CONFIG", robot.config_path());
        outcome_in_a_mount_namespace(&mut command)
    });
}

// Concurrency.

/// The lock for writing: a locked temporary file, which is removed at the end.
pub struct ConfigLock {
    path: PathBuf,
    _file: File,
}

impl ConfigLock {
    /// Waits until no other process holds the lock.
    pub fn new(robot: &Robot) -> Self {
        let path = robot.config_path().with_file_name(".config.json.tmp");
        let mut options = File::options();
        options.read(true).write(true).create(true).mode(0o600);
        loop {
            let file = options.open(&path).unwrap();
            file.lock().unwrap();
            let inode = fs::metadata(&path).map(|metadata| metadata.ino());
            if inode.is_ok_and(|inode| inode == file.metadata().unwrap().ino()) {
                return ConfigLock { path, _file: file };
            }
        }
    }
}

impl Drop for ConfigLock {
    fn drop(&mut self) {
        fs::remove_file(&self.path).unwrap();
    }
}

/// Changes the file under the lock, and renames.
fn set_member_under_the_lock(robot: &Robot, name: &str) {
    let _lock = ConfigLock::new(robot);
    set_member(robot, name);
}

fn set_member(robot: &Robot, name: &str) {
    let path = robot.config_path();
    let mut config = robot.config();
    config[name] = true.into();
    let temporary = path.with_file_name("of-another-program");
    fs::write(&temporary, config.to_string()).unwrap();
    set_mode(&temporary, 0o600);
    fs::rename(temporary, path).unwrap();
}

/// Reads the file repeatedly until `stop`; it must be valid JSON every time.
fn watch(robot: &Robot, stop: &AtomicBool, check: impl Fn(&Value)) -> usize {
    let mut looks = 0;
    while !stop.load(Ordering::Relaxed) {
        let bytes = robot.config_bytes();
        let config = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)));
        check(&config);
        looks += 1;
        thread::yield_now();
    }
    looks
}

fn start(robot: &Robot, arguments: &[&str]) -> Child {
    let mut command = robot.rio(arguments).command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The status and messages of those that failed.
fn failures(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs
        .filter(|output| !output.status.success())
        .map(|output| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
        .collect()
}

#[test]
fn concurrent_refreshes_lose_no_member() {
    let platform = Platform::start();
    let (robot, old) = Robot::logged_in(&platform);
    let stop = AtomicBool::new(false);
    let names: Vec<_> = (0..30).map(|number| format!("member_{number}")).collect();
    thread::scope(|scope| {
        let watcher =
            scope.spawn(|| watch(&robot, &stop, |config| assert!(config["email_id"] == EMAIL)));
        let children: Vec<_> = (0..30).map(|_| start(&robot, &["auth", "refresh-token"])).collect();
        let other =
            scope.spawn(|| names.iter().for_each(|name| set_member_under_the_lock(&robot, name)));
        let failures = failures(children);
        let other = other.join();
        stop.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
        other.unwrap();
        assert_eq!(failures, [""; 0]);
    });
    let config = robot.config();
    let lost: Vec<_> = names.iter().filter(|name| config[name.as_str()] != true).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_ne!(config["auth_token"], old);
    robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    assert_alone(&robot.config_path());
}

#[test]
fn concurrent_first_writes_create_one_file() {
    for _ in 0..5 {
        let robot = Robot::new();
        let children = (0..10).map(|_| start(&robot, &WRITE)).collect();
        assert_eq!(failures(children), [""; 0]);
        assert_eq!(robot.config()["environment"], "dev");
        assert_alone(&robot.config_path());
    }
}

#[test]
fn login_waits_for_lock_and_keeps_concurrent_change() {
    let platform = Platform::start();
    let robot = Rc::new(Robot::of(&platform));
    let clock = FakeClock::new();
    let mut lock = Some(ConfigLock::new(&robot));
    clock.on_sleep({
        let robot = robot.clone();
        move |_, waits| {
            if waits == 3 {
                set_member(&robot, "written_under_the_lock");
                drop(lock.take());
            }
        }
    });
    robot.rio(&LOGIN).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps().len(), 3, "waits only for the lock");
    assert_eq!(robot.config()["written_under_the_lock"], true);
    robot.rio(&["auth", "status", "--verify"]).run().exits(0);
    assert_alone(&robot.config_path());
}

/// Refreshes by password, and calls `meanwhile` at the password prompt.
fn refresh_while(robot: &Robot, meanwhile: impl FnOnce()) -> Outcome {
    let arguments = ["auth", "refresh-token"];
    let mut command = robot.rio(&arguments).command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut seen = Vec::new();
    said.read_until(b':', &mut seen).unwrap();
    assert!(seen.ends_with(b"Password for ada@example.com:"), "{}", String::from_utf8_lossy(&seen));
    meanwhile();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    said.read_to_end(&mut seen).unwrap();
    let output = child.wait_with_output().unwrap();
    Outcome::of(&command, Output { stderr: seen, ..output })
}

#[test]
fn member_written_during_password_prompt_is_kept() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    platform.revoke(&token);
    let outcome = refresh_while(&robot, || {
        // The prompt does not hold the lock.
        set_member_under_the_lock(&robot, "written_meanwhile");
        robot.set_config(json!({"organization_name": "chosen elsewhere"}));
    });
    outcome.exits(0);
    assert_eq!(robot.config()["written_meanwhile"], true);
    assert_eq!(robot.config()["organization_name"], "chosen elsewhere");
    assert_ne!(robot.config()["auth_token"], token);
}

#[test]
fn login_changed_during_password_prompt_is_kept() {
    let platform = Platform::start();
    let another = json!({"auth_token": "t0ken-of-grace", "email_id": "grace@example.com"});
    for (name, login) in [("another account", another), ("logged out", json!({}))] {
        println!("case: {name}");
        let (robot, token) = Robot::logged_in(&platform);
        platform.revoke(&token);
        let mut config = platform.config();
        config.as_object_mut().unwrap().extend(login.as_object().unwrap().clone());
        let outcome = refresh_while(&robot, || robot.write_config(&config));
        outcome.exits(1).prints("").says("another rio logged in or out").says("rio auth status");
        // Not Ada's new token beside Grace's email.
        assert_eq!(robot.config(), config);
    }
}

#[test]
fn lock_held_for_30_seconds_is_a_temporary_failure() {
    let platform = Platform::start();
    for arguments in [&WRITE[..], &["auth", "refresh-token"], &["auth", "login", "--yes"]] {
        println!("case: {arguments:?}");
        let (robot, _) = Robot::logged_in(&platform);
        let before = robot.config_bytes();
        let lock = ConfigLock::new(&robot);
        let clock = FakeClock::new();
        let begin = clock.now();
        let outcome = robot.rio(arguments).run_at(&clock);
        let outcome = outcome.exits(3).says(&lock.path.display().to_string()).says("lock");
        drop(lock);
        let waited = clock.now() - begin;
        let timeout = Duration::from_secs(30)..Duration::from_secs(31);
        assert!(timeout.contains(&waited), "{waited:?}\n{outcome}");
        assert_eq!(robot.config_bytes(), before);
        assert_alone(&robot.config_path());
    }
    assert!(platform.requests().is_empty(), "{:?}", platform.calls(Call::RefreshToken));
}

#[test]
fn reading_does_not_wait_for_lock() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let _lock = ConfigLock::new(&robot);
    let clock = FakeClock::new();
    robot.rio(&["auth", "status"]).run_at(&clock).exits(0);
    robot
        .rio(&["auth", "token", "--current"])
        .run_at(&clock)
        .exits(0)
        .prints(&format!("{token}\n"));
    assert_eq!(clock.sleeps(), [0; 0]);
}

#[test]
fn write_does_not_wait_for_lock_on_directory() {
    // Any user who can open the directory can lock it.
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let directory = File::open(robot.config_path().parent().unwrap()).unwrap();
    directory.lock().unwrap();
    let clock = FakeClock::new();
    robot.rio(&WRITE).run_at(&clock).exits(0);
    assert_eq!(clock.sleeps(), [0; 0]);
}

/// Makes a system call of the process fail with an error.
#[cfg(target_os = "linux")]
pub fn fail_system_call(command: &mut Command, number: libc::c_long, error: i32) {
    let statement =
        |code: u32, k: u32, jt: u8| libc::sock_filter { code: code as u16, jt, jf: 0, k };
    let fail = libc::SECCOMP_RET_ERRNO | error as u32;
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        libc::sock_filter {
            jf: 1,
            ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number as u32, 0)
        },
        statement(libc::BPF_RET | libc::BPF_K, fail, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    // SAFETY: prctl is async-signal-safe and copies the filter.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
            let done = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0;
            if done { Ok(()) } else { Err(io::Error::last_os_error()) }
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn file_system_without_modes_causes_a_warning() {
    let platform = Platform::start();
    for arguments in [&LOGIN[..], &["auth", "refresh-token"], &["auth", "logout"], &WRITE] {
        println!("case: {arguments:?}");
        let (robot, _) = Robot::logged_in(&platform);
        let mut command = robot.rio(arguments).command();
        fail_system_call(&mut command, libc::SYS_fchmod, libc::EPERM);
        let outcome = outcome(&mut command).exits(0);
        outcome.says("warning: ").says(&robot.config_path().display().to_string());
        assert_alone(&robot.config_path());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn write_without_file_locks_removes_leftover_temporary_file() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let leftover = robot.config_path().with_file_name(".config.json.tmp");
    fs::write(&leftover, "{\"auth_token\": ").unwrap();
    let an_hour_ago = FakeClock::new().utc() - Duration::from_secs(3600);
    File::options().write(true).open(&leftover).unwrap().set_modified(an_hour_ago).unwrap();
    let mut command = robot.rio(&WRITE).command();
    fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
    outcome(&mut command).exits(0);
    assert_eq!(robot.config()["environment"], "dev");
    assert_alone(&robot.config_path());
}

#[cfg(target_os = "linux")]
#[test]
fn write_without_file_locks_waits_for_new_temporary_file() {
    let robot = Robot::new();
    let temporary = robot.config_path().with_file_name(".config.json.tmp");
    fs::create_dir_all(temporary.parent().unwrap()).unwrap();
    fs::write(&temporary, "{").unwrap();
    let mut command = robot.rio(&WRITE).command();
    fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    SystemClock.sleep(Duration::from_millis(300));
    assert_eq!(fs::read(&temporary).unwrap(), b"{", "another process writes it");
    assert!(child.try_wait().unwrap().is_none());
    fs::remove_file(&temporary).unwrap();
    assert!(child.wait().unwrap().success());
    assert_alone(&robot.config_path());
}

#[cfg(target_os = "linux")]
#[test]
fn concurrent_writes_without_file_locks_lose_no_member() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let mut children = Vec::new();
    for number in 0..10 {
        let name = format!("pr{number}");
        let mut command = robot.rio(&["auth", "environment", &name]).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        fail_system_call(&mut command, libc::SYS_flock, libc::ENOLCK);
        children.push(command.spawn().unwrap());
    }
    assert_eq!(failures(children), [""; 0]);
    assert_eq!(robot.config()["machine_id"], 7);
    assert!(robot.config()["environment"].is_string());
    assert_alone(&robot.config_path());
}

// The Python `rio` truncates the file and then fills it, without a lock.

/// Writes the file in place, and calls `pause` while it is empty.
pub fn write_in_place(path: &Path, bytes: &[u8], pause: impl FnOnce()) {
    let mut file = File::options().write(true).truncate(true).open(path).unwrap();
    pause();
    file.write_all(bytes).unwrap();
}

#[test]
fn unfinished_write_of_another_program_is_waited_for() {
    let platform = Platform::start();
    for left in [0, 1, 20] {
        for arguments in [&WRITE[..], &["auth", "logout"], &["auth", "status"]] {
            println!("case: {left} bytes left, {arguments:?}");
            let (robot, _) = Robot::logged_in(&platform);
            let mut config = robot.config();
            config["machine_id"] = 7.into();
            robot.write_config(&config);
            let (path, whole) = (robot.config_path(), robot.config_bytes());
            File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
            let clock = FakeClock::new();
            clock.on_sleep(move |_, waits| {
                if waits == 5 {
                    write_in_place(&path, &whole, || ());
                }
            });
            robot.rio(arguments).run_at(&clock).exits(0);
            assert_eq!(clock.sleeps().len(), 5);
            assert_eq!(robot.config()["machine_id"], 7);
            assert_eq!(robot.config()["auth_token"].is_string(), arguments[1] == "status");
        }
    }
}

#[test]
fn file_that_is_truncated_again_is_waited_for_again() {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7}));
    let (path, whole) = (robot.config_path(), robot.config_bytes());
    let write = move |length: usize, second| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        fs::write(&path, &whole[..length.min(whole.len())]).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    write(1, 1);
    let clock = FakeClock::new();
    clock.on_sleep(move |_, waits| match waits {
        20 => write(1, 2),
        45 => write(usize::MAX, 3),
        _ => {}
    });
    robot.rio(&WRITE).run_at(&clock).exits(0);
    assert_eq!(robot.config()["machine_id"], 7);
}

#[test]
fn unfinished_write_is_waited_for_300_ms() {
    let robot = Robot::new();
    robot.write_config_text("{\"auth_token\": ");
    let clock = FakeClock::new();
    let begin = clock.now();
    robot.rio(&["auth", "status"]).run_at(&clock).exits(1).says("is not a JSON object");
    let waited = clock.now() - begin;
    assert_eq!(waited.as_millis(), 300);
}

/// Stops a thread, even if the test panics.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How long the file was incomplete at most, and the commands that ran meanwhile.
struct Round {
    longest: Duration,
    robot: Robot,
    outcomes: Vec<Outcome>,
}

/// Changes a member in place again and again, beside commands that write.
fn commands_beside_in_place_writer(commands: usize, sleep: u64, pause: u64) -> Round {
    let robot = Robot::new();
    robot.write_config(&json!({"machine_id": 7, "maps": "x".repeat(10_000)}));
    let stop = AtomicBool::new(false);
    let path = robot.config_path();
    let wait = |milliseconds| SystemClock.sleep(Duration::from_millis(milliseconds));
    let (outcomes, longest) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !stop.load(Ordering::Relaxed) {
                let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                config["writes"] = (config["writes"].as_u64().unwrap_or_default() + 1).into();
                let start = SystemClock.now();
                write_in_place(&path, config.to_string().as_bytes(), || wait(pause));
                longest = longest.max(SystemClock.now() - start);
                wait(sleep);
            }
            longest
        });
        let stop = StopOnDrop(&stop);
        let run = |number| robot.rio(&["auth", "environment", &format!("pr{number}")]).run();
        let outcomes = (0..commands).map(run).collect();
        drop(stop);
        (outcomes, writer.join().unwrap())
    });
    Round { longest, robot, outcomes }
}

/// A busy machine can hold the writer up for longer than the 300 ms for which rio reads again. Such a round
/// proves nothing and is repeated.
fn assert_that_no_member_is_lost(commands: usize, sleep: u64, pause: u64) {
    let round = (0..20)
        .map(|_| commands_beside_in_place_writer(commands, sleep, pause))
        .find(|round| round.longest < Duration::from_millis(250))
        .expect("a machine that is not too busy");
    round.outcomes.into_iter().for_each(|outcome| drop(outcome.exits(0)));
    let config = round.robot.config();
    assert!(config["writes"].as_u64() > Some(0));
    assert_eq!(config["machine_id"], 7);
    assert_eq!(config["maps"].as_str().unwrap().len(), 10_000);
    assert_alone(&round.robot.config_path());
}

#[test]
fn writes_beside_frequent_in_place_writer_lose_no_member() {
    assert_that_no_member_is_lost(60, 10, 0);
}

#[test]
fn writes_beside_slow_in_place_writer_lose_no_member() {
    assert_that_no_member_is_lost(8, 20, 150);
}

/// Sets a member. Another program changes the file `changes` times, each time after rio has read it.
fn update_beside_changes(robot: &Robot, changes: u32) -> (Result<(), Error>, u32) {
    let file = ConfigFile::locate(&robot.environment(), FakeClock::new()).unwrap();
    let mut reads = 0;
    let result = file.update(|config| {
        reads += 1;
        config.set("project_name", "simulation");
        if reads <= changes {
            robot.write_config(&json!({"count": reads}));
        }
    });
    (result, reads)
}

#[test]
fn write_starts_over_if_file_has_changed() {
    let robot = Robot::new();
    let (result, reads) = update_beside_changes(&robot, 2);
    assert_eq!((result, reads), (Ok(()), 3));
    assert_eq!(robot.config(), json!({"count": 2, "project_name": "simulation"}));
}

#[test]
fn file_that_keeps_changing_is_a_temporary_failure() {
    let robot = Robot::new();
    let (result, reads) = update_beside_changes(&robot, u32::MAX);
    let error = result.unwrap_err();
    assert_eq!(error.exit(), Exit::TemporaryFailure);
    assert!(error.fact().contains("keeps changing"), "{error:?}");
    assert_eq!(robot.config(), json!({"count": reads}));
    assert_alone(&robot.config_path());
}

#[test]
fn file_is_not_rewritten_if_nothing_changes() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let identity = || fs::metadata(robot.config_path()).unwrap().ino();
    let before = (identity(), robot.config());
    platform.answer(Call::RefreshToken, platform::Answer::json(502, json!({})));
    robot.rio(&["auth", "refresh-token"]).run_at(&FakeClock::new()).exits(3);
    assert_eq!((identity(), robot.config()), before, "only the check for write access");

    robot.rio(&WRITE).run().exits(0);
    let before = (identity(), robot.config());
    robot.rio(&WRITE).run().exits(0);
    assert_eq!((identity(), robot.config()), before);
    assert_alone(&robot.config_path());
}
