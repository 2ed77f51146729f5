//! Parses the command line. Adds to argh what users of `gh` and `git` expect: `--option=value`, abbreviated
//! commands, repeated options, and errors that suggest what to type. No error repeats an argument that may
//! be a secret.

use std::ffi::OsString;
use std::iter;

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, FromArgs, Optionality};

use crate::advice;
use crate::cli::args::Rio;
use crate::cli::help;
use crate::error::Error;
use crate::text;

const PYTHON_RIO: &str =
    "The Python rio has more commands. To install it, run:\n  pip install rapyuta-io-cli";

/// What the user asked for.
#[derive(Debug)]
pub enum Invocation {
    /// Run this command.
    Run(Box<Rio>),
    /// Print this help page, or the version.
    Show(String),
    /// The user typed a group alone, such as `rio auth`: print its help page as an error.
    NoCommand(String),
}

/// Parses the arguments after the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Error> {
    let rio = Rio::get_args_info();
    let parser = Parser {
        path: "rio".to_owned(),
        command: &rio,
        options: Vec::new(),
        positionals: Vec::new(),
        help: false,
        option_name: None,
        is_after_name: false,
    };
    let arguments = arguments.into_iter().map(OsString::into_string);
    let arguments = arguments.collect::<Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|_| parser.usage("an argument is not valid UTF-8"))?;
    parser.parse(arguments.iter().map(String::as_str))
}

struct Parser<'a> {
    /// The command so far, such as `rio auth`.
    path: String,
    command: &'a CommandInfoWithArgs,
    options: Vec<(&'a str, Option<&'a str>)>,
    positionals: Vec<&'a str>,
    /// Whether one of the words is `help`.
    help: bool,
    /// The last option whose value is a name, with its value and the words after it.
    option_name: Option<(&'a str, Vec<&'a str>)>,
    /// Whether the option before this word has a name as its value.
    is_after_name: bool,
}

impl<'a> Parser<'a> {
    fn parse(mut self, mut words: impl Iterator<Item = &'a str>) -> Result<Invocation, Error> {
        while let Some(word) = words.next() {
            match word {
                "--" => self.positionals.extend(words.by_ref()),
                "-h" | "--help" => return Ok(Invocation::Show(self.help_page())),
                "-v" | "-V" | "--version" if self.is_top() => {
                    return Ok(Invocation::Show(version()));
                }
                _ if word.starts_with('-') && word != "-" => self.option(word, &mut words)?,
                _ if self.is_group() => self.command(word)?,
                help::COMMAND if self.positionals.is_empty() && !self.takes_name() => {
                    self.help = true;
                }
                _ => self.argument(word),
            }
        }
        let expected = self.command.positionals;
        let missing = expected.get(self.positionals.len());
        match missing.filter(|missing| matches!(missing.optionality, Optionality::Required)) {
            _ if self.positionals.len() > expected.len() => Err(self.unexpected_argument_error()),
            _ if self.help => Ok(Invocation::Show(self.help_page())),
            _ if self.is_group() => Ok(Invocation::NoCommand(self.help_page())),
            Some(missing) => {
                Err(self.usage(&format!("missing argument {}", missing.name.to_uppercase())))
            }
            None => self.typed().map(Box::new).map(Invocation::Run),
        }
    }

    fn is_top(&self) -> bool {
        self.path == "rio"
    }

    fn is_group(&self) -> bool {
        !self.command.commands.is_empty()
    }

    /// Whether the argument is a name that the user chose, such as that of a project.
    fn takes_name(&self) -> bool {
        self.path.ends_with(" select")
    }

    fn argument(&mut self, word: &'a str) {
        // In `--organization Acme Robotics`, the name goes on.
        if let (true, Some((_, name))) = (self.is_after_name, &mut self.option_name) {
            name.push(word);
        }
        self.positionals.push(word);
    }

    fn command(&mut self, word: &'a str) -> Result<(), Error> {
        let commands = &self.command.commands;
        let names = commands.iter().map(|command| command.name).chain([help::COMMAND]);
        let candidates: Vec<_> = names.filter(|name| name.starts_with(word)).collect();
        let name = match candidates.as_slice() {
            [] => return Err(self.unknown_command(word)),
            [name] => name,
            names if names.contains(&word) => word,
            names => {
                let names = names.join(", ");
                return Err(self.usage(&format!("'{word}' is ambiguous: {names}")));
            }
        };
        match commands.iter().find(|command| command.name == name) {
            Some(found) => {
                self.path = format!("{} {name}", self.path);
                self.command = &found.command;
            }
            None => self.help = true,
        }
        Ok(())
    }

    fn option(
        &mut self,
        word: &'a str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let Some(flag) = self.flag(name) else { return Err(self.unknown_option(name)) };
        let value = match (&flag.kind, attached) {
            (FlagInfoKind::Switch, None) => None,
            (FlagInfoKind::Switch, Some(_)) => {
                return Err(self.usage(&format!("{name} takes no value")));
            }
            (FlagInfoKind::Option { .. }, Some(value)) => Some(value),
            (FlagInfoKind::Option { .. }, None) => {
                let value = words.next().filter(|value| self.flag(value).is_none());
                Some(value.ok_or_else(|| self.usage(&format!("{name} needs a value")))?)
            }
        };
        let replaces = |given: &str| {
            let pair = ["--interactive", "--no-interactive"];
            given == name || pair.contains(&given) && pair.contains(&name)
        };
        self.is_after_name = ["--organization", "--project"].contains(&name);
        if let (true, Some(value)) = (self.is_after_name, value) {
            self.option_name = Some((name, vec![value]));
        }
        self.options.retain(|(given, _)| !replaces(given));
        self.options.push((name, value));
        Ok(())
    }

