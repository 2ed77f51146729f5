//! `rio completion`: a script for a shell, made of the declarations.
//!
//! The scripts are our own. Those of argh_complete take a value for a command, mix options with commands,
//! know no values and set variables of the user's; to mend that took more code than this.
//!
//! Those for bash, zsh and fish walk over the words before the cursor, values of options left out, to the
//! place where the next one stands, such as "rio auth", and look it up in a list of what can stand where.
//! Nushell does that by itself.

use std::collections::BTreeMap;

use argh::{ArgsInfo, CommandInfoWithArgs, SubCommandInfo};

use crate::cli::args::{Completion, Rio};
use crate::cli::help::{self, HelpOption};
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::text;

const PROGRAM: &str = "rio";

const BASH: &str = include_str!("completion/rio.bash");
const ZSH: &str = include_str!("completion/rio.zsh");
const FISH: &str = include_str!("completion/rio.fish");

/// A word that can stand somewhere, and what it means.
type Offer = (&'static str, &'static str);

const SHELLS: [Offer; 4] = [
    ("bash", "GNU Bash"),
    ("zsh", "the Z shell"),
    ("fish", "the friendly interactive shell"),
    ("nushell", "Nushell"),
];
/// Previews are not known here.
const ENVIRONMENTS: [Offer; 3] = [("ga", "production"), ("dev", "development"), ("qa", "testing")];
const LEVELS: [Offer; 3] = [("0", "24 hours"), ("1", "7 days"), ("2", "30 days")];

/// Prints the script for a shell.
pub fn run(args: Completion, host: &mut Host) -> Result<Exit, Error> {
    let rio = with_words(Rio::get_args_info());
    let mut places = Places::new();
    add_places(PROGRAM, &rio, &mut places);
    let script = match args.shell.as_str() {
        "bash" => bash(&places),
        "zsh" => zsh(&places),
        "fish" => fish(&places),
        "nushell" => nushell(&rio, &places),
        _ => {
            return Err(Error::usage(
                "there are completions for bash, zsh, fish and nushell only",
                "See `rio completion --help`.",
            ));
        }
    };
    host.console.print_script(&script)?;
    Ok(Exit::Success)
}

/// What the user can mean by the operand of a command, or the value of an option, as far as it is known.
fn values_of(name: &str) -> &'static [Offer] {
    match name {
        "completion" => &SHELLS,
        "environment" => &ENVIRONMENTS,
        "--level" => &LEVELS,
        _ => &[],
    }
}

/// The command with all words that can follow it as commands: also `help`, which argh does not list, and
/// the values of its operand.
fn with_words(mut command: CommandInfoWithArgs) -> CommandInfoWithArgs {
    let flags = command.flags;
    let value = |(name, description): &Offer| {
        as_word(CommandInfoWithArgs { name, description, flags, ..Default::default() })
    };
    let help = (!command.commands.is_empty()).then(|| {
        let help =
            CommandInfoWithArgs { description: help::COMMAND_DESCRIPTION, ..command.clone() };
        as_word(CommandInfoWithArgs { name: help::COMMAND, ..without_options(help) })
    });
    let commands = command.commands.into_iter().map(|sub| as_word(with_words(sub.command)));
    command.commands =
        commands.chain(help).chain(values_of(command.name).iter().map(value)).collect();
    command.positionals = &[];
    command
}

fn as_word(command: CommandInfoWithArgs) -> SubCommandInfo {
    SubCommandInfo { name: command.name, command }
}

/// What follows `help`: nothing but commands.
fn without_options(mut command: CommandInfoWithArgs) -> CommandInfoWithArgs {
    command.commands =
        command.commands.into_iter().map(|sub| as_word(without_options(sub.command))).collect();
    CommandInfoWithArgs { flags: &[], positionals: &[], ..command }
}

/// What can be typed at a place.
struct Place {
    words: Vec<Offer>,
    options: Vec<Offer>,
}

/// By the words before them, `rio auth`; or by the option, where its value is to be typed.
type Places = BTreeMap<String, Place>;

fn add_places(path: &str, command: &CommandInfoWithArgs, places: &mut Places) {
    let options = help::options(command, path == PROGRAM);
    for name in options.iter().filter(|option| option.value.is_some()).flat_map(|o| &o.names) {
        let values = Place { words: values_of(name).to_vec(), options: Vec::new() };
        places.insert((*name).to_owned(), values);
    }
    let names = |o: HelpOption| o.names.into_iter().map(move |name| (name, o.description));
    let options: Vec<_> = options.into_iter().flat_map(names).collect();
    let words: Vec<_> =
        command.commands.iter().map(|sub| (sub.name, sub.command.description)).collect();
    if !words.is_empty() || !options.is_empty() {
        places.insert(path.to_owned(), Place { words, options });
    }
    for sub in &command.commands {
        add_places(&format!("{path} {}", sub.name), &sub.command, places);
    }
}

