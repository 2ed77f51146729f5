//! `rio organization select`: selects an organization and, if it is another one, a project.

use super::select::{self, Choice, Selection, Selector};
use super::session::Session;
use crate::cli::args::SelectOrganization;
use crate::config::{Config, ORGANIZATION_ID, PROJECT_ID, PROJECT_NAME};
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::platform::{Organization, Project};

pub fn run(args: SelectOrganization, machine: &mut Machine) -> Result<Exit, Error> {
    let may_prompt = select::may_prompt(args.name.as_deref(), args.silent, args.no_interactive)?;
    let session = Session::open(machine)?;
    let token = session.require_token()?;
    let current = session.config.text(ORGANIZATION_ID)?;
    session.check_writable(machine)?;
    let (console, platform) = (&mut machine.console, session.platform());
    let mut selector =
        Selector { console, platform, token: &token, may_prompt, keeps_current: false };
    let organization =
        selector.organization(args.name.as_deref(), current.as_deref())?.required()?;
    let project = match current_project(&session.config, &organization)? {
        Some(project) => Choice::Selected(project),
        None => selector.project(&organization.guid, None, None)?,
    };
    let selection = Selection { organization: Choice::Selected(organization), project };
    select::update(&session, |config| selection.store(config))?;
    selection.show(&mut machine.console);
    Ok(Exit::Success)
}

/// The selected project, if it is one of this organization.
fn current_project(config: &Config, organization: &Organization) -> Result<Option<Project>, Error> {
    let is_current = config.text(ORGANIZATION_ID)?.as_ref() == Some(&organization.guid);
    let guid = config.text(PROJECT_ID)?.filter(|_| is_current);
    let name = config.text(PROJECT_NAME)?.unwrap_or_default();
    Ok(guid.map(|guid| Project { guid, name }))
}
