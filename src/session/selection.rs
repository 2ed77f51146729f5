//! Selecting an organization and a project: by name or GUID, because only one exists, or at a prompt.

use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

use super::context::CommandContext;
use super::list::{self, Entry, List};
use super::options;
use crate::advice;
use crate::config::{
    Config, EMAIL_ID, ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID, PROJECT_ID,
    PROJECT_NAME,
};
use crate::error::Error;
use crate::machine::Machine;
use crate::machine::console::Console;
use crate::platform::{Organization, Platform, Project};
use crate::text;
use crate::token::Token;

#[derive(Debug, PartialEq)]
pub enum Choice<T> {
    Selected(T),
    NothingExists,
    /// Several exist, and there was no answer.
    NoAnswer,
}

impl<T> Choice<T> {
    pub fn selected(&self) -> Option<&T> {
        match self {
            Choice::Selected(entry) => Some(entry),
            _ => None,
        }
    }
}

impl<T: Entry> Choice<T> {
    /// The entry. An error if nothing is selected.
    pub fn required(self) -> Result<T, Error> {
        match self {
            Choice::Selected(entry) => Ok(entry),
            Choice::NothingExists => Err(list::no_entries_error::<T>()),
            Choice::NoAnswer => Err(Error::failure(
                format!("no {} was selected", T::KIND),
                format!("Answer the question, or run:\n  rio {} select NAME", T::KIND),
            )),
        }
    }
}

/// A selected organization or project, as the config file stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    pub guid: String,
    pub name: Option<String>,
    /// Only of an organization.
    pub short_guid: Option<String>,
}

impl Selected {
    pub fn organization(config: &Config) -> Result<Option<Self>, Error> {
        let name = config.string(ORGANIZATION_NAME)?;
        let short_guid = config.string(ORGANIZATION_SHORT_ID)?;
        let guid = config.string(ORGANIZATION_ID)?;
        Ok(guid.map(|guid| Selected { guid, name, short_guid }))
    }

    pub fn project(config: &Config) -> Result<Option<Self>, Error> {
        let name = config.string(PROJECT_NAME)?;
        let guid = config.string(PROJECT_ID)?;
        Ok(guid.map(|guid| Selected { guid, name, short_guid: None }))
    }

    pub fn organization_json(&self) -> Value {
        json!({"guid": self.guid, "name": self.name, "short_guid": self.short_guid})
    }

    pub fn project_json(&self) -> Value {
        json!({"guid": self.guid, "name": self.name})
    }
}

/// "Acme Robotics (org-acme)".
impl Display for Selected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let guid = text::name(&self.guid);
        match &self.name {
            Some(name) => write!(f, "{} ({guid})", text::name(name)),
            None => f.write_str(&guid),
        }
    }
}

impl From<&Organization> for Selected {
    fn from(organization: &Organization) -> Self {
        let Organization { guid, name, short_guid } = organization.clone();
        Selected { guid, name: Some(name), short_guid }
    }
}

impl From<&Project> for Selected {
    fn from(project: &Project) -> Self {
        let Project { guid, name } = project.clone();
        Selected { guid, name: Some(name), short_guid: None }
    }
}

pub struct Selection {
    pub organization: Choice<Organization>,
    pub project: Choice<Project>,
}

impl Selection {
    /// Replaces the stored selection.
    pub fn store(&self, config: &mut Config) {
        config.remove_selection();
        if let Choice::Selected(organization) = &self.organization {
            let short_guid = organization.short_guid.as_deref().unwrap_or_default();
            config.set(ORGANIZATION_ID, &organization.guid);
            config.set(ORGANIZATION_NAME, &organization.name);
            config.set(ORGANIZATION_SHORT_ID, short_guid);
        }
        match &self.project {
            Choice::Selected(project) => store_project(config, &project.guid, &project.name),
            // What the Python `rio` stores for an organization without projects.
            Choice::NothingExists => store_project(config, "", ""),
            Choice::NoAnswer => {}
        }
    }

    /// Shows what is selected, and how to select what is missing.
    pub fn show(&self, console: &mut Console) {
        if let Choice::Selected(organization) = &self.organization {
            console.say(&format!("Organization: {}", Selected::from(organization)));
        }
        if let Choice::Selected(project) = &self.project {
            show_project(console, project);
        }
        self.show_note(console);
    }

    /// Says how to select what is missing.
    pub fn show_note(&self, console: &mut Console) {
        let note = match (&self.organization, &self.project) {
            (Choice::NoAnswer, _) => {
                "No organization is selected. To select one, and then a project, run:\n  rio organization select\n  rio \
                 project select"
            }
            (Choice::NothingExists, _) => "Your account has no organizations yet.",
            (_, Choice::NoAnswer) => {
                "No project is selected. To select one, run:\n  rio project select"
            }
            (_, Choice::NothingExists) => "The organization has no projects yet.",
            (_, Choice::Selected(_)) => return,
        };
        console.say_advice(note, 0);
    }
}

