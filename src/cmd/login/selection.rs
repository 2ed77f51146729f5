//! Choosing an organization and a project: by option, because there is only one, or by asking.

use crate::args::Login;
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

/// The GUIDs of what is selected already.
#[derive(Default)]
pub struct Current {
    /// Of the organization.
    pub organization: Option<String>,
    /// Of the project.
    pub project: Option<String>,
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

/// Chooses both. What is selected already is the default; it stays where nobody can answer.
pub fn select(
    args: &Login,
    host: &mut Host,
    session: &Session,
    current: &Current,
    token: &Secret,
) -> Result<Selection, Error> {
    let platform = session.platform();
    let mut asker = Asker { host, may_ask: !(args.silent || args.json) };
    let organizations = platform.organizations(token).map_err(still_logged_in)?;
    let organization = match &args.organization {
        Some(wanted) => Choice::Made(find(&organizations, wanted)?),
        None => asker.choose(organizations, current.organization.as_deref())?,
    };
    let Choice::Made(organization) = organization else {
        return match &args.project {
            Some(_) => Err(Error::refused(
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
            asker.choose(projects.map_err(still_logged_in)?, current.project.as_deref())?
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

/// The one that is meant, or an error that shows what there is.
fn find<T: Named + Clone>(all: &[T], wanted: &str) -> Result<T, Error> {
    match matching(all, wanted).as_slice() {
        [only] => Ok((*only).clone()),
        [] if all.is_empty() => Err(Error::refused(
            format!("you are logged in, but there is no {} '{wanted}', nor any other", T::KIND),
            "Ask whoever manages the account, then run the login again.",
        )),
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

/// A GUID is looked for first where the text looks like one, then a name.
fn matching<'a, T: Named>(all: &'a [T], wanted: &str) -> Vec<&'a T> {
    let by_guid = all.iter().find(|one| one.guid() == wanted);
    match by_guid.filter(|_| wanted.starts_with(T::GUID_PREFIX)) {
        Some(found) => vec![found],
        None => all.iter().filter(|one| one.name() == wanted).collect(),
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

/// A longer name pushes its own GUID out of line, and no other's.
const WIDEST_NAME: usize = 40;
/// So much patience there is with a pipe that has no end.
const MOST_WRONG_ANSWERS: usize = 10;

/// Puts a choice to the person, if there is one.
struct Asker<'a> {
    host: &'a mut Host,
    may_ask: bool,
}

impl Asker<'_> {
    fn choose<T: Named + Clone>(
        &mut self,
        mut all: Vec<T>,
        current: Option<&str>,
    ) -> Result<Choice<T>, Error> {
        all.sort_by_key(|one| one.name().to_lowercase());
        if all.len() <= 1 {
            return Ok(all.pop().map_or(Choice::NothingThere, Choice::Made));
        }
        let default = all.iter().position(|one| Some(one.guid()) == current);
        let chosen = if self.may_ask { self.ask(&all, default)? } else { None };
        let chosen = chosen.or_else(|| all.get(default?).cloned());
        Ok(chosen.map_or(Choice::Open, Choice::Made))
    }

    /// Asks until the answer is one of them; `None` if the input ends before.
    fn ask<T: Named + Clone>(
        &mut self,
        all: &[T],
        default: Option<usize>,
    ) -> Result<Option<T>, Error> {
        self.show(all, default);
        let hint = default.map(|index| format!(" [{}]", index.saturating_add(1)));
        let question = format!("Which {}?{} ", T::KIND, hint.unwrap_or_default());
        for _ in 0..MOST_WRONG_ANSWERS {
            let Some(answer) = self.host.console.ask(&question)? else { return Ok(None) };
            let answer = answer.trim();
            let index = match answer {
                "" => default,
                _ => answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
            };
            if let Some(chosen) = index.and_then(|index| all.get(index)) {
                return Ok(Some(chosen.clone()));
            }
            match matching(all, answer).as_slice() {
                [only] => return Ok(Some((*only).clone())),
                [] => self.host.console.say("Enter a number, a name or a GUID of the list."),
                _ => self.host.console.say("Several have that name. Enter the number or the GUID."),
            }
        }
        Err(wrong_answers(all))
    }

    fn show<T: Named>(&mut self, all: &[T], default: Option<usize>) {
        let number_width = all.len().to_string().len();
        let name_width = all.iter().map(|one| one.name().chars().count()).max();
        let name_width = name_width.unwrap_or_default().min(WIDEST_NAME);
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

/// What was answered is not repeated: it may be the password of a script that lost count.
fn wrong_answers<T: Named>(all: &[T]) -> Error {
    Error::refused(
        format!("you are logged in, but no answer named one {} of the list", T::KIND),
        listed(&format!("Answer with a number, or with one of these {}s:", T::KIND), all.iter()),
    )
}
