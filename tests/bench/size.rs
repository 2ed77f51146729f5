//! The size of the program, and the time to build it.
#![expect(clippy::disallowed_methods, reason = "a build takes real time")]

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Bench;
use crate::program;
use crate::report::{Report, Row, mib};

pub fn measure(bench: &Bench, report: &mut Report) {
    let size = fs::metadata(&bench.rio.path).expect("rio").len();
    let peer = bench.peer.as_ref().map(|_| Tree::of(&program::peer_directory()));
    report.section("Size");
    let installed =
        peer.as_ref().map(|tree| format!("{} (without Python)", mib(tree.bytes / 1024)));
    report.row(Row::new("installed", mib(size / 1024)).peer(installed));
    let packages = peer.as_ref().map(|tree| format!("{} (with pip)", tree.packages));
    report.row(Row::new("packages, including itself", crates()).peer(packages));
    let build = format!("{:.0} s", cold_build().as_secs_f64());
    report.time(Row::new("`cargo build --release`, clean", build));
}

/// The number of crates linked into the program.
fn crates() -> usize {
    let tree = cargo()
        .args(["tree", "--locked", "--offline", "-e", "normal", "--no-dedupe"])
        .args(["--prefix", "none", "-f", "{p}"])
        .output()
        .expect("cargo tree");
    let lines = String::from_utf8_lossy(&tree.stdout);
    lines.lines().filter(|line| !line.is_empty()).collect::<HashSet<_>>().len()
}

fn cold_build() -> Duration {
    let directory = program::target().join("bench-build");
    let _ = fs::remove_dir_all(&directory);
    let start = Instant::now();
    let status = cargo()
        .args(["build", "--quiet", "--locked", "--offline", "--release"])
        .env("CARGO_TARGET_DIR", &directory)
        .stdout(Stdio::null())
        .status();
    let time = start.elapsed();
    assert!(status.is_ok_and(|status| status.success()), "cargo build succeeds");
    fs::remove_dir_all(&directory).expect("the build directory");
    time
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

/// Files that pip has installed.
#[derive(Default)]
struct Tree {
    bytes: u64,
    packages: usize,
}

impl Tree {
    fn of(directory: &Path) -> Tree {
        let mut tree = Tree::default();
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            tree.packages += usize::from(path.extension() == Some(OsStr::new("dist-info")));
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => {
                    let subtree = Tree::of(&path);
                    tree.bytes += subtree.bytes;
                    tree.packages += subtree.packages;
                }
                Ok(metadata) => tree.bytes += metadata.len(),
                Err(_) => {}
            }
        }
        tree
    }
}
