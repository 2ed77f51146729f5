//! A login that waits for approval, kept beside the config file: when the ssh session drops or the robot
//! reboots meanwhile, the next login goes on with the code that the person has in hand.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::device::Grant;
use crate::json;
use crate::secret::Secret;
use crate::terminal;
use crate::text;

/// A larger file is not one of ours.
const LARGEST: u64 = 64 * 1024;

/// The place of a pending login. While one waits the file is locked, so another that comes meanwhile
/// leaves it alone and waits with a code of its own. That it cannot be kept stops no login.
pub struct PendingFile {
    path: PathBuf,
    locked: Option<File>,
}

/// Who a login is with. One that is pending is gone on with only by the same.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Parties {
    /// The base URL of the login server.
    pub oidc_host: String,
    /// The OAuth client id.
    pub client_id: String,
    /// Where the server takes requests for a code.
    pub device_authorization_endpoint: String,
    /// Where it is polled.
    pub token_endpoint: String,
}

/// What is kept of a login that waits.
#[derive(Debug)]
pub struct Pending {
    /// With whom it is.
    pub parties: Parties,
    /// The codes; `expires_in` is what is left of it.
    pub grant: Grant,
    /// How long ago the last poll was, as far as the clock can tell.
    pub since_poll: Duration,
}

#[derive(Deserialize)]
struct Kept {
    #[serde(flatten)]
    parties: Parties,
    asked_at: u64,
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
}

impl PendingFile {
    /// `config.json.pending` beside `config.json`.
    pub fn beside(config: &Path) -> Self {
        let mut path = config.to_owned().into_os_string();
        path.push(".pending");
        PendingFile { path: path.into(), locked: None }
    }

    /// Takes over what is pending and still good at `utc`; `None` if there is nothing, or another
    /// process waits for it.
    pub fn claim(&mut self, utc: SystemTime) -> Option<Pending> {
        let file = self.lock(OpenOptions::new().read(true).write(true))?;
        let mut bytes = Zeroizing::new(Vec::new());
        let polled = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
        (&file).take(LARGEST).read_to_end(&mut bytes).ok()?;
        self.locked = Some(file);
        let kept: Kept = json::object(&bytes).ok()?;
        let now = text::unix_seconds(utc);
        // A clock that was set back says nothing of the time that went by.
        let gone = now.saturating_sub(kept.asked_at);
        let left = kept.expires_in.checked_sub(gone).filter(|left| *left > 0)?;
        Some(Pending {
            parties: kept.parties,
            grant: Grant {
                device_code: kept.device_code,
                user_code: kept.user_code,
                verification_uri: kept.verification_uri,
                verification_uri_complete: kept.verification_uri_complete,
                expires_in: Duration::from_secs(left),
                interval: Duration::from_secs(kept.interval),
            },
            since_poll: utc.duration_since(polled).unwrap_or_default(),
        })
    }

    /// Keeps a login that begins to wait. Ctrl-C takes it away again.
    pub fn keep(&mut self, parties: &Parties, grant: &Grant, utc: SystemTime) {
        let kept = Zeroizing::new(
            json!({
                "oidc_host": parties.oidc_host,
                "client_id": parties.client_id,
                "device_authorization_endpoint": parties.device_authorization_endpoint,
                "token_endpoint": parties.token_endpoint,
                "asked_at": text::unix_seconds(utc),
                "device_code": grant.device_code.expose(),
                "user_code": grant.user_code,
                "verification_uri": grant.verification_uri,
                "verification_uri_complete": grant.verification_uri_complete,
                "expires_in": grant.expires_in.as_secs(),
                "interval": grant.interval.as_secs(),
            })
            .to_string(),
        );
        if self.locked.is_none() {
            let mut options = OpenOptions::new();
            self.locked = self.lock(options.read(true).write(true).create(true).mode(0o600));
        }
        if let Some(file) = &mut self.locked {
            // A file that cannot be written whole is not understood when it is read.
            let _ = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(kept.as_bytes()))
                .and_then(|()| file.sync_all());
        }
    }

    /// From now on Ctrl-C takes the file away, if it is this process's.
    pub fn watch(&self) {
        if self.locked.is_some() {
            terminal::remove_on_interrupt(Some(&self.path));
        }
    }

    /// Notes that the server was just polled, so that who goes on does not poll too soon.
    pub fn polled(&self, utc: SystemTime) {
        if let Some(file) = &self.locked {
            let _ = file.set_modified(utc);
        }
    }

    /// Takes the file away, if it is this process's: the login is over.
    pub fn forget(self) {
        if self.locked.is_some() {
            terminal::remove_on_interrupt(None);
            self.discard();
        }
    }

    /// Takes the file away, whoever waits.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Opens and locks the file; a link is not followed, and a name that was given to another file
    /// before the lock was had is not taken.
    fn lock(&self, options: &mut OpenOptions) -> Option<File> {
        let file =
            options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&self.path).ok()?;
        file.try_lock().ok()?;
        let (opened, named) = (file.metadata().ok()?, fs::symlink_metadata(&self.path).ok()?);
        (opened.is_file() && opened.ino() == named.ino()).then_some(file)
    }
}