pub fn store_project(config: &mut Config, guid: &str, name: &str) {
    config.set(PROJECT_ID, guid);
    config.set(PROJECT_NAME, name);
}

pub fn show_project(console: &mut Console, project: &Project) {
    console.say(&format!("Project: {}", Selected::from(project)));
}

/// The GUID of the selected organization.
pub fn require_organization(config: &Config) -> Result<String, Error> {
    config.string(ORGANIZATION_ID)?.ok_or_else(|| {
        let advice = advice::run("To select one", "rio organization select");
        Error::failure("no organization is selected", advice)
    })
}

/// Whether a `select` command with these arguments may prompt. Without NAME, it must.
pub fn may_prompt(
    name: Option<&str>,
    silent: bool,
    no_interactive: bool,
    json: bool,
) -> Result<bool, Error> {
    options::check_not_blank("NAME", name)?;
    match options::silent_option(silent, no_interactive).or(json.then_some("--json")) {
        Some(option) if name.is_none() => {
            Err(Error::usage(format!("{option} needs NAME"), "Pass the name or GUID to select."))
        }
        option => Ok(option.is_none()),
    }
}

/// Changes the stored selection, unless another process has changed it or the login since the command started.
pub fn update(
    machine: &mut Machine,
    context: &CommandContext,
    change: impl FnMut(&mut Config),
) -> Result<(), Error> {
    let email = context.config.string(EMAIL_ID)?;
    let unchanged =
        |config: &Config, key| config.string(key).ok() == context.config.string(key).ok();
    let may_change = |config: &Config| {
        config.is_login_for(email.as_deref())
            && [ORGANIZATION_ID, PROJECT_ID].iter().all(|key| unchanged(config, key))
    };
    let is_changed = context.file.update_if(may_change, change)?;
    context.show_warnings(machine);
    match is_changed {
        true => Ok(()),
        false => Err(Error::failure(
            "another rio changed the login or the selection in the meantime, so your selection was not stored",
            advice::run("To see what is stored", "rio auth status"),
        )),
    }
}

/// Selects an organization or a project of an account.
pub struct Selector<'a> {
    pub console: &'a mut Console,
    pub platform: Platform<'a>,
    pub token: &'a Token,
    pub may_prompt: bool,
    /// Whether to keep the stored selection if there is no answer.
    pub keeps_current: bool,
}

impl Selector<'_> {
    /// `wanted` is a name or GUID from the command line. `current` is the GUID of the stored selection, the default of
    /// the prompt.
    pub fn organization(
        &mut self,
        wanted: Option<&str>,
        current: Option<&str>,
    ) -> Result<Choice<Organization>, Error> {
        let organizations = List::new(self.platform.organizations(self.token)?);
        self.choose(&organizations, wanted, current)
    }

    /// The arguments are those of [`Selector::organization`].
    pub fn project(
        &mut self,
        organization_guid: &str,
        wanted: Option<&str>,
        current: Option<&str>,
    ) -> Result<Choice<Project>, Error> {
        let projects =
            |name| self.platform.projects(self.token, organization_guid, name).map(List::new);
        // The server filters by name, so a correct name takes one request however many projects exist.
        if let Some(name) = wanted.filter(|wanted| !wanted.starts_with("project-"))
            && let Ok(project) = projects(Some(name))?.find(name)
        {
            return Ok(Choice::Selected(project.clone()));
        }
        let projects = projects(None)?;
        self.choose(&projects, wanted, current)
    }

    fn choose<T: Entry + Clone>(
        &mut self,
        list: &List<T>,
        wanted: Option<&str>,
        current: Option<&str>,
    ) -> Result<Choice<T>, Error> {
        let entry = match (wanted, list.entries()) {
            (Some(wanted), _) => Some(list.find(wanted)?),
            (None, []) => return Ok(Choice::NothingExists),
            (None, [only]) => Some(only),
            (None, several) => {
                let answer =
                    if self.may_prompt { list.prompt(self.console, current)? } else { None };
                let current = current.filter(|_| self.keeps_current);
                answer.or_else(|| several.iter().find(|entry| Some(entry.guid()) == current))
            }
        };
        Ok(entry.cloned().map_or(Choice::NoAnswer, Choice::Selected))
    }
}

impl Entry for Organization {
    const KIND: &str = "organization";

    fn guid(&self) -> &str {
        &self.guid
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Entry for Project {
    const KIND: &str = "project";

    fn guid(&self) -> &str {
        &self.guid
    }

    fn name(&self) -> &str {
        &self.name
    }
}
