//! The file under the token cache: read whole, or replaced whole, whatever happens in between.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{
    DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::host::clock::Clock;
use crate::text;

/// A larger file is no token cache.
const LARGEST: u64 = 1024 * 1024;
/// A path may lead through this many symbolic links, as in the kernel.
const MOST_LINKS: usize = 40;
/// How long another process may hold the lock; it needs milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// More than a token needs.
const ENOUGH_FOR_A_TOKEN: usize = 8 * 1024;
/// So many directories are made for the file: `~/.config/rio-cli`, but no home.
const MOST_NEW_DIRECTORIES: usize = 2;

const OWNER_ONLY: u32 = 0o600;
const OWNER_ONLY_DIRECTORY: u32 = 0o700;

/// A file by its path; a symbolic link stands for what it points to.
#[derive(Clone, Debug)]
pub struct CacheFile {
    path: PathBuf,
}

impl CacheFile {
    /// The file at this path, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        CacheFile { path }
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The permission bits, or `None` where there is no file.
    pub fn mode(&self) -> Option<u32> {
        fs::metadata(&self.path).ok().map(|metadata| metadata.mode() & 0o777)
    }

    /// Reads the whole file; `None` where there is none, or it is empty (what a full disk or a pulled
    /// plug leaves behind writers that truncate).
    pub fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let target = self.target()?;
        self.read_target(&target)
    }

    /// Makes sure, before anything is sent, that [`CacheFile::rewrite`] can do its work: writes what is
    /// there once more, or, where there is nothing, something that is taken away again.
    pub fn check_writable(&self, clock: &dyn Clock) -> Result<(), Error> {
        let target = self.target()?;
        if self.regular(&target)?.is_some() {
            return self.rewrite(clock, |contents| Ok(contents.unwrap_or_default()));
        }
        let lock = self.lock(&target, clock)?;
        let temporary = lock.temporary_of(&target);
        let written = write_new(&temporary, &[b' '; ENOUGH_FOR_A_TOKEN], None);
        let removed = fs::remove_file(&temporary);
        self.write_error(written.and(removed))
    }

    /// Replaces the contents by what `edit` makes of them, under a lock that other `rio` honour.
    ///
    /// An error of `edit` leaves the file as it is.
    pub fn rewrite(
        &self,
        clock: &dyn Clock,
        edit: impl FnOnce(Option<Vec<u8>>) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        let target = self.target()?;
        let lock = self.lock(&target, clock)?;
        let old = self.regular(&target)?;
        let contents = edit(self.read_target(&target)?)?;
        if contents.len() as u64 > LARGEST {
            return Err(self.unusable("would become larger than 1 MiB"));
        }
        let temporary = lock.temporary_of(&target);
        let replaced = write_new(&temporary, &contents, old.as_ref())
            .and_then(|()| fs::rename(&temporary, &target));
        if replaced.is_err() {
            // What could not be put in place must not stay behind; the error to tell is the first one.
            let _ = fs::remove_file(&temporary);
        }
        self.write_error(replaced)?;
        // Some file systems cannot sync a directory. The file is whole either way.
        let _ = lock.directory.sync_all();
        Ok(())
    }

    fn target(&self) -> Result<PathBuf, Error> {
        let mut path = self.path.clone();
        for _ in 0..MOST_LINKS {
            match fs::read_link(&path) {
                Ok(link) => path = directory_of(&path).join(link),
                Err(_) => return Ok(path),
            }
        }
        Err(self.unusable("is a symbolic link that leads to itself"))
    }

    /// The metadata of a regular file, or `None` where there is nothing. A directory, a pipe or a
    /// device in its place is an error: none of them may be read from, nor renamed over.
    fn regular(&self, target: &Path) -> Result<Option<fs::Metadata>, Error> {
        match fs::metadata(target) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
            Ok(metadata) if self.may_be_moved(&metadata) => {
                Err(self.unusable("is not a regular file"))
            }
            Ok(_) => Err(Error::failure(
                format!("the config file {} is not a regular file", self.path.display()),
                "Name another file in RIO_CONFIG.",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// A device is nothing to move, nor is the root.
    fn may_be_moved(&self, metadata: &fs::Metadata) -> bool {
        let kind = metadata.file_type();
        self.path.file_name().is_some() && (kind.is_dir() || kind.is_fifo())
    }

    fn read_target(&self, target: &Path) -> Result<Option<Vec<u8>>, Error> {
        if self.regular(target)?.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(target)
            .and_then(|file| file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.unusable("is larger than 1 MiB"));
        }
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Locks the directory, which stays the same file while its entries are replaced. Where the file
    /// system has no locks, goes on without one.
    fn lock(&self, target: &Path, clock: &dyn Clock) -> Result<Lock, Error> {
        let path = directory_of(target);
        self.write_error(create_directories(&path))?;
        let directory = self.write_error(File::open(&path))?;
        let give_up = clock.now().saturating_add(LOCK_PATIENCE);
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Lock { directory, held: true }),
                Err(TryLockError::Error(_)) => return Ok(Lock { directory, held: false }),
                Err(TryLockError::WouldBlock) if clock.now() < give_up => clock.sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::temporary(
                        format!("another program keeps {} locked", path.display()),
                        "See whether another rio hangs (`ps -C rio`), end it, and try again.",
                    ));
                }
            }
        }
    }

    /// The file cannot be used as it is; says so, and how to get it out of the way untouched.
    pub fn unusable(&self, what: &str) -> Error {
        let advice = format!(
            "Mend it, name another file in RIO_CONFIG, or move it aside:\n  {}",
            self.move_aside()
        );
        Error::failure(format!("the config file {} {what}", self.path.display()), advice)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        self.unusable(&format!("cannot be read: {}", reason(error)))
    }

    fn move_aside(&self) -> String {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".bad");
        let (from, to) = (text::shell_word(&self.path), text::shell_word(Path::new(&aside)));
        format!("mv -- {from} {to}")
    }

    fn write_error<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            let advice = match error.kind() {
                ErrorKind::NotFound => "Create its directory",
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    "Make room for it"
                }
                ErrorKind::ResourceBusy => "Mount its directory instead of the file",
                _ => "Allow this user to write there",
            };
            Error::failure(
                format!("cannot write {}: {}", self.path.display(), reason(&error)),
                format!("{advice}, or name another file in RIO_CONFIG."),
            )
        })
    }
}

