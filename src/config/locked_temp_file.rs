//! The temporary file that replaces the config file. It is also the write lock.
//!
//! Other users cannot open it, so they cannot hold the lock. It never stays behind: it becomes the config
//! file or is removed, and the next write removes the file of a process that was killed.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file_error::{in_the_way_error, write_error};
use super::paths::{self, directory_of};
use super::replace::{exchange, is_at, keep_owner, rename_new, retry, sync_directory};
use crate::error::{Error, may_pass};
use crate::machine::{access, process};

/// Locked, so that only one `rio` at a time writes the config file. Holds the lock until it is dropped or has become the
/// config file.
pub struct LockedTempFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
    /// Whether the file system has locks.
    pub has_locks: bool,
    state: State,
}

enum State {
    Temporary,
    /// A rename may succeed and return an error.
    MayBeTarget,
    /// It has become the target, or is gone. Other processes may have it open, so it is not touched any more.
    Done,
}

/// How an attempt to replace the target ended.
pub enum Replacement {
    /// It is the target. If the directory could not be synced, a power failure may undo that.
    Done { synced: io::Result<()> },
    /// Another program has changed the target.
    TargetChanged,
}

impl LockedTempFile {
    /// Creates and locks the file. `None` if another process holds the lock or has just released it. Errors
    /// name `config`, whose links end at `target`.
    ///
    /// On a file system without locks, the process that creates the file holds the lock, until the file
    /// is older than `max_age` at the time `utc`.
    pub fn try_lock(
        config: &Path,
        target: &Path,
        utc: SystemTime,
        max_age: Duration,
    ) -> Result<Option<Self>, Error> {
        let path = &paths::temporary(target);
        let in_the_way = |error: io::Error| in_the_way_error(path, &error);
        let mut options = access::private_options();
        let (file, is_new) = match options.create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(write_error(config, &error));
            }
            Err(_) => match options.create_new(false).open(path) {
                Ok(file) => (file, false),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) if may_pass(&error) => return Err(write_error(config, &error)),
                // A symbolic link, or a file that this user cannot open.
                Err(_) => return fs::remove_file(path).map(|()| None).map_err(in_the_way),
            },
        };
        let locked = file.try_lock();
        let has_locks = locked.is_ok();
        match locked {
            Err(TryLockError::WouldBlock) if is_foreign(&file) => {
                return Err(in_the_way(ErrorKind::PermissionDenied.into()));
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(_) if !is_new && age(&file, utc).map_err(in_the_way)? <= max_age => {
                return Ok(None);
            }
            _ => {}
        }
        let (path, target) = (path.clone(), target.to_owned());
        let state = State::Temporary;
        let temporary = LockedTempFile { file, path, target, has_locks, state };
        if !is_new {
            return temporary.remove_leftover().map(|()| None).map_err(in_the_way);
        }
        // Another process may have removed a new file that was not locked yet.
        Ok(Some(temporary).filter(LockedTempFile::is_at_path))
    }

    /// Whether the path still leads to this file.
    pub fn is_at_path(&self) -> bool {
        self.is_at(&self.path).unwrap_or(false)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        is_at(&self.file, path)
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

    /// Replaces the target with this file, atomically, if the target still holds `expected`, or does not exist
    /// and nothing is expected.
    ///
    /// A program that takes no lock may change the target at any moment. So the two files are exchanged and the
    /// old one is read again; if it has changed, they are exchanged back. Where that is not possible, the last
    /// moment stays open.
    pub fn replace(&mut self, expected: Option<&[u8]>) -> io::Result<Replacement> {
        if !self.is_at_path() {
            return Ok(Replacement::TargetChanged);
        }
        self.state = State::MayBeTarget;
        let Some(expected) = expected else {
            return match rename_new(&self.path, &self.target) {
                Ok(()) => Ok(self.done()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    Ok(Replacement::TargetChanged)
                }
                Err(_) => self.rename(),
            };
        };
        let old = retry(|| File::open(&self.target))?;
        // After the exchange, it is at the path of the lock. Another rio would remove it if it were not locked.
        let _ = old.try_lock();
        if exchange(&self.path, &self.target).is_err() {
            return self.rename();
        }
        let is_unchanged = self.holds(&old, expected);
        if is_unchanged {
            // The next writer exchanges this file, and another one would remove it if it could lock it then.
            let _ = self.file.unlock();
            if retry(|| remove(&self.path)).is_ok() {
                let _ = old.unlock();
                return Ok(self.done());
            }
        }
        retry(|| exchange(&self.path, &self.target))?;
        self.state = State::Temporary;
        if is_unchanged { self.rename() } else { Ok(Replacement::TargetChanged) }
    }

    /// Whether the old file, which has been exchanged, is at this path and unchanged.
    fn holds(&self, mut old: &File, expected: &[u8]) -> bool {
        let mut contents = Vec::with_capacity(expected.len().saturating_add(1));
        let is_same = is_at(old, &self.path).unwrap_or(false);
        is_same && old.read_to_end(&mut contents).is_ok() && contents == expected
    }

    fn rename(&mut self) -> io::Result<Replacement> {
        if !self.is_at_path() {
            return Ok(Replacement::TargetChanged);
        }
        self.state = State::MayBeTarget;
        fs::rename(&self.path, &self.target)?;
        Ok(self.done())
    }

    fn done(&mut self) -> Replacement {
        self.state = State::Done;
        Replacement::Done { synced: sync_directory(&directory_of(&self.target)) }
    }

    /// Removes the file of a process that was killed.
    fn remove_leftover(mut self) -> io::Result<()> {
        if self.is_at(&self.path)? {
            remove(&self.path)?;
        }
        self.state = State::Done;
        Ok(())
    }

    /// Removes the file unless it is the target.
    fn discard(&self) {
        match self.state {
            State::Done => return,
            State::MayBeTarget if self.is_at(&self.target).unwrap_or(true) => return,
            State::MayBeTarget | State::Temporary => {}
        }
        let is_removed = self.is_at_path() && retry(|| remove(&self.path)).is_ok();
        // A removed file stays whole for those who opened it while it was the target, and so does one with other links.
        let has_one_link = || self.file.metadata().map_or(true, |metadata| metadata.nlink() <= 1);
        if !is_removed && has_one_link() {
            let _ = retry(|| self.file.set_len(0));
        }
    }
}

