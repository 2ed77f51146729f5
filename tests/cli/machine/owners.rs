//! Files and directories that other users own or can change.

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use platform::{EMAIL, PASSWORD, Platform};
use serde_json::json;

use crate::robot::namespaces::isolated;
use crate::robot::skip::skip;
use crate::robot::terminal::check;
use crate::robot::{Outcome, PLAIN_USER, Robot, is_root};

/// A user who is neither root nor [`PLAIN_USER`].
const OTHER_USER: u32 = 54_322;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn run(mut command: Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Outcome::of(&command, output)
}

/// The command that a warning advises, if any.
fn advised(outcome: &Outcome) -> Option<&str> {
    let at = outcome.stderr.find("chmod ").or_else(|| outcome.stderr.find("chown "))?;
    outcome.stderr[at..].lines().next()
}

/// Below the home: the directory of the config file, and the one above it.
fn directories(robot: &Robot) -> [PathBuf; 2] {
    [".config/rio-cli", ".config"].map(|directory| robot.home().join(directory))
}

#[test]
fn file_that_others_can_change_causes_a_warning() {
    let platform = Platform::start();
    let secret = [&["auth", "refresh-token"][..], &["auth", "token", "--password", PASSWORD]];
    let commands = [&["auth", "status"][..], &["auth", "logout"]];
    for arguments in secret.into_iter().chain(commands) {
        for (file_mode, directory_mode, above_mode, warning) in [
            (0o600, 0o700, 0o755, None),
            (0o644, 0o755, 0o755, None),
            // The primary group of the user does not count.
            (0o660, 0o770, 0o775, None),
            (0o622, 0o700, 0o755, Some("other users can write to the config file")),
            (0o600, 0o777, 0o755, Some("other users can replace the config file")),
            (0o600, 0o700, 0o757, Some("other users can replace the config file")),
            // Others cannot replace a file in a directory like /tmp.
            (0o600, 0o1777, 0o1777, None),
        ] {
            println!("case: {file_mode:o} in {directory_mode:o} in {above_mode:o}, {arguments:?}");
            let (robot, _) = Robot::logged_in(&platform);
            set_mode(&robot.config_path(), file_mode);
            let [directory, above] = directories(&robot);
            set_mode(&directory, directory_mode);
            set_mode(&above, above_mode);
            let outcome = robot.rio(arguments).run().exits(0);
            match warning {
                Some(warning) => drop(outcome.says(&format!("warning: {warning}"))),
                None => drop(outcome.hides("other users can write").hides("can replace")),
            }
        }
    }
}

/// Lets [`OTHER_USER`] write, by an access list (acl(5)). The mode then has `rwx` or `rw-` for the group.
#[cfg(target_os = "linux")]
fn let_other_user_write(path: &Path) -> std::io::Result<()> {
    const ANYONE: u32 = u32::MAX;
    let all: u16 = if path.is_dir() { 7 } else { 6 };
    let entries = [
        (1, all, ANYONE),
        (2, all, OTHER_USER),
        (4, 0, ANYONE),
        (16, all, ANYONE),
        (32, 0, ANYONE),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        let (tag, permissions): (u16, u16) = (tag, permissions);
        list.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
        list.extend(id.to_le_bytes());
    }
    let (path, name) = (CString::new(path.as_os_str().as_bytes())?, c"system.posix_acl_access");
    // SAFETY: C strings, and a list of the length that is passed.
    check(unsafe {
        libc::setxattr(path.as_ptr(), name.as_ptr(), list.as_ptr().cast(), list.len(), 0)
    })
}

#[test]
#[cfg(target_os = "linux")]
fn access_list_of_another_user_causes_a_warning() {
    for below in ["", ".config", ".config/rio-cli", ".config/rio-cli/config.json"] {
        let robot = Robot::new();
        robot.write_config(&json!({}));
        if let Err(error) = let_other_user_write(&robot.home().join(below)) {
            skip(format!("needs a file system with access lists: {error}"));
            return;
        }
        ends_with_advised_command(&robot);
    }
}

#[test]
fn advised_command_ends_the_warning() {
    for below in ["", ".config", ".config/rio-cli", ".config/rio-cli/config.json"] {
        let robot = Robot::new();
        robot.write_config(&json!({}));
        set_mode(&robot.home().join(below), 0o777);
        ends_with_advised_command(&robot);
    }
}

