//! The config file: one JSON object that rio shares with the Python `rio`.
//!
//! rio uses the members below. The members of other programs keep their value, spelling and order, except that
//! non-ASCII characters become escapes: the Python `rio` reads the file in the encoding of the locale.
//! [`ConfigFile`] reads and replaces the file. [`NewLogin`] is a token that it does not have yet, in a
//! [`PrivateFile`] beside it.

mod file;
mod file_error;
mod locked_temp_file;
mod new_login;
mod paths;
mod private_file;
mod record;
mod replace;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

pub use self::file::ConfigFile;
pub use self::new_login::{NewLogin, Progress};
pub use self::private_file::{OpenError, PrivateFile};
pub use self::record::TokenRecord;
use crate::advice;
use crate::error::Error;
use crate::json;
use crate::text;
use crate::token::Token;

/// The token.
pub const AUTH_TOKEN: &str = "auth_token";
/// The [`TokenRecord`] of the token.
const AUTH_TOKEN_RECORD: &str = "auth_token_record";
/// The email of the token's account.
pub const EMAIL_ID: &str = "email_id";
/// The host of the login server.
pub const OIDC_HOST: &str = "oidc_host";
/// The host of the token API.
pub const RIP_HOST: &str = "rip_host";
/// The host of the organization and project API.
pub const V2API_HOST: &str = "v2api_host";
/// The name of the environment; `ga` if absent.
pub const ENVIRONMENT: &str = "environment";
/// The OAuth client id; `rio-cli` if absent.
pub const DEVICE_FLOW_CLIENT_ID: &str = "device_flow_client_id";
/// The GUID of the selected organization.
pub const ORGANIZATION_ID: &str = "organization_id";
/// The name of the selected organization.
pub const ORGANIZATION_NAME: &str = "organization_name";
/// The short GUID of the selected organization.
pub const ORGANIZATION_SHORT_ID: &str = "organization_short_id";
/// The GUID of the selected project; empty if the organization has none.
pub const PROJECT_ID: &str = "project_id";
/// The name of the selected project; empty if the organization has none.
pub const PROJECT_NAME: &str = "project_name";

const LOGIN: [&str; 3] = [AUTH_TOKEN, EMAIL_ID, AUTH_TOKEN_RECORD];
/// The selected organization and project.
pub const SELECTION: [&str; 5] =
    [ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID, PROJECT_ID, PROJECT_NAME];

/// The value of `auth_token`.
pub enum StoredToken {
    /// Missing, null or blank.
    Absent,
    /// A string that cannot be a token. The error says so.
    Malformed(Error),
    Valid(Token),
}

impl StoredToken {
    /// The token, if any. A malformed one is an error.
    pub fn valid(self) -> Result<Option<Token>, Error> {
        match self {
            StoredToken::Absent => Ok(None),
            StoredToken::Malformed(error) => Err(error),
            StoredToken::Valid(token) => Ok(Some(token)),
        }
    }
}

#[derive(Default)]
pub struct Config {
    path: PathBuf,
    members: Members,
}

impl Config {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A string member, trimmed. `None` if it is missing, null or blank; an error if it has another type.
    pub fn string(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let text: Option<String> = serde_json::from_str(value.get()).map_err(|_| {
            let path = self.path.display();
            file_error::unusable_error(
                &self.path,
                format!("{name} in the config file {path} is not a string"),
            )
        })?;
        Ok(text.and_then(|text| text::not_blank(&text)))
    }

    /// The stored token. An `auth_token` that is not a string is an error.
    pub fn auth_token(&self) -> Result<StoredToken, Error> {
        let Some(text) = self.string(AUTH_TOKEN)? else { return Ok(StoredToken::Absent) };
        Ok(match Token::parse(&text) {
            Some(token) => StoredToken::Valid(token),
            None => StoredToken::Malformed(Error::failure(
                format!("{AUTH_TOKEN} in {} is not a valid token", self.path.display()),
                advice::run("To replace it", "rio auth login"),
            )),
        })
    }

    /// What is known about the age of this token.
    pub fn token_record(&self, token: &Token) -> Option<TokenRecord> {
        let record = self.members.get(AUTH_TOKEN_RECORD)?;
        json::object(record.get().as_bytes())
            .ok()
            .filter(|record: &TokenRecord| record.matches(token))
    }

    /// Whether this is the stored token.
    pub fn holds(&self, token: &Token) -> bool {
        matches!(self.auth_token(), Ok(StoredToken::Valid(stored)) if stored.expose() == token.expose())
    }

    /// Whether the file holds a token of this account. Another process may have logged in or out.
    pub fn is_login_for(&self, email: Option<&str>) -> bool {
        let logged_in = matches!(self.auth_token(), Ok(StoredToken::Valid(_)));
        let stored = self.string(EMAIL_ID);
        logged_in && stored.is_ok_and(|stored| is_same_account(stored.as_deref(), email))
    }

    /// Whether [`Config::remove_login`] would change anything.
    pub fn has_login(&self) -> bool {
        LOGIN.iter().chain(&SELECTION).any(|name| self.members.get(name).is_some())
    }

    /// Removes the login and the selected organization and project.
    pub fn remove_login(&mut self) {
        self.remove(&LOGIN);
        self.remove_selection();
    }

    /// Removes the selected organization and project.
    pub fn remove_selection(&mut self) {
        self.remove(&SELECTION);
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.members.set(name, value);
    }

    pub fn remove(&mut self, names: &[&str]) {
        self.members.0.retain(|(key, _)| !names.iter().any(|name| is_named(key, name)));
    }
}

/// Whether two emails, if any, are of the same account: their case does not matter.
pub fn is_same_account(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(str::to_lowercase) == other.map(str::to_lowercase)
}

/// The members of a JSON object, in order, each name and value as it was written. If a name occurs twice,
/// the last value counts, as in Python.
#[derive(Default)]
struct Members(Vec<(Box<RawValue>, Box<RawValue>)>);

fn is_named(key: &RawValue, name: &str) -> bool {
    let raw = key.get();
    let is_plain = matches!(raw.as_bytes(), [b'"', plain @ .., b'"'] if plain == name.as_bytes());
    // An escape is longer than its character.
    let has_escape = || raw.len() > name.len() + 2 && raw.contains('\\');
    is_plain || has_escape() && serde_json::from_str::<String>(raw).is_ok_and(|key| key == name)
}

impl Members {
    fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(key, _)| is_named(key, name)).map(|(_, value)| &**value)
    }

    fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        // Strings and records always have a JSON form.
        let (Ok(key), Ok(value)) = (to_raw_value(name), to_raw_value(value)) else { return };
        match self.0.iter_mut().rev().find(|(key, _)| is_named(key, name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// One member per line, so that people can edit the file, in ASCII.
    fn to_json(&self) -> String {
        let members = self.0.iter().map(|(key, value)| format!("\n    {key}: {value}"));
        let members = members.collect::<Vec<_>>().join(",");
        let end = if members.is_empty() { "" } else { "\n" };
        json::to_ascii(&format!("{{{members}{end}}}\n"))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
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

        deserializer.deserialize_map(MembersVisitor)
    }
}
