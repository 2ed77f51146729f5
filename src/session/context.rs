//! What every command that calls the platform needs.

use crate::config::{Config, ConfigFile, RefreshLock};
use crate::error::Error;
use crate::http::Http;
use crate::machine::Machine;
use crate::platform::Platform;
use crate::token::Token;

/// The config file, its contents when the command started, and the HTTP client.
pub struct CommandContext {
    pub file: ConfigFile,
    pub config: Config,
    pub http: Http,
}

impl CommandContext {
    /// Reads the config file, and warns if other users can change it. Sends nothing.
    pub fn open(machine: &mut Machine) -> Result<Self, Error> {
        let file = ConfigFile::locate(&machine.env, machine.clock.clone())?;
        let config = file.load()?;
        file.warnings().iter().for_each(|warning| machine.console.warn(warning));
        Ok(CommandContext { file, config, http: http(machine) })
    }

    /// See [`ConfigFile::check_writable`].
    pub fn check_writable(&self, machine: &mut Machine) -> Result<(), Error> {
        let warning = self.file.check_writable()?;
        warning.iter().for_each(|warning| machine.console.warn(warning));
        Ok(())
    }

    /// Takes the lock of a token refresh. Waits while another rio holds it.
    pub fn lock_refresh(&self, machine: &mut Machine) -> Result<RefreshLock, Error> {
        let wait = machine.notice.start("another rio that refreshes the token");
        let (lock, warning) = self.file.lock_refresh(&machine.notice)?;
        drop(wait);
        warning.iter().for_each(|warning| machine.console.warn(warning));
        Ok(lock)
    }

    /// The stored token. A missing or malformed one is an error.
    pub fn require_token(&self) -> Result<Token, Error> {
        let token = self.config.auth_token()?.valid()?;
        token.ok_or_else(|| Error::failure("you are not logged in", "Run `rio auth login`."))
    }

    pub fn platform(&self) -> Platform<'_> {
        Platform { http: &self.http, config: &self.config }
    }
}

/// The error if the stored login is not the one that the command started with.
pub fn login_changed_error() -> Error {
    Error::failure(
        "another rio logged in or out in the meantime; its change was kept",
        "Run `rio auth status` to see it.",
    )
}

/// The HTTP client of a command.
pub fn http(machine: &Machine) -> Http {
    Http::new(
        &machine.env,
        machine.clock.clone(),
        machine.random.clone(),
        machine.trace.clone(),
        machine.notice.clone(),
    )
}
