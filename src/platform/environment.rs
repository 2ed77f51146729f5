//! The environments of rapyuta.io and their hosts.

use crate::config::{Config, ENVIRONMENT, OIDC_HOST, RIP_HOST, V2API_HOST};
use crate::error::Error;
use crate::http::Http;
use crate::net::url::{NOT_HTTPS, Url};
use crate::text;

/// For messages.
pub const VALID_NAMES: &str = "ga (production), dev, qa, or pr and a number (pr123)";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `ga`, the default.
    Production,
    /// `dev`, `qa`, or a preview such as `pr123`.
    Staging(String),
}

struct Service {
    key: &'static str,
    /// Follows the environment's name in a staging host name.
    staging_suffix: &'static str,
    /// `None` if rio does not call it.
    production_url: Option<&'static str>,
}

const SERVICES: [Service; 5] = [
    Service {
        key: OIDC_HOST,
        staging_suffix: "-oidc",
        production_url: Some("https://oidc.rapyuta.io"),
    },
    Service {
        key: RIP_HOST,
        staging_suffix: "rip",
        production_url: Some("https://garip.apps.okd4v2.prod.rapyuta.io"),
    },
    Service {
        key: V2API_HOST,
        staging_suffix: "api",
        production_url: Some("https://api.rapyuta.io"),
    },
    Service { key: "catalog_host", staging_suffix: "catalog", production_url: None },
    Service { key: "core_api_host", staging_suffix: "apiserver", production_url: None },
];

impl Environment {
    /// `None` if the name is not valid.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ga" => Some(Environment::Production),
            "dev" | "qa" => Some(Environment::Staging(name.to_owned())),
            _ => is_preview(name).then(|| Environment::Staging(name.to_owned())),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Environment::Production => "ga",
            Environment::Staging(name) => name,
        }
    }

    /// The host keys that an environment can set.
    pub fn host_keys() -> [&'static str; 5] {
        SERVICES.each_ref().map(|service| service.key)
    }

    /// Whether the config file names this environment and its own hosts.
    pub fn is_set(&self, config: &Config) -> bool {
        let is_own = |key: &str| {
            let own = self.hosts().find(|(known, _)| *known == key).map(|(_, url)| url);
            config.string(key).is_ok_and(|stored| match stored {
                None => *self == Environment::Production,
                stored => stored == own,
            })
        };
        let name = config.string(ENVIRONMENT);
        name.is_ok_and(|name| name.as_deref().unwrap_or("ga") == self.name())
            && Environment::host_keys().into_iter().all(is_own)
    }

    /// The host keys and URLs of this environment.
    pub fn hosts(&self) -> impl Iterator<Item = (&'static str, String)> {
        SERVICES.iter().filter_map(|service| {
            let url = match self {
                Environment::Production => service.production_url?.to_owned(),
                Environment::Staging(name) => {
                    format!(
                        "https://{name}{}.apps.okd4v2.okd4beta.rapyuta.io",
                        service.staging_suffix
                    )
                }
            };
            Some((service.key, url))
        })
    }
}

