//! `rio completion`

use crate::cli::args::CompletionArgs;
use crate::cli::parse;
use crate::error::{Error, Exit};
use crate::machine::Machine;

/// Prints the completion script for a shell.
pub fn run(args: CompletionArgs, machine: &mut Machine) -> Result<Exit, Error> {
    let script = match args.shell.as_str() {
        "bash" => include_str!("completion/rio.bash"),
        "zsh" => include_str!("completion/_rio"),
        "fish" => include_str!("completion/rio.fish"),
        "nushell" => include_str!("completion/rio.nu"),
        other => {
            // Like any other argument, it may be a password.
            let name = if parse::is_plain(other) { format!(" '{other}'") } else { String::new() };
            let fact = format!("unknown shell{name}");
            return Err(Error::usage(fact, "Use bash, zsh, fish or nushell."));
        }
    };
    machine.console.print_script(script)?;
    Ok(Exit::Success)
}
