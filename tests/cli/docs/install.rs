//! `make install` and `make uninstall`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::robot::skip::installed;
use crate::robot::{Outcome, Robot, binary};

/// Every installed file and its mode.
const FILES: [(&str, u32); 6] = [
    ("bin/rio", 0o755),
    ("share/bash-completion/completions/rio", 0o644),
    ("share/fish/vendor_completions.d/rio.fish", 0o644),
    ("share/man/man1/rio.1", 0o644),
    ("share/nushell/vendor/autoload/rio.nu", 0o644),
    ("share/zsh/site-functions/_rio", 0o644),
];

/// The files below a directory and their modes, sorted.
fn files(directory: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            found.push((name, mode));
        }
    }
    found.sort();
    found
}

/// A build in the robot's home.
fn build(robot: &Robot) {
    let built = robot.home().join("target/release");
    fs::create_dir_all(&built).unwrap();
    symlink(binary(), built.join("rio")).unwrap();
    fs::write(built.join("rio.1"), ".TH RIO 1\n").unwrap();
}

/// `make`, without cargo, with the build in the robot's home.
fn make(robot: &Robot, make: &Path, arguments: &[&str]) -> Outcome {
    let home = robot.home().display();
    let mut command: Command = robot.command(make);
    command.args(arguments).arg("CARGO=/missing/cargo");
    command.arg(format!("CARGO_TARGET_DIR={home}/target"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    Outcome::of(&command, output)
}

#[test]
fn make_installs_without_cargo_and_uninstalls() {
    let Some(program) = installed("make") else { return };
    let robot = Robot::new().env("PATH", "/usr/bin:/bin");
    let root = robot.home().join("root/usr");
    let destination = format!("DESTDIR={}/root", robot.home().display());
    let make = |target| make(&robot, &program, &[target, "PREFIX=/usr", &destination]);
    make("install").exits(2).says("rio.1 is missing").says("make build");

    build(&robot);
    // The second installation replaces the first.
    for _ in 0..2 {
        let outcome = make("install").exits(0);
        assert!(!outcome.stdout.contains("PATH"), "{outcome}");
    }
    assert_eq!(files(&root), FILES.map(|(name, mode)| (name.to_owned(), mode)));
    let output = robot.command(root.join("bin/rio")).arg("version").output().unwrap();
    assert!(output.status.success());

    // The second removal has nothing to remove.
    for _ in 0..2 {
        make("uninstall").exits(0);
        assert_eq!(files(&root), []);
    }
}

#[test]
fn make_replaces_or_removes_another_rio_only_with_force() {
    let Some(program) = installed("make") else { return };
    let robot = Robot::new().env("PATH", "/usr/bin:/bin");
    build(&robot);
    let prefix = format!("PREFIX={}/usr", robot.home().display());
    let rio = robot.home().join("usr/bin/rio");
    fs::create_dir_all(rio.parent().unwrap()).unwrap();
    let write = |content: &str| {
        fs::write(&rio, content).unwrap();
        fs::set_permissions(&rio, PermissionsExt::from_mode(0o755)).unwrap();
    };
    let samples: [&dyn Fn(); 6] = [
        &|| write("#!/usr/bin/python3\n__requires__ = 'rapyuta-io-cli'\n"),
        &|| write("ELF rapyuta-io-cli\n"),
        &|| write("#!/bin/sh\ntouch \"$0.executed\" # rapyuta-io-cli\n"),
        &|| write(""),
        // An ELF file of another program.
        &|| _ = fs::copy("/bin/sh", &rio).unwrap(),
        &|| symlink("/missing/rio", &rio).unwrap(),
    ];
    for sample in samples {
        sample();
        let before = fs::read(&rio).ok();
        for target in ["install", "uninstall"] {
            let outcome = make(&robot, &program, &[target, &prefix]);
            outcome.exits(2).says("usr/bin/rio is not this rio").says("FORCE=1");
            assert_eq!(fs::read(&rio).ok(), before);
            assert_eq!(files(&robot.home().join("usr")).len(), 1);
        }
        make(&robot, &program, &["uninstall", &prefix, "FORCE=1"]).exits(0);
        assert!(rio.symlink_metadata().is_err());

        sample();
        make(&robot, &program, &["install", &prefix, "FORCE=1"]).exits(0);
        assert_eq!(fs::read(&rio).unwrap(), fs::read(binary()).unwrap());
        make(&robot, &program, &["uninstall", &prefix]).exits(0);
    }
}

#[test]
fn make_install_says_which_rio_the_path_finds_first() {
    let Some(program) = installed("make") else { return };
    let robot = Robot::new();
    build(&robot);
    let home = robot.home().display().to_string();
    let tools = robot.home().join("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["sh", "head", "grep", "install", "mkdir"] {
        let Some(path) = installed(tool) else { return };
        symlink(path, tools.join(tool)).unwrap();
    }
    let other = robot.home().join("other");
    fs::create_dir(&other).unwrap();
    symlink("/bin/true", other.join("rio")).unwrap();

    let prefix = format!("PREFIX={home}/usr");
    let ours = format!("{home}/usr/bin");
    let mut robot = robot;
    for (path, said) in [
        (String::new(), format!("Your PATH has no rio. Add {ours} to it.\n")),
        (format!("{ours}:{home}/other:"), format!("The command rio runs {ours}/rio.\n")),
        (
            format!("{home}/other:{ours}:"),
            format!(
                "The command rio runs {home}/other/rio, not {ours}/rio, because it comes first in your PATH.\n"
            ),
        ),
    ] {
        robot = robot.env("PATH", format!("{path}{home}/tools"));
        let outcome = make(&robot, &program, &["install", &prefix]).exits(0);
        assert!(outcome.stdout.ends_with(&said), "{outcome}");
    }
}
