//! `rio organization list` and `rio project list`: what can be selected.

use serde_json::{Value, json};

use crate::cli::args::{ListOrganizationsArgs, ListProjectsArgs};
use crate::config::{ORGANIZATION_ID, PROJECT_ID};
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::session::context::CommandContext;
use crate::session::list::{Entry, List};
use crate::session::selection::{self, Selected};
use crate::text;

pub fn organizations(args: ListOrganizationsArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let context = CommandContext::open(machine)?;
    let token = context.require_token()?;
    let current = context.config.string(ORGANIZATION_ID)?;
    let list = List::new(context.platform().organizations(&token)?);
    print(&list, current.as_deref(), args.json.then_some(Selected::organization_json), machine)
}

/// Lists the projects of the selected organization.
pub fn projects(args: ListProjectsArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let context = CommandContext::open(machine)?;
    let token = context.require_token()?;
    let organization = selection::require_organization(&context.config)?;
    let current = context.config.string(PROJECT_ID)?;
    let list = List::new(context.platform().projects(&token, &organization, None)?);
    print(&list, current.as_deref(), args.json.then_some(Selected::project_json), machine)
}

/// Prints the entries, as JSON if `json` is given. The JSON is an interface, described in src/dist/programs.md.
fn print<T: Entry>(
    list: &List<T>,
    current: Option<&str>,
    json: Option<fn(&Selected) -> Value>,
    machine: &mut Machine,
) -> Result<Exit, Error>
where
    Selected: for<'a> From<&'a T>,
{
    let is_current = |entry: &T| Some(entry.guid()) == current;
    if let Some(json) = json {
        let with_current = |entry: &T| {
            let mut members = json(&Selected::from(entry));
            if let Some(members) = members.as_object_mut() {
                members.insert("current".to_owned(), json!(is_current(entry)));
            }
            members
        };
        let entries: Vec<_> = list.entries().iter().map(with_current).collect();
        machine.console.print_json(&Value::Array(entries))?;
        return Ok(Exit::Success);
    }
    let names = list.entries().iter().map(|entry| text::columns(&text::name(entry.name())));
    // A program splits the line at two spaces, a user reads columns.
    let width = names.max().filter(|_| machine.console.prints_to_terminal()).unwrap_or_default();
    for entry in list.entries() {
        let mark = if is_current(entry) { "*" } else { " " };
        let name = text::padded(&text::name(entry.name()), width);
        machine.console.print(&format!("{mark} {name}  {}", text::name(entry.guid())))?;
    }
    Ok(Exit::Success)
}