/// The options that take a value.
fn value_options(places: &Places) -> Vec<&str> {
    places.keys().map(String::as_str).filter(|place| place.starts_with('-')).collect()
}

fn bash(places: &Places) -> String {
    let names = |offers: &[Offer]| {
        let names: Vec<_> = offers.iter().map(|(name, _)| *name).collect();
        quoted(&names.join(" "))
    };
    BASH.replace("@OPTIONS@", &value_options(places).join("|"))
        .replace("@PLACES@", &cases(places, names))
}

fn zsh(places: &Places) -> String {
    let described = |offers: &[Offer]| {
        let offer = |(name, meaning): &Offer| quoted(&format!("{name}:{meaning}"));
        format!("({})", offers.iter().map(offer).collect::<Vec<_>>().join(" "))
    };
    ZSH.replace("@OPTIONS@", &value_options(places).join("|"))
        .replace("@PLACES@", &cases(places, described))
}

/// The places as cases of the shell's `case`.
fn cases(places: &Places, list: impl Fn(&[Offer]) -> String) -> String {
    let case = |(at, place): (&String, &Place)| {
        let (words, options) = (list(&place.words), list(&place.options));
        format!("        ({}) offers={words} flags={options} ;;", quoted(at))
    };
    places.iter().map(case).collect::<Vec<_>>().join("\n")
}

fn fish(places: &Places) -> String {
    let mut lines = Vec::new();
    // Fish finds the option before a value by itself.
    for (at, place) in places.iter().filter(|(at, _)| !at.starts_with('-')) {
        let mut line = |what: &str, meaning: &str| {
            let (at, meaning) = (quoted(&format!("__rio_is_at {at}")), quoted(meaning));
            lines.push(format!("complete -c rio -n {at} {what} -d {meaning}"));
        };
        for (name, meaning) in &place.words {
            line(&format!("-a {name}"), meaning);
        }
        for (name, meaning) in &place.options {
            line(&fish_option(name, places), meaning);
        }
    }
    FISH.replace("@OPTIONS@", &value_options(places).join(" "))
        .replace("@PLACES@", &lines.join("\n"))
}

/// The option in `complete`'s own words.
fn fish_option(name: &str, places: &Places) -> String {
    let Some(long) = name.strip_prefix("--") else {
        return format!("-s {}", name.trim_start_matches('-'));
    };
    let Some(values) = places.get(name) else { return format!("-l {long}") };
    let value = |(name, meaning): &Offer| format!("{name}\\t{}", quoted(meaning));
    let values: Vec<_> = values.words.iter().map(value).collect();
    format!("-l {long} -x -a {}", quoted(&values.join(" ")))
}

fn nushell(rio: &CommandInfoWithArgs, places: &Places) -> String {
    let value = |(name, meaning): &Offer| format!("{{value: {name:?}, description: {meaning:?}}}");
    let values = value_options(places).into_iter().map(|option| {
        let values: Vec<_> = values_of(option).iter().map(value).collect();
        format!("def {:?} [] {{ [{}] }}\n", nushell_completer(option), values.join(", "))
    });
    format!("{}{}", values.collect::<String>(), nushell_extern(PROGRAM, rio))
}

fn nushell_completer(option: &str) -> String {
    format!("nu-complete rio {option}")
}

/// The command, and those below it.
fn nushell_extern(path: &str, command: &CommandInfoWithArgs) -> String {
    let mut text = format!("\n# {}\nexport extern {path:?} [\n", command.description);
    for option in help::options(command, path == PROGRAM) {
        let name = match option.names.as_slice() {
            [short, long] => format!("{long}({short})"),
            names => names.concat(),
        };
        let value = option.value.map(|_| format!(": string@{:?}", nushell_completer(&name)));
        let value = value.unwrap_or_default();
        text.push_str(&format!("    {name}{value} # {}\n", option.description));
    }
    text.push_str("]\n");
    let below =
        |sub: &SubCommandInfo| nushell_extern(&format!("{path} {}", sub.name), &sub.command);
    text.extend(command.commands.iter().map(below));
    text
}

/// The text as one word of bash, zsh and fish.
fn quoted(text: &str) -> String {
    text::shell_word(text.as_ref())
}
