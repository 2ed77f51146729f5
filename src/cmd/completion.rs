//! `rio completion`: the scripts that argh_complete makes of the declarations, with what it leaves out.

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfoKind, SubCommandInfo};
use argh_complete::Generator;
use argh_complete::{bash::Bash, fish::Fish, nushell::Nushell, zsh::Zsh};

use crate::args::{Completion, Rio};
use crate::error::{Error, Exit};
use crate::help;
use crate::host::Host;

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "nushell"];
/// Previews are not known here.
const ENVIRONMENTS: [&str; 3] = ["ga", "dev", "qa"];

/// Prints the script for a shell.
pub fn run(args: Completion, host: &mut Host) -> Result<Exit, Error> {
    let rio = with_operands(Rio::get_args_info());
    let script = match args.shell.as_str() {
        "bash" => mend_bash(&Bash::generate("rio", &rio), &rio),
        "zsh" => Zsh::generate("rio", &rio),
        "fish" => mend_fish(&Fish::generate("rio", &rio)),
        "nushell" => Nushell::generate("rio", &rio),
        _ => {
            return Err(Error::usage(
                "there are completions for bash, zsh, fish and nushell only",
                "See `rio completion --help`.",
            ));
        }
    };
    host.console.print_text(&script)?;
    Ok(Exit::Done)
}

/// The generators complete commands but no operands, so operands whose values are known become commands
/// in their eyes. `help` is one that argh does not list.
fn with_operands(mut command: CommandInfoWithArgs) -> CommandInfoWithArgs {
    let words: &[&str] = match command.name {
        "environment" => &ENVIRONMENTS,
        "completion" => &SHELLS,
        _ if !command.commands.is_empty() => &[help::COMMAND],
        _ => &[],
    };
    command.positionals = &[];
    command.commands = std::mem::take(&mut command.commands)
        .into_iter()
        .map(|sub| SubCommandInfo { name: sub.name, command: with_operands(sub.command) })
        .chain(words.iter().map(|name| word(name)))
        .collect();
    command
}

fn word(name: &'static str) -> SubCommandInfo {
    SubCommandInfo { name, command: CommandInfoWithArgs { name, ..Default::default() } }
}

/// argh_complete's function for bash sets variables of the user's, takes the value of an option for a
/// command, and offers file names where none fit.
fn mend_bash(script: &str, rio: &CommandInfoWithArgs) -> String {
    let mut options = Vec::new();
    value_options(rio, &mut options);
    options.sort_unstable();
    options.dedup();
    let skip_values = format!(
        "    for i in \"${{COMP_WORDS[@]:0:COMP_CWORD}}\"; do\n        \
         if [[ -n $skip && $i != \"=\" ]]; then\n            skip=\"\"\n            continue\n        fi\n        \
         case \"${{i}}\" in\n            {})\n                skip=1\n                ;;\n",
        options.join(" | ")
    );
    script
        .replace(
            "local i cur prev opts cmds\n",
            "local i cur prev cmd=\"\" opts=\"\" cmds=\"\" skip=\"\"\n",
        )
        .replace("    for i in ${COMP_WORDS[@]}; do\n        case \"${i}\" in\n", &skip_values)
        .replace(" -o bashdefault -o default ", " ")
}

fn value_options<'a>(command: &'a CommandInfoWithArgs, options: &mut Vec<&'a str>) {
    let of_values = |kind: &FlagInfoKind| matches!(kind, FlagInfoKind::Option { .. });
    options.extend(command.flags.iter().filter(|flag| of_values(&flag.kind)).map(|flag| flag.long));
    command.commands.iter().for_each(|sub| value_options(&sub.command, options));
}

/// `commandline -x` came with fish 4; `-o` is its older name.
fn mend_fish(script: &str) -> String {
    script.replace("commandline -xpc", "commandline -opc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mended_is_still_there_to_mend() {
        let rio = Rio::get_args_info();
        let bash = Bash::generate("rio", &rio);
        for text in [
            "local i cur prev opts cmds\n",
            "    for i in ${COMP_WORDS[@]}; do\n        case \"${i}\" in\n",
            " -o bashdefault -o default ",
        ] {
            assert!(bash.contains(text), "{text}");
        }
        assert!(Fish::generate("rio", &rio).contains("commandline -xpc"));
    }
}
