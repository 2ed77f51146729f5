//! The config file: one JSON object that this program shares with the Python `rio`.
//!
//! What others keep in it is carried over to the letter, in its order; only the members named here and
//! the host keys of `environment` are ever read or written (`protocol.md`, "The config file").

pub mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::file::CacheFile;
use crate::error::Error;
use crate::host::clock::Clock;
use crate::host::env::Env;
use crate::token::Token;

/// The stored token.
pub const AUTH_TOKEN: &str = "auth_token";
/// Whose it is.
pub const EMAIL_ID: &str = "email_id";
/// The deployment, `ga` when absent.
pub const ENVIRONMENT: &str = "environment";
/// The OAuth client id, `rio-cli` when absent.
pub const DEVICE_FLOW_CLIENT_ID: &str = "device_flow_client_id";
/// The selected organization's GUID.
pub const ORGANIZATION_ID: &str = "organization_id";
/// Its name.
pub const ORGANIZATION_NAME: &str = "organization_name";
/// Its short GUID.
pub const ORGANIZATION_SHORT_ID: &str = "organization_short_id";
/// The selected project's GUID.
pub const PROJECT_ID: &str = "project_id";
/// Its name.
pub const PROJECT_NAME: &str = "project_name";

/// What goes with a login and its selection, and what a logout removes.
const LOGIN: [&str; 7] = [
    AUTH_TOKEN,
    EMAIL_ID,
    ORGANIZATION_ID,
    ORGANIZATION_NAME,
    ORGANIZATION_SHORT_ID,
    PROJECT_ID,
    PROJECT_NAME,
];

/// The config file, by its path.
#[derive(Clone)]
pub struct ConfigFile {
    file: CacheFile,
    clock: Rc<dyn Clock>,
}

impl ConfigFile {
    /// Where the environment says it is: `RIO_CONFIG`, `XDG_CONFIG_HOME`, or the home directory.
    pub fn locate(env: &Env, clock: Rc<dyn Clock>) -> Result<Self, Error> {
        let path = env.get("RIO_CONFIG").map(PathBuf::from).or_else(|| default_path(env));
        let path = path.ok_or_else(|| {
            Error::failure(
                "there is no home directory to keep the config file in",
                "Name the file in RIO_CONFIG, for example RIO_CONFIG=/data/rio.json",
            )
        })?;
        Ok(ConfigFile { file: CacheFile::new(path), clock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Its permission bits, or `None` where there is no file.
    pub fn mode(&self) -> Option<u32> {
        self.file.mode()
    }

    /// Reads it; no file, or an empty one, is an empty config.
    pub fn load(&self) -> Result<Config, Error> {
        self.parse(self.file.read()?)
    }

    /// Fails now rather than after a login if the file cannot be written.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.file.check_writable(&*self.clock)
    }

    /// Changes some members, and loses none that others wrote meanwhile.
    pub fn update(&self, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        self.file.rewrite(&*self.clock, |contents| {
            let mut config = self.parse(contents)?;
            change(&mut config);
            Ok(config.members.to_json())
        })
    }

    fn parse(&self, contents: Option<Vec<u8>>) -> Result<Config, Error> {
        let members = match contents {
            None => Members::default(),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                // serde's own words quote the text, which may hold a token.
                let (line, column) = (error.line(), error.column());
                self.file.unusable(&format!("is not a JSON object (line {line}, column {column})"))
            })?,
        };
        Ok(Config { members, file: self.file.clone() })
    }
}

fn default_path(env: &Env) -> Option<PathBuf> {
    let directory = match env.get("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(path) if path.is_absolute() => path,
        _ if cfg!(target_os = "macos") => env.home()?.join("Library/Application Support"),
        _ => env.home()?.join(".config"),
    };
    Some(directory.join("rio-cli").join("config.json"))
}

/// What the file holds as `auth_token`.
pub enum StoredToken {
    /// No such member, or null or blank text.
    Absent,
    /// Text that cannot go into a header. No server has issued it.
    Malformed(Error),
    /// A token that can be sent.
    Valid(Token),
}

impl StoredToken {
    /// The token, if there is one. A malformed one is an error.
    pub fn valid(self) -> Result<Option<Token>, Error> {
        match self {
            StoredToken::Absent => Ok(None),
            StoredToken::Malformed(error) => Err(error),
            StoredToken::Valid(token) => Ok(Some(token)),
        }
    }
}

/// What the file holds.
pub struct Config {
    members: Members,
    file: CacheFile,
}

impl Config {
    /// A text member, trimmed; null and blank count as absent. Any other type is an error that names it.
    pub fn text(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(raw) = self.members.get(name) else { return Ok(None) };
        let text: Option<String> = serde_json::from_str(raw.get())
            .map_err(|_| self.file.unusable(&format!("is wrong: {name} is not text")))?;
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// The stored token. Any type but text is an error that names it.
    pub fn auth_token(&self) -> Result<StoredToken, Error> {
        let Some(text) = self.text(AUTH_TOKEN)? else { return Ok(StoredToken::Absent) };
        Ok(match Token::parse(&text) {
            Some(token) => StoredToken::Valid(token),
            None => StoredToken::Malformed(Error::failure(
                format!(
                    "{AUTH_TOKEN} in the config file {} is not a valid token",
                    self.file.path().display()
                ),
                "Run `rio auth login` to replace it.",
            )),
        })
    }

    /// Whether there still is a login, and of this account: another process may have logged in or out.
    pub fn is_login_of(&self, email: Option<&str>) -> bool {
        let logged_in = matches!(self.auth_token(), Ok(StoredToken::Valid(_)));
        logged_in && self.text(EMAIL_ID).is_ok_and(|stored| stored.as_deref() == email)
    }

    /// Whether there is anything that [`Config::forget_login`] would take away.
    pub fn has_login(&self) -> bool {
        LOGIN.iter().any(|name| self.members.get(name).is_some())
    }

    /// Takes login, organization and project away, and nothing else.
    pub fn forget_login(&mut self) {
        self.remove(&LOGIN);
    }

    /// Takes organization and project away.
    pub fn forget_selection(&mut self) {
        self.remove(&[ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID]);
        self.remove(&[PROJECT_ID, PROJECT_NAME]);
    }

    /// Sets a text member.
    pub fn set(&mut self, name: &str, value: &str) {
        self.members.set(name, value);
    }

    /// Takes members away.
    pub fn remove(&mut self, names: &[&str]) {
        self.members.0.retain(|(name, _)| !names.contains(&name.as_str()));
    }
}

/// The members of a JSON object in their order, each value as it was written. Of a name that comes
/// twice the last value counts, as for Python.
#[derive(Default)]
struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    fn set(&mut self, name: &str, value: &str) {
        // A string always has a JSON form.
        let Ok(value) = serde_json::value::to_raw_value(value) else { return };
        match self.0.iter_mut().rev().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// One member a line, so that people can edit it.
    fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        json.extend_from_slice(b"{");
        for (index, (name, value)) in self.0.iter().enumerate() {
            json.extend_from_slice(if index == 0 { b"\n    " } else { b",\n    " });
            json.extend_from_slice(serde_json::Value::from(name.as_str()).to_string().as_bytes());
            json.extend_from_slice(b": ");
            json.extend_from_slice(value.get().as_bytes());
        }
        json.extend_from_slice(if self.0.is_empty() { b"}\n" } else { b"\n}\n" });
        json
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}
