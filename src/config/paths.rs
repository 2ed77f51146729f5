//! Where the config file is, and the files that rio keeps beside it. They are all in one directory: that of the
//! config file itself, not that of a symbolic link to it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::replace::retry;
use crate::error::Error;
use crate::machine::env::Env;

/// As many symbolic links as the kernel follows.
const MAX_LINKS: usize = 40;

/// The path of the config file.
pub(super) fn config(env: &Env) -> Result<PathBuf, Error> {
    let variable = env.get("RIO_CONFIG").map(Path::new);
    let path = match variable.map(|path| (path, path.strip_prefix("~"))) {
        None => default(env),
        // No shell has replaced the `~` in a systemd unit.
        Some((_, Ok(below))) => env.home().map(|home| home.join(below)),
        Some((path, Err(_))) if is_below_home_of_user(path) => {
            return Err(Error::failure(
                format!("only ~/ stands for a home directory in RIO_CONFIG ({})", path.display()),
                "Set RIO_CONFIG to the full path.",
            ));
        }
        Some((path, Err(_))) => Some(path.to_owned()),
    };
    path.ok_or_else(|| {
        Error::failure(
            "cannot locate the config file: there is no home directory",
            "Set RIO_CONFIG to a file, for example:\n  export RIO_CONFIG=/data/rio.json",
        )
    })
}

/// Whether a shell would take the first name for a user: `~ada/rio.json`.
fn is_below_home_of_user(path: &Path) -> bool {
    path.as_os_str().as_bytes().starts_with(b"~") && path.iter().nth(1).is_some()
}

fn default(env: &Env) -> Option<PathBuf> {
    let directory = match env.get("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ if cfg!(target_os = "macos") => env.home()?.join("Library/Application Support"),
        _ => env.home()?.join(".config"),
    };
    Some(directory.join("rio-cli").join("config.json"))
}

/// The path without symbolic links at its end. The file need not exist.
pub(super) fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let link = retry(|| match fs::read_link(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                Ok(None)
            }
            link => link.map(Some),
        });
        match link {
            Ok(Some(link)) => path = directory_of(&path).join(link),
            _ => break,
        }
    }
    path
}

/// The temporary file that becomes the config file: `.config.json.tmp`.
pub(super) fn temporary(config: &Path) -> PathBuf {
    beside(config, ".", ".tmp")
}

/// The lock of a token refresh: `.config.json.refresh.lock`.
pub(super) fn refresh_lock(config: &Path) -> PathBuf {
    beside(config, ".", ".refresh.lock")
}

/// The device login that waits for approval: `config.json.pending`.
pub(super) fn pending(config: &Path) -> PathBuf {
    beside(config, "", ".pending")
}

fn beside(config: &Path, prefix: &str, suffix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(config.file_name().unwrap_or_default());
    name.push(suffix);
    config.with_file_name(name)
}

pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
