//! Help texts, from the declarations in `args`, for a screen of 80 columns.

use argh::{CommandInfoWithArgs, FlagInfoKind};

use crate::text::{WIDTH, wrap};

/// The word that asks for help where a command could stand.
pub const COMMAND: &str = "help";
/// What it does.
pub const COMMAND_DESCRIPTION: &str = "Show the help of a command.";

const INDENT: &str = "  ";

/// The help of one command; `path` is how it is called: `rio auth login`.
pub fn render(path: &[&str], command: &CommandInfoWithArgs) -> String {
    let mut text = format!("{}\n\nUsage: {}", command.description, path.join(" "));
    for positional in command.positionals {
        text.push_str(&format!(" {}", positional.name.to_uppercase()));
    }
    text.push_str(if command.commands.is_empty() { " [OPTIONS]\n" } else { " COMMAND\n" });
    for note in command.notes {
        text.push_str(&format!("\n{}", wrap(note, 0, WIDTH)));
    }
    let commands = command.commands.iter().map(|c| (c.name.to_owned(), c.command.description));
    let mut commands: Vec<_> = commands.collect();
    if !commands.is_empty() {
        commands.push((COMMAND.to_owned(), COMMAND_DESCRIPTION));
    }
    section(&mut text, "Commands", commands);
    let arguments = command.positionals.iter().map(|p| (p.name.to_uppercase(), p.description));
    section(&mut text, "Arguments", arguments.collect());
    let options = options(command, path.len() == 1)
        .into_iter()
        .map(|option| (option.row(), option.description));
    section(&mut text, "Options", options.collect());
    if !command.examples.is_empty() {
        text.push_str("\nExamples:\n");
        for line in command.examples.iter().flat_map(|example| example.lines()) {
            text.push_str(&format!("{INDENT}{line}\n"));
        }
    }
    text
}

/// An option as a person sees it.
pub struct HelpOption {
    /// `-h` and `--help`.
    pub names: Vec<&'static str>,
    /// What its value is called, if it takes one.
    pub value: Option<&'static str>,
    /// What it does.
    pub description: &'static str,
}

impl HelpOption {
    fn row(&self) -> String {
        let names = self.names.join(", ");
        self.value.map_or(names.clone(), |value| format!("{names} {}", value.to_uppercase()))
    }
}

/// The options of a command, with those that argh does not know; it knows no `-h`.
pub fn options(command: &CommandInfoWithArgs, is_top: bool) -> Vec<HelpOption> {
    let option = |names: &[&'static str], value, description| HelpOption {
        names: names.to_vec(),
        value,
        description,
    };
    let (helps, others): (Vec<_>, Vec<_>) =
        command.flags.iter().partition(|flag| flag.long == "--help");
    let mut options: Vec<_> = others
        .into_iter()
        .map(|flag| match flag.kind {
            FlagInfoKind::Switch => option(&[flag.long], None, flag.description),
            FlagInfoKind::Option { arg_name } => {
                option(&[flag.long], Some(arg_name), flag.description)
            }
        })
        .collect();
    options.extend(helps.iter().map(|_| option(&["-h", "--help"], None, "show this help")));
    if is_top {
        options.push(option(&["-V", "--version"], None, "print the version"));
    }
    options
}

fn section(text: &mut String, title: &str, rows: Vec<(String, &str)>) {
    let Some(widest) = rows.iter().map(|(name, _)| name.len()).max() else { return };
    text.push_str(&format!("\n{title}:\n"));
    let column = INDENT.len().saturating_mul(2).saturating_add(widest);
    for (name, description) in rows {
        let wrapped = wrap(description, column, WIDTH);
        text.push_str(&format!("{INDENT}{name:widest$}{INDENT}{}", wrapped.trim_start()));
    }
}
