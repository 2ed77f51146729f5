//! The config file on disk: read whole, and replaced atomically under a lock.
//!
//! The Python `rio` truncates the file and then fills it, without a lock. So a file that is empty or ends
//! early is read again for a while, and a write starts over if the file has changed since it was read.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::file_error::{find_process, unreadable_error, unusable_error, write_error};
use super::locked_temp_file::{LockedTempFile, Replacement};
use super::paths::{self, directory_of};
use super::private_file::{OpenError, PrivateFile};
use super::replace::{self, Obstacle, sync_directory};
use super::{Config, Members};
use crate::advice;
use crate::error::{Error, Warning};
use crate::machine::clock::Clock;
use crate::machine::env::Env;
use crate::machine::notice::Notice;
use crate::machine::{access, process};
use crate::text;

const MAX_SIZE: u64 = 1024 * 1024;
/// How long another program may take to fill the file after it truncated it.
const FILL_TIMEOUT: Duration = Duration::from_millis(300);
/// How long to wait for the lock for writing. Another rio holds it for milliseconds, but many may wait for it
/// on a busy machine.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to start over because another program keeps changing the file.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to try to store what must not be lost.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
const STORE_RETRY_INTERVAL: Duration = Duration::from_millis(250);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// How long to wait for another rio that refreshes the token: longer than its two requests take.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(75);
const REFRESH_RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// The space that a new token may need, in bytes.
const TOKEN_RESERVE: usize = 8 * 1024;
/// How many missing directories are created: enough for `~/.config/rio-cli`, but not for a home directory.
const MAX_NEW_DIRECTORIES: usize = 2;

/// The config file, which need not exist. Symbolic links are followed.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    clock: Rc<dyn Clock>,
    created: Rc<CreatedDirectories>,
    warnings: Rc<RefCell<Vec<Warning>>>,
}

impl ConfigFile {
    /// The file that `RIO_CONFIG`, `XDG_CONFIG_HOME` or the home directory determines. From now on, this thread
    /// may act as its owner: see [`access::act_as_owner`].
    pub fn locate(env: &Env, clock: Rc<dyn Clock>) -> Result<Self, Error> {
        let path = paths::config(env)?;
        access::act_as_owner(&path)?;
        Ok(ConfigFile { path, clock, created: Rc::default(), warnings: Rc::default() })
    }

    /// The path, with symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The permission bits, or `None` if there is no file.
    pub fn mode(&self) -> Option<u32> {
        fs::metadata(&self.path).ok().map(|metadata| metadata.mode() & 0o777)
    }

    /// Where a device login that waits for approval is stored.
    pub fn pending_path(&self) -> PathBuf {
        paths::pending(&self.target())
    }

    fn target(&self) -> PathBuf {
        paths::resolve(&self.path)
    }

    /// Warns if another user could change the file, and so the host that receives the next password.
    pub fn others_can_change(&self) -> Option<Warning> {
        access::others_can_change("the config file", &self.path)
    }

    /// Warns if other users can read the file, unless [`ConfigFile::others_can_change`] says so.
    pub fn others_can_read(&self) -> Option<Warning> {
        let file = fs::metadata(&self.path).ok()?;
        let warning = access::others_can_read("the config file", &self.target(), &file)?;
        let is_known = |known: Warning| known.advice() == warning.advice();
        (!self.others_can_change().is_some_and(is_known)).then_some(warning)
    }

    /// Reads the file. A missing or empty file has no members.
    pub fn load(&self) -> Result<Config, Error> {
        self.read().map(|(_, config)| config)
    }

    /// Checks that [`ConfigFile::update`] can succeed, before a request is sent and its result must be stored.
    /// Returns a warning if the file cannot be made private.
    pub fn check_writable(&self) -> Result<Option<Warning>, Error> {
        self.check_replaceable()?;
        let mut temporary = self.lock()?;
        let old = self.regular_file()?;
        let has_modes =
            self.write_error(temporary.write(&vec![b' '; self.size_with_token()?], old.as_ref()))?;
        Ok((!has_modes).then(|| {
            let path = self.path.display();
            Warning::new(format!(
                "cannot make {path} private; other users may be able to read the token"
            ))
            .advise("Set RIO_CONFIG to a file on a file system that has permissions.")
        }))
    }