/// `pr`, a number, and more characters that are valid in a host name.
fn is_preview(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("pr") else { return false };
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.len() <= 40
        && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The base URL under a host key: from the config file, or the default of its environment.
pub fn host(config: &Config, http: &Http, key: &str) -> Result<Url, Error> {
    let url = match config.string(key)? {
        Some(url) => url,
        None => default_host(config, key)?,
    };
    let url = http.url(&url).map_err(|problem| {
        let insecure = match problem == NOT_HTTPS {
            true => " For tests only, RIO_INSECURE_HTTP=1 allows http://.",
            false => "",
        };
        Error::failure(
            format!("{key} in the config file {} {problem}", config.path().display()),
            format!("Correct {key}, or remove it to use the default.{insecure}"),
        )
    })?;
    let setting =
        custom_keys(config).contains(&key).then(|| format!("{key} in {}", config.path().display()));
    Ok(url.from_setting(setting))
}

/// The name of the environment, for people, and which hosts differ from it. An invalid name is shown, too: only
/// commands that call a host need a valid one.
pub fn description(config: &Config) -> Result<String, Error> {
    let name = config.string(ENVIRONMENT)?.unwrap_or_else(|| "ga".to_owned());
    let name = text::name(&name);
    Ok(match custom_hosts(config) {
        Some(hosts) => format!("{name}, with custom {hosts}"),
        None => name,
    })
}

/// "oidc_host and rip_host": the hosts of its environment that the config file overrides.
pub fn custom_hosts(config: &Config) -> Option<String> {
    let custom = custom_keys(config);
    let (last, others) = custom.split_last()?;
    let others = others.join(", ");
    Some(if others.is_empty() { (*last).to_owned() } else { format!("{others} and {last}") })
}

fn custom_keys(config: &Config) -> Vec<&'static str> {
    let defaults: Vec<_> = environment(config).map_or_else(|_| Vec::new(), |e| e.hosts().collect());
    let is_custom = |key: &&'static str| {
        config.string(key).is_ok_and(|url| url.is_some_and(|url| !defaults.contains(&(*key, url))))
    };
    [OIDC_HOST, RIP_HOST, V2API_HOST].into_iter().filter(is_custom).collect()
}

fn default_host(config: &Config, key: &str) -> Result<String, Error> {
    let url = environment(config)?.hosts().find(|(known, _)| *known == key).map(|(_, url)| url);
    url.ok_or_else(|| invalid_environment(config))
}

fn environment(config: &Config) -> Result<Environment, Error> {
    let name = config.string(ENVIRONMENT)?.unwrap_or_else(|| "ga".to_owned());
    Environment::parse(&name).ok_or_else(|| invalid_environment(config))
}

fn invalid_environment(config: &Config) -> Error {
    Error::failure(
        format!("environment in the config file {} is not a valid name", config.path().display()),
        format!(
            "Valid names are {VALID_NAMES}. To set one, which removes the login, run:\n  rio auth environment NAME"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(environment: &str, key: &str) -> Option<String> {
        let environment = Environment::parse(environment).unwrap();
        environment.hosts().find(|(known, _)| *known == key).map(|(_, url)| url)
    }

    #[test]
    fn parse_accepts_only_valid_names() {
        for name in ["ga", "dev", "qa", "pr1", "pr123", "pr12-fix"] {
            assert_eq!(Environment::parse(name).unwrap().name(), name);
        }
        for name in ["", "GA", "prod", "pr", "prx", "pr1.evil.example/", "pr1 ", "dev2"] {
            assert_eq!(Environment::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn environment_determines_hosts() {
        for (environment, key, url) in [
            ("ga", "oidc_host", Some("https://oidc.rapyuta.io")),
            ("ga", "rip_host", Some("https://garip.apps.okd4v2.prod.rapyuta.io")),
            ("ga", "v2api_host", Some("https://api.rapyuta.io")),
            ("ga", "catalog_host", None),
            ("dev", "oidc_host", Some("https://dev-oidc.apps.okd4v2.okd4beta.rapyuta.io")),
            ("qa", "rip_host", Some("https://qarip.apps.okd4v2.okd4beta.rapyuta.io")),
            ("pr7", "v2api_host", Some("https://pr7api.apps.okd4v2.okd4beta.rapyuta.io")),
            ("dev", "catalog_host", Some("https://devcatalog.apps.okd4v2.okd4beta.rapyuta.io")),
            ("dev", "core_api_host", Some("https://devapiserver.apps.okd4v2.okd4beta.rapyuta.io")),
        ] {
            assert_eq!(host(environment, key).as_deref(), url, "{environment} {key}");
        }
        let keys: Vec<_> = Environment::parse("dev").unwrap().hosts().map(|(key, _)| key).collect();
        assert_eq!(keys, Environment::host_keys());
    }
}
