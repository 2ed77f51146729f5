//! `rio completion`: the scripts that argh_complete makes of the declarations.

use argh::ArgsInfo;
use argh_complete::Generator;
use argh_complete::{bash::Bash, fish::Fish, nushell::Nushell, zsh::Zsh};

use crate::args::{Completion, Rio};
use crate::error::{Error, Exit};
use crate::host::Host;

/// Prints the script for a shell.
pub fn run(args: Completion, host: &mut Host) -> Result<Exit, Error> {
    let rio = Rio::get_args_info();
    let script = match args.shell.as_str() {
        "bash" => Bash::generate("rio", &rio),
        "zsh" => Zsh::generate("rio", &rio),
        "fish" => Fish::generate("rio", &rio),
        "nushell" => Nushell::generate("rio", &rio),
        _ => {
            return Err(Error::usage(
                "there are completions for bash, zsh, fish and nushell only",
                "See `rio completion --help`.",
            ));
        }
    };
    host.console.results(&script)?;
    Ok(Exit::Done)
}