#[track_caller]
fn ends_with_advised_command(robot: &Robot) {
    let outcome = robot.rio(&["auth", "status"]).run().says("warning: other users can ");
    let mut shell = robot.command("/bin/sh");
    shell.args(["-c", advised(&outcome).unwrap()]).env("PATH", "/usr/bin:/bin");
    assert_eq!(run(shell).code, Some(0), "{outcome}");
    robot.rio(&["auth", "status"]).run().hides("warning");
}

#[test]
fn relative_path_to_open_directory_causes_a_warning() {
    let robot = Robot::new().env("RIO_CONFIG", "rio.json");
    set_mode(robot.home(), 0o707);
    let outcome = robot.rio(&["auth", "status"]).run().says("other users can replace the config");
    assert!(advised(&outcome).unwrap().starts_with("chmod go-w "), "{outcome}");
}

#[test]
fn link_in_open_directory_causes_a_warning() {
    let robot = Robot::new();
    robot.write_config(&json!({}));
    for (mode, warns) in [(0o777, true), (0o1777, false), (0o755, false)] {
        let links = tempfile::tempdir().unwrap();
        set_mode(links.path(), mode);
        let link = links.path().join("link");
        symlink(robot.config_path(), &link).unwrap();
        let mut command = robot.rio(&["auth", "status"]).command();
        let outcome = run({
            command.env("RIO_CONFIG", &link);
            command
        });
        assert_eq!(outcome.stderr.contains("other users can replace"), warns, "{outcome}");
    }
}

#[test]
fn other_owner_on_the_way_causes_one_warning() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    const REPLACE: &str = "warning: another user (uid 54322) can replace the config file";
    const BELONGS: &str = "warning: the config file belongs to another user (uid 54322)";
    for (below, owner, warning) in [
        ("", OTHER_USER, Some(REPLACE)),
        (".config", OTHER_USER, Some(REPLACE)),
        (".config/rio-cli", OTHER_USER, Some(REPLACE)),
        (".config/rio-cli/config.json", OTHER_USER, Some(BELONGS)),
        (".config", 0, None),
        (".config/rio-cli/config.json", 0, None),
    ] {
        let robot = Robot::new();
        robot.write_config(&json!({}));
        let status = robot.rio_as_plain_user(&["auth", "status"]);
        for path in ["", ".config", ".config/rio-cli"] {
            set_mode(&robot.home().join(path), 0o755);
        }
        let can_be_read = if below.ends_with(".json") { 0o644 } else { 0o600 };
        set_mode(&robot.config_path(), can_be_read);
        chown(robot.home().join(below), Some(owner), None).unwrap();
        let outcome = run(status);
        let expected = warning.unwrap_or("another user");
        assert_eq!(outcome.stderr.contains(expected), warning.is_some(), "{outcome}");
        // The user can change nothing about it.
        assert_eq!(advised(&outcome), None, "{outcome}");
        assert!(outcome.stderr.matches("replace").count() <= 1, "{outcome}");
    }
}

#[test]
fn root_is_warned_only_of_a_third_user() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    for (directory, file, warns) in [
        (0, 0, false),
        (0, PLAIN_USER, false),
        (PLAIN_USER, PLAIN_USER, false),
        (PLAIN_USER, 0, true),
        (PLAIN_USER, OTHER_USER, true),
    ] {
        println!("case: file of {file} in a directory of {directory}");
        let robot = Robot::new();
        robot.write_config(&json!({}));
        chown(robot.config_path(), Some(file), Some(file)).unwrap();
        set_mode(robot.home(), 0o755);
        for path in directories(&robot) {
            chown(&path, Some(directory), Some(directory)).unwrap();
        }
        let outcome = robot.rio(&["auth", "status"]).run();
        assert_eq!(outcome.stderr.contains("another user (uid 54321)"), warns, "{outcome}");
    }
}

/// A home of [`PLAIN_USER`] in which root runs rio.
fn home_of_plain_user() -> Robot {
    let robot = Robot::new();
    set_mode(robot.home(), 0o755);
    chown(robot.home(), Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
    robot
}

/// All files below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() && !path.is_symlink() {
        true => [files_below(&path), vec![path]].concat(),
        false => vec![path],
    };
    entries.flat_map(below).collect()
}