    /// Checks that the kernel lets this user replace the file.
    fn check_replaceable(&self) -> Result<(), Error> {
        let target = self.target();
        let directory = directory_of(&target);
        let of_file =
            replace::obstacle(&target, Some(&directory)).map(|obstacle| (obstacle, &target));
        let of_directory = || Some((replace::obstacle(&directory, None)?, &directory));
        let Some((obstacle, path)) = of_file.or_else(of_directory) else { return Ok(()) };
        let (state, option) = match obstacle {
            Obstacle::Mount => {
                return self.write_error(Err(io::Error::from_raw_os_error(libc::EBUSY)));
            }
            Obstacle::Immutable => ("is immutable", "-i"),
            Obstacle::AppendOnly => ("can only be appended to", "-a"),
        };
        let sudo = if process::is_root() { "" } else { "sudo " };
        Err(Warning::fixed_by(
            format!("cannot replace {}: {} {state}", self.path.display(), path.display()),
            format!("{sudo}chattr {option} -- {}", text::shell_word(path)),
        )
        .into())
    }

    /// Checks that the file will not be too large with a new token.
    pub fn check_room(&self) -> Result<(), Error> {
        self.check_size(self.size_with_token()?)
    }

    /// The size that the file may have after the next write.
    pub fn size_with_token(&self) -> Result<usize, Error> {
        Ok(self.load()?.members.to_json().len().saturating_add(TOKEN_RESERVE))
    }

    fn check_size(&self, size: usize) -> Result<(), Error> {
        if size as u64 > MAX_SIZE {
            return Err(self.unusable_error("would become larger than 1 MiB"));
        }
        Ok(())
    }

    /// Whether the file system has locks. Takes the lock for writing.
    pub fn has_locks(&self) -> Result<bool, Error> {
        Ok(self.lock()?.has_locks)
    }

    /// Changes members. Reads the file again under the lock, so that another process's changes are not lost.
    pub fn update(&self, change: impl FnMut(&mut Config)) -> Result<(), Error> {
        self.update_if(|_| true, change).map(drop)
    }

    /// As [`ConfigFile::update`], if the condition holds under the lock. Returns whether it does.
    pub fn update_if(
        &self,
        condition: impl Fn(&Config) -> bool,
        mut change: impl FnMut(&mut Config),
    ) -> Result<bool, Error> {
        let mut temporary = self.lock()?;
        let deadline = self.deadline(WRITE_TIMEOUT);
        loop {
            let old = self.regular_file()?;
            let (bytes, mut config) = self.read()?;
            if !condition(&config) {
                return Ok(false);
            }
            let before = config.members.to_json();
            change(&mut config);
            let after = config.members.to_json();
            if after == before {
                return Ok(true);
            }
            self.check_size(after.len())?;
            self.write_error(temporary.write(after.as_bytes(), old.as_ref()))?;
            if self.read_bytes()? == bytes
                && let Replacement::Done { synced } =
                    self.write_error(temporary.replace(bytes.as_deref()))?
            {
                self.warn_unless_synced(synced);
                return Ok(true);
            }
            drop(temporary);
            self.wait_for_retry(deadline, || self.changing_error())?;
            temporary = self.lock()?;
        }
    }

    /// As [`ConfigFile::update_if`], for a change that must not be lost: tries it again for some seconds.
    pub fn insist_on_update_if(
        &self,
        condition: impl Fn(&Config) -> bool,
        mut change: impl FnMut(&mut Config),
    ) -> Result<bool, Error> {
        let deadline = self.deadline(STORE_TIMEOUT);
        loop {
            match self.update_if(&condition, &mut change) {
                Err(_) if self.clock.now() < deadline => self.clock.sleep(STORE_RETRY_INTERVAL),
                result => return result,
            }
        }
    }

    fn warn_unless_synced(&self, synced: io::Result<()>) {
        if let Err(error) = synced {
            let directory = directory_of(&self.target());
            let (directory, problem) = (directory.display(), text::io_error(&error));
            self.warnings.borrow_mut().push(Warning::new(format!(
                "cannot sync {directory}: {problem}; a power failure may undo the change"
            )));
        }
    }

