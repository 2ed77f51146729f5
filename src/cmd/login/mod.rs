//! `rio auth login`: gets a token in one of three ways, stores it, and selects an organization and a
//! project.

mod device_login;
mod output;

use std::time::Duration;

use crate::advice;
use crate::cli::args::LoginArgs;
use crate::config::{
    Config, EMAIL_ID, NewLogin, ORGANIZATION_ID, PROJECT_ID, StoredToken, is_same_account,
};
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::machine::signals::Hold;
use crate::oauth::pending::PendingFile;
use crate::platform::{Level, Organization};
use crate::secret::Secret;
use crate::session::confirmation::confirm;
use crate::session::context::{CommandContext, login_changed_error};
use crate::session::describe::account_suffix;
use crate::session::list::no_entries_error;
use crate::session::selection::{Choice, Selection, Selector};
use crate::session::{kept_token, options, refresh, secrets};
use crate::text;
use crate::token::Token;
use device_login::Approval;
use output::LoginOutput;

pub fn run(args: LoginArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let output = LoginOutput::new(args.json, machine);
    let outcome = login(args, machine, output);
    if let Err(error) = &outcome {
        output.error(machine, error)?;
    }
    outcome
}

fn login(mut args: LoginArgs, machine: &mut Machine, output: LoginOutput) -> Result<Exit, Error> {
    let silent_option = options::silent_option(args.silent, args.no_interactive);
    let may_prompt = silent_option.is_none() && !args.json;
    check_usage(&args, silent_option)?;
    let timeout = options::duration("--timeout", args.timeout.as_deref())?;
    let keep_within = options::duration("--if-expires-within", args.if_expires_within.as_deref())?;
    let context = CommandContext::open(machine)?;
    if let Some(within) = keep_within
        && let Some(token) = kept_token(machine, &context, args.email.as_deref(), within)?
    {
        output.kept(machine, context.config.string(EMAIL_ID)?.as_deref(), &token)?;
        return Ok(Exit::Success);
    }
    let method = Method::read(&mut args, machine, timeout)?;
    let previous = Previous::read(&context.config)?;
    check_hosts(&method, &context)?;
    if previous.has_token && may_prompt && !args.yes {
        confirm_replacing(machine, previous.email.as_deref())?;
    }
    context.check_room(machine)?;

    context.end_superseded();
    // Dropped last, so that nothing stays behind when a signal ends the program.
    let Authenticated { hold, account, pending } =
        authenticate(method, &args, machine, &context, output)?;
    let is_same = |previous: &Previous| {
        let (old, new) = (previous.email.as_deref(), account.email.as_deref());
        old.is_some() && is_same_account(old, new)
    };
    let same_account = Some(previous).filter(is_same);
    let login = account.to_login(machine, &context, same_account.is_some());
    let is_same_server = |config: &Config| login.is_for_server_of(config);
    let CommandContext { file, http, .. } = &context;
    if !kept_token::store(file, http, &login, pending.file(), is_same_server)? {
        return Err(login_changed_error("the new token"));
    }
    pending.remove();
    drop(hold);
    context.show_warnings(machine);
    output.logged_in(machine, account.email.as_deref(), account.token.expires_at());

    let unselected = match &same_account {
        Some(_) => "the selection did not change",
        None => "nothing is selected",
    };
    let not_selected = |error| not_selected_error(error, unselected, &args);
    let selection = select(&args, may_prompt, machine, &context, same_account, &account.token)
        .map_err(not_selected)?;
    let is_same = |config: &Config| config.is_login_for(account.email.as_deref());
    let stored = context.file.update_if(is_same, |config| selection.store(config));
    let stored = stored.map_err(not_selected)?;
    context.show_warnings(machine);
    if !stored {
        return Err(login_changed_error("the selection"));
    }
    output.selected(machine, account.email.as_deref(), &selection)?;
    Ok(Exit::Success)
}

