//! The man page. The commands come from their declarations; the exit codes, environment variables and files from
//! the README.

use argh::{ArgsInfo, CommandInfoWithArgs};
use rio::cli::args::Rio;
use rio::cli::help;
use rio::text::fold;
use roff::{Inline, Roff, bold, italic, roman};

const README: &str = include_str!("../../../README.md");

/// The source of `rio.1`, with this date in the last line.
pub fn page(date: &str) -> String {
    let rio = Rio::get_args_info();
    let commands = commands_below("rio", &rio);
    let mut page = Roff::new();
    page.control("TH", ["RIO", "1", date, concat!("rio ", env!("CARGO_PKG_VERSION"))]);
    // Left-aligned and without hyphens, so that commands can be copied.
    page.control("ad", ["l"]).control("nh", []);
    // One space after a sentence, wherever its line ends.
    page.control("ss", ["12", "0"]);
    let (first, rest) = rio.description.split_at(1);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("rio - {}{rest}", first.to_lowercase()))]);
    page.control("SH", ["SYNOPSIS"]).control("nf", []);
    for (usage, _) in &commands {
        page.text(words(usage));
    }
    page.control("fi", []).control("SH", ["DESCRIPTION"]);
    page.text(inline(readme("# rio").next().expect("an introduction")));
    page.control("SH", ["OPTIONS"]);
    definitions(&mut page, rio.flags.iter().map(help::option));
    page.control("SH", ["COMMANDS"]);
    for group in rio.commands.iter().filter(|below| !below.command.commands.is_empty()) {
        group.command.notes.iter().for_each(|note| _ = page.text(inline(note)));
    }
    commands.iter().for_each(|(usage, command)| describe(&mut page, usage, command));
    copy_readme(&mut page, "EXIT STATUS", "## Exit codes");
    copy_readme(&mut page, "ENVIRONMENT", "## Environment variables");
    copy_readme(&mut page, "FILES", "## Config file");
    page.control("SH", ["EXAMPLES"]);
    commands.iter().for_each(|(_, command)| examples(&mut page, command));
    page.control("SH", ["SEE ALSO"]);
    page.text([
        roman("RFC 8628, OAuth 2.0 Device Authorization Grant:\n"),
        roman("https://www.rfc-editor.org/rfc/rfc8628"),
    ]);
    page.render()
}

/// The commands that are not groups, each with its usage, such as `rio auth login [OPTIONS]`.
fn commands_below<'a>(
    path: &str,
    command: &'a CommandInfoWithArgs,
) -> Vec<(String, &'a CommandInfoWithArgs)> {
    if command.commands.is_empty() {
        return vec![(format!("{path}{}", help::usage(command)), command)];
    }
    let below = command.commands.iter();
    below.flat_map(|b| commands_below(&format!("{path} {}", b.name), &b.command)).collect()
}

fn describe(page: &mut Roff, usage: &str, command: &CommandInfoWithArgs) {
    page.control("SS", [usage]).text(inline(&format!("{}.", command.description)));
    for note in command.notes {
        page.control("PP", []).text(inline(note));
    }
    let arguments = command.positionals.iter();
    definitions(page, arguments.map(|a| (a.name.to_uppercase(), a.description)));
    let options = command.flags.iter().filter(|flag| flag.long != "--help");
    definitions(page, options.map(help::option));
}

fn definitions<'a>(page: &mut Roff, rows: impl Iterator<Item = (String, &'a str)>) {
    for (name, description) in rows {
        page.control("TP", []).text(words(&name)).text(inline(description));
    }
}

fn examples(page: &mut Roff, command: &CommandInfoWithArgs) {
    const LONGEST: usize = 69;
    page.control("TP", ["4"]).text([roman(format!("{}:", command.description))]);
    page.control("nf", []);
    for line in command.examples.iter().flat_map(|example| example.lines()) {
        let folded = line.rsplit_once(" --").filter(|_| line.len() > LONGEST);
        let folded = folded.map(|(start, option)| format!("{start} \\\n    --{option}"));
        page.text([roman(folded.unwrap_or(line.to_owned()))]);
    }
    page.control("fi", []);
}

/// The blocks of a section of the README.
fn readme(heading: &str) -> impl Iterator<Item = &'static str> {
    let (_, section) = README.split_once(&format!("{heading}\n\n")).expect("a section");
    section.split("\n\n").take_while(|block| !block.starts_with("##"))
}

fn copy_readme(page: &mut Roff, title: &str, heading: &str) {
    page.control("SH", [title]);
    for (at, block) in readme(heading).enumerate() {
        if block.starts_with('|') {
            for row in block.lines().skip(2) {
                let cells = row.trim_matches(['|', ' ']).split_once(" | ");
                let (name, description) = cells.expect("two columns");
                page.control("TP", []).text(inline(name)).text(inline(description));
            }
            continue;
        }
        if at > 0 {
            page.control("PP", []);
        }
        page.text(inline(block));
    }
}

/// Text in short lines, with commands, names and variables in bold, as Markdown marks them.
fn inline(text: &str) -> Vec<Inline> {
    const WIDTH: usize = 64;
    let text = fold(&text.replace('\n', " "), WIDTH);
    let parts = text.split(['`', '*']).enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) }).collect()
}

/// A command line: literal words in bold, placeholders in italics.
fn words(line: &str) -> Vec<Inline> {
    let literal = |word: &str| word.starts_with('-') || word.contains(char::is_lowercase);
    let words = line.split_inclusive(' ');
    words.map(|word| if literal(word) { bold(word) } else { italic(word) }).collect()
}
