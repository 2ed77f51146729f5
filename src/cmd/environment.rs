//! `rio auth environment`: sets the hosts of an environment, and removes the login.

use super::session::Session;
use crate::cli::args;
use crate::config::ENVIRONMENT;
use crate::error::{Error, Exit};
use crate::host::Host;
use crate::oauth::pending;
use crate::platform::environment::{Environment, VALID_NAMES};

pub fn run(args: args::Environment, host: &mut Host) -> Result<Exit, Error> {
    let environment = Environment::parse(&args.name).ok_or_else(|| {
        Error::usage(format!("unknown environment '{}'", args.name), format!("Use {VALID_NAMES}."))
    })?;
    let session = Session::open(host)?;
    session.check_writable(host)?;
    session.file.update(|config| {
        config.remove_login();
        config.remove(&Environment::host_keys());
        config.remove(&[ENVIRONMENT]);
        if environment != Environment::Production {
            config.set(ENVIRONMENT, environment.name());
            environment.hosts().for_each(|(key, url)| config.set(key, &url));
        }
    })?;
    pending::remove(session.file.path());
    host.console.say(&format!(
        "The environment is now {}. The previous login and hosts were removed. Run `rio auth login` \
         to log in.",
        environment.name()
    ));
    Ok(Exit::Success)
}
