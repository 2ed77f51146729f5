//! Reading the command line: what argh leaves out (`--option=value`, unique beginnings, the last of two
//! wins), and errors that never repeat an argument that may be a secret.
//!
//! The arguments are put into the plain form that argh reads, by argh's own description of the commands.

use std::ffi::OsString;

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, FromArgs, SubCommandInfo};

use crate::cli::args::Rio;
use crate::cli::help;
use crate::error::Error;

/// What the user asked for.
#[derive(Debug)]
pub enum Invocation {
    /// A command to run.
    Run(Rio),
    /// A text that was asked for: help, or the version.
    Show(String),
    /// A command that only has commands of its own, without one: its help, as a reminder.
    NoCommand(String),
}

/// Switches of which the last one given wins.
const OPPOSITES: [[&str; 2]; 1] = [["--interactive", "--no-interactive"]];

/// Reads the arguments after the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Error> {
    let arguments = arguments
        .into_iter()
        .map(|argument| argument.into_string())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Error::usage("an argument is not UTF-8", "Run `rio help`."))?;
    let top = Rio::get_args_info();
    let mut words = arguments.iter().map(String::as_str);
    let mut reader =
        Reader { path: vec!["rio"], command: &top, flags: Vec::new(), operands: Vec::new() };
    match reader.read(&mut words)? {
        Some(text) => Ok(Invocation::Show(text)),
        None if reader.is_group() => Ok(Invocation::NoCommand(reader.help())),
        None => reader.typed().map(Invocation::Run),
    }
}

