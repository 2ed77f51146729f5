//! A file beside the config file that only its owner can open: the lock of a token refresh, and the pending
//! login. A new token is written there first, so that it is safe before the config file is replaced.

use std::cell::Cell;
use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file_error::{open_error, write_error};
use super::paths::directory_of;
use super::replace::{is_at, keep_owner, retry, sync_directory};
use crate::error::{Error, Warning};
use crate::machine::access::{self, NotPrivate};
use crate::machine::process;
use crate::text;

/// In bytes. Larger than any login with a token that rio accepts; only the beginning of a larger file is read.
const MAX_SIZE: usize = 256 * 1024;

pub struct PrivateFile {
    path: PathBuf,
    file: File,
    /// The length without the reserve; `None` if there is none.
    length: Cell<Option<u64>>,
}

/// Why a file cannot be opened.
pub enum OpenError {
    /// It belongs to another user.
    Foreign(Warning),
    Other(Error),
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Foreign(warning) => warning.into(),
            OpenError::Other(error) => error,
        }
    }
}

impl PrivateFile {
    /// Creates the file, with the owner of the config file. Its name is durable.
    pub fn create(path: &Path, config: Option<&Metadata>) -> io::Result<Self> {
        let file = access::private_options().create_new(true).open(path)?;
        let file = PrivateFile { path: path.to_owned(), file, length: Cell::default() };
        file.set_up(config).inspect_err(|_| file.remove())?;
        Ok(file)
    }

    fn set_up(&self, config: Option<&Metadata>) -> io::Result<()> {
        // The umask may have removed bits. FAT has none.
        let _ = self.file.set_permissions(Permissions::from_mode(0o600));
        if let Some(config) = config {
            keep_owner(&self.file, config)?;
        }
        // Whether the name is durable matters only after a power failure.
        let _ = sync_directory(&directory_of(&self.path));
        Ok(())
    }

    /// Opens the file and changes nothing: it may be a link that another user has made. On a read-only file
    /// system, it can only be read.
    pub fn open(path: &Path, config: Option<&Metadata>) -> Result<Self, OpenError> {
        let warning = |problem: &str, command: &str| {
            Warning::fixed_by(
                format!("the file {} {problem}", path.display()),
                format!("{command} {}", text::shell_word(path)),
            )
        };
        let unusable =
            |problem: &str, command: &str| Err(OpenError::Other(warning(problem, command).into()));
        let cannot_open = |error: io::Error| OpenError::Other(open_error(path, &error));
        let owner = config.map_or_else(process::user, MetadataExt::uid);
        let found = retry(|| fs::symlink_metadata(path)).map_err(cannot_open)?;
        match access::check_private(&found, owner) {
            Ok(()) => {}
            // A file system without modes gives all files the same mode.
            Err(NotPrivate::Mode(_))
                if config.is_some_and(|config| found.mode() == config.mode()) => {}
            Err(NotPrivate::Mode(mode)) => {
                return unusable(&format!("has mode {mode:04o}"), "chmod 600");
            }
            Err(NotPrivate::Owner(uid)) => {
                let problem = format!("belongs to another user (uid {uid})");
                let command = format!("sudo chown {owner}");
                return Err(OpenError::Foreign(warning(&problem, &command)));
            }
            Err(NotPrivate::HardLinks) => return unusable("has other hard links", "rm"),
            Err(NotPrivate::NotAFile) => {
                let command = if found.is_dir() { "rmdir" } else { "rm" };
                return unusable("is not a regular file", command);
            }
        }
        let file = access::private_options().open(path).or_else(|error| match error.kind() {
            ErrorKind::ReadOnlyFilesystem => access::private_options().write(false).open(path),
            _ => Err(error),
        });
        let file = file.map_err(cannot_open)?;
        Ok(PrivateFile { path: path.to_owned(), file, length: Cell::default() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this process now holds the lock. An error means that the file system has no locks.
    pub fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the path still leads to this file.
    pub fn is_at_path(&self) -> bool {
        is_at(&self.file, &self.path).unwrap_or(false)
    }

    pub fn is_empty(&self) -> bool {
        self.size().is_ok_and(|size| size == 0)
    }

    pub fn read(&self) -> io::Result<Vec<u8>> {
        let (mut contents, mut part) = (Vec::new(), [0; 8 * 1024]);
        loop {
            let read = self.file.read_at(&mut part, contents.len() as u64)?;
            contents.extend(part.iter().take(read));
            if read == 0 || contents.len() > MAX_SIZE {
                return Ok(contents);
            }
        }
    }

    fn size(&self) -> io::Result<u64> {
        retry(|| self.file.metadata()).map(|metadata| metadata.len())
    }

    pub fn modified(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }

    pub fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.file.set_modified(time)
    }

    /// Appends blanks, so that there is room for `size` bytes even if the disk becomes full. They are removed
    /// when the file is closed, unless it is overwritten.
    pub fn reserve(&self, size: usize) -> Result<(), Error> {
        let reserve = || {
            let length = self.size()?;
            let missing = (size as u64).saturating_sub(length);
            let blanks = vec![b' '; usize::try_from(missing).unwrap_or_default()];
            self.file.write_all_at(&blanks, length)?;
            Ok(length)
        };
        let length = reserve().map_err(|error| write_error(&self.path, &error))?;
        self.length.set(self.length.get().or(Some(length)));
        Ok(())
    }

    /// Removes the blanks.
    pub fn release(&self) {
        if let Some(length) = self.length.take() {
            let _ = retry(|| self.file.set_len(length));
        }
    }

    /// Replaces the contents, and syncs them.
    ///
    /// Pads to the old length and writes once, so that a process killed during the write leaves the old contents
    /// or the new ones, never a mix.
    pub fn overwrite(&self, mut contents: Vec<u8>) -> io::Result<()> {
        /// If a fault hides the length, in bytes: more than a usual file has.
        const UNKNOWN_LENGTH: u64 = 16 * 1024;
        let old_length = usize::try_from(self.size().unwrap_or(UNKNOWN_LENGTH)).unwrap_or(MAX_SIZE);
        contents.resize(contents.len().max(old_length.min(MAX_SIZE)), b' ');
        self.file.write_all_at(&contents, 0)?;
        self.length.set(None);
        self.file.sync_all()?;
        match is_at(&self.file, &self.path) {
            Ok(false) => Err(ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    /// Removes the contents.
    pub fn clear(&self) {
        self.length.set(None);
        if retry(|| self.file.set_len(0)).is_err() {
            let size = usize::try_from(self.size().unwrap_or_default()).unwrap_or_default();
            let _ = self.file.write_all_at(&vec![b' '; size], 0);
        }
    }

    /// Removes the file and its contents, unless the path leads to that of another process.
    pub fn remove(&self) {
        if self.is_at_path() {
            let _ = retry(|| self.file.set_len(0));
            let _ = retry(|| fs::remove_file(&self.path));
        }
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        self.release();
        // Closing is not enough: until a child process calls exec, it has the file open, too.
        let _ = self.file.unlock();
    }
}
