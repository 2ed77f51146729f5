//! The lock of a token refresh. It is held during the request, unlike the lock for writing.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::file::write_error;
use super::temporary::keep_owner;
use crate::error::{Error, Warning};
use crate::machine::access::{self, NotPrivate};
use crate::text;

/// An empty file beside the config file. It is never deleted: two processes could then lock two files.
pub struct RefreshLock(File);

impl RefreshLock {
    /// Opens the file, or creates it with the owner of the config file.
    pub fn open(path: &Path, config: &Metadata) -> Result<Self, Error> {
        match create(path, config) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                RefreshLock::open_existing(path, config)
            }
            file => file.map(RefreshLock).map_err(|error| write_error(path, &error)),
        }
    }

    /// Opens the file and changes nothing: it may be a link that another user has made.
    pub fn open_existing(path: &Path, config: &Metadata) -> Result<Self, Error> {
        let warning = |problem: &str, command: &str| {
            Warning::fixed_by(
                format!("the lock file {} {problem}", path.display()),
                format!("{command} {}", text::shell_word(path)),
            )
        };
        let cannot_open = |error: io::Error| {
            warning(&format!("cannot be opened: {}", text::io_error(&error)), "chmod 600")
        };
        let (lock, owner) = (fs::symlink_metadata(path).map_err(cannot_open)?, config.uid());
        let problem = match access::check_private(&lock, owner) {
            Ok(()) => None,
            // A file system without modes gives all files the same mode.
            Err(NotPrivate::Mode(_)) if lock.mode() == config.mode() => None,
            Err(NotPrivate::Mode(mode)) => {
                Some(warning(&format!("has mode {mode:04o}"), "chmod 600"))
            }
            Err(NotPrivate::Owner(uid)) => {
                let problem = format!("belongs to another user (uid {uid})");
                Some(warning(&problem, &format!("sudo chown {owner}")))
            }
            Err(NotPrivate::HardLinks) => Some(warning("has more than one name", "rm")),
            Err(NotPrivate::NotAFile) => Some(warning("is not a regular file", "rm -r")),
        };
        problem.map_or(Ok(()), Err)?;
        let file = access::private_options().open(path).map_err(cannot_open)?;
        Ok(RefreshLock(file))
    }

    /// Whether this process now holds the lock. An error means that the file system has no locks.
    pub fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for RefreshLock {
    fn drop(&mut self) {
        // Closing is not enough: until a child process calls exec, it has the file open, too.
        let _ = self.0.unlock();
    }
}

fn create(path: &Path, config: &Metadata) -> io::Result<File> {
    let file = access::private_options().create_new(true).open(path)?;
    // The umask may have removed bits. FAT has none.
    let _ = file.set_permissions(Permissions::from_mode(0o600));
    keep_owner(&file, config)?;
    Ok(file)
}
