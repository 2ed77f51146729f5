//! Saves a login that is waiting for approval. If the ssh session drops or the robot reboots, the next login
//! resumes it with the code that the user already has.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::advice;
use crate::config::{ConfigFile, OpenError, PrivateFile};
use crate::error::{Error, Exit, Warning};
use crate::json;
use crate::machine::signals;
use crate::oauth::device_flow::DeviceAuthorization;
use crate::oauth::provider::{MAX_EXPIRES_IN, Provider, is_typable};
use crate::text;

/// `config.json.pending`, beside `config.json`. It holds what a device login needs to be resumed, and then, as in
/// every login, the new token until the config file has it. Without it, a login works all the same.
///
/// It is locked while a login waits. A second login at the same time gets a code of its own and leaves the
/// file alone.
pub struct PendingFile<'a> {
    config: &'a ConfigFile,
    file: Option<PrivateFile>,
    /// Another login has the file.
    is_busy: bool,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    /// See [`Provider::identity`].
    provider: [String; 4],
    /// In seconds since 1970.
    saved_at: u64,
    /// `expires_in` counts from `saved_at`. Named as in the files of version 0.2.0.
    #[serde(rename = "grant")]
    authorization: DeviceAuthorization,
}

impl<'a> PendingFile<'a> {
    /// Opens and locks the file, if there is one. Also returns a warning if the file system has no locks. The file
    /// of another user is an error. One that others could open is removed.
    pub fn open(config: &'a ConfigFile) -> Result<(Self, Option<Warning>), Error> {
        let mut pending = PendingFile { config, file: None, is_busy: false };
        let path = config.pending_path();
        let warning = match config.open_private(&path) {
            Ok(Some(file)) => pending.lock(file),
            Ok(None) => None,
            Err(OpenError::Foreign(warning)) => return Err(foreign_error(warning)),
            // It may hold a token.
            Err(OpenError::Other(error)) if error.exit() == Exit::TemporaryFailure => {
                return Err(error);
            }
            Err(OpenError::Other(_)) => {
                let _ = fs::remove_file(&path);
                None
            }
        };
        Ok((pending, warning))
    }

    fn lock(&mut self, file: PrivateFile) -> Option<Warning> {
        let locked = file.try_lock();
        // Another login may have removed it just now.
        self.is_busy = matches!(locked, Ok(false));
        if !self.is_busy && file.is_at_path() {
            self.file = Some(file);
        }
        let problem = text::io_error(&locked.err()?);
        let path = self.config.pending_path();
        Some(Warning::new(format!(
            "cannot lock {}: {problem}; run only one login at a time",
            path.display()
        )))
    }

    /// Creates the file unless it is open, with room for a new token. Then the response that brings the token may
    /// come. Also returns a warning as [`PendingFile::open`] does.
    pub fn reserve(&mut self) -> Result<Option<Warning>, Error> {
        let mut warning = None;
        if self.file.is_none() && !self.is_busy {
            match self.config.open_or_create(&self.config.pending_path()) {
                Ok(file) => warning = self.lock(file),
                Err(OpenError::Foreign(warning)) => return Err(foreign_error(warning)),
                // A directory, for example. The config file itself can be written.
                Err(OpenError::Other(_)) => {}
            }
        }
        let size = self.config.size_with_token()?;
        self.file.as_ref().map_or(Ok(()), |file| file.reserve(size))?;
        Ok(warning)
    }

    /// From now on, Ctrl-C removes the file.
    pub fn remove_on_interrupt(&self) {
        signals::remove_on_interrupt(self.file.as_ref().map(PrivateFile::path));
    }

    /// The file, for the new token. `None` if it could not be created or another login has it.
    pub fn file(&self) -> Option<&PrivateFile> {
        self.file.as_ref()
    }

    /// The saved authorization, whose `expires_in` now counts from `utc`, and the time since its last poll. `None` if
    /// there is none that this provider can resume.
    pub fn load(
        &self,
        provider: &Provider,
        utc: SystemTime,
    ) -> Option<(DeviceAuthorization, Duration)> {
        let file = self.file.as_ref()?;
        let Saved { provider: saved_provider, saved_at, mut authorization } =
            json::object(&file.read().ok()?).ok()?;
        if saved_provider != provider.identity() || !is_valid(&authorization, provider) {
            return None;
        }
        // If the clock was set back, the age is unknown.
        let age = Duration::from_secs(text::unix_seconds(utc).saturating_sub(saved_at));
        authorization.expires_in =
            authorization.expires_in.checked_sub(age).filter(|left| !left.is_zero())?;
        let polled_at = file.modified().ok()?;
        Some((authorization, utc.duration_since(polled_at).unwrap_or_default()))
    }

    /// Saves the authorization, whose `expires_in` counts from `utc`.
    pub fn save(&self, provider: &Provider, authorization: &DeviceAuthorization, utc: SystemTime) {
        let Some(file) = &self.file else { return };
        let provider = provider.identity().map(str::to_owned);
        let saved_at = text::unix_seconds(utc);
        let saved = Saved { provider, saved_at, authorization: authorization.clone() };
        // A file that was not written in full does not parse, and is not resumed.
        let _ = file.overwrite(serde_json::to_vec(&saved).unwrap_or_default());
    }

    /// Records a poll at `utc`, so that a resumed login keeps the interval.
    pub fn record_poll(&self, utc: SystemTime) {
        if let Some(file) = &self.file {
            let _ = file.set_modified(utc);
        }
    }

    /// Removes the file after the login has ended, unless it belongs to another process.
    pub fn remove(self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

impl Drop for PendingFile<'_> {
    /// Leaves a login that can be resumed and a new token that is not stored, but no empty file.
    fn drop(&mut self) {
        signals::remove_on_interrupt(None);
        let Some(file) = &self.file else { return };
        file.release();
        if file.is_empty() {
            file.remove();
        }
    }
}

fn foreign_error(warning: Warning) -> Error {
    Error::from(warning).advise(advice::OWN_DIRECTORY)
}

/// Removes a pending login, even while another process is waiting for approval.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Whether an authorization from the file meets the requirements for a new one.
fn is_valid(authorization: &DeviceAuthorization, provider: &Provider) -> bool {
    let Ok(page) = provider.http.url(&authorization.verification_uri) else { return false };
    let complete =
        authorization.verification_uri_complete.as_ref().map(|url| provider.http.url(url));
    complete.is_none_or(|url| url.is_ok_and(|url| url.same_origin(&page)))
        && is_typable(&authorization.user_code)
        && !authorization.interval.is_zero()
        && authorization.interval < authorization.expires_in
        && authorization.expires_in <= MAX_EXPIRES_IN
}
