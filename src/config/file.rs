//! The config file on disk: read whole, and replaced atomically under a lock.

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::Config;
use super::temporary::Temporary;
use crate::error::Error;
use crate::host::clock::Clock;
use crate::host::env::Env;
use crate::text;

const MAX_SIZE: u64 = 1024 * 1024;
/// As many symbolic links as the kernel follows.
const MAX_LINKS: usize = 40;
/// How long to wait for the lock. Another rio holds it for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// More bytes than a new token needs.
const TOKEN_RESERVE: usize = 8 * 1024;
/// How many missing directories are created: `~/.config/rio-cli`, but no home directory.
const MAX_NEW_DIRECTORIES: usize = 2;

/// The config file, which need not exist. A symbolic link stands for its target.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    clock: Rc<dyn Clock>,
}

impl ConfigFile {
    /// The file that `RIO_CONFIG`, `XDG_CONFIG_HOME` or the home directory determines.
    pub fn locate(env: &Env, clock: Rc<dyn Clock>) -> Result<Self, Error> {
        let path = env.get("RIO_CONFIG").map(PathBuf::from).or_else(|| default_path(env));
        let path = path.ok_or_else(|| {
            Error::failure(
                "cannot locate the config file: there is no home directory",
                "Set RIO_CONFIG to a file, for example RIO_CONFIG=/data/rio.json",
            )
        })?;
        Ok(ConfigFile { path, clock })
    }

    /// The path, with symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The permission bits, or `None` if there is no file.
    pub fn mode(&self) -> Option<u32> {
        fs::metadata(&self.path).ok().map(|metadata| metadata.mode() & 0o777)
    }

    /// Reads the file. A missing or empty file has no members.
    pub fn load(&self) -> Result<Config, Error> {
        self.parse(&self.read(&self.target()?)?)
    }

    /// Makes sure that [`ConfigFile::update`] can succeed, before a request is sent whose result it stores.
    pub fn check_writable(&self) -> Result<(), Error> {
        let target = self.target()?;
        let mut temporary = self.lock(&target)?;
        match self.regular_file(&target)? {
            Some(_) => self.replace(&target, temporary, &self.read(&target)?),
            None => self.write_error(temporary.write(&[b' '; TOKEN_RESERVE], None)),
        }
    }

    /// Changes members. Reads the file again under the lock, so that no change of another process is lost.
    pub fn update(&self, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        let target = self.target()?;
        let temporary = self.lock(&target)?;
        let mut config = self.parse(&self.read(&target)?)?;
        change(&mut config);
        self.replace(&target, temporary, config.members.to_json().as_bytes())
    }

    fn parse(&self, json: &[u8]) -> Result<Config, Error> {
        Config::parse(self.path.clone(), json)
    }

    fn target(&self) -> Result<PathBuf, Error> {
        let mut path = self.path.clone();
        for _ in 0..MAX_LINKS {
            match fs::read_link(&path) {
                Ok(link) => path = directory_of(&path).join(link),
                Err(_) => return Ok(path),
            }
        }
        Err(self.unusable("is a symbolic link that leads to itself"))
    }

    /// `None` if there is no file. A directory, pipe or device is an error.
    fn regular_file(&self, target: &Path) -> Result<Option<Metadata>, Error> {
        match fs::metadata(target) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
            Ok(metadata) if metadata.is_dir() => Err(Error::failure(
                format!("the config file {} is a directory", self.path.display()),
                format!(
                    "Set RIO_CONFIG to a file, such as {}.",
                    self.path.join("rio.json").display()
                ),
            )),
            Ok(_) => Err(Error::failure(
                format!("the config file {} is not a regular file", self.path.display()),
                "Set RIO_CONFIG to a regular file.",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn read(&self, target: &Path) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        if self.regular_file(target)?.is_none() {
            return Ok(bytes);
        }
        File::open(target)
            .and_then(|file| file.take(MAX_SIZE.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(self.unusable("is larger than 1 MiB"));
        }
        Ok(bytes)
    }

    fn replace(
        &self,
        target: &Path,
        mut temporary: Temporary,
        contents: &[u8],
    ) -> Result<(), Error> {
        if contents.len() as u64 > MAX_SIZE {
            return Err(self.unusable("would become larger than 1 MiB"));
        }
        let old = self.regular_file(target)?;
        let written = temporary.write(contents, old.as_ref());
        self.write_error(written.and_then(|()| temporary.rename(target)))
    }

    fn lock(&self, target: &Path) -> Result<Temporary, Error> {
        self.write_error(create_directories(&directory_of(target)))?;
        let path = beside(target, "tmp");
        let deadline = self.clock.now().saturating_add(LOCK_TIMEOUT);
        loop {
            let temporary = Temporary::try_lock(&path, self.clock.utc(), LOCK_TIMEOUT);
            match self.write_error(temporary)? {
                Some(temporary) => return Ok(temporary),
                None if self.clock.now() < deadline => self.clock.sleep(LOCK_RETRY_INTERVAL),
                None => {
                    return Err(Error::temporary(
                        format!("another process holds the lock {}", path.display()),
                        "If another rio hangs (`ps -C rio`), end it. Then try again.",
                    ));
                }
            }
        }
    }

    fn unusable(&self, problem: &str) -> Error {
        unusable(&self.path, problem)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        self.unusable(&format!("cannot be read: {}", describe(error)))
    }

    fn write_error<T>(&self, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            let advice = match error.kind() {
                ErrorKind::NotFound => "Create its directory",
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    "Free some disk space"
                }
                ErrorKind::ResourceBusy => "Mount its directory instead of the file",
                _ => "Make its directory writable for this user",
            };
            Error::failure(
                format!("cannot write {}: {}", self.path.display(), describe(&error)),
                format!("{advice}, or set RIO_CONFIG to another file."),
            )
        })
    }
}

/// The error for a file that rio neither understands nor overwrites.
pub(super) fn unusable(path: &Path, problem: &str) -> Error {
    let mut aside = path.to_owned().into_os_string();
    aside.push(".bad");
    let (from, to) = (text::shell_word(path), text::shell_word(Path::new(&aside)));
    Error::failure(
        format!("the config file {} {problem}", path.display()),
        format!("Fix it, set RIO_CONFIG to another file, or move it aside:\n  mv -- {from} {to}"),
    )
}

fn default_path(env: &Env) -> Option<PathBuf> {
    let directory = match env.get("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ if cfg!(target_os = "macos") => env.home()?.join("Library/Application Support"),
        _ => env.home()?.join(".config"),
    };
    Some(directory.join("rio-cli").join("config.json"))
}

/// `.config.json.tmp` beside `config.json`.
fn beside(target: &Path, extension: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{extension}"))
}

/// The system's message in lower case, without the error number.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((message, _)) => message.to_lowercase(),
        None => text,
    }
}

pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn create_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| *p != Path::new("") && !p.exists()).collect();
    if missing.len() > MAX_NEW_DIRECTORIES {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    for directory in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(directory) {
            // The umask may have removed bits.
            Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o700))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
