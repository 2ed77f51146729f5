//! The shell that the demo ends with.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::iter::once;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scratch::Scratch;

/// Read by bash, zsh and shells like dash. Without a history, nothing is written outside of the scratch directory.
const STARTUP: &str = "PS1='(rio demo) $ '\nunset HISTFILE\n";
const FISH_STARTUP: &str = "function fish_prompt; echo -n '(rio demo) $ '; end";

/// The user's shell, with this `rio` first in its `PATH`. It does not read the user's startup files, which may change
/// `PATH` and the prompt.
pub fn command(rio: &Path, scratch: &Scratch) -> io::Result<Command> {
    let shell = env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let shell = shell.map_or("/bin/sh".into(), PathBuf::from);
    let startup = scratch.write(".zshrc", STARTUP)?;
    let mut command = Command::new(&shell);
    match shell.file_name().and_then(OsStr::to_str) {
        Some("bash") => command.arg("--rcfile").arg(startup),
        Some("fish") => command.args(["--no-config", "--private", "--init-command", FISH_STARTUP]),
        Some("zsh") => command.env("ZDOTDIR", &scratch.path),
        _ => command.env("ENV", startup),
    };
    symlink(rio.canonicalize()?, scratch.path.join("rio"))?;
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = once(scratch.path.clone()).chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(directories).map_err(io::Error::other)?);
    Ok(command)
}
