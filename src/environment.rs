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

    /// The base URL of `oidc_host`.
    pub fn oidc_host(&self) -> String {
        self.host("https://oidc.rapyuta.io", "-oidc")
    }

    /// The base URL of `rip_host`.
    pub fn rip_host(&self) -> String {
        self.host("https://garip.apps.okd4v2.prod.rapyuta.io", "rip")
    }

    /// The base URL of `v2api_host`.
    pub fn v2api_host(&self) -> String {
        self.host("https://api.rapyuta.io", "api")
    }

    /// The members of the config file that an environment sets.
    pub const HOST_KEYS: [&str; 5] =
        ["oidc_host", "rip_host", "v2api_host", "catalog_host", "core_api_host"];

    /// What it sets them to; nothing for production, whose hosts are the defaults.
    pub fn host_urls(&self) -> impl Iterator<Item = (&'static str, String)> {
        const SERVICES: [&str; 5] = ["-oidc", "rip", "api", "catalog", "apiserver"];
        let pairs = Self::HOST_KEYS.into_iter().zip(SERVICES);
        pairs
            .filter(|_| *self != Environment::Production)
            .map(|(key, service)| (key, self.host("", service)))
    }

    fn host(&self, production: &str, service: &str) -> String {
        match self {
            Environment::Production => production.to_owned(),
            Environment::Staging(name) => {
                format!("https://{name}{service}.apps.okd4v2.okd4beta.rapyuta.io")
            }
        }
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
    fn a_staging_environment_has_all_five_hosts_and_production_none() {
        let dev = Environment::parse("dev").unwrap();
        let urls: Vec<_> = dev.host_urls().collect();
        let oidc = "https://dev-oidc.apps.okd4v2.okd4beta.rapyuta.io".to_owned();
        assert_eq!(urls[0], ("oidc_host", oidc));
        assert_eq!(urls.len(), 5);
        assert_eq!(dev.rip_host(), "https://devrip.apps.okd4v2.okd4beta.rapyuta.io");
        assert_eq!(Environment::Production.host_urls().count(), 0);
        assert_eq!(Environment::Production.v2api_host(), "https://api.rapyuta.io");
    }
}
