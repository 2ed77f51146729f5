//! `rio auth environment`: prints the current environment, or sets the hosts of another one and removes the
//! login.

use crate::advice;
use crate::cli::args;
use crate::config::{Config, EMAIL_ID, ENVIRONMENT, StoredToken};
use crate::error::{Error, Exit};
use crate::machine::Machine;
use crate::oauth::pending;
use crate::platform::environment::{self, Environment, VALID_NAMES};
use crate::session::confirmation::confirm;
use crate::session::context::CommandContext;
use crate::session::options;
use crate::text;

pub fn run(args: args::EnvironmentArgs, machine: &mut Machine) -> Result<Exit, Error> {
    match &args.name {
        Some(name) => {
            let silent = options::silent_option(args.silent, args.no_interactive).is_some();
            set(&parse(name)?, args.yes || silent, machine)?;
        }
        None => show(machine)?,
    }
    Ok(Exit::Success)
}

fn parse(name: &str) -> Result<Environment, Error> {
    Environment::parse(name).ok_or_else(|| {
        let hint = match name.starts_with("prod") {
            true => "Did you mean ga? It is the production environment. ",
            false => "",
        };
        let fact = format!("unknown environment '{}'", text::name(name));
        Error::usage(fact, format!("{hint}Valid names are {VALID_NAMES}."))
    })
}

fn show(machine: &mut Machine) -> Result<(), Error> {
    let config = CommandContext::open(machine)?.config;
    machine.console.print(config.string(ENVIRONMENT)?.as_deref().unwrap_or("ga"))?;
    if let Some(hosts) = environment::custom_hosts(&config) {
        machine.console.say(&format!("The config file sets custom {hosts}."));
    }
    Ok(())
}

fn set(environment: &Environment, yes: bool, machine: &mut Machine) -> Result<(), Error> {
    let context = CommandContext::open(machine)?;
    let name = environment.name();
    if environment.is_set(&context.config) {
        machine.console.say(&format!("The environment is already {name}."));
        return Ok(());
    }
    if machine.console.is_interactive() && !yes {
        confirm_removal(name, &context.config, machine)?;
    }
    context.check_writable(machine)?;
    context.file.update(|config| {
        config.remove_login();
        config.remove(&Environment::host_keys());
        config.remove(&[ENVIRONMENT]);
        if *environment != Environment::Production {
            config.set(ENVIRONMENT, name);
            environment.hosts().for_each(|(key, url)| config.set(key, &url));
        }
    })?;
    context.show_warnings(machine);
    pending::remove(&context.file.pending_path());
    machine.console.say(&format!("The environment is now {name}."));
    if context.config.has_login() {
        machine.console.say("The previous login was removed. Its token was not revoked.");
    }
    machine.console.say_advice(advice::LOG_IN, 0);
    Ok(())
}

fn confirm_removal(name: &str, config: &Config, machine: &mut Machine) -> Result<(), Error> {
    if matches!(config.auth_token(), Ok(StoredToken::Absent)) {
        return Ok(());
    }
    let email = config.string(EMAIL_ID).ok().flatten();
    let account = email.map(|email| format!(" of {email}")).unwrap_or_default();
    let effect = format!(
        "This removes the login{account}, but does not revoke its token. To revoke it first, run:\n  rio auth logout"
    );
    machine.console.advise_user(&effect);
    confirm(machine, "Continue? [y/N] ", &format!("rio auth environment {name}"))
}
