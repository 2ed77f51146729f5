//! The temporary file that replaces the config file. It is also the write lock.
//!
//! Other users cannot open it, so they cannot hold the lock. It never stays behind: it becomes the config
//! file or is removed, and the next write removes the file of a process that was killed.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::paths;
use crate::machine::access;

/// Locked.
pub struct Temporary {
    file: File,
    path: PathBuf,
    target: PathBuf,
    /// Whether the file system has locks.
    pub has_locks: bool,
}

impl Temporary {
    /// Creates and locks the file. `None` if another process holds the lock or has just released it.
    ///
    /// On a file system without locks, the process that creates the file holds the lock, until the file
    /// is older than `max_age` at the time `utc`.
    pub fn try_lock(target: &Path, utc: SystemTime, max_age: Duration) -> io::Result<Option<Self>> {
        let path = &paths::temporary(target);
        let mut options = access::private_options();
        let (file, is_new) = match options.create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Err(_) => match options.create_new(false).open(path) {
                Ok(file) => (file, false),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                // A symbolic link, or a file that this user cannot open.
                Err(_) => return fs::remove_file(path).map(|()| None),
            },
        };
        let locked = file.try_lock();
        let has_locks = locked.is_ok();
        match locked {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(_) if !is_new && age(&file.metadata()?, utc)? <= max_age => return Ok(None),
            _ => {}
        }
        // A file that is not new is from a process that was killed: dropping it removes it. Another process
        // may have done the same to a new file that was not locked yet.
        let (path, target) = (path.clone(), target.to_owned());
        let temporary = Temporary { file, path, target, has_locks };
        Ok(Some(temporary).filter(|temporary| is_new && temporary.is_at_path()))
    }

    /// Whether the path still leads to this file.
    pub fn is_at_path(&self) -> bool {
        let inode = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let at_path = fs::symlink_metadata(&self.path).map(inode);
        at_path.is_ok_and(|at_path| self.file.metadata().map(inode).is_ok_and(|own| own == at_path))
    }

    /// Writes the contents and syncs them. The file gets mode 0600 and the owner of `old`.
    ///
    /// `false` if the file system cannot change the mode, like FAT.
    pub fn write(&mut self, contents: &[u8], old: Option<&Metadata>) -> io::Result<bool> {
        // The umask may have removed bits.
        let has_modes = self.file.set_permissions(Permissions::from_mode(0o600)).is_ok();
        if let Some(old) = old {
            keep_owner(&self.file, old)?;
        }
        self.file.write_all(contents)?;
        self.file.sync_all()?;
        Ok(has_modes)
    }

    /// Replaces the target with this file, atomically.
    pub fn rename(self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        // Not every file system can sync a directory.
        let _ = File::open(paths::directory_of(&self.target))
            .and_then(|directory| directory.sync_all());
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.is_at_path() {
            let _ = fs::remove_file(&self.path);
        }
        // Closing is not enough: a child process also has the file open until it calls exec.
        let _ = self.file.unlock();
    }
}

/// The time since the last write. The clock may have been set back since then.
fn age(metadata: &Metadata, utc: SystemTime) -> io::Result<Duration> {
    let age = utc.duration_since(metadata.modified()?);
    Ok(age.unwrap_or_else(|error| error.duration()))
}

/// Under sudo, the file must still belong to the user. Another group is harmless at mode 0600.
pub(super) fn keep_owner(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None)?;
    }
    if new.gid() != old.gid() {
        let _ = fchown(file, None, Some(old.gid()));
    }
    Ok(())
}
