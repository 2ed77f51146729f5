//! Help pages, 80 columns wide.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};

use crate::text::{WIDTH, wrap};

/// Every group has this command; argh does not list it.
pub const COMMAND: &str = "help";

const INDENT: &str = "  ";

/// The help page of a command; `path` is the command as typed, such as `rio auth login`.
pub fn page(path: &str, command: &CommandInfoWithArgs) -> String {
    let is_group = !command.commands.is_empty();
    let paragraph = |note: &str| note.lines().map(|line| wrap(line, 0, WIDTH)).collect::<String>();
    let notes: String = command.notes.iter().map(|note| format!("\n{}", paragraph(note))).collect();
    let mut page = format!("{}\n\nUsage: {path}{}\n", command.description, usage(command));
    if is_group {
        let commands = command.commands.iter().map(|sub| (sub.name, sub.command.description));
        let help = (COMMAND, "Show help for a command");
        page += &section("Commands", commands.chain([help]));
    } else {
        page += &notes;
    }
    let arguments = command.positionals.iter().map(|p| (p.name.to_uppercase(), p.description));
    page += &section("Arguments", arguments);
    let (help, others): (Vec<_>, Vec<_>) =
        command.flags.iter().partition(|flag| flag.long == "--help");
    page += &section("Options", others.into_iter().chain(help).map(option));
    if is_group {
        page += &notes;
    }
    let examples: Vec<_> = command.examples.iter().flat_map(|example| example.lines()).collect();
    if !examples.is_empty() {
        page += &format!("\nExamples:\n{INDENT}{}\n", examples.join(&format!("\n{INDENT}")));
    }
    page
}

/// What follows the command's name: its subcommand, arguments and options.
pub fn usage(command: &CommandInfoWithArgs) -> String {
    if !command.commands.is_empty() {
        return " COMMAND".to_owned();
    }
    let argument = |name: String, optionality: &Optionality| match optionality {
        Optionality::Required => format!(" {name}"),
        _ => format!(" [{name}]"),
    };
    let positionals = command.positionals.iter();
    positionals.map(|p| argument(p.name.to_uppercase(), &p.optionality)).collect::<String>()
        + " [OPTIONS]"
}

/// The names of an option with its value, and its description.
pub fn option<'a>(flag: &FlagInfo<'a>) -> (String, &'a str) {
    match (flag.long, flag.short, &flag.kind) {
        // argh describes its own option differently, and has no `-h`.
        ("--help", ..) => ("-h, --help".to_owned(), "show this help"),
        (long, Some(short), _) => (format!("-{short}, {long}"), flag.description),
        (long, None, FlagInfoKind::Switch) => (long.to_owned(), flag.description),
        (long, None, FlagInfoKind::Option { arg_name }) => {
            (format!("{long} {}", arg_name.to_uppercase()), flag.description)
        }
    }
}

fn section<'a, N: AsRef<str>>(title: &str, rows: impl Iterator<Item = (N, &'a str)>) -> String {
    let rows: Vec<_> = rows.collect();
    let Some(widest) = rows.iter().map(|(name, _)| name.as_ref().len()).max() else {
        return String::new();
    };
    let column = INDENT.len().saturating_mul(2).saturating_add(widest);
    let row = |(name, description): &(N, &str)| {
        let description = wrap(description, column, WIDTH);
        format!("{INDENT}{:widest$}{INDENT}{}", name.as_ref(), description.trim_start())
    };
    format!("\n{title}:\n{}", rows.iter().map(row).collect::<String>())
}
