//! Skipped tests. To the test harness a test that returns early has passed, and the output of such a test is
//! hidden. So each skip also goes to the file that `SKIPPED_TESTS` names, and `tests/run` prints it at the end.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

/// Records why the current test is skipped. The test must then return.
#[allow(clippy::disallowed_methods, reason = "the runner names the file, no test does")]
pub fn skip(reason: impl Display) {
    println!("skipped: {reason}");
    let Some(path) = std::env::var_os("SKIPPED_TESTS") else { return };
    let line = format!("{}: {reason}\n", thread::current().name().unwrap_or("unknown test"));
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // A single write, because other tests append at the same time.
    file.write_all(line.as_bytes()).unwrap();
}

/// The path of a program. If it is not installed, records why the current test is skipped.
pub fn installed(name: &str) -> Option<PathBuf> {
    let found = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        skip(format_args!("needs {name}"));
    }
    found
}