struct Reader<'a> {
    path: Vec<&'a str>,
    command: &'a CommandInfoWithArgs,
    flags: Vec<(&'a str, Option<&'a str>)>,
    operands: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Reads all words; a text if one of them asks for help.
    fn read(&mut self, words: &mut impl Iterator<Item = &'a str>) -> Result<Option<String>, Error> {
        let mut options_ended = false;
        while let Some(word) = words.next() {
            match word {
                _ if options_ended => self.operands.push(word),
                "--" => options_ended = true,
                "-h" | "--help" => return Ok(Some(self.help())),
                "-V" | "--version" if self.path.len() == 1 => return Ok(Some(version())),
                _ if self.is_group() && self.is_help(word) => return self.help_on(words).map(Some),
                "-" => self.operands.push(word),
                _ if word.starts_with('-') => self.option(word, words)?,
                _ if self.is_group() => self.enter(word)?,
                _ => self.operands.push(word),
            }
        }
        self.check_operands()?;
        Ok(None)
    }

    fn is_group(&self) -> bool {
        !self.command.commands.is_empty()
    }

    /// `help`, or a beginning that no command has.
    fn is_help(&self, word: &str) -> bool {
        let commands = &self.command.commands;
        word == help::COMMAND
            || !word.is_empty()
                && help::COMMAND.starts_with(word)
                && !commands.iter().any(|command| command.name.starts_with(word))
    }

    /// The help of the command that the words lead to.
    fn help_on(&mut self, words: &mut impl Iterator<Item = &'a str>) -> Result<String, Error> {
        for word in words {
            if !matches!(word, "-h" | "--help" | help::COMMAND) {
                self.enter(word)?;
            }
        }
        Ok(self.help())
    }

    /// Goes down into a command, by its name or a beginning that only it has.
    fn enter(&mut self, word: &str) -> Result<(), Error> {
        let commands = &self.command.commands;
        let exact = commands.iter().filter(|command| command.name == word);
        let candidates: Vec<_> = match exact.clone().count() {
            0 => commands.iter().filter(|command| command.name.starts_with(word)).collect(),
            _ => exact.collect(),
        };
        match candidates.as_slice() {
            [only] if !word.is_empty() => {
                self.path.push(only.name);
                self.command = &only.command;
                Ok(())
            }
            [] | [_] => Err(self.unknown_command(word)),
            several => {
                let names: Vec<_> = several.iter().map(|command| command.name).collect();
                Err(self.usage(format!("'{word}' may be {}", names.join(" or "))))
            }
        }
    }

    fn unknown_command(&self, word: &str) -> Error {
        let called = if is_plain_word(word) { format!(" '{word}'") } else { String::new() };
        if self.path.len() > 1 {
            let names: Vec<_> = self.command.commands.iter().map(|command| command.name).collect();
            return self.usage(format!("{} has no command{called}", self.name())).advise(format!(
                "It has {}. See `{} --help`.",
                names.join(", "),
                self.name()
            ));
        }
        let deeper =
            |group: &&SubCommandInfo| group.command.commands.iter().any(|c| c.name == word);
        let fact = format!("this rio has no command{called}: it does `rio auth` and its helpers");
        match self.command.commands.iter().find(deeper) {
            Some(group) => Error::usage(fact, format!("Did you mean `rio {} {word}`?", group.name)),
            None => Error::usage(
                fact,
                "For all else install the full CLI (pip install rapyuta-io-cli), or see `rio help`.",
            ),
        }
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
        let Some(flag) = self.flag(name) else {
            return Err(self.unknown_option(name));
        };
        let value = match (&flag.kind, attached) {
            (FlagInfoKind::Switch, None) => None,
            (FlagInfoKind::Switch, Some(_)) => {
                return Err(self.usage(format!("{name} takes no value")));
            }
            (FlagInfoKind::Option { .. }, Some(value)) => Some(value),
            (FlagInfoKind::Option { .. }, None) => {
                let value = words.next().filter(|value| self.flag(value).is_none());
                Some(value.ok_or_else(|| self.usage(format!("{name} needs a value")))?)
            }
        };
        let name = flag.long;
        self.flags.retain(|(given, _)| *given != name && !are_opposites(given, name));
        self.flags.push((name, value));
        Ok(())
    }

    fn flag(&self, name: &str) -> Option<&'a FlagInfo<'static>> {
        let command: &'a CommandInfoWithArgs = self.command;
        command.flags.iter().find(|flag| flag.long == name)
    }

    /// Repeats the option only as far as it can be no secret: a value may be glued to it.
    fn unknown_option(&self, name: &str) -> Error {
        let longs = || self.command.flags.iter().map(|flag| flag.long);
        if let Some(known) = longs().find(|long| name.starts_with(long)) {
            return self.usage(format!("{known} and its value need a blank or a = between them"));
        }
        let called = match name.strip_prefix("--") {
            Some(word) if is_plain_word(word) => format!("option {name}"),
            None => format!("option {}", name.chars().take(2).collect::<String>()),
            _ => "such option".to_owned(),
        };
        let error = self.usage(format!("{} has no {called}", self.name()));
        match longs().find(|long| alike(long, name)) {
            Some(long) => error.advise(format!("Did you mean {long}?")),
            None => error,
        }
    }

    fn check_operands(&self) -> Result<(), Error> {
        let wanted = self.command.positionals;
        match wanted.get(self.operands.len()) {
            Some(missing) => Err(self.usage(format!(
                "{} needs {}: {}",
                self.name(),
                missing.name.to_uppercase(),
                missing.description
            ))),
            // What was given may be a password in the wrong place.
            None if self.operands.len() > wanted.len() => {
                Err(self.usage(format!("{} was given a word too many", self.name())))
            }
            None => Ok(()),
        }
    }

    fn typed(&self) -> Result<Rio, Error> {
        let mut plain: Vec<&str> = self.path.iter().skip(1).copied().collect();
        for (name, value) in &self.flags {
            plain.push(name);
            plain.extend(value);
        }
        plain.push("--");
        plain.extend(&self.operands);
        // argh's own message would repeat the argument.
        Rio::from_args(&["rio"], &plain)
            .map_err(|_| self.usage(format!("{} cannot be run like this", self.name())))
    }

    fn name(&self) -> String {
        self.path.join(" ")
    }

    fn help(&self) -> String {
        help::page(&self.path.join(" "), self.command)
    }

    fn usage(&self, fact: String) -> Error {
        Error::usage(fact, format!("See `{} --help`.", self.name()))
    }
}

fn are_opposites(one: &str, other: &str) -> bool {
    OPPOSITES.iter().any(|pair| pair.contains(&one) && pair.contains(&other))
}

/// Whether the word looks like a command or an option, and not like a secret in the wrong place.
fn is_plain_word(word: &str) -> bool {
    const LONGEST: usize = 20;
    word.len() <= LONGEST && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Whether the name is a beginning of the option, or the option with a slip of the finger in it.
fn alike(option: &str, name: &str) -> bool {
    const ENOUGH: usize = 4;
    let common = option.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let similar = option.starts_with(name) || option.len().abs_diff(name.len()) <= 2;
    common > ENOUGH && similar
}

/// `rio 0.1.0`
pub fn version() -> String {
    format!("rio {}\n", env!("CARGO_PKG_VERSION"))
}
