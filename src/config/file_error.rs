//! The errors of the config file and of the files beside it.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::paths::directory_of;
use crate::advice;
use crate::error::Error;
use crate::machine::process;
use crate::text;

/// The error for a file that rio does not understand and must not overwrite.
pub(super) fn unusable_error(path: &Path, fact: String) -> Error {
    let aside =
        advice::run("To move it aside, which removes this login", &advice::move_aside(path));
    Error::failure(fact, format!("Fix the file, or set RIO_CONFIG to another one. {aside}"))
}

/// The error for a config file that cannot be read.
pub(super) fn unreadable_error(path: &Path, error: &io::Error) -> Error {
    let fact =
        format!("the config file {} cannot be read: {}", path.display(), text::io_error(error));
    let owner = fs::metadata(path).map(|metadata| metadata.uid()).ok();
    let advice = match owner.filter(|_| error.kind() == ErrorKind::PermissionDenied) {
        Some(owner) if owner == process::user() => {
            advice::run("To fix this", &format!("chmod 600 {}", text::shell_word(path)))
        }
        Some(owner) => format!(
            "Run rio as the owner of the file (uid {owner}), or set RIO_CONFIG to a file of your own."
        ),
        None => "Set RIO_CONFIG to a file that this user can read.".to_owned(),
    };
    Error::system(error, fact, advice)
}

/// The error for a file beside the config file that cannot be opened.
pub(super) fn open_error(path: &Path, error: &io::Error) -> Error {
    let fact = format!("the file {} cannot be opened: {}", path.display(), text::io_error(error));
    let command = format!("chmod 600 {}", text::shell_word(path));
    Error::system(error, fact, advice::run("To fix this", &command))
}

/// The error for the config file, or a file beside it, that cannot be written.
pub(super) fn write_error(path: &Path, error: &io::Error) -> Error {
    let fact = format!("cannot write {}: {}", path.display(), text::io_error(error));
    let advice = match error.kind() {
        // Perhaps the shell did not expand a variable or a `~`.
        ErrorKind::NotFound if path.is_relative() => {
            "Set RIO_CONFIG to an absolute path, or create its directory."
        }
        ErrorKind::NotFound => {
            let command = format!("mkdir -p {}", text::shell_word(directory_of(path)));
            &advice::run(
                "Set RIO_CONFIG to another file, or create its directory. To create it",
                &command,
            )
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "Free some disk space, or set RIO_CONFIG to another file."
        }
        ErrorKind::ResourceBusy => {
            "Mount its directory instead of the file, or set RIO_CONFIG to another file."
        }
        ErrorKind::PermissionDenied => {
            "Run rio as a user who may write there, or set RIO_CONFIG to a file of your own."
        }
        _ => "Set RIO_CONFIG to a file that rio can write.",
    };
    Error::system(error, fact, advice)
}

/// The error for a file that rio needs to create, whose name is taken.
pub(super) fn in_the_way_error(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    let owner = fs::symlink_metadata(path).map(|metadata| metadata.uid());
    match owner {
        Ok(owner) if owner != process::user() => Error::failure(
            format!("{shown} belongs to another user (uid {owner})"),
            advice::OWN_DIRECTORY,
        ),
        _ => Error::system(
            error,
            format!("cannot remove {shown}: {}", text::io_error(error)),
            advice::run("To remove it", &format!("rm -r {}", text::shell_word(path))),
        ),
    }
}

/// The advice if another process holds a lock for too long.
pub(super) fn find_process(lock: &Path) -> String {
    let fuser = format!("fuser {}", text::shell_word(lock));
    advice::run("Try again later. If that process hangs, stop it. To find its process ID", &fuser)
}
