//! The file under the token cache: read whole, or replaced whole, whatever happens in between.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::error::Error;

/// A larger file is no token cache.
const LARGEST: u64 = 1024 * 1024;
/// A path may lead through this many symbolic links, as in the kernel.
const MOST_LINKS: usize = 40;
/// How long another process may hold the lock; it needs milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// So many directories are made for the file: `~/.config/rio-cli`, but no home.
const MOST_NEW_DIRECTORIES: usize = 2;

const OWNER_ONLY: u32 = 0o600;
const OWNER_ONLY_DIRECTORY: u32 = 0o700;

/// The bytes of the file; they hold a token, so they are wiped when dropped.
pub type Contents = Zeroizing<Vec<u8>>;

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
    pub fn read(&self) -> Result<Option<Contents>, Error> {
        let target = self.target()?;
        self.read_target(&target)
    }

    /// Makes sure, before anything is sent, that [`CacheFile::rewrite`] can do its work.
    pub fn check_writable(&self, clock: &dyn Clock) -> Result<(), Error> {
        let target = self.target()?;
        let _lock = self.lock(&target, clock)?;
        self.regular(&target)?;
        let temporary = temporary_of(&target);
        self.write_error(create(&temporary))?;
        self.write_error(fs::remove_file(&temporary))
    }

    /// Replaces the contents by what `edit` makes of them, under a lock that other `rio` honour.
    ///
    /// An error of `edit` leaves the file as it is.
    pub fn rewrite(
        &self,
        clock: &dyn Clock,
        edit: impl FnOnce(Option<Contents>) -> Result<Contents, Error>,
    ) -> Result<(), Error> {
        let target = self.target()?;
        let lock = self.lock(&target, clock)?;
        let contents = edit(self.read_target(&target)?)?;
        let temporary = temporary_of(&target);
        let replaced = replace(&target, &temporary, &contents);
        if replaced.is_err() {
            // What could not be written must not stay behind; the error to tell is the first one.
            let _ = fs::remove_file(&temporary);
        }
        self.write_error(replaced)?;
        // Some file systems cannot sync a directory. The file is whole either way.
        let _ = lock.sync_all();
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
        Err(self.unreadable(&io::Error::from_raw_os_error(libc::ELOOP)))
    }

    /// The metadata of a regular file, or `None` where there is nothing. A directory, a pipe or a
    /// device in its place is an error: none of them may be read from, nor renamed over.
    fn regular(&self, target: &Path) -> Result<Option<fs::Metadata>, Error> {
        match fs::metadata(target) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
            Ok(_) => Err(Error::refused(
                format!("the config file {} is not a regular file", self.path.display()),
                "Move it aside, or name another file in RIO_CONFIG.",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn read_target(&self, target: &Path) -> Result<Option<Contents>, Error> {
        if self.regular(target)?.is_none() {
            return Ok(None);
        }
        let mut bytes = Zeroizing::new(Vec::new());
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
    fn lock(&self, target: &Path, clock: &dyn Clock) -> Result<File, Error> {
        let path = directory_of(target);
        self.write_error(create_directories(&path))?;
        let directory = self.write_error(File::open(&path))?;
        let give_up = clock.now().saturating_add(LOCK_PATIENCE);
        while let Err(TryLockError::WouldBlock) = directory.try_lock() {
            if clock.now() >= give_up {
                return Err(Error::unavailable(
                    format!("another program keeps {} locked", path.display()),
                    "See whether another rio hangs (`ps -C rio`), end it, and try again.",
                ));
            }
            clock.sleep(LOCK_PAUSE);
        }
        Ok(directory)
    }

    /// The file cannot be used as it is; says so, and how to get it out of the way untouched.
    pub fn unusable(&self, what: &str) -> Error {
        let path = self.path.display();
        Error::refused(
            format!("the config file {path} {what}"),
            format!("Mend it, or move it aside: mv '{path}' '{path}.bad'"),
        )
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::refused(
            format!("the config file {} cannot be read: {}", self.path.display(), reason(error)),
            "Make it readable for this user, or name another file in RIO_CONFIG.",
        )
    }

    fn write_error<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            Error::refused(
                format!("cannot write {}: {}", self.path.display(), reason(&error)),
                "Make room or allow writing there, or name another file in RIO_CONFIG.",
            )
        })
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

/// Always the same name, so that a process that was killed leaves one at the most.
fn temporary_of(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".tmp");
    target.with_file_name(name)
}

fn create_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| *p != Path::new("") && !p.exists()).collect();
    if missing.len() > MOST_NEW_DIRECTORIES {
        return Err(ErrorKind::NotFound.into());
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

/// Opens a new file for its owner alone; what a killed process left under the name goes first, which
/// is safe under the lock.
fn create(temporary: &Path) -> io::Result<File> {
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(temporary)?;
    // The umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    Ok(file)
}

fn replace(target: &Path, temporary: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = create(temporary)?;
    if let Ok(old) = fs::metadata(target) {
        keep_owner(&file, &old)?;
    }
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(temporary, target)
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