#[test]
fn root_leaves_new_files_to_the_user_of_the_home() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    let platform = Platform::start();
    let robot = home_of_plain_user();
    let hosts = platform.config().to_string();
    let config = robot.config_path();
    let commands: [&[&str]; 4] = [
        &["auth", "environment", "dev"],
        &["auth", "login", "--email", EMAIL, "--password", PASSWORD, "--silent"],
        &["auth", "refresh-token", "--silent"],
        &["auth", "environment", "qa"],
    ];
    for arguments in commands {
        robot.rio(arguments).run().exits(0).hides("another user");
        for path in files_below(robot.home()) {
            let file = fs::symlink_metadata(&path).unwrap();
            assert_eq!([file.uid(), file.gid()], [PLAIN_USER; 2], "{arguments:?} {path:?}");
            let mode = if file.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(file.mode() & 0o777, mode, "{path:?}");
        }
        assert!(config.exists());
        fs::write(&config, &hosts).unwrap_or_default();
        if arguments.contains(&"login") {
            let token = platform.issue_token();
            robot.set_config(json!({"auth_token": token, "email_id": EMAIL}));
        }
    }
}

#[test]
fn root_follows_no_link_of_a_user_out_of_the_home() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    for owner in [0, OTHER_USER] {
        for link in [".config", ".config/rio-cli", ".config/rio-cli/config.json"] {
            let (robot, elsewhere) = (home_of_plain_user(), tempfile::tempdir().unwrap());
            set_mode(elsewhere.path(), 0o755);
            let target = elsewhere.path().join("rio-cli/config.json");
            fs::create_dir(elsewhere.path().join("rio-cli")).unwrap();
            fs::write(&target, "{}").unwrap();
            let places = [
                (".config", elsewhere.path().to_owned()),
                (".config/rio-cli", elsewhere.path().join("rio-cli")),
                (".config/rio-cli/config.json", target.clone()),
            ];
            for path in files_below(elsewhere.path()) {
                chown(path, Some(owner), None).unwrap();
            }
            chown(elsewhere.path(), Some(owner), None).unwrap();
            for (place, leads_to) in places {
                let path = robot.home().join(place);
                match place == link {
                    true => symlink(leads_to, &path).unwrap(),
                    false => fs::create_dir(&path).unwrap(),
                }
                lchown(&path, Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
                if place == link {
                    break;
                }
            }
            let outcome = robot.rio(&["auth", "environment", "dev"]).run().exits(1);
            outcome.says("is a link of another user (uid 54321)");
            assert_eq!(fs::read_to_string(&target).unwrap(), "{}", "{link}");
            assert_eq!(files_below(elsewhere.path()).len(), 2, "{link}");
        }
    }
}

#[test]
fn root_follows_a_link_of_a_user_within_the_home() {
    if !is_root() {
        skip("needs root, to change the owner of a file");
        return;
    }
    let robot = home_of_plain_user();
    let [settings, link] = ["settings", ".config"].map(|name| robot.home().join(name));
    fs::create_dir(&settings).unwrap();
    symlink("settings", &link).unwrap();
    for path in [&settings, &link] {
        lchown(path, Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
    }
    robot.rio(&["auth", "environment", "dev"]).run().exits(0);
    let written = fs::metadata(settings.join("rio-cli/config.json")).unwrap();
    assert_eq!(written.uid(), PLAIN_USER);
}

#[test]
#[cfg(target_os = "linux")]
fn read_only_secret_causes_no_warning() {
    isolated(|| {
        let platform = Platform::start();
        let robot = Robot::of(&platform);
        let mounted = robot.home().join("secret");
        fs::create_dir(&mounted).unwrap();
        let mount = |options: &str| {
            let mut command = Command::new("mount");
            command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&mounted);
            assert!(command.status().unwrap().success());
        };
        mount("mode=755");
        let file = mounted.join("password");
        fs::write(&file, PASSWORD).unwrap();
        set_mode(&file, 0o444);
        let login = ["auth", "token", "--email", EMAIL, "--password-file", file.to_str().unwrap()];
        robot.rio(&login).run().exits(0).says("other users can read").says("chmod 600");
        mount("remount,ro");
        robot.rio(&login).run().exits(0).hides("warning");
    });
}
