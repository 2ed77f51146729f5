//! What each command that speaks to the platform starts from.

use std::cell::OnceCell;

use crate::config::{Config, ConfigFile};
use crate::error::Error;
use crate::host::Host;
use crate::http::Http;
use crate::platform::Platform;
use crate::platform::hosts::Hosts;
use crate::token::Token;

/// The config file as it was read, and the way to the hosts it names.
pub struct Session {
    /// Where the config is kept.
    pub file: ConfigFile,
    /// What it held when the command began.
    pub config: Config,
    /// The client of this run.
    pub http: Http,
    hosts: OnceCell<Hosts>,
}

impl Session {
    /// Reads the config file; nothing is sent.
    pub fn open(host: &Host) -> Result<Self, Error> {
        let file = ConfigFile::locate(&host.env, host.clock.clone())?;
        let config = file.load()?;
        let (clock, random) = (host.clock.clone(), host.random.clone());
        let http = Http::new(&host.env, clock, random, host.trace.clone());
        Ok(Session { file, config, http, hosts: OnceCell::new() })
    }

    /// The stored token of a command that cannot work without one.
    pub fn require_token(&self) -> Result<Token, Error> {
        let token = self.config.auth_token()?.valid()?;
        token.ok_or_else(|| Error::failure("you are not logged in", "Run `rio auth login`."))
    }

    /// The platform's hosts, read when they are needed.
    pub fn hosts(&self) -> &Hosts {
        self.hosts.get_or_init(|| Hosts::of(&self.config, &self.http))
    }

    /// The platform's API.
    pub fn platform(&self) -> Platform<'_> {
        Platform { http: &self.http, hosts: self.hosts() }
    }
}
