//! The man page. Its sections are in `rio.md`; the commands come from their declarations, and the exit codes and JSON
//! objects from `programs.md`.

use argh::{ArgsInfo, CommandInfoWithArgs};
use rio::cli::args::Rio;
use rio::cli::help;
use rio::text::fold;
use roff::{Inline, Roff, bold, italic, roman};

const PAGE: &str = include_str!("rio.md");
const PROGRAMS: &str = include_str!("../programs.md");

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
    for section in PAGE.split("\n# ").skip(1) {
        let (title, text) = section.split_once('\n').expect("a title");
        page.control("SH", [title]);
        match title {
            "NAME" => name(&mut page, &rio),
            "SYNOPSIS" => synopsis(&mut page, &commands),
            "OPTIONS" => definitions(&mut page, rio.flags.iter().map(help::option)),
            "COMMANDS" => describe_all(&mut page, &rio, &commands),
            "EXIT STATUS" => markdown(&mut page, section_of(PROGRAMS, "Exit codes")),
            "JSON" => markdown(&mut page, section_of(PROGRAMS, "JSON")),
            _ => {}
        }
        markdown(&mut page, text);
    }
    page.render()
}

fn name(page: &mut Roff, rio: &CommandInfoWithArgs) {
    let (first, rest) = rio.description.split_at(1);
    page.text([roman(format!("rio - {}{rest}", first.to_lowercase()))]);
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

fn synopsis(page: &mut Roff, commands: &[(String, &CommandInfoWithArgs)]) {
    page.control("nf", []);
    for (usage, _) in commands {
        page.text(words(usage));
    }
    page.text(words("rio help [COMMAND]")).control("fi", []);
}

fn describe_all(
    page: &mut Roff,
    rio: &CommandInfoWithArgs,
    commands: &[(String, &CommandInfoWithArgs)],
) {
    for group in rio.commands.iter().filter(|below| !below.command.commands.is_empty()) {
        group.command.notes.iter().for_each(|note| _ = page.text(inline(note)));
    }
    commands.iter().for_each(|(usage, command)| describe(page, usage, command));
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
    examples(page, command.examples);
}

fn definitions<'a>(page: &mut Roff, rows: impl Iterator<Item = (String, &'a str)>) {
    for (name, description) in rows {
        page.control("TP", []).text(words(&name)).text(inline(description));
    }
}

fn examples(page: &mut Roff, examples: &[&str]) {
    page.control("PP", []).text([roman("Examples:")]);
    page.control("RS", ["4"]).control("nf", []);
    for line in examples.iter().flat_map(|example| example.lines()) {
        page.text([roman(line)]);
    }
    page.control("fi", []).control("RE", []);
}

/// The text below a heading of the second level.
fn section_of(text: &'static str, title: &str) -> &'static str {
    let mut sections = text.split("\n## ");
    let section = sections.find_map(|section| section.strip_prefix(title)?.strip_prefix('\n'));
    section.expect("a section")
}

/// Paragraphs, `### ` headings, code blocks, and lists: `- term: description`, or `- ` and a sentence.
fn markdown(page: &mut Roff, text: &str) {
    // A macro between a heading and its text would be an error.
    let mut after_heading = true;
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            let (_, code) = part.split_once('\n').expect("a line with the language");
            paragraph(page, after_heading);
            page.control("nf", []).text([roman(code.trim_end())]).control("fi", []);
            after_heading = false;
            continue;
        }
        for block in part.trim().split("\n\n").filter(|block| !block.is_empty()) {
            let heading = block.strip_prefix("### ");
            match (heading, block.strip_prefix("- ")) {
                (Some(heading), _) => _ = page.control("SS", [heading]),
                (None, Some(list)) => list.split("\n- ").for_each(|item| list_item(page, item)),
                (None, None) => {
                    paragraph(page, after_heading);
                    page.text(inline(block));
                }
            }
            after_heading = heading.is_some();
        }
    }
}

fn paragraph(page: &mut Roff, after_heading: bool) {
    if !after_heading {
        page.control("PP", []);
    }
}

fn list_item(page: &mut Roff, item: &str) {
    match item.split_once(": ") {
        Some((term, description)) => {
            // roff takes the first line as the term.
            page.control("TP", []).text(marked(term)).text(inline(description));
        }
        None => _ = page.control("IP", ["-", "2"]).text(inline(item)),
    }
}

/// Marked text in short lines.
fn inline(text: &str) -> Vec<Inline> {
    const WIDTH: usize = 50;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    marked(&fold(&text, WIDTH))
}

/// Text with commands, names and variables in bold, as Markdown marks them.
fn marked(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) }).collect()
}

/// A command line: literal words in bold, placeholders in italics.
fn words(line: &str) -> Vec<Inline> {
    let literal = |word: &str| word.starts_with('-') || word.contains(char::is_lowercase);
    let words = line.split_inclusive(' ');
    words.map(|word| if literal(word) { bold(word) } else { italic(word) }).collect()
}