    fn flag(&self, name: &str) -> Option<&'static FlagInfo<'static>> {
        self.command.flags.iter().find(|flag| flag.long == name)
    }

    fn typed(&self) -> Result<Rio, Error> {
        let mut words: Vec<&str> = self.path.split(' ').skip(1).collect();
        words.extend(self.options.iter().flat_map(|(name, value)| iter::once(*name).chain(*value)));
        words.push("--");
        words.extend(&self.positionals);
        // The error of argh repeats the argument.
        Rio::from_args(&["rio"], &words).map_err(|_| self.usage("invalid arguments"))
    }

    /// Shows a word after a name, with the name in quotes, and a word after another argument. Other words may be
    /// secrets.
    fn unexpected_argument_error(&self) -> Error {
        let name = match &self.option_name {
            _ if self.takes_name() => Some((String::new(), &self.positionals)),
            Some((option, name)) if name.len() > 1 => Some((format!("{option} "), name)),
            _ => None,
        };
        if let Some((option, words)) = name {
            let unexpected = words.get(1).copied().unwrap_or_default();
            let name = text::quoted(&text::printable(&words.join(" ")));
            return Error::usage(
                format!("unexpected argument '{}'", text::name(unexpected)),
                format!("Quote a name that contains blanks:\n  {} {option}{name}", self.path),
            );
        }
        let expected = self.command.positionals.len();
        match self.positionals.get(expected) {
            Some(word) if expected > 0 => {
                self.usage(&format!("unexpected argument '{}'", text::name(word)))
            }
            _ => self.usage("unexpected argument"),
        }
    }

    fn unknown_command(&self, word: &str) -> Error {
        let fact = match is_plain(word) {
            true => format!("unknown command '{word}'"),
            false => "unknown command".to_owned(),
        };
        let mut commands = commands_below(self.command);
        commands.push(help::COMMAND.to_owned());
        match nearest(commands.iter().map(String::as_str), word) {
            Some(path) => {
                self.usage_with(&fact, &format!("Did you mean this?\n  {} {path}\n", self.path))
            }
            None => {
                let help = advice::run(
                    "To list the commands of this rio",
                    &format!("{} --help", self.path),
                );
                Error::usage(fact, format!("{help}\n{PYTHON_RIO}"))
            }
        }
    }

    fn unknown_option(&self, name: &str) -> Error {
        let known = || self.command.flags.iter().map(|flag| flag.long);
        let with_value = known().find(|known| name.starts_with(known));
        let fact = match name.strip_prefix("--") {
            // A value can be attached, as in `-phunter2` and `--passwordhunter2`.
            None => format!("unknown option {}", name.chars().take(2).collect::<String>()),
            Some(word) if with_value.is_none() && is_plain(word) => {
                format!("unknown option {name}")
            }
            Some(_) => "unknown option".to_owned(),
        };
        match nearest(known(), name).or(with_value) {
            Some(known) => self.usage_with(&fact, &format!("Did you mean {known}?\n")),
            None => self.usage(&fact),
        }
    }

    fn usage(&self, fact: &str) -> Error {
        self.usage_with(fact, "")
    }

    fn usage_with(&self, fact: &str, hint: &str) -> Error {
        let usage = advice::run("For usage", &format!("{} --help", self.path));
        Error::usage(fact, format!("{hint}{usage}"))
    }

    fn help_page(&self) -> String {
        help::page(&self.path, self.command)
    }
}

/// All commands of a group, also of the groups in it: `auth`, `auth login`.
fn commands_below(group: &CommandInfoWithArgs) -> Vec<String> {
    let paths = group.commands.iter().flat_map(|sub| {
        let below = commands_below(&sub.command);
        let below = below.into_iter().map(|path| format!("{} {path}", sub.name));
        iter::once(sub.name.to_owned()).chain(below)
    });
    paths.collect()
}

/// Whether the word looks like a command or an option, not like a secret in the wrong place.
pub fn is_plain(word: &str) -> bool {
    const LONGEST: usize = 20;
    word.len() <= LONGEST && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The option or the path of a command that someone who types this word most likely means.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, word: &str) -> Option<&'a str> {
    const MOST: usize = 2;
    let last = |path: &'a str| path.rsplit(' ').next().unwrap_or_default();
    let names = names.map(|name| (difference(last(name), word), name));
    let (difference, name) = names.min_by_key(|(difference, _)| *difference)?;
    (difference <= MOST).then_some(name)
}

/// In how many neighbouring characters the word differs from the name: in none, if it is a prefix.
fn difference(name: &str, word: &str) -> usize {
    let start = name.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    let end = name.chars().rev().zip(word.chars().rev()).take_while(|(a, b)| a == b).count();
    match name.starts_with(word) {
        true => 0,
        false => name.len().max(word.len()).saturating_sub(start.saturating_add(end)),
    }
}

/// `rio 0.3.0 (x86_64-unknown-linux-musl, 9dae1686dbf9)`. Only executables that are shipped name their commit.
pub fn version() -> String {
    let commit = option_env!("RIO_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.map(|commit| format!(", {commit}")).unwrap_or_default();
    format!("rio {} ({}{commit})\n", env!("CARGO_PKG_VERSION"), env!("RIO_TARGET"))
}