/// Checks the command line before anything is asked or sent.
fn check_usage(args: &LoginArgs, silent_option: Option<&str>) -> Result<(), Error> {
    options::check_not_blank("--email", args.email.as_deref())?;
    options::check_not_blank("--organization", args.organization.as_deref())?;
    options::check_not_blank("--project", args.project.as_deref())?;
    let email = args.email.is_some();
    let password = args.password.is_some() || args.password_file.is_some();
    let token = args.auth_token.is_some() || args.auth_token_file.is_some();
    let sources = [
        ("--auth-token", &args.auth_token, &args.auth_token_file),
        ("--password", &args.password, &args.password_file),
    ];
    for (option, value, file) in sources {
        secrets::check_one_source(option, value.as_ref(), file.as_deref())?;
    }
    let (silent, option) = (silent_option.is_some(), silent_option.unwrap_or_default());
    let problems = [
        (
            token && (email || password),
            "--auth-token and --auth-token-file cannot be used with --email or a password",
        ),
        (
            silent && !token && !(email && password),
            &format!(
                "{option} cannot wait for an approval on a phone: it needs --auth-token-file, or --email with \
                 --password-file"
            ),
        ),
        (password && !email, "a password needs --email"),
        (
            args.timeout.is_some() && (email || token),
            "--timeout is only for a login by phone: it cannot be used with --email or --auth-token",
        ),
        (args.json && email && !password, "--json never prompts, so --email needs --password-file"),
        (
            silent && args.project.is_some() && args.organization.is_none(),
            &format!("with {option}, --project needs --organization"),
        ),
    ];
    match problems.into_iter().find(|(found, _)| *found) {
        Some((_, fact)) => {
            Err(Error::usage(fact, advice::run("For usage", "rio auth login --help")))
        }
        None => Ok(()),
    }
}

/// The stored token, if it is not due for a refresh and, with `--email`, of that account.
fn kept_token(
    machine: &Machine,
    context: &CommandContext,
    email: Option<&str>,
    within: Duration,
) -> Result<Option<Token>, Error> {
    let stored = context.config.string(EMAIL_ID)?;
    if email.is_some_and(|email| !is_same_account(Some(email.trim()), stored.as_deref())) {
        return Ok(None);
    }
    // A malformed token is replaced.
    let StoredToken::Valid(token) = context.config.auth_token()? else { return Ok(None) };
    Ok(Some(token).filter(|token| !refresh::is_due(machine, context, token, within)))
}

/// How to get a token.
enum Method {
    DeviceFlow { timeout: Option<Duration> },
    Password { email: String, password: Option<Secret> },
    Token(Token),
}

impl Method {
    fn read(
        args: &mut LoginArgs,
        machine: &mut Machine,
        timeout: Option<Duration>,
    ) -> Result<Self, Error> {
        let (value, file) = (args.auth_token.take(), args.auth_token_file.take());
        let invalid = match &file {
            Some(path) => Error::failure(
                format!("the first line of {path} is not a valid token"),
                "Write only the token to the file, on one line.",
            ),
            None => Error::usage(
                "the value of --auth-token is not a valid token",
                "Pass only the token, on one line.",
            ),
        };
        if let Some(token) = secrets::resolve(machine, "--auth-token", value, file)? {
            return Token::parse(token.expose()).map(Method::Token).ok_or(invalid);
        }
        let (value, file) = (args.password.take(), args.password_file.take());
        let password = secrets::resolve(machine, "--password", value, file)?;
        Ok(match args.email.take() {
            Some(email) => Method::Password { email, password },
            None => Method::DeviceFlow { timeout },
        })
    }
}

/// The login that the config file holds at the start, with the GUIDs of the selection.
struct Previous {
    /// Even a malformed one.
    has_token: bool,
    email: Option<String>,
    organization: Option<String>,
    project: Option<String>,
}

impl Previous {
    fn read(config: &Config) -> Result<Self, Error> {
        Ok(Previous {
            has_token: !matches!(config.auth_token()?, StoredToken::Absent),
            email: config.string(EMAIL_ID)?,
            organization: config.string(ORGANIZATION_ID)?,
            project: config.string(PROJECT_ID)?,
        })
    }
}

/// Reports an invalid host before any host is called.
fn check_hosts(method: &Method, context: &CommandContext) -> Result<(), Error> {
    let platform = context.platform();
    match method {
        Method::DeviceFlow { .. } => platform.oidc_host()?,
        Method::Password { .. } | Method::Token(_) => platform.rip_host()?,
    };
    platform.v2api_host().map(|_| ())
}

