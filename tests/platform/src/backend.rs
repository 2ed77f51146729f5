//! The state of the correct rapyuta.io, and which part of it answers a call.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::jwt::{jwt, random_token};
use crate::oidc::DeviceAuthorization;
use crate::{Answer, Call, Request, User, World, api};

pub(crate) const HOUR: u64 = 60 * 60;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) struct Backend {
    pub(crate) url: String,
    pub(crate) world: World,
    pub(crate) grants: Vec<DeviceAuthorization>,
    /// Tokens that were not ended, each with the email of its user and when it expires.
    pub(crate) tokens: HashMap<String, (String, u64)>,

    pub(crate) expires_in: u64,
    pub(crate) interval: u64,
    pub(crate) allow_early_polls: bool,
    pub(crate) approve_after: Option<usize>,
    pub(crate) refreshed_as: String,
    /// In seconds.
    pub(crate) token_lifetime: u64,
    pub(crate) rotates_tokens: bool,
    pub(crate) opaque_tokens: bool,
    pub(crate) now: Option<u64>,
}

impl Backend {
    pub(crate) fn new(url: String, world: World) -> Backend {
        Backend {
            url,
            world,
            grants: Vec::new(),
            tokens: HashMap::new(),
            expires_in: 600,
            interval: 5,
            allow_early_polls: false,
            approve_after: None,
            refreshed_as: "Token".into(),
            token_lifetime: 7 * DAY,
            rotates_tokens: false,
            opaque_tokens: false,
            now: None,
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        match request.call {
            Some(Call::Discovery) => self.discovery(),
            Some(Call::DeviceAuthorization) => self.device_authorization(request),
            Some(Call::Token) => self.token(request),
            Some(Call::UserLogin) => api::answer(self.user_login(request)),
            Some(Call::RefreshToken) => api::answer(self.refresh_token(request)),
            Some(Call::UserInfo) => api::answer(self.user_info(request)),
            Some(Call::UserLogout) => api::answer(self.user_logout(request)),
            Some(Call::UsersMe) => api::answer(self.users_me(request)),
            Some(Call::Projects) => api::answer(self.projects(request)),
            None if request.path == "/device" => self.page(request),
            None => Answer::json(404, json!({"error": "no such path"})),
        }
    }

    /// The user who approves logins in the browser.
    pub(crate) fn first_user(&self) -> &User {
        self.world.users.first().expect("a world has a user")
    }

    /// A new token, valid for this many seconds.
    pub(crate) fn issue(&mut self, email: &str, lifetime: u64) -> String {
        let now = self.now();
        let expires = now + lifetime;
        let claims = json!({"email": email, "iat": now, "exp": expires, "jti": random_token()});
        let token = match self.opaque_tokens {
            true => random_token(),
            false => jwt(json!({"alg": "RS256", "typ": "JWT"}), claims),
        };
        self.tokens.insert(token.clone(), (email.into(), expires));
        token
    }

    /// The email of the user of a valid token.
    pub(crate) fn user_of(&self, token: &str) -> Option<&str> {
        let (email, expires) = self.tokens.get(token)?;
        (self.now() < *expires).then_some(email)
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let passed = SystemTime::UNIX_EPOCH.elapsed();
        self.now.unwrap_or_else(|| passed.as_ref().map_or(0, Duration::as_secs))
    }
}
