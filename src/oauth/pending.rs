//! A login that waits for approval, kept beside the config file: when the ssh session drops or the robot
//! reboots meanwhile, the next login goes on with the code that the person has in hand.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::host::signals;
use crate::json;
use crate::oauth::device_flow::Grant;
use crate::secret::Secret;
use crate::text;

/// A larger file is not one of ours.
const LARGEST: u64 = 64 * 1024;
/// More than what is kept needs, so that no copy of it is left behind by a buffer that grew.
const ENOUGH: usize = 16 * 1024;
/// Nobody else may read or write it: who could would choose where the next login goes.
const FOR_OTHERS: u32 = 0o077;

/// The place of a pending login. While one waits the file is locked, so another that comes meanwhile
/// leaves it alone and waits with a code of its own. That it cannot be kept stops no login.
pub struct PendingFile {
    path: PathBuf,
    locked: Option<File>,
}

/// Who a login is with. One that is pending is gone on with only by the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    parties: Parties,
    asked_at: u64,
    device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
}

#[derive(Serialize)]
struct Keeping<'a> {
    parties: &'a Parties,
    asked_at: u64,
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: &'a Option<String>,
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
    /// process waits for it. What is over or makes no sense is taken away.
    pub fn claim(&mut self, utc: SystemTime) -> Option<Pending> {
        let file = self.lock(OpenOptions::new().read(true).write(true))?;
        let polled = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(ENOUGH));
        (&file).take(LARGEST).read_to_end(&mut bytes).ok()?;
        self.locked = Some(file);
        self.watch();
        let kept: Kept = json::object(&bytes).ok()?;
        // A clock that was set back says nothing of the time that went by.
        let gone = text::unix_seconds(utc).saturating_sub(kept.asked_at);
        let left = kept.expires_in.checked_sub(gone).filter(|left| *left > 0)?;
        if kept.interval == 0 || kept.interval >= kept.expires_in {
            return None;
        }
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

    /// Keeps a login that waits, as it is at `utc`: its lifetime is what is left of it.
    pub fn keep(&mut self, parties: &Parties, grant: &Grant, utc: SystemTime) {
        if self.locked.is_none() {
            // What is there and could not be claimed is another process's, or nobody's.
            let mut options = OpenOptions::new();
            self.locked = self.lock(options.read(true).write(true).create_new(true).mode(0o600));
            self.watch();
        }
        let Some(file) = &mut self.locked else { return };
        let mut json = Zeroizing::new(Vec::with_capacity(ENOUGH));
        let keeping = Keeping {
            parties,
            asked_at: text::unix_seconds(utc),
            device_code: grant.device_code.expose(),
            user_code: &grant.user_code,
            verification_uri: &grant.verification_uri,
            verification_uri_complete: &grant.verification_uri_complete,
            expires_in: grant.expires_in.as_secs(),
            interval: grant.interval.as_secs(),
        };
        // A file that cannot be written whole is not understood when it is read.
        let _ = serde_json::to_writer(&mut *json, &keeping)
            .map_err(io::Error::from)
            .and_then(|()| overwrite(file, &mut json));
    }

    /// From now on Ctrl-C takes the file away, if it is this process's.
    fn watch(&self) {
        if self.locked.is_some() {
            signals::remove_on_interrupt(Some(&self.path));
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
        signals::remove_on_interrupt(None);
        if self.locked.as_ref().is_some_and(|file| self.names(file)) {
            self.discard();
        }
    }

    /// Takes the file away, whoever waits.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Opens and locks the file, if it is a plain one of this user's that nobody else has a hand in. A
    /// link is not followed, and a name that was given to another file meanwhile is not taken.
    fn lock(&self, options: &mut OpenOptions) -> Option<File> {
        let file =
            options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&self.path).ok()?;
        file.try_lock().ok()?;
        let metadata = file.metadata().ok()?;
        let own = metadata.uid() == effective_user()
            && metadata.nlink() == 1
            && metadata.mode() & FOR_OTHERS == 0;
        (metadata.is_file() && own && self.names(&file)).then_some(file)
    }

    fn names(&self, file: &File) -> bool {
        let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let named = fs::symlink_metadata(&self.path).ok().map(inode);
        named.is_some() && named == file.metadata().ok().map(inode)
    }
}

/// By one call, and with blanks at the end rather than shorter: a process that is killed meanwhile leaves
/// what was there or what comes, and not the beginning of either.
fn overwrite(file: &mut File, json: &mut Vec<u8>) -> io::Result<()> {
    let before = usize::try_from(file.metadata()?.len()).unwrap_or(ENOUGH);
    json.resize(before.min(ENOUGH).max(json.len()), b' ');
    file.rewind()?;
    file.write_all(json)?;
    file.set_len(json.len() as u64)?;
    file.sync_all()
}

fn effective_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}
