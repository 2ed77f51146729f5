//! Choosing an organization and a project: by option, because there is only one, or by asking.

use crate::args::Login;
use crate::config::{Config, ORGANIZATION, PROJECT};
use crate::error::Error;
use crate::host::Host;
use crate::platform::{Organization, Platform, Project};
use crate::secret::Secret;
use crate::session::Session;

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

/// What can be chosen: both have a GUID and a name.
trait Named {
    /// What the GUID of its kind begins with.
    const GUID_PREFIX: &str;
    /// What it is, for a question.
    const KIND: &str;
    fn guid(&self) -> &str;
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

/// Chooses both. What is selected in `config` is the default; it stays where nobody can answer.
pub fn select(
    args: &Login,
    host: &mut Host,
    session: &Session,
    config: &Config,
    token: &Secret,
) -> Result<Selection, Error> {
    let platform = session.platform();
    let mut asker = Asker { host, may_ask: !(args.silent || args.json) };
    let organizations = platform.organizations(token).map_err(still_logged_in)?;
    let current = config.text(ORGANIZATION[0])?;
    let organization = match &args.organization {
        Some(wanted) => Choice::Made(find(&organizations, wanted)?),
        None => asker.choose(organizations, current.as_deref()),
    };
    let Choice::Made(organization) = organization else {
        return Ok(Selection { organization, project: Choice::Open });
    };
    let current = config.text(PROJECT[0])?;
    let project = match &args.project {
        Some(wanted) => Choice::Made(find_project(&platform, token, &organization, wanted)?),
        None => {
            let projects = platform.projects(token, &organization, None);
            asker.choose(projects.map_err(still_logged_in)?, current.as_deref())
        }
    };
    Ok(Selection { organization: Choice::Made(organization), project })
}

/// The server filters by name, so one call is enough for a name that is right.
fn find_project(
    platform: &Platform,
    token: &Secret,
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

/// A GUID is looked for first where the text looks like one, then a name.
fn find<T: Named + Clone>(all: &[T], wanted: &str) -> Result<T, Error> {
    let by_guid = all.iter().find(|one| one.guid() == wanted);
    if let Some(found) = by_guid.filter(|_| wanted.starts_with(T::GUID_PREFIX)) {
        return Ok(found.clone());
    }
    let named: Vec<&T> = all.iter().filter(|one| one.name() == wanted).collect();
    match named.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Error::refused(
            format!("you are logged in, but there is no {} '{wanted}'", T::KIND),
            listed(&format!("Run the login again with one of these {}s:", T::KIND), all.iter()),
        )),
        several => Err(Error::refused(
            format!("you are logged in, but several {}s are called '{wanted}'", T::KIND),
            listed("Run the login again with the GUID of one:", several.iter().copied()),
        )),
    }
}

fn listed<'a, T: Named + 'a>(advice: &str, all: impl Iterator<Item = &'a T>) -> String {
    let mut lines: Vec<String> =
        all.map(|one| format!("  {} ({})", one.name(), one.guid())).collect();
    lines.sort_by_key(|line| line.to_lowercase());
    lines.insert(0, advice.to_owned());
    lines.join("\n")
}

fn still_logged_in(error: Error) -> Error {
    error.context("you are logged in, but nothing could be selected")
}

/// Puts a choice to the person, if there is one.
struct Asker<'a> {
    host: &'a mut Host,
    may_ask: bool,
}

impl Asker<'_> {
    fn choose<T: Named>(&mut self, mut all: Vec<T>, current: Option<&str>) -> Choice<T> {
        all.sort_by_key(|one| one.name().to_lowercase());
        if all.len() <= 1 {
            return all.pop().map_or(Choice::NothingThere, Choice::Made);
        }
        let default = all.iter().position(|one| Some(one.guid()) == current);
        let chosen = if self.may_ask { self.ask(&all, default) } else { None };
        match chosen.or(default) {
            Some(index) => Choice::Made(all.swap_remove(index)),
            None => Choice::Open,
        }
    }

    /// Asks until the answer is one of them; `None` if the input ends before.
    fn ask<T: Named>(&mut self, all: &[T], default: Option<usize>) -> Option<usize> {
        self.show(all, default);
        let hint = default.map(|index| format!(" [{}]", index.saturating_add(1)));
        let question = format!("Which {}?{} ", T::KIND, hint.unwrap_or_default());
        loop {
            let answer = self.host.console.ask(&question)?;
            let answer = answer.trim();
            match default {
                Some(index) if answer.is_empty() => return Some(index),
                _ => {}
            }
            if let Some(index) = index_of(all, answer) {
                return Some(index);
            }
            self.host.console.say(&format!(
                "There is no {} '{answer}' in the list. Enter a number, a name or a GUID.",
                T::KIND
            ));
        }
    }

    fn show<T: Named>(&mut self, all: &[T], default: Option<usize>) {
        let number_width = all.len().to_string().len();
        let name_width = all.iter().map(|one| one.name().chars().count()).max().unwrap_or_default();
        for (index, one) in all.iter().enumerate() {
            let mark = if Some(index) == default { "  (current)" } else { "" };
            self.host.console.say(&format!(
                "  {:>number_width$}  {:<name_width$}  {}{mark}",
                index.saturating_add(1),
                one.name(),
                one.guid()
            ));
        }
    }
}

/// A number of the list, a name or a GUID.
fn index_of<T: Named>(all: &[T], answer: &str) -> Option<usize> {
    let by_number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    by_number
        .filter(|index| *index < all.len())
        .or_else(|| all.iter().position(|one| one.guid() == answer || one.name() == answer))
}
