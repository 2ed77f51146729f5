//! The directory that the demo writes to.

use std::env;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};

const LAST_WORDS: &str = "
The demo has ended. It has removed its login and config file, and stopped the
fake rapyuta.io. To start it again, run:
    make demo";

/// A temporary directory that is removed, and the user told so, however this process ends.
pub struct Scratch {
    pub path: PathBuf,
    cleaner: Child,
}

impl Scratch {
    pub fn new() -> io::Result<Scratch> {
        let path = env::temp_dir().join(format!("rio-demo-{}", process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        // Ctrl-C kills this process before it can remove the directory. So a shell does it, when its standard input
        // closes because this process has ended. In its own process group it does not get the Ctrl-C.
        let cleaner = Command::new("/bin/sh")
            .args(["-c", r#"read -r _; rm -rf -- "$1" && echo "$2""#, "cleaner"])
            .arg(&path)
            .arg(LAST_WORDS)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Scratch { path, cleaner })
    }

    /// Writes a file that only this user can read.
    pub fn write(&self, name: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(content.as_bytes())?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `wait` closes the standard input of the shell first.
        let _ = self.cleaner.wait();
    }
}
