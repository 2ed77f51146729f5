//! `rio auth login`: one of three ways to a token, then an organization and a project.

mod output;
mod wait;

use super::select::{Choice, Selection, Selector};
use super::{overtaken, secrets};
use crate::cli::args::Login;
use crate::cmd::session::Session;
use crate::config::{AUTH_TOKEN, Config, EMAIL_ID, ORGANIZATION_ID, PROJECT_ID, StoredToken};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::oauth::pending::PendingFile;
use crate::platform::Level;
use crate::secret::Secret;
use crate::token::Token;
use output::Report;

/// Logs in, and tells how it went in words or as JSON.
pub fn run(args: Login, host: &mut Host) -> Result<Exit, Error> {
    let report = Report::new(args.json);
    let outcome = login(args, host, report);
    if let Err(error) = &outcome {
        report.error(host, error)?;
    }
    outcome
}

/// How the token is come by.
enum Way {
    DeviceFlow,
    Password { email: String, password: Option<Secret> },
    Token(Token),
}

/// A token, and whose it is as far as that is known.
struct Account {
    token: Token,
    email: Option<String>,
}

impl Account {
    /// The email is kept as the config file will give it back.
    fn new(token: Token, email: Option<String>) -> Self {
        let email = email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty());
        Account { token, email }
    }
}

fn login(mut args: Login, host: &mut Host, report: Report) -> Result<Exit, Error> {
    args.silent |= args.no_interactive;
    check_usage(&args)?;
    let way = way(&mut args, host)?;
    let session = Session::open(host)?;
    let before = Before::read(&session.config)?;
    check_hosts(&way, &session)?;
    if before.logged_in && !(args.yes || args.silent || args.json) {
        confirm_replacing(host, before.email.as_deref())?;
    }
    session.file.check_writable()?;
    let by_code = matches!(way, Way::DeviceFlow);
    let account = authenticate(way, &args, host, &session, report)?;
    let same_account = before.email.is_some() && before.email == account.email;
    session.file.update(|config| store_account(config, &account, same_account))?;
    if !by_code {
        PendingFile::beside(session.file.path()).discard();
    }
    report.logged_in(host, account.email.as_deref());
    let current = if same_account { before.selected } else { Current::default() };
    let selection = select(&args, host, &session, &current, &account.token)
        .map_err(|error| error.context("you are logged in, but nothing was selected"))?;
    let mut stored = false;
    session.file.update(|config| {
        stored = config.is_login_of(account.email.as_deref());
        if stored {
            selection.store(config);
        }
    })?;
    if !stored {
        return Err(overtaken());
    }
    report.selected(host, account.email.as_deref(), &selection)?;
    Ok(Exit::Success)
}

/// The GUIDs of the stored selection.
#[derive(Default)]
struct Current {
    organization: Option<String>,
    project: Option<String>,
}

/// What was stored before. Read in one go, so that a bad member is told before anything is sent.
struct Before {
    logged_in: bool,
    email: Option<String>,
    selected: Current,
}

impl Before {
    fn read(config: &Config) -> Result<Self, Error> {
        Ok(Before {
            logged_in: !matches!(config.auth_token()?, StoredToken::Absent),
            email: config.text(EMAIL_ID)?,
            selected: Current {
                organization: config.text(ORGANIZATION_ID)?,
                project: config.text(PROJECT_ID)?,
            },
        })
    }
}

/// A host that makes no sense is told before the first of them is called.
fn check_hosts(way: &Way, session: &Session) -> Result<(), Error> {
    match way {
        Way::DeviceFlow => session.platform().oidc_host()?,
        Way::Password { .. } | Way::Token(_) => session.platform().rip_host()?,
    };
    session.platform().v2api_host().map(|_| ())
}