impl Drop for LockedTempFile {
    fn drop(&mut self) {
        self.discard();
        // Closing is not enough: a child process also has the file open until it calls exec.
        let _ = self.file.unlock();
    }
}

/// Removes a file, unless another process has done so.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

fn is_foreign(file: &File) -> bool {
    let user = process::user();
    user != 0 && file.metadata().is_ok_and(|metadata| ![0, user].contains(&metadata.uid()))
}

/// The time since the last write. The clock may have been set back since then.
fn age(file: &File, utc: SystemTime) -> io::Result<Duration> {
    let age = utc.duration_since(file.metadata()?.modified()?);
    Ok(age.unwrap_or_else(|error| error.duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    /// A temporary file with these contents, for `config.json` in the directory.
    fn temporary(directory: &Path, contents: &str) -> LockedTempFile {
        let config = directory.join("config.json");
        let file = LockedTempFile::try_lock(&config, &config, NOW, Duration::ZERO);
        let mut file = file.ok().flatten().expect("the lock");
        file.write(contents.as_bytes(), None).unwrap();
        file
    }

    #[test]
    fn file_that_was_the_target_is_never_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.json");
        for old in [None, Some("old")] {
            old.iter().for_each(|old| fs::write(&config, old).unwrap());
            let mut first = temporary(directory.path(), "first");
            first.replace(old.map(str::as_bytes)).unwrap();
            let mut reader = File::open(&config).unwrap();

            // The next writer replaces it while the first one still syncs the directory.
            let mut second = temporary(directory.path(), "second");
            second.replace(Some(b"first")).unwrap();
            drop((first, second));
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "first");
            assert_eq!(fs::read_to_string(&config).unwrap(), "second");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
            fs::remove_file(&config).unwrap();
        }
    }

    #[test]
    fn leftover_is_removed_and_not_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.json");
        let path = paths::temporary(&config);
        fs::write(&path, "exchanged").unwrap();
        let mut reader = File::open(&path).unwrap();
        let lock = LockedTempFile::try_lock(&config, &config, NOW, Duration::ZERO);
        assert!(lock.is_ok_and(|file| file.is_none()));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "exchanged");
        assert!(!path.exists());
    }
}
