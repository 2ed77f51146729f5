//! Choosing an organization and a project: by option, because there is only one, or by asking.

use super::question::Question;
use crate::cli::args::Login;
use crate::cmd::session::Session;
use crate::error::Error;
use crate::host::Host;
use crate::platform::{Organization, Platform, Project};
use crate::text;
use crate::token::Token;

/// What became of a choice.
#[derive(Debug, PartialEq)]
pub enum Choice<T> {
    /// This one.
    Made(T),
    /// There is nothing to choose from.
    NothingThere,
    /// Nobody could answer.
    Open,
}

impl<T> Choice<T> {
    /// What was chosen.
    pub fn made(&self) -> Option<&T> {
        match self {
            Choice::Made(chosen) => Some(chosen),
            _ => None,
        }
    }
}

/// An organization and a project of it.
pub struct Selection {
    /// Of the user's.
    pub organization: Choice<Organization>,
    /// Of the organization's.
    pub project: Choice<Project>,
}

/// The GUIDs of what is selected already.
#[derive(Default)]
pub struct Current {
    /// Of the organization.
    pub organization: Option<String>,
    /// Of the project.
    pub project: Option<String>,
}

/// What can be chosen: both have a GUID and a name.
pub trait Named {
    /// What the GUID of its kind begins with.
    const GUID_PREFIX: &str;
    /// What it is, for a question.
    const KIND: &str;
    /// The GUID.
    fn guid(&self) -> &str;
    /// What people call it.
    fn name(&self) -> &str;
}

impl Named for Organization {
    const GUID_PREFIX: &str = "org-";
    const KIND: &str = "organization";
    fn guid(&self) -> &str {
        &self.guid
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Project {
    const GUID_PREFIX: &str = "project-";
    const KIND: &str = "project";
    fn guid(&self) -> &str {
        &self.guid
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// Chooses both. What is selected already is the default; it stays where nobody can answer.
pub fn select(
    args: &Login,
    host: &mut Host,
    session: &Session,
    current: &Current,
    token: &Token,
) -> Result<Selection, Error> {
    let platform = session.platform();
    let may_ask = !(args.silent || args.json);
    let organizations = platform.organizations(token).map_err(still_logged_in)?;
    let organization = match &args.organization {
        Some(wanted) => Choice::Made(find(&organizations, wanted)?),
        None => choose(host, may_ask, organizations, current.organization.as_deref())?,
    };
    let Choice::Made(organization) = organization else {
        return match &args.project {
            Some(_) => Err(Error::failure(
                "you are logged in, but a project needs an organization",
                "Run the login again with --organization and --project.",
            )),
            None => Ok(Selection { organization, project: Choice::Open }),
        };
    };
    let project = match &args.project {
        Some(wanted) => Choice::Made(find_project(&platform, token, &organization, wanted)?),
        None => {
            let projects = platform.projects(token, &organization, None);
            choose(host, may_ask, projects.map_err(still_logged_in)?, current.project.as_deref())?
        }
    };
    Ok(Selection { organization: Choice::Made(organization), project })
}

/// Nothing is asked where there is nothing to choose.
fn choose<T: Named + Clone>(
    host: &mut Host,
    may_ask: bool,
    mut all: Vec<T>,
    current: Option<&str>,
) -> Result<Choice<T>, Error> {
    all.sort_by_key(|one| one.name().to_lowercase());
    if all.len() <= 1 {
        return Ok(all.pop().map_or(Choice::NothingThere, Choice::Made));
    }
    let current = all.iter().position(|one| Some(one.guid()) == current);
    let question = Question { all: &all, current };
    let chosen = if may_ask { question.ask(&mut host.console)? } else { None };
    let chosen = chosen.or(current).and_then(|index| all.get(index).cloned());
    Ok(chosen.map_or(Choice::Open, Choice::Made))
}

/// The server filters by name, so one call is enough for a name that is right.
fn find_project(
    platform: &Platform,
    token: &Token,
    organization: &Organization,
    wanted: &str,
) -> Result<Project, Error> {
    if !wanted.starts_with(Project::GUID_PREFIX) {
        let named =
            platform.projects(token, organization, Some(wanted)).map_err(still_logged_in)?;
        if let Ok(project) = find(&named, wanted) {
            return Ok(project);
        }
    }
    find(&platform.projects(token, organization, None).map_err(still_logged_in)?, wanted)
}

/// The one that is meant, or an error that shows what there is.
fn find<T: Named + Clone>(all: &[T], wanted: &str) -> Result<T, Error> {
    match matching(all, wanted).as_slice() {
        [only] => Ok((*only).clone()),
        [] if all.is_empty() => Err(Error::failure(
            format!("you are logged in, but there is no {} '{wanted}', nor any other", T::KIND),
            "Ask whoever manages the account, then run the login again.",
        )),
        [] => Err(Error::failure(
            format!("you are logged in, but there is no {} '{wanted}'", T::KIND),
            listed(&format!("Run the login again with one of these {}s:", T::KIND), all.iter()),
        )),
        several => Err(Error::failure(
            format!("you are logged in, but several {}s are called '{wanted}'", T::KIND),
            listed("Run the login again with the GUID of one:", several.iter().copied()),
        )),
    }
}

/// A GUID is looked for first where the text looks like one, then a name.
pub fn matching<'a, T: Named>(all: &'a [T], wanted: &str) -> Vec<&'a T> {
    let by_guid = all.iter().find(|one| one.guid() == wanted);
    match by_guid.filter(|_| wanted.starts_with(T::GUID_PREFIX)) {
        Some(found) => vec![found],
        None => all.iter().filter(|one| one.name() == wanted).collect(),
    }
}

pub fn listed<'a, T: Named + 'a>(advice: &str, all: impl Iterator<Item = &'a T>) -> String {
    const MOST: usize = 100;
    let line = |one: &T| format!("  {} ({})", text::excerpt(one.name(), 60), one.guid());
    let mut lines: Vec<String> = all.map(line).collect();
    lines.sort_by_key(|line| line.to_lowercase());
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    lines.insert(0, advice.to_owned());
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

fn still_logged_in(error: Error) -> Error {
    error.context("you are logged in, but nothing could be selected")
}
