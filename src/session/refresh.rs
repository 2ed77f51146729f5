//! Exchanges the stored token for a new one.
//!
//! A server may accept a token for one refresh only. So one rio at a time refreshes, holds a lock from reading
//! the token until the new one is stored, and reads the token again before it reports that it is not valid.

use std::time::Duration;

use super::context::{CommandContext, login_changed_error};
use super::{due, kept_token, secrets};
use crate::advice;
use crate::config::{Config, EMAIL_ID, NewLogin, PrivateFile, Progress};
use crate::error::{Error, Warning};
use crate::machine::signals::Hold;
use crate::machine::{Machine, clock};
use crate::oauth::pending::PendingFile;
use crate::platform::{Level, Refresh, TokenCheck};
use crate::secret::Secret;
use crate::text;
use crate::token::Token;

/// How long a server may take to replace a token after its response was lost.
const LOST_RESPONSE_WAIT: Duration = Duration::from_secs(2);

/// The stored token, and how it got there.
pub enum Outcome {
    /// It is valid for long enough, so nothing was sent.
    NotDue(Token),
    Refreshed(Token),
    /// Another process has replaced it since this one started.
    RefreshedByOther(Token),
}

/// How to log in if the stored token is no longer valid.
pub struct Credentials {
    pub password: Option<Secret>,
    /// The option that forbids a prompt.
    pub forbidden_by: Option<&'static str>,
}

/// Refreshes the stored token, or logs in if it is no longer valid. With `within`, only if it may expire
/// within that time.
pub fn run(
    machine: &mut Machine,
    context: &CommandContext,
    within: Option<Duration>,
    credentials: Credentials,
) -> Result<Outcome, Error> {
    let old = context.require_token()?;
    if within.is_some_and(|within| !is_due(machine, context, &old, within)) {
        return Ok(Outcome::NotDue(old));
    }
    context.platform().rip_host()?;
    context.end_superseded();
    let (place, new) = lock(machine, context, &old)?;
    if let Some(new) = new {
        return Ok(Outcome::RefreshedByOther(new));
    }
    // The server may end the old token, so the new one must be stored.
    let hold = Hold::all();
    let refresh = context.platform().refresh(&old);
    if let Ok(Refresh::New(new)) = refresh {
        return store(machine, context, &place, &old, new, None);
    }
    place.release();
    drop(hold);
    let refresh = refresh?;
    let token_check = match &refresh {
        Refresh::Lost(_) => {
            // The server may still be replacing the token.
            clock::wait(&*machine.clock, &machine.trace, LOST_RESPONSE_WAIT, |_| {});
            Some(context.platform().verify_once(&old))
        }
        _ => None,
    };
    if let Some(new) = replacement(context, &old)? {
        return Ok(Outcome::RefreshedByOther(new));
    }
    match (refresh, token_check) {
        (Refresh::Lost(error), Some(token_check)) => Err(lost_error(error, token_check)),
        _ => log_in(machine, context, &old, credentials, place),
    }
}

/// Where a new token goes until the config file has it: the lock file, or the pending file if the lock file belongs
/// to another user.
struct Place<'a> {
    lock: Option<PrivateFile>,
    pending: Option<PendingFile<'a>>,
}

impl Place<'_> {
    fn file(&self) -> Option<&PrivateFile> {
        self.lock.as_ref().or_else(|| self.pending.as_ref()?.file())
    }

    /// Makes room for a new token.
    fn reserve(&self, context: &CommandContext) -> Result<(), Error> {
        let size = context.file.size_with_token()?;
        self.file().map_or(Ok(()), |file| file.reserve(size))
    }

    fn release(&self) {
        self.file().into_iter().for_each(PrivateFile::release);
    }
}

/// Whether the stored token must be refreshed so that it is valid for longer than `within`.
pub fn is_due(
    machine: &Machine,
    context: &CommandContext,
    token: &Token,
    within: Duration,
) -> bool {
    let now = text::unix_seconds(machine.clock.utc());
    due::is_due(token, context.config.token_record(token).as_ref(), within, now)
}

