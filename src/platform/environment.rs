//! The environments of rapyuta.io, and the hosts of each (`protocol.md`, "Hosts").

/// A named deployment of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// `ga`: production, and the default.
    Production,
    /// `dev`, `qa`, or a preview such as `pr123`.
    Staging(String),
}

/// What can be written for an environment, for a message.
pub const VALID_NAMES: &str = "ga, dev, qa, or pr and a number (pr123)";

/// A host of the platform: its key in the config file, how a staging environment's name goes on to be
/// its host name, and where it is in production (if it is ever called there).
struct Service {
    key: &'static str,
    staging: &'static str,
    production: Option<&'static str>,
}

const SERVICES: [Service; 5] = [
    Service { key: OIDC_HOST, staging: "-oidc", production: Some("https://oidc.rapyuta.io") },
    Service {
        key: RIP_HOST,
        staging: "rip",
        production: Some("https://garip.apps.okd4v2.prod.rapyuta.io"),
    },
    Service { key: V2API_HOST, staging: "api", production: Some("https://api.rapyuta.io") },
    Service { key: "catalog_host", staging: "catalog", production: None },
    Service { key: "core_api_host", staging: "apiserver", production: None },
];

/// The login server.
pub const OIDC_HOST: &str = "oidc_host";
/// The API of tokens.
pub const RIP_HOST: &str = "rip_host";
/// The API of organizations and projects.
pub const V2API_HOST: &str = "v2api_host";
impl Environment {
    /// Reads a name; `None` if no environment is called that.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ga" => Some(Environment::Production),
            "dev" | "qa" => Some(Environment::Staging(name.to_owned())),
            _ => is_preview(name).then(|| Environment::Staging(name.to_owned())),
        }
    }

    /// The name, as in the config file.
    pub fn name(&self) -> &str {
        match self {
            Environment::Production => "ga",
            Environment::Staging(name) => name,
        }
    }

    /// All members of the config file that an environment sets.
    pub fn host_keys() -> [&'static str; 5] {
        SERVICES.each_ref().map(|service| service.key)
    }

    /// The base URLs of its hosts by their keys in the config file.
    pub fn hosts(&self) -> impl Iterator<Item = (&'static str, String)> {
        SERVICES.iter().filter_map(|service| {
            let url = match self {
                Environment::Production => service.production?.to_owned(),
                Environment::Staging(name) => {
                    format!("https://{name}{}.apps.okd4v2.okd4beta.rapyuta.io", service.staging)
                }
            };
            Some((service.key, url))
        })
    }
}

/// `pr`, a number, and what may follow in a host name's label.
fn is_preview(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("pr") else { return false };
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.len() <= 40
        && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(environment: &str, key: &str) -> Option<String> {
        let environment = Environment::parse(environment).unwrap();
        environment.hosts().find(|(known, _)| *known == key).map(|(_, url)| url)
    }

    #[test]
    fn the_names_are_ga_dev_qa_and_previews() {
        for name in ["ga", "dev", "qa", "pr1", "pr123", "pr12-fix"] {
            assert_eq!(Environment::parse(name).unwrap().name(), name);
        }
        for name in ["", "GA", "prod", "pr", "prx", "pr1.evil.example/", "pr1 ", "dev2"] {
            assert_eq!(Environment::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn each_environment_has_its_hosts() {
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
