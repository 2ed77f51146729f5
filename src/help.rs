//! Help texts, from the declarations in `args`, for a screen of 80 columns.

use argh::{CommandInfoWithArgs, FlagInfoKind};

use crate::text::wrap;

/// The word that asks for help where a command could stand.
pub const COMMAND: &str = "help";

const INDENT: &str = "  ";

/// The help of one command; `path` is how it is called: `rio auth login`.
pub fn render(path: &[&str], command: &CommandInfoWithArgs) -> String {
    let mut text = format!("{}\n\nUsage: {}", command.description, path.join(" "));
    for positional in command.positionals {
        text.push_str(&format!(" {}", positional.name.to_uppercase()));
    }
    text.push_str(if command.commands.is_empty() { " [OPTIONS]\n" } else { " COMMAND\n" });
    for note in command.notes {
        text.push_str(&format!("\n{}", wrap(note, 0)));
    }
    let commands = command.commands.iter().map(|c| (c.name.to_owned(), c.command.description));
    let mut commands: Vec<_> = commands.collect();
    if !commands.is_empty() {
        commands.push((COMMAND.to_owned(), "Show the help of a command."));
    }
    section(&mut text, "Commands", commands);
    let arguments = command.positionals.iter().map(|p| (p.name.to_uppercase(), p.description));
    section(&mut text, "Arguments", arguments.collect());
    section(&mut text, "Options", options(path, command));
    if !command.examples.is_empty() {
        text.push_str("\nExamples:\n");
        for line in command.examples.iter().flat_map(|example| example.lines()) {
            text.push_str(&format!("{INDENT}{line}\n"));
        }
    }
    text
}

fn options<'a>(path: &[&str], command: &'a CommandInfoWithArgs) -> Vec<(String, &'a str)> {
    let mut rows: Vec<(String, &str)> = command
        .flags
        .iter()
        // argh adds its own row for help; ours names `-h` too.
        .filter(|flag| flag.long != "--help")
        .map(|flag| match flag.kind {
            FlagInfoKind::Switch => (flag.long.to_owned(), flag.description),
            FlagInfoKind::Option { arg_name } => {
                (format!("{} {}", flag.long, arg_name.to_uppercase()), flag.description)
            }
        })
        .collect();
    rows.push(("-h, --help".to_owned(), "show this help"));
    if path.len() == 1 {
        rows.push(("-V, --version".to_owned(), "print the version"));
    }
    rows
}

fn section(text: &mut String, title: &str, rows: Vec<(String, &str)>) {
    let Some(widest) = rows.iter().map(|(name, _)| name.len()).max() else { return };
    text.push_str(&format!("\n{title}:\n"));
    let column = INDENT.len().saturating_mul(2).saturating_add(widest);
    for (name, description) in rows {
        let wrapped = wrap(description, column);
        text.push_str(&format!("{INDENT}{name:widest$}{INDENT}{}", wrapped.trim_start()));
    }
}
