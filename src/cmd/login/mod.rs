//! `rio auth login`: one of three ways to a token, then an organization and a project.

mod device_flow;
mod report;
mod selection;

use super::password;
use crate::args::Login;
use crate::config::{AUTH_TOKEN, Config, EMAIL_ID, ORGANIZATION, PROJECT};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::platform::Level;
use crate::secret::Secret;
use crate::session::Session;
use report::Report;
use selection::{Choice, Selection};

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
    Token(Secret),
}

/// A token, and whose it is as far as that is known.
struct Account {
    token: Secret,
    email: Option<String>,
}

fn login(mut args: Login, host: &mut Host, report: Report) -> Result<Exit, Error> {
    args.silent |= args.no_interactive;
    check_usage(&args)?;
    let way = way(&mut args, host)?;
    let session = Session::open(host)?;
    session.file.check_writable()?;
    if !(args.yes || args.silent || args.json) {
        confirm_replacing(host, &session.config)?;
    }
    let account = authenticate(way, &args, host, &session, report)?;
    session.file.update(|config| store_account(config, &account))?;
    report.logged_in(host, account.email.as_deref());
    let config = session.file.load()?;
    let selection = selection::select(&args, host, &session, &config, &account.token)?;
    session.file.update(|config| store_selection(config, &selection))?;
    report.selected(host, account.email.as_deref(), &selection)?;
    Ok(Exit::Done)
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
                return usage("a silent login needs --auth-token, or --email and --password");
            }
            (None, Some(_)) => return usage("a silent login by password needs --email"),
            (Some(_), None) => return usage("a silent login by email needs --password"),
        }
    } else if args.password.is_some() && args.email.is_none() {
        return usage("--password needs --email");
    } else if args.json && args.email.is_some() && args.password.is_none() {
        return usage("--json asks nothing, so --email needs --password");
    }
    if args.silent && args.project.is_some() && args.organization.is_none() {
        return usage("a silent login with --project needs --organization");
    }
    Ok(())
}

fn way(args: &mut Login, host: &mut Host) -> Result<Way, Error> {
    if let Some(token) = password::of_option(host, "--auth-token", args.auth_token.take())? {
        let bare = token.expose().trim();
        let token = Secret::new(bare.strip_prefix("Bearer ").unwrap_or(bare).trim());
        if !token.is_visible_ascii() {
            return Err(Error::usage(
                "the --auth-token has characters that no token has",
                "Give the token alone, on one line.",
            ));
        }
        return Ok(Way::Token(token));
    }
    let password = password::of_option(host, "--password", args.password.take())?;
    Ok(match args.email.take() {
        Some(email) => Way::Password { email, password },
        None => Way::DeviceFlow,
    })
}

/// Asks before an existing login is replaced, and before the user has gone to a browser for it.
fn confirm_replacing(host: &mut Host, config: &Config) -> Result<(), Error> {
    if config.auth_token()?.is_none() {
        return Ok(());
    }
    let who = config.text(EMAIL_ID)?.unwrap_or_else(|| "somebody".to_owned());
    let question = format!("You are logged in as {who}. Log in again? [y/N] ");
    let answer = host.console.ask(&question).unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::refused(
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
            let claims = device_flow::run(host, session, report, browse)?;
            Ok(Account { token: claims.rio_token, email: claims.email })
        }
        Way::Password { email, password } => {
            let password = match password {
                Some(password) => password,
                None => password::ask(host, &email)?,
            };
            let token = session.platform().login(&email, &password, Level::Medium)?;
            Ok(Account { token, email: Some(email) })
        }
        Way::Token(token) => {
            let email = session.platform().user_info(&token)?;
            Ok(Account { token, email: Some(email) })
        }
    }
}

/// Another account has other organizations, so their selection goes with the old one.
fn store_account(config: &mut Config, account: &Account) {
    let before = config.text(EMAIL_ID).ok().flatten();
    if before.is_none() || before != account.email {
        config.remove(&ORGANIZATION);
        config.remove(&PROJECT);
    }
    config.set(AUTH_TOKEN, account.token.expose());
    match &account.email {
        Some(email) => config.set(EMAIL_ID, email),
        None => config.remove(&[EMAIL_ID]),
    }
}

fn store_selection(config: &mut Config, selection: &Selection) {
    match &selection.organization {
        Choice::Made(organization) => {
            let values = [&organization.guid, &organization.name, &organization.short_guid];
            for (key, value) in ORGANIZATION.into_iter().zip(values) {
                config.set(key, value);
            }
        }
        Choice::Open | Choice::NothingThere => config.remove(&ORGANIZATION),
    }
    match &selection.project {
        Choice::Made(project) => {
            for (key, value) in PROJECT.into_iter().zip([&project.guid, &project.name]) {
                config.set(key, value);
            }
        }
        Choice::NothingThere => PROJECT.into_iter().for_each(|key| config.set(key, "")),
        Choice::Open => config.remove(&PROJECT),
    }
}
