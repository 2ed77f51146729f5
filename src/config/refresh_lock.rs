//! The lock of a token refresh. It is held during the request, unlike the lock for writing.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::temporary::keep_owner;
use crate::host::private_file;

/// An empty file beside the config file. It is never deleted: two processes could then lock two files.
pub struct RefreshLock(File);

impl RefreshLock {
    /// Opens the file, or creates it with the owner of the config file.
    pub fn open(path: &Path, config: &Path) -> io::Result<Self> {
        let mut options = private_file::options();
        let file = match options.create_new(true).open(path) {
            // Changes only a new file: an existing one may be a link that another user has made.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return options.create_new(false).open(path).map(RefreshLock);
            }
            file => file?,
        };
        // The umask may have removed bits. FAT has none.
        let _ = file.set_permissions(Permissions::from_mode(0o600));
        keep_owner(&file, &fs::metadata(config)?)?;
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
