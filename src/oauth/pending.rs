//! Saves a login that is waiting for approval. If the ssh session drops or the robot reboots, the next login
//! resumes it with the code that the user already has.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::json;
use crate::machine::{access, signals};
use crate::oauth::device_flow::DeviceAuthorization;
use crate::oauth::provider::{MAX_EXPIRES_IN, Provider, is_typable};
use crate::text;

/// Only the beginning of a larger file is read.
const MAX_SIZE: u64 = 64 * 1024;

/// `config.json.pending`, beside `config.json`. If it cannot be read or written, the login works without it.
///
/// It is locked while a login waits. A second login at the same time gets a code of its own and leaves the
/// file alone.
pub struct PendingFile {
    path: PathBuf,
    locked: Option<File>,
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

impl PendingFile {
    /// Opens and locks the file. From now on Ctrl-C removes it.
    pub fn open(path: PathBuf) -> Self {
        let locked = lock(&path, &access::private_options());
        PendingFile { path, locked }
    }

    /// The saved authorization, as at `utc`, and the time since its last poll. `None` if there is none that this
    /// provider can resume.
    pub fn load(
        &self,
        provider: &Provider,
        utc: SystemTime,
    ) -> Option<(DeviceAuthorization, Duration)> {
        let file = self.locked.as_ref()?;
        let mut json = Vec::new();
        file.take(MAX_SIZE).read_to_end(&mut json).ok()?;
        let Saved { provider: saved_provider, saved_at, mut authorization } =
            json::object(&json).ok()?;
        if saved_provider != provider.identity() || !is_valid(&authorization, provider) {
            return None;
        }
        // If the clock was set back, the age is unknown.
        let age = Duration::from_secs(text::unix_seconds(utc).saturating_sub(saved_at));
        authorization.expires_in =
            authorization.expires_in.checked_sub(age).filter(|left| !left.is_zero())?;
        let polled_at = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
        Some((authorization, utc.duration_since(polled_at).unwrap_or_default()))
    }

    /// Saves the authorization, whose `expires_in` counts from `utc`.
    pub fn save(
        &mut self,
        provider: &Provider,
        authorization: &DeviceAuthorization,
        utc: SystemTime,
    ) {
        if self.locked.is_none() {
            self.locked = lock(&self.path, access::private_options().create_new(true));
        }
        let Some(file) = &self.locked else { return };
        let provider = provider.identity().map(str::to_owned);
        let saved_at = text::unix_seconds(utc);
        // A file that was not written in full does not parse, and is not resumed.
        let _ =
            overwrite(file, &Saved { provider, saved_at, authorization: authorization.clone() });
    }

    /// Records a poll at `utc`, so that a resumed login keeps the interval.
    pub fn record_poll(&self, utc: SystemTime) {
        if let Some(file) = &self.locked {
            let _ = file.set_modified(utc);
        }
    }

    /// Leaves the file for the next login.
    pub fn keep(self) {
        signals::remove_on_interrupt(None);
    }

    /// Removes the file after the login has ended, unless it belongs to another process.
    pub fn remove(self) {
        signals::remove_on_interrupt(None);
        if self.locked.is_some_and(|file| file.metadata().is_ok_and(|file| file.nlink() > 0)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a pending login, even while another process is waiting for approval.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Opens and locks a regular file that only this user can read and write.
fn lock(path: &Path, options: &OpenOptions) -> Option<File> {
    let file = options.open(path).ok()?;
    file.try_lock().ok()?;
    if !access::is_private(&file.metadata().ok()?) {
        return None;
    }
    signals::remove_on_interrupt(Some(path));
    Some(file)
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

/// Pads to the old length and writes once, so that a process killed during the write leaves the old contents or
/// the new ones, never a mix.
fn overwrite(file: &File, saved: &Saved) -> io::Result<()> {
    let mut json = serde_json::to_vec(saved)?;
    let old_length = usize::try_from(file.metadata()?.len().min(MAX_SIZE)).unwrap_or_default();
    json.resize(json.len().max(old_length), b' ');
    file.write_all_at(&json, 0)?;
    file.set_len(json.len() as u64)?;
    file.sync_all()
}