/// The directory of the file, locked if that can be.
struct Lock {
    directory: File,
    held: bool,
}

impl Lock {
    /// Under the lock always the same name, so that a killed process leaves one file at the most;
    /// without it one of this process's own.
    fn temporary_of(&self, target: &Path) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        if !self.held {
            name.push(format!(".{}", std::process::id()));
        }
        name.push(".tmp");
        target.with_file_name(name)
    }
}

impl Drop for Lock {
    /// Closing is not enough: a child that was just forked may still hold the directory open.
    fn drop(&mut self) {
        let _ = self.directory.unlock();
    }
}

/// What the system says, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn create_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| *p != Path::new("") && !p.exists()).collect();
    if missing.len() > MOST_NEW_DIRECTORIES {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    for directory in missing.into_iter().rev() {
        match DirBuilder::new().mode(OWNER_ONLY_DIRECTORY).create(directory) {
            // The umask may have taken bits away.
            Ok(()) => fs::set_permissions(directory, Permissions::from_mode(OWNER_ONLY_DIRECTORY))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a new file for its owner alone, down to the disk. What a killed process left under the name
/// goes first.
fn write_new(path: &Path, contents: &[u8], old: Option<&fs::Metadata>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
    // The umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    if let Some(old) = old {
        keep_owner(&file, old)?;
    }
    file.write_all(contents)?;
    file.sync_all()
}

/// With sudo, the user's file stays the user's. The group matters little at 0600, so a group that
/// cannot be given is let go; an owner that cannot be kept is an error.
fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None)?;
    }
    if new.gid() != old.gid() {
        let _ = fchown(file, None, Some(old.gid()));
    }
    Ok(())
}
