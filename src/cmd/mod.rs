//! The commands, one file or folder each.

mod completion;
mod doctor;
mod environment;
mod list;
mod login;
mod logout;
mod refresh_token;
mod select;
mod status;
mod token;

use crate::cli::args::{AuthCommand, Command, OrganizationCommand, ProjectCommand, Rio};
use crate::cli::parse;
use crate::error::{Error, Exit};
use crate::machine::Machine;

/// Runs a command. The caller shows the error.
pub fn run(rio: Rio, machine: &mut Machine) -> Result<Exit, Error> {
    match rio.command {
        Command::Auth(auth) => match auth.command {
            AuthCommand::Login(args) => login::run(args, machine),
            AuthCommand::Logout(args) => logout::run(args, machine),
            AuthCommand::RefreshToken(args) => refresh_token::run(args, machine),
            AuthCommand::Status(args) => status::run(args, machine),
            AuthCommand::Token(args) => token::run(args, machine),
            AuthCommand::Environment(args) => environment::run(args, machine),
        },
        Command::Organization(organization) => match organization.command {
            OrganizationCommand::List(args) => list::organizations(args, machine),
            OrganizationCommand::Select(args) => select::organization(args, machine),
        },
        Command::Project(project) => match project.command {
            ProjectCommand::List(args) => list::projects(args, machine),
            ProjectCommand::Select(args) => select::project(args, machine),
        },
        Command::Doctor(args) => doctor::run(args, machine),
        Command::Version(_) => {
            machine.console.print_text(&parse::version()).map(|()| Exit::Success)
        }
        Command::Completion(args) => completion::run(args, machine),
    }
}
