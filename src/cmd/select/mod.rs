//! Selecting an organization and a project: from an option, because only one exists, or at a prompt.

mod list;

use crate::config::{
    Config, ORGANIZATION_ID, ORGANIZATION_NAME, ORGANIZATION_SHORT_ID, PROJECT_ID, PROJECT_NAME,
};
use crate::error::Error;
use crate::host::console::Console;
use crate::platform::{Organization, Platform, Project};
use crate::token::Token;
use list::{Entry, List};

#[derive(Debug, PartialEq)]
pub enum Choice<T> {
    Selected(T),
    NothingExists,
    /// Several exist, and no one could be asked.
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
        let (guid, name) = match &self.project {
            Choice::Selected(project) => (project.guid.as_str(), project.name.as_str()),
            // What the Python `rio` stores for an organization without projects.
            Choice::NothingExists => ("", ""),
            Choice::NoAnswer => return,
        };
        config.set(PROJECT_ID, guid);
        config.set(PROJECT_NAME, name);
    }
}

/// `wanted` is a name or GUID from the command line. `current` is the GUID of the stored selection: the
/// default of a prompt, and kept if no one answers.
pub struct Selector<'a> {
    pub console: &'a mut Console,
    pub platform: Platform<'a>,
    pub token: &'a Token,
    pub may_prompt: bool,
}

impl Selector<'_> {
    pub fn organization(
        &mut self,
        wanted: Option<&str>,
        current: Option<&str>,
    ) -> Result<Choice<Organization>, Error> {
        let organizations = List::new(self.platform.organizations(self.token)?);
        self.choose(&organizations, wanted, current)
    }

    pub fn project(
        &mut self,
        organization: &Organization,
        wanted: Option<&str>,
        current: Option<&str>,
    ) -> Result<Choice<Project>, Error> {
        let projects = |name| self.platform.projects(self.token, organization, name).map(List::new);
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