fn confirm_replacing(machine: &mut Machine, email: Option<&str>) -> Result<(), Error> {
    let account = account_suffix(email);
    let question = format!("You are logged in{account}. Replace this login? [y/N] ");
    confirm(machine, &question, "rio auth login")
}

/// The error after the login is stored. To try again would need another approval, but `select` does not.
fn not_selected_error(error: Error, consequence: &str, args: &LoginArgs) -> Error {
    let select = |kind, wanted: &Option<String>| {
        // Only after a temporary error can the name be right.
        let wanted = wanted.as_ref().filter(|_| error.exit() == Exit::TemporaryFailure);
        let name = wanted.map(|name| format!(" {}", text::shell_word(name)));
        format!("\n  rio {kind} select{}", name.unwrap_or_default())
    };
    let advice = format!(
        "{}\nThe login is stored; do not log in again. To select later, run:{}{}",
        error.advice().trim_end_matches(advice::TRY_LATER).trim_end(),
        select("organization", &args.organization),
        select("project", &args.project)
    );
    error.context(&format!("you are logged in, but {consequence}")).advise(advice.trim_start())
}

struct Account {
    token: Token,
    email: Option<String>,
    /// If known.
    lifetime: Option<Duration>,
}

impl Account {
    fn new(token: Token, email: Option<String>, lifetime: Option<Duration>) -> Self {
        // Normalized as in `Config::string`, so that the two can be compared.
        Account { token, email: email.and_then(|email| text::not_blank(&email)), lifetime }
    }

    fn to_login(
        &self,
        machine: &Machine,
        context: &CommandContext,
        keeps_selection: bool,
    ) -> NewLogin {
        let (email, now) = (self.email.clone(), text::unix_seconds(machine.clock.utc()));
        NewLogin::new(&self.token, now, self.lifetime, email, keeps_selection, &context.config)
    }
}

/// An account, and what protects its token until it is stored.
struct Authenticated<'a> {
    account: Account,
    pending: PendingFile<'a>,
    hold: Hold,
}

fn authenticate<'a>(
    method: Method,
    args: &LoginArgs,
    machine: &mut Machine,
    context: &'a CommandContext,
    output: LoginOutput,
) -> Result<Authenticated<'a>, Error> {
    match method {
        Method::DeviceFlow { timeout } => {
            let browse = !args.no_browser && !args.json;
            let output = output.with_qr(!args.no_qr);
            let Approval { claims, pending, hold } =
                device_login::run(machine, context, output, browse, timeout)?;
            let account = Account::new(claims.rio_token, claims.email, None);
            Ok(Authenticated { account, pending, hold })
        }
        Method::Password { email, password } => {
            let password = secrets::password_or_prompt(machine, password, &email)?;
            let (hold, pending) = (Hold::all(), context.reserve_pending(machine)?);
            let token = context.platform().login(&email, &password, Level::Medium)?;
            let account = Account::new(token, Some(email), Some(Level::Medium.lifetime()));
            Ok(Authenticated { account, pending, hold })
        }
        Method::Token(token) => {
            let (hold, pending) = (Hold::all(), context.reserve_pending(machine)?);
            let email = context.platform().user_info(&token)?;
            let account = Account::new(token, Some(email), None);
            Ok(Authenticated { account, pending, hold })
        }
    }
}

fn select(
    args: &LoginArgs,
    may_prompt: bool,
    machine: &mut Machine,
    context: &CommandContext,
    current: Option<Previous>,
    token: &Token,
) -> Result<Selection, Error> {
    let (current_organization, current_project) =
        current.map(|current| (current.organization, current.project)).unwrap_or_default();
    let platform = context.platform();
    let console = &mut machine.console;
    let mut selector = Selector { console, platform, token, may_prompt, keeps_current: true };
    let organization =
        selector.organization(args.organization.as_deref(), current_organization.as_deref())?;
    let project = match (&organization, &args.project) {
        (Choice::Selected(organization), wanted) => {
            selector.project(&organization.guid, wanted.as_deref(), current_project.as_deref())?
        }
        (Choice::NothingExists, Some(_)) => return Err(no_entries_error::<Organization>()),
        (_, None) => Choice::NoAnswer,
        (_, Some(_)) => {
            return Err(Error::failure(
                "--project needs an organization",
                "With --project, pass --organization too.",
            ));
        }
    };
    Ok(Selection { organization, project })
}