/// Takes the lock. Then returns the token that another process has stored, or checks that a new one can be.
fn lock<'a>(
    machine: &mut Machine,
    context: &'a CommandContext,
    old: &Token,
) -> Result<(Place<'a>, Option<Token>), Error> {
    context.check_kept()?;
    // A problem of the config file explains that of the lock file.
    let lock = context
        .lock_refresh(machine)
        .or_else(|error| context.check_writable(machine).and(Err(error)))?;
    let mut place = Place { lock, pending: None };
    let new = replacement(context, old)?;
    if new.is_none() {
        if place.lock.is_none() {
            place.pending = Some(context.reserve_pending(machine)?);
        }
        place.reserve(context).or_else(|error| context.check_writable(machine).and(Err(error)))?;
        context.check_room(machine)?;
    }
    Ok((place, new))
}

/// The stored token, if it is no longer the old one but of the same account.
fn replacement(context: &CommandContext, old: &Token) -> Result<Option<Token>, Error> {
    let config = context.file.load()?;
    let stored = config.auth_token()?.valid()?.ok_or_else(changed_error)?;
    if !config.is_login_for(context.config.string(EMAIL_ID)?.as_deref()) {
        return Err(changed_error());
    }
    Ok(Some(stored).filter(|stored| stored.expose() != old.expose()))
}

fn changed_error() -> Error {
    login_changed_error("the new token")
}

/// The error after a lost response. `token_check` says whether the server accepts the old token.
fn lost_error(error: Error, token_check: Result<TokenCheck, Error>) -> Error {
    match token_check {
        Ok(TokenCheck { accepted: true, .. }) => {
            error.into_temporary().advise("The stored token is still valid. Try again later.")
        }
        Ok(_) => error
            .into_failure()
            .context("the response with the new token was lost, and the old token is not valid")
            .advise(advice::NEW_LOGIN),
        Err(_) => error
            .into_temporary()
            .context("the server may have replaced the token, but its response was lost")
            .advise("Try again later. If the token is then not valid, run:\n  rio auth login"),
    }
}

/// Logs in with the password. Does not hold the lock while the user types.
fn log_in(
    machine: &mut Machine,
    context: &CommandContext,
    old: &Token,
    credentials: Credentials,
    place: Place,
) -> Result<Outcome, Error> {
    const INVALID: &str = "the stored token has expired or was revoked";
    let email = context.config.string(EMAIL_ID)?.ok_or_else(|| {
        Error::failure(
            format!("{INVALID}, and the account's email is not known"),
            advice::NEW_LOGIN,
        )
    })?;
    let (password, place) = match (credentials.password, credentials.forbidden_by) {
        (Some(password), _) => (password, place),
        (None, None) => {
            drop(place);
            machine.console.say("The stored token has expired or was revoked.");
            let password = secrets::password_or_prompt(machine, None, &email)?;
            let (place, new) = lock(machine, context, old)?;
            if let Some(new) = new {
                return Ok(Outcome::RefreshedByOther(new));
            }
            (password, place)
        }
        (None, Some(option)) => {
            return Err(Error::failure(
                format!("{INVALID}, and {option} forbids asking for a password"),
                "To log in again, run:\n  rio auth login\nOr, if the account has a password, write it to a file and \
                 run:\n  rio auth refresh-token --password-file FILE",
            ));
        }
    };
    let _hold = Hold::all();
    place.reserve(context)?;
    let new = context.platform().login(&email, &password, Level::Medium)?;
    store(machine, context, &place, old, new, Some(Level::Medium.lifetime()))
}

/// Stores the new token in place of the old one.
fn store(
    machine: &mut Machine,
    context: &CommandContext,
    place: &Place,
    old: &Token,
    new: Token,
    lifetime: Option<Duration>,
) -> Result<Outcome, Error> {
    let now = text::unix_seconds(machine.clock.utc());
    let login = NewLogin::new(&new, now, lifetime, None, true, &context.config);
    let fits = |config: &Config| login.progress(config) != Progress::Superseded;
    if !kept_token::store(&context.file, &context.http, &login, place.file(), fits)? {
        return Err(changed_error());
    }
    context.show_warnings(machine);
    if new.names_other_account(old) {
        machine
            .console
            .warn([Warning::new("the new token is for another account than the old one")
                .advise(advice::NEW_LOGIN)]);
    }
    Ok(Outcome::Refreshed(new))
}
