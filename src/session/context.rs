//! What every command that calls the platform needs.

use super::kept_token;
use crate::advice;
use crate::config::{Config, ConfigFile, PrivateFile};
use crate::error::{Error, Warning};
use crate::http::Http;
use crate::machine::Machine;
use crate::oauth::pending::PendingFile;
use crate::platform::Platform;
use crate::token::Token;

/// The config file, its contents when the command started, and the HTTP client.
pub struct CommandContext {
    pub file: ConfigFile,
    pub config: Config,
    pub http: Http,
    /// Why a token that an earlier command kept cannot be stored. `config` has it.
    unstored: Option<Error>,
}

impl CommandContext {
    /// Reads the config file, and warns if other users can change it. If it lacks a new token that an earlier command
    /// kept, stores that first. Sends nothing.
    pub fn open(machine: &mut Machine) -> Result<Self, Error> {
        let file = ConfigFile::locate(&machine.env, machine.clock.clone())?;
        let mut config = file.load()?;
        machine.console.warn(file.others_can_change());
        let unstored = kept_token::recover(&file, &mut config)?;
        let warning = unstored.as_ref().map(|error| Warning::new(error.fact()));
        machine.console.warn(warning);
        Ok(CommandContext { file, config, http: http(machine), unstored })
    }

    /// Ends tokens of earlier commands that fit no more. Every command that sends requests calls it.
    pub fn end_superseded(&self) {
        // What fails here is reported where it matters.
        let _ = kept_token::end_superseded(&self.file, &self.http);
    }

    /// See [`PendingFile::open`].
    pub fn open_pending(&self, machine: &mut Machine) -> Result<PendingFile<'_>, Error> {
        let (pending, warning) = PendingFile::open(&self.file)?;
        machine.console.warn(warning);
        Ok(pending)
    }

    /// See [`PendingFile::reserve`].
    pub fn reserve(&self, pending: &mut PendingFile, machine: &mut Machine) -> Result<(), Error> {
        let warning = pending.reserve()?;
        machine.console.warn(warning);
        Ok(())
    }

    /// Opens the pending file, or creates it, with room for a new token.
    pub fn reserve_pending(&self, machine: &mut Machine) -> Result<PendingFile<'_>, Error> {
        let mut pending = self.open_pending(machine)?;
        self.reserve(&mut pending, machine)?;
        Ok(pending)
    }

    /// An error if a token that an earlier command kept cannot be stored.
    pub fn check_kept(&self) -> Result<(), Error> {
        self.unstored.clone().map_or(Ok(()), Err)
    }

    /// Checks that a new token can be stored, before the request for it.
    pub fn check_room(&self, machine: &mut Machine) -> Result<(), Error> {
        self.file.check_room()?;
        self.check_writable(machine)
    }

    /// Shows the warnings of an update of the config file.
    pub fn show_warnings(&self, machine: &mut Machine) {
        machine.console.warn(self.file.take_warnings());
    }

    /// See [`ConfigFile::check_writable`].
    pub fn check_writable(&self, machine: &mut Machine) -> Result<(), Error> {
        self.check_kept()?;
        let warning = self.file.check_writable()?;
        machine.console.warn(warning);
        Ok(())
    }

    /// Takes the lock of a token refresh. Waits while another rio holds it.
    pub fn lock_refresh(&self, machine: &mut Machine) -> Result<Option<PrivateFile>, Error> {
        let wait = machine.notice.start("another rio that refreshes the token");
        let (lock, warning) = self.file.lock_refresh(&machine.notice)?;
        drop(wait);
        machine.console.warn(warning);
        Ok(lock)
    }

    /// The stored token. A missing or malformed one is an error.
    pub fn require_token(&self) -> Result<Token, Error> {
        let token = self.config.auth_token()?.valid()?;
        token.ok_or_else(|| Error::failure("you are not logged in", advice::LOG_IN))
    }

    pub fn platform(&self) -> Platform<'_> {
        Platform { http: &self.http, config: &self.config }
    }
}

/// The error if the stored login is not the one that the command started with. `lost` is what the command did not
/// store.
pub fn login_changed_error(lost: &str) -> Error {
    Error::failure(
        format!("another rio logged in or out in the meantime, so {lost} was not stored"),
        advice::run("To see the stored login", "rio auth status"),
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
