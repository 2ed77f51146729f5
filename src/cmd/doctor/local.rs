//! The checks that need no network.

use super::hosts::Target;
use super::report::CheckResult;
use crate::config::{Config, ConfigFile, DEVICE_FLOW_CLIENT_ID, EMAIL_ID, ENVIRONMENT, SELECTION};
use crate::error::Error;
use crate::http::Http;
use crate::machine::Machine;

/// Checks that the config file can be read, locked and written, and only by this user. Also returns its
/// contents, if it can be read.
pub fn config_file(machine: &Machine) -> (Result<String, Error>, Option<Config>) {
    let file = ConfigFile::locate(&machine.env, machine.clock.clone());
    match file.and_then(|file| Ok((file.load()?, file))) {
        Ok((config, file)) => {
            (check_members(&config).and_then(|()| check_writable(&file)), Some(config))
        }
        Err(error) => (Err(error), None),
    }
}

/// Checks the members that commands need. The hosts and the token have their own checks.
fn check_members(config: &Config) -> Result<(), Error> {
    [EMAIL_ID, DEVICE_FLOW_CLIENT_ID, ENVIRONMENT]
        .iter()
        .chain(&SELECTION)
        .try_for_each(|name| config.string(name).map(drop))
}

fn check_writable(file: &ConfigFile) -> Result<String, Error> {
    let not_private = file.check_writable().map_err(Error::into_failure)?;
    file.check_refresh_lock()?;
    let has_locks = file.has_locks().map_err(Error::into_failure)?;
    let path = file.path().display();
    let state = match file.mode() {
        Some(mode) => {
            let warning = file.others_can_change().or_else(|| file.others_can_read());
            // A file system without permissions is not a fault.
            if let Some(warning) = warning.filter(|_| not_private.is_none()) {
                return Err(warning.into());
            }
            format!("{path} (mode {mode:04o})")
        }
        None => format!("{path} does not exist yet"),
    };
    let not_locked = "its file system has no locks, so run only one rio at a time".to_owned();
    let not_private = not_private.map(|warning| warning.fact().to_owned());
    let notes = [Some(state), not_private, (!has_locks).then_some(not_locked)];
    Ok(notes.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// The proxy for each host.
pub fn proxies(http: &Http, targets: &[Target]) -> CheckResult {
    let proxies: Result<Vec<_>, _> =
        targets.iter().map(|target| http.proxy(target.url())).collect();
    let proxies: Vec<_> = match proxies {
        Ok(proxies) => {
            proxies.into_iter().map(|proxy| proxy.unwrap_or_else(|| "none".to_owned())).collect()
        }
        Err(error) => return CheckResult::Fail(error),
    };
    match proxies.split_first() {
        None => CheckResult::Skip("hosts unknown".to_owned()),
        Some((first, rest)) if rest.iter().all(|proxy| proxy == first) => {
            CheckResult::Ok(first.clone())
        }
        Some(_) => {
            let hosts = targets.iter().zip(&proxies);
            let hosts = hosts.map(|(target, proxy)| format!("{}: {proxy}", target.name()));
            CheckResult::Ok(hosts.collect::<Vec<_>>().join(", "))
        }
    }
}
