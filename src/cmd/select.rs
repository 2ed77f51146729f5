//! `rio organization select` and `rio project select`: change the stored selection.

use serde_json::json;

use crate::cli::args::{SelectOrganizationArgs, SelectProjectArgs};
use crate::config::{Config, ORGANIZATION_ID, PROJECT_ID};
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::platform::{Organization, Project};
use crate::session::context::CommandContext;
use crate::session::selection::{self, Choice, Selected, Selection, Selector};

/// Selects an organization and, if it is another one, a project.
pub fn organization(args: SelectOrganizationArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let may_prompt =
        selection::may_prompt(args.name.as_deref(), args.silent, args.no_interactive, args.json)?;
    let context = CommandContext::open(machine)?;
    let token = context.require_token()?;
    let current = context.config.string(ORGANIZATION_ID)?;
    context.check_writable(machine)?;
    context.end_superseded();
    let (console, platform) = (&mut machine.console, context.platform());
    let mut selector =
        Selector { console, platform, token: &token, may_prompt, keeps_current: false };
    let organization =
        selector.organization(args.name.as_deref(), current.as_deref())?.required()?;
    let project = match current_project(&context.config, &organization)? {
        Some(project) => Choice::Selected(project),
        None => selector.project(&organization.guid, None, None)?,
    };
    let selection = Selection { organization: Choice::Selected(organization), project };
    selection::update(machine, &context, |config| selection.store(config))?;
    selection.show(&mut machine.console);
    finish(args.json, &context, machine)
}

/// Selects a project of the selected organization.
pub fn project(args: SelectProjectArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let may_prompt =
        selection::may_prompt(args.name.as_deref(), args.silent, args.no_interactive, args.json)?;
    let context = CommandContext::open(machine)?;
    let token = context.require_token()?;
    let organization = selection::require_organization(&context.config)?;
    let current = context.config.string(PROJECT_ID)?;
    context.check_writable(machine)?;
    context.end_superseded();
    let (console, platform) = (&mut machine.console, context.platform());
    let mut selector =
        Selector { console, platform, token: &token, may_prompt, keeps_current: false };
    let project =
        selector.project(&organization, args.name.as_deref(), current.as_deref())?.required()?;
    selection::update(machine, &context, |config| {
        selection::store_project(config, &project.guid, &project.name);
    })?;
    selection::show_project(&mut machine.console, &project);
    finish(args.json, &context, machine)
}

/// Prints the result of `--json`: what is selected now, as `rio auth status --json` does, and whether that is a
/// change.
fn finish(json: bool, context: &CommandContext, machine: &mut Machine) -> Result<Exit, Error> {
    if json {
        let selected = |config: &Config| -> Result<_, Error> {
            Ok((Selected::organization(config)?, Selected::project(config)?))
        };
        let (before, after) = (selected(&context.config)?, selected(&context.file.load()?)?);
        let (organization, project) = &after;
        machine.console.print_json(&json!({
            "changed": before != after,
            "organization": organization.as_ref().map(Selected::organization_json),
            "project": project.as_ref().map(Selected::project_json),
        }))?;
    }
    Ok(Exit::Success)
}

/// The selected project, if it is one of this organization.
fn current_project(config: &Config, organization: &Organization) -> Result<Option<Project>, Error> {
    let is_current = config.string(ORGANIZATION_ID)?.as_ref() == Some(&organization.guid);
    let project = Selected::project(config)?.filter(|_| is_current);
    let name = |name: Option<String>| name.unwrap_or_default();
    Ok(project.map(|project| Project { guid: project.guid, name: name(project.name) }))
}