    /// The warnings of the updates since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        self.warnings.take()
    }

    /// Opens a private file beside the config file, or creates it.
    pub fn open_or_create(&self, path: &Path) -> Result<PrivateFile, OpenError> {
        let config = self.regular_file().map_err(OpenError::Other)?;
        match PrivateFile::create(path, config.as_ref()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                PrivateFile::open(path, config.as_ref())
            }
            file => file.map_err(|error| OpenError::Other(write_error(path, &error))),
        }
    }

    /// As [`ConfigFile::open_or_create`]. `None` if there is no file.
    pub fn open_private(&self, path: &Path) -> Result<Option<PrivateFile>, OpenError> {
        let config = self.regular_file().map_err(OpenError::Other)?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => PrivateFile::open(path, config.as_ref()).map(Some),
        }
    }

    /// Checks that the lock file of a token refresh can be opened, if it exists.
    pub fn check_refresh_lock(&self) -> Result<(), Error> {
        Ok(self.open_private(&self.refresh_lock_path()).map(drop)?)
    }

    /// Takes the lock of a token refresh. `None` if another user owns it. Also returns a warning about that, or
    /// if the file system has no locks.
    ///
    /// The file is never deleted: two processes could then lock two files.
    pub fn lock_refresh(
        &self,
        notice: &Notice,
    ) -> Result<(Option<PrivateFile>, Option<Warning>), Error> {
        let path = self.refresh_lock_path();
        let deadline = self.deadline(REFRESH_TIMEOUT);
        loop {
            let lock = match self.open_or_create(&path) {
                Ok(lock) => lock,
                Err(OpenError::Foreign(warning)) => return Ok((None, Some(warning))),
                Err(OpenError::Other(error)) => return Err(error),
            };
            while lock.is_at_path() {
                match lock.try_lock() {
                    // Otherwise another program has removed the file during the wait.
                    Ok(true) if lock.is_at_path() => return Ok((Some(lock), None)),
                    Ok(true) => break,
                    Ok(false) if self.clock.now() < deadline => {
                        self.clock.sleep(REFRESH_RETRY_INTERVAL);
                        notice.tick();
                    }
                    Ok(false) => {
                        let shown = path.display();
                        return Err(Error::temporary(
                            format!("another rio is refreshing the token and holds {shown}"),
                            find_process(&path),
                        ));
                    }
                    Err(error) => {
                        let (path, problem) = (path.display(), text::io_error(&error));
                        let warning = Warning::new(format!(
                            "cannot lock {path}: {problem}; run only one refresh at a time"
                        ));
                        return Ok((Some(lock), Some(warning)));
                    }
                }
            }
        }
    }

    pub fn refresh_lock_path(&self) -> PathBuf {
        paths::refresh_lock(&self.target())
    }

    fn deadline(&self, timeout: Duration) -> Duration {
        self.clock.now().saturating_add(timeout)
    }

    fn wait_for_retry(&self, deadline: Duration, late: impl Fn() -> Error) -> Result<(), Error> {
        if self.clock.now() >= deadline {
            return Err(late());
        }
        self.clock.sleep(RETRY_INTERVAL);
        Ok(())
    }

    /// `None` if there is no file. A directory, pipe or device is an error.
    fn regular_file(&self) -> Result<Option<Metadata>, Error> {
        let path = self.path.display();
        let (problem, advice) = match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => return Ok(Some(metadata)),
            Ok(metadata) if metadata.is_dir() => {
                let file = self.path.join("rio.json");
                ("a directory", format!("Set RIO_CONFIG to a file, such as {}.", file.display()))
            }
            Ok(_) => ("not a regular file", "Set RIO_CONFIG to a regular file.".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable_error(&self.path, &error)),
        };
        Err(Error::failure(format!("the config file {path} is {problem}"), advice))
    }

    /// The whole file, at one moment: another program may write to it meanwhile.
    fn read_bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        let deadline = self.deadline(WRITE_TIMEOUT);
        while self.regular_file()?.is_some() {
            match read_bounded(&self.path).map_err(|error| unreadable_error(&self.path, &error))? {
                Some(bytes) if bytes.len() as u64 > MAX_SIZE => {
                    return Err(self.unusable_error("is larger than 1 MiB"));
                }
                Some(bytes) => return Ok(Some(bytes)),
                None => self.wait_for_retry(deadline, || self.changing_error())?,
            }
        }
        Ok(None)
    }

    /// The bytes and what they contain. Waits while another program fills the file. Each time that program
    /// truncates the file, the wait starts again.
    fn read(&self) -> Result<(Option<Vec<u8>>, Config), Error> {
        let last_deadline = self.deadline(WRITE_TIMEOUT);
        let (mut modified, mut deadline) = (None, last_deadline);
        loop {
            let now = fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok();
            if now != modified {
                (modified, deadline) = (now, last_deadline.min(self.deadline(FILL_TIMEOUT)));
            }
            let bytes = self.read_bytes()?;
            let text = bytes.as_deref().unwrap_or_default();
            let may_be_unfinished = bytes.is_some() && self.clock.now() < deadline;
            let members = match serde_json::from_slice::<Members>(text) {
                Ok(members) => members,
                Err(error) if error.is_eof() && may_be_unfinished => {
                    self.clock.sleep(RETRY_INTERVAL);
                    continue;
                }
                Err(_) if text.is_empty() => Members::default(),
                // The parser's own message quotes the text, which may hold a token.
                Err(error) => {
                    let place = match error.is_data() {
                        true => String::new(),
                        false => format!(" (line {}, column {})", error.line(), error.column()),
                    };
                    return Err(self.unusable_error(&format!("is not a JSON object{place}")));
                }
            };
            return Ok((bytes, Config { path: self.path.clone(), members }));
        }
    }

    /// Creates missing directories and takes the lock for writing.
    fn lock(&self) -> Result<LockedTempFile, Error> {
        let deadline = self.deadline(LOCK_TIMEOUT);
        self.regular_file()?;
        let target = self.target();
        self.warn_unless_synced(self.write_error(self.created.create(&directory_of(&target)))?);
        loop {
            let utc = self.clock.utc();
            if let Some(temporary) =
                LockedTempFile::try_lock(&self.path, &target, utc, WRITE_TIMEOUT)?
            {
                return Ok(temporary);
            }
            self.wait_for_retry(deadline, || {
                let path = paths::temporary(&target);
                Error::temporary(
                    format!("another process holds the lock {}", path.display()),
                    find_process(&path),
                )
            })?;
        }
    }

    fn unusable_error(&self, problem: &str) -> Error {
        unusable_error(&self.path, format!("the config file {} {problem}", self.path.display()))
    }

    fn changing_error(&self) -> Error {
        Error::temporary(
            format!("{} keeps changing: another program writes to it", self.path.display()),
            advice::TRY_LATER,
        )
    }

    fn write_error<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|error| write_error(&self.path, &error))
    }
}

