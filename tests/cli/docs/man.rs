//! The man page, checked with the formatters that are installed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::programs::MAN_PAGE;
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

#[test]
fn man_page_keeps_each_term_on_one_line() {
    let Some(text) = text() else { return };
    let items = MAN_PAGE.lines().filter_map(|line| line.strip_prefix("- "));
    let terms: Vec<_> = items.filter_map(|item| item.split_once(": ")).collect();
    assert!(terms.len() > 30);
    for (term, _) in terms {
        let term = term.replace('`', "");
        let is_term = |line: &str| line.trim_start().starts_with(&term);
        assert!(text.lines().any(is_term), "{term}\n{text}");
    }
}

/// The terms of the list in ENVIRONMENT.
fn documented_variables() -> BTreeSet<String> {
    let (_, section) = MAN_PAGE.split_once("\n# ENVIRONMENT\n").unwrap();
    let (section, _) = section.split_once("\n# ").unwrap();
    let terms = section.lines().filter_map(|line| line.strip_prefix("- ")?.split(": ").next());
    terms.flat_map(|terms| terms.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Adds the string literals in the source that can name a variable.
fn add_names(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_names(&path, names);
        } else if path.extension() == Some(OsStr::new("rs")) {
            let source = fs::read_to_string(path).unwrap();
            let is_name = |text: &&str| {
                text.contains('_') && text.bytes().all(|b| b == b'_' || b.is_ascii_uppercase())
            };
            names.extend(source.split('"').filter(is_name).map(str::to_owned));
        }
    }
}

#[test]
fn man_page_describes_exactly_the_variables_in_the_source() {
    const OF_THE_BUILD: [&str; 6] = [
        "CARGO_PKG_VERSION",
        "OUT_DIR",
        "RIO_COMMIT",
        "RIO_CRATES",
        "RIO_TARGET",
        "SOURCE_DATE_EPOCH",
    ];
    // Without an underscore, a literal can also be a word of a message.
    let mut names =
        BTreeSet::from(["BROWSER", "DISPLAY", "HOME", "LANG", "TERM"].map(str::to_owned));
    add_names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    names.retain(|name| !OF_THE_BUILD.contains(&name.as_str()));
    assert_eq!(names, documented_variables());
}
