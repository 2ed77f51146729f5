//! `rio auth environment`: which deployment of the platform to speak to.

use crate::args;
use crate::config::{AUTH_TOKEN, ConfigFile, EMAIL_ID, ENVIRONMENT, ORGANIZATION, PROJECT};
use crate::environment::{Environment, VALID_NAMES};
use crate::error::{Error, Exit};
use crate::host::Host;

/// Sets the environment's hosts, and forgets the login, which was one with the old hosts.
pub fn run(args: args::Environment, host: &mut Host) -> Result<Exit, Error> {
    let environment = Environment::parse(&args.name).ok_or_else(|| {
        Error::usage(
            "there is no environment of that name",
            format!("The environments are {VALID_NAMES}."),
        )
    })?;
    let file = ConfigFile::locate(&host.env, host.clock.clone())?;
    file.update(|config| {
        config.remove(&[AUTH_TOKEN, EMAIL_ID, ENVIRONMENT]);
        config.remove(&ORGANIZATION);
        config.remove(&PROJECT);
        config.remove(&Environment::HOST_KEYS);
        if environment != Environment::Production {
            config.set(ENVIRONMENT, environment.name());
        }
        for (key, url) in environment.host_urls() {
            config.set(key, &url);
        }
    })?;
    host.console.say(&format!(
        "The environment is {} now. Run `rio auth login` to log in to it.",
        environment.name()
    ));
    Ok(Exit::Done)
}
