//! A new token is safe at once: it is written to a private file that is open and large enough before the request
//! is sent. Then the config file is replaced, then the private file is emptied. If a fault comes between, the next
//! command finishes the work.

use std::path::Path;

use crate::advice;
use crate::config::{Config, ConfigFile, NewLogin, PrivateFile, Progress};
use crate::error::Error;
use crate::http::Http;
use crate::platform::Platform;

/// Stores a new login, and empties the private file. If it cannot be stored, it stays in the private file. Returns
/// false if `accepts` does not hold, because another rio has changed the login meanwhile: the new login is ended at the
/// server.
pub fn store(
    config_file: &ConfigFile,
    http: &Http,
    login: &NewLogin,
    file: Option<&PrivateFile>,
    accepts: impl Fn(&Config) -> bool,
) -> Result<bool, Error> {
    let json = login.to_json();
    let keep = || {
        let file = file?;
        // Once more if that fails: a fault may pass. Without the sync, it is lost only in a power failure.
        let is_written =
            file.overwrite(json.clone()).or_else(|_| file.overwrite(json.clone())).is_ok();
        let is_kept = is_written || file.read().is_ok_and(|contents| contents.starts_with(&json));
        is_kept.then(|| file.path())
    };
    let kept = keep();
    let stored = config_file.insist_on_update_if(accepts, |config| login.store(config));
    match stored {
        Ok(is_stored) => {
            if let Some(file) = file {
                file.clear();
            }
            if !is_stored {
                end(login, http);
            }
            Ok(is_stored)
        }
        Err(error) => Err(match kept.or_else(keep) {
            Some(path) => kept_error(&error, path),
            None => error
                .into_failure()
                .context("the new token is lost because it could not be stored")
                .advise(advice::run("To log in again when this is fixed", "rio auth login")),
        }),
    }
}

fn kept_error(error: &Error, path: &Path) -> Error {
    let path = path.display();
    Error::temporary(
        format!(
            "the new token is kept in {path}, because it could not be stored: {}",
            error.fact()
        ),
        "The next rio command stores it.",
    )
}

/// Ends a token that fits no more, best effort.
fn end(login: &NewLogin, http: &Http) -> bool {
    let mut config = Config::default();
    login.set_server(&mut config);
    login.token().is_none_or(|token| Platform { http, config: &config }.logout(&token).is_ok())
}

/// A private file with a new login. Its lock is held.
struct Kept {
    file: PrivateFile,
    login: NewLogin,
    /// A pending file is removed when it is empty; the lock of a refresh is not.
    is_pending: bool,
}

impl Kept {
    /// The private files with a new login, except those whose lock another process holds: it is about to store it.
    fn find_all(config_file: &ConfigFile) -> impl Iterator<Item = Self> {
        let pending = config_file.pending_path();
        let files = [(config_file.refresh_lock_path(), false), (pending, true)];
        files
            .into_iter()
            .filter_map(|(path, is_pending)| Kept::find(config_file, &path, is_pending))
    }

    fn find(config_file: &ConfigFile, path: &Path, is_pending: bool) -> Option<Self> {
        let file = config_file.open_private(path).ok()??;
        NewLogin::parse(&file.read().ok()?)?;
        if matches!(file.try_lock(), Ok(false)) || !file.is_at_path() {
            return None;
        }
        // Another process may have stored it before it released the lock.
        let login = NewLogin::parse(&file.read().ok()?)?;
        Some(Kept { file, login, is_pending })
    }

    fn discard(&self) {
        match self.is_pending {
            true => self.file.remove(),
            false => self.file.clear(),
        }
    }
}

/// Finishes what an earlier command could not. `config` is what the file holds, and is replaced. If a token cannot be
/// stored, only this config gets it, and the error says why.
pub fn recover(config_file: &ConfigFile, config: &mut Config) -> Result<Option<Error>, Error> {
    for kept in Kept::find_all(config_file) {
        *config = config_file.load()?;
        let fits = |config: &Config| kept.login.progress(config) == Progress::Missing;
        if fits(config) {
            match config_file.update_if(fits, |config| kept.login.store(config)) {
                Ok(_) => *config = config_file.load()?,
                Err(error) => {
                    kept.login.store(config);
                    return Ok(Some(kept_error(&error, kept.file.path())));
                }
            }
        }
        if kept.login.progress(config) == Progress::Stored {
            kept.discard();
        }
    }
    Ok(None)
}

/// Ends the kept tokens that fit no more. One whose server cannot be reached stays for the next command.
pub fn end_superseded(config_file: &ConfigFile, http: &Http) -> Result<(), Error> {
    for kept in Kept::find_all(config_file) {
        let is_superseded = kept.login.progress(&config_file.load()?) == Progress::Superseded;
        if is_superseded && end(&kept.login, http) {
            kept.discard();
        }
    }
    Ok(())
}
