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
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            found.push((name, mode));
        }
    }
    found.sort();
    found
}

/// `make`, without cargo, with the build and the installation in the robot's home.
fn make(robot: &Robot, make: &Path, target: &str) -> Outcome {
    let home = robot.home().display();
    let mut command: Command = robot.command(make);
    command.args([target, "CARGO=/missing/cargo", "PREFIX=/usr"]);
    command.arg(format!("CARGO_TARGET_DIR={home}/target")).arg(format!("DESTDIR={home}/root"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("PATH", "/usr/bin:/bin");
    let output = command.output().unwrap();
    Outcome::of(&command, output)
}

#[test]
fn make_installs_without_cargo_and_uninstalls() {
    let Some(program) = installed("make") else { return };
    let robot = Robot::new();
    let outcome = make(&robot, &program, "install").exits(2);
    outcome.says("rio.1 is missing").says("make build");

    let built = robot.home().join("target/release");
    fs::create_dir_all(&built).unwrap();
    symlink(binary(), built.join("rio")).unwrap();
    fs::write(built.join("rio.1"), ".TH RIO 1\n").unwrap();
    make(&robot, &program, "install").exits(0);
    let root = robot.home().join("root/usr");
    assert_eq!(files(&root), FILES.map(|(name, mode)| (name.to_owned(), mode)));
    let output = robot.command(root.join("bin/rio")).arg("version").output().unwrap();
    assert!(output.status.success());

    make(&robot, &program, "uninstall").exits(0);
    assert_eq!(files(&root), []);
}
