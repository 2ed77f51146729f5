//! `rio project select`: selects a project of the selected organization.

use super::select::{self, Selector};
use super::session::Session;
use crate::cli::args::SelectProject;
use crate::config::{ORGANIZATION_ID, PROJECT_ID};
use crate::error::{Error, Exit};
use crate::machine::Machine;

pub fn run(args: SelectProject, machine: &mut Machine) -> Result<Exit, Error> {
    let may_prompt = select::may_prompt(args.name.as_deref(), args.silent, args.no_interactive)?;
    let session = Session::open(machine)?;
    let token = session.require_token()?;
    let organization = session.config.text(ORGANIZATION_ID)?.ok_or_else(|| {
        Error::failure("no organization is selected", "Run `rio organization select`.")
    })?;
    let current = session.config.text(PROJECT_ID)?;
    session.check_writable(machine)?;
    let (console, platform) = (&mut machine.console, session.platform());
    let mut selector =
        Selector { console, platform, token: &token, may_prompt, keeps_current: false };
    let project =
        selector.project(&organization, args.name.as_deref(), current.as_deref())?.required()?;
    select::update(&session, |config| {
        select::store_project(config, &project.guid, &project.name);
    })?;
    select::show_project(&mut machine.console, &project);
    Ok(Exit::Success)
}