/// At most one byte more than a config file may have, with one call of `read`. `None` if the file changed meanwhile.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    let before = file.metadata()?;
    let size = before.len().min(MAX_SIZE.saturating_add(1));
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let read = file.read_exact(&mut bytes);
    let after = file.metadata()?;
    let version = |metadata: &Metadata| (metadata.len(), metadata.modified().ok());
    if version(&before) != version(&after) {
        return Ok(None);
    }
    read.map(|()| Some(bytes))
}

/// Directories that this process has created. At the end, it removes those that are still empty.
#[derive(Default)]
struct CreatedDirectories(RefCell<Vec<PathBuf>>);

impl CreatedDirectories {
    /// Creates a directory and those above it. The inner result is that of syncing their parents. A relative path
    /// creates nothing: it may be `$HOME/rio.json`, which no shell has read.
    fn create(&self, path: &Path) -> io::Result<io::Result<()>> {
        let mut synced = Ok(());
        let missing: Vec<&Path> =
            path.ancestors().take_while(|p| *p != Path::new("") && !p.exists()).collect();
        let most = if path.is_absolute() { MAX_NEW_DIRECTORIES } else { 0 };
        if missing.len() > most {
            return Err(io::Error::from_raw_os_error(libc::ENOENT));
        }
        for directory in missing.into_iter().rev() {
            match DirBuilder::new().mode(0o700).create(directory) {
                Ok(()) => {
                    // The umask may have removed bits. FAT has none.
                    let _ = fs::set_permissions(directory, Permissions::from_mode(0o700));
                    self.0.borrow_mut().push(directory.to_owned());
                    synced = synced.and_then(|()| sync_directory(&directory_of(directory)));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(synced)
    }
}

impl Drop for CreatedDirectories {
    fn drop(&mut self) {
        self.0.get_mut().iter().rev().for_each(|directory| drop(fs::remove_dir(directory)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn file_is_read_with_one_call() {
        /// The number of calls of this thread that read.
        fn reads() -> Option<u64> {
            let counters = fs::read_to_string("/proc/thread-self/io").ok()?;
            counters.lines().find_map(|line| line.strip_prefix("syscr: "))?.parse().ok()
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for size in [1, 31, 32, 1000, 8 * 1024] {
            fs::write(&path, "x".repeat(size)).unwrap();
            let (Some(first), Some(second)) = (reads(), reads()) else {
                return println!("skipped: this kernel does not count system calls");
            };
            assert_eq!(read_bounded(&path).unwrap().unwrap().len(), size);
            assert_eq!(reads().unwrap() - second, second - first + 1);
        }
    }

    #[test]
    fn file_that_is_too_large_is_read_to_one_byte_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        File::create(&path).unwrap().set_len(2 * MAX_SIZE).unwrap();
        assert_eq!(read_bounded(&path).unwrap().unwrap().len() as u64, MAX_SIZE + 1);
    }
}