/// Everything that is wrong with the command line, before anything is asked or sent.
fn check_usage(args: &Login) -> Result<(), Error> {
    let usage = |fact: &str| Err(Error::usage(fact, "See `rio auth login --help`."));
    let texts = [
        ("--email", &args.email),
        ("--organization", &args.organization),
        ("--project", &args.project),
    ];
    for (name, text) in texts {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return usage(&format!("{name} is empty"));
        }
    }
    if args.auth_token.is_some() {
        if args.email.is_some() || args.password.is_some() {
            return usage("--auth-token needs no --email and no --password");
        }
    } else if args.silent {
        match (&args.email, &args.password) {
            (Some(_), Some(_)) => {}
            (None, None) => {
                return usage(
                    "a login without questions needs --auth-token, or --email and --password",
                );
            }
            (None, Some(_)) => {
                return usage("a login without questions needs --email beside --password");
            }
            (Some(_), None) => {
                return usage("a login without questions needs --password beside --email");
            }
        }
    } else if args.password.is_some() && args.email.is_none() {
        return usage("--password needs --email");
    } else if args.json && args.email.is_some() && args.password.is_none() {
        return usage("--json asks nothing, so --email needs --password");
    }
    if args.silent && args.project.is_some() && args.organization.is_none() {
        return usage("a login without questions needs --organization beside --project");
    }
    Ok(())
}

fn way(args: &mut Login, host: &mut Host) -> Result<Way, Error> {
    if let Some(token) = secrets::of_option(host, "--auth-token", args.auth_token.take())? {
        let token = Token::parse(token.expose()).ok_or_else(|| {
            Error::usage(
                "the value of --auth-token is no token",
                "Give the token alone, on one line.",
            )
        })?;
        return Ok(Way::Token(token));
    }
    let password = secrets::of_option(host, "--password", args.password.take())?;
    Ok(match args.email.take() {
        Some(email) => Way::Password { email, password },
        None => Way::DeviceFlow,
    })
}

/// Asks before an existing login is replaced, and before the user has gone to a browser for it.
fn confirm_replacing(host: &mut Host, email: Option<&str>) -> Result<(), Error> {
    let who = email.unwrap_or("an account whose email is not known");
    let question = format!("You are logged in as {who}. Log in again? [y/N] ");
    let answer = host.console.ask(&question)?.unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::failure(
            format!("the login of {who} was left as it is"),
            "To replace it without a question, run: rio auth login --yes",
        )),
    }
}

fn authenticate(
    way: Way,
    args: &Login,
    host: &mut Host,
    session: &Session,
    report: Report,
) -> Result<Account, Error> {
    match way {
        Way::DeviceFlow => {
            let browse = !args.no_browser && !args.json;
            let claims = wait::run(host, session, report, browse)?;
            Ok(Account::new(claims.rio_token, claims.email))
        }
        Way::Password { email, password } => {
            let password = match password {
                Some(password) => password,
                None => secrets::ask_password(host, &email)?,
            };
            let token = session.platform().login(&email, &password, Level::Medium)?;
            Ok(Account::new(token, Some(email)))
        }
        Way::Token(token) => {
            let email = session.platform().user_info(&token)?;
            Ok(Account::new(token, Some(email)))
        }
    }
}

/// Another account has other organizations, so their selection goes with the old one.
fn store_account(config: &mut Config, account: &Account, same_account: bool) {
    if !same_account {
        config.remove_login();
    }
    config.set(AUTH_TOKEN, account.token.expose());
    if let Some(email) = &account.email {
        config.set(EMAIL_ID, email);
    }
}

fn select(
    args: &Login,
    host: &mut Host,
    session: &Session,
    current: &Current,
    token: &Token,
) -> Result<Selection, Error> {
    let may_prompt = !(args.silent || args.json);
    let platform = session.platform();
    let mut selector = Selector { console: &mut host.console, platform, token, may_prompt };
    let organization =
        selector.organization(args.organization.as_deref(), current.organization.as_deref())?;
    let project = match (&organization, &args.project) {
        (Choice::Selected(organization), wanted) => {
            selector.project(organization, wanted.as_deref(), current.project.as_deref())?
        }
        (_, None) => Choice::NoAnswer,
        (_, Some(_)) => {
            return Err(Error::failure(
                "--project needs an organization",
                "Run `rio auth login` again with --organization and --project.",
            ));
        }
    };
    Ok(Selection { organization, project })
}
