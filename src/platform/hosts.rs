//! Where the platform is: the host keys of the config file, over its environment's defaults.

use crate::config::{Config, ENVIRONMENT};
use crate::error::Error;
use crate::http::{Http, Url};
use crate::platform::environment::{Environment, OIDC_HOST, RIP_HOST, V2API_HOST, VALID_NAMES};

/// The base URLs of one deployment. One that is wrong is an error only for who needs it.
pub struct Hosts {
    oidc: Result<Url, Error>,
    rip: Result<Url, Error>,
    v2api: Result<Url, Error>,
}

impl Hosts {
    /// Reads the host keys; nothing is sent.
    pub fn of(config: &Config, http: &Http) -> Self {
        let host = |key| host(config, http, key);
        Hosts { oidc: host(OIDC_HOST), rip: host(RIP_HOST), v2api: host(V2API_HOST) }
    }

    /// Whether any of them is not the one of the environment.
    pub fn are_set_by_hand(config: &Config) -> bool {
        [OIDC_HOST, RIP_HOST, V2API_HOST].into_iter().any(|key| {
            let set = config.text(key).ok().flatten();
            set.is_some_and(|url| default(config, key).ok() != Some(url))
        })
    }

    /// The login server.
    pub fn oidc(&self) -> Result<&Url, Error> {
        self.oidc.as_ref().map_err(Clone::clone)
    }

    /// The API of tokens.
    pub fn rip(&self) -> Result<&Url, Error> {
        self.rip.as_ref().map_err(Clone::clone)
    }

    /// The API of organizations and projects.
    pub fn v2api(&self) -> Result<&Url, Error> {
        self.v2api.as_ref().map_err(Clone::clone)
    }
}

fn host(config: &Config, http: &Http, key: &str) -> Result<Url, Error> {
    let text = match config.text(key)? {
        Some(text) => text,
        None => default(config, key)?,
    };
    http.url(&text).map_err(|wrong| {
        Error::failure(
            format!("{key} in the config file {wrong}"),
            format!("Correct {key}, or take it out for the default."),
        )
    })
}

fn default(config: &Config, key: &str) -> Result<String, Error> {
    let name = config.text(ENVIRONMENT)?.unwrap_or_else(|| "ga".to_owned());
    Environment::parse(&name)
        .and_then(|environment| environment.hosts().find(|(known, _)| *known == key))
        .map(|(_, url)| url)
        .ok_or_else(|| {
            Error::failure(
                "the config file names an environment that does not exist",
                format!("Run `rio auth environment NAME` with {VALID_NAMES}."),
            )
        })
}
