//! The man page, checked with the formatters that are installed.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::commands::command_line::COMMANDS;
use crate::robot::skip::installed;

#[path = "../../../src/dist/man/page.rs"]
mod page;

/// Runs a formatter with the man page as its input, if it is installed.
fn format(program: &str, options: &[&str]) -> Option<Output> {
    let mut command = Command::new(installed(program)?);
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut formatter = command.spawn().unwrap();
    let page = page::page("2026-01-01");
    formatter.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    Some(formatter.wait_with_output().unwrap())
}

#[track_caller]
fn accepts(output: Output) -> String {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && messages.is_empty(), "{messages}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page as text, as `man` shows it on 80 columns.
fn text() -> Option<String> {
    // Without bold, underlined and overstruck characters.
    let plain = ["-P-c", "-P-b", "-P-u", "-P-o"];
    format("groff", &[&["-ww", "-man", "-Tascii", "-rLL=78n"], &plain[..]].concat()).map(accepts)
}

#[test]
fn man_page_passes_groff_and_fits_80_columns() {
    let Some(text) = text() else { return };
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

#[test]
fn man_page_passes_mandoc() {
    let Some(output) = format("mandoc", &["-T", "lint"]) else { return };
    assert_eq!(accepts(output), "");
}

#[test]
fn man_page_has_the_usual_sections() {
    let Some(text) = text() else { return };
    let titles = text.lines().filter(|line| line.starts_with(char::is_uppercase));
    let titles: Vec<_> = titles.filter(|line| !line.starts_with("RIO(1)")).collect();
    let usual = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "COMMANDS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "TOKENS",
        "PROMPTS",
        "NETWORK",
        "OUTPUT",
        "JSON",
        "SECURITY",
        "BUGS",
        "EXAMPLES",
        "SEE ALSO",
    ];
    assert_eq!(titles, usual);
}

#[test]
fn man_page_lists_each_command_with_its_options() {
    let Some(text) = text() else { return };
    let (_, commands) = text.split_once("\nCOMMANDS\n").unwrap();
    let (commands, _) = commands.split_once("\nEXIT STATUS\n").unwrap();
    let sections: Vec<_> = commands.split("\n   rio ").collect();
    let is_group =
        |path: &[&str]| COMMANDS.iter().any(|(p, _)| p.len() > path.len() && p.starts_with(path));
    for (path, options) in COMMANDS.iter().filter(|(path, _)| !is_group(path)) {
        let path = path.join(" ");
        let section = sections.iter().find(|section| section.starts_with(&format!("{path} ")));
        let section = section.unwrap_or_else(|| panic!("no {path}\n{text}"));
        let words = section.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
        let listed: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
        assert_eq!(&listed, options, "{section}");
    }
}
