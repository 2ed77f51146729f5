//! A new token on its way into the config file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::{TokenRecord, fingerprint};
use super::{
    AUTH_TOKEN, AUTH_TOKEN_RECORD, Config, DEVICE_FLOW_CLIENT_ID, EMAIL_ID, ENVIRONMENT, OIDC_HOST,
    RIP_HOST, V2API_HOST,
};
use crate::json;
use crate::secret::{Secret, serialize_exposed};
use crate::token::Token;

/// The members that say to which server a token belongs.
const SERVER: [&str; 5] = [ENVIRONMENT, OIDC_HOST, RIP_HOST, V2API_HOST, DEVICE_FLOW_CLIENT_ID];

/// A new token, and all that is needed to store it later, even after a crash.
#[derive(Serialize, Deserialize)]
pub struct NewLogin {
    #[serde(serialize_with = "serialize_exposed")]
    auth_token: Secret,
    auth_token_record: TokenRecord,
    email_id: Option<String>,
    /// Another account has other organizations.
    keeps_selection: bool,
    /// The fingerprint of the token that it replaces, if any.
    replaces: Option<String>,
    server: [Option<String>; 5],
}

/// What a config file has of a new login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It holds the old token.
    Missing,
    Stored,
    /// It holds another login, or names another server.
    Superseded,
}

impl NewLogin {
    /// A token that was obtained now, in seconds since 1970, with its lifetime, if known. `config` is what the
    /// file held at the start.
    pub fn new(
        token: &Token,
        now: u64,
        lifetime: Option<Duration>,
        email: Option<String>,
        keeps_selection: bool,
        config: &Config,
    ) -> Self {
        NewLogin {
            auth_token: (**token).clone(),
            auth_token_record: TokenRecord::new(token, now, lifetime),
            email_id: email,
            keeps_selection,
            replaces: stored_fingerprint(config),
            server: server(config),
        }
    }

    /// `None` if the file holds no new login.
    pub fn parse(contents: &[u8]) -> Option<Self> {
        let login: Self = json::object(contents).ok()?;
        login.token().map(|_| login)
    }

    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and lists always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub fn token(&self) -> Option<Token> {
        Token::parse(self.auth_token.expose())
    }

    pub fn progress(&self, config: &Config) -> Progress {
        let stored = stored_fingerprint(config);
        // The old token shows that the file is still for the same server.
        let is_same_server = || stored.is_some() || self.is_for_server_of(config);
        if stored == Some(fingerprint(self.auth_token.expose())) {
            Progress::Stored
        } else if stored == self.replaces && is_same_server() {
            Progress::Missing
        } else {
            Progress::Superseded
        }
    }

    /// Whether the config file still names the server that issued the token.
    pub fn is_for_server_of(&self, config: &Config) -> bool {
        self.server == server(config)
    }

    pub fn store(&self, config: &mut Config) {
        if !self.keeps_selection {
            config.remove_login();
        }
        config.set(AUTH_TOKEN, self.auth_token.expose());
        config.members.set(AUTH_TOKEN_RECORD, &self.auth_token_record);
        if let Some(email) = &self.email_id {
            config.set(EMAIL_ID, email);
        }
    }

    /// Makes the config name the server that issued the token.
    pub fn set_server(&self, config: &mut Config) {
        config.remove(&SERVER);
        for (name, value) in SERVER.iter().zip(&self.server) {
            value.iter().for_each(|value| config.set(name, value));
        }
    }
}

/// The fingerprint of the stored token, even of a malformed one.
fn stored_fingerprint(config: &Config) -> Option<String> {
    config.string(AUTH_TOKEN).ok().flatten().map(|token| fingerprint(&token))
}

fn server(config: &Config) -> [Option<String>; 5] {
    SERVER.map(|name| config.string(name).ok().flatten())
}
