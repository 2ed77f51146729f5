//! The commands, a file each. Here is only who does what.

mod completion;
mod environment;
mod login;
mod logout;
mod refresh_token;
mod secrets;
mod select;
pub mod session;
mod status;
mod token;

use crate::cli::args::{AuthCommand, Command, Rio};
use crate::cli::parse;
use crate::error::{Error, Exit};
use crate::host::Host;

/// Runs one command.
pub fn run(rio: Rio, host: &mut Host) -> Result<Exit, Error> {
    match rio.command {
        Command::Auth(auth) => match auth.command {
            AuthCommand::Login(args) => login::run(args, host),
            AuthCommand::Logout(_) => logout::run(host),
            AuthCommand::RefreshToken(args) => refresh_token::run(args, host),
            AuthCommand::Status(args) => status::run(args, host),
            AuthCommand::Token(args) => token::run(args, host),
            AuthCommand::Environment(args) => environment::run(args, host),
        },
        Command::Version(_) => host.console.print_text(&parse::version()).map(|()| Exit::Success),
        Command::Completion(args) => completion::run(args, host),
    }
}

/// What a command ends with that finds the login it worked on replaced or gone.
fn overtaken() -> Error {
    Error::failure(
        "another rio has logged in or out meanwhile, and what it did was left as it is",
        "See `rio auth status`.",
    )
}
