//! Environment variables, read once and passed in.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment variables and the home directory. An empty variable counts as not set.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: Vec<(OsString, OsString)>,
    home: Option<PathBuf>,
}

impl Env {
    pub fn new<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
        home: Option<PathBuf>,
    ) -> Self {
        let variables = variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Env { variables, home }
    }

    /// Without `HOME`, the home directory comes from /etc/passwd.
    #[expect(clippy::disallowed_methods, reason = "the environment enters the program here")]
    pub fn from_process() -> Self {
        Env::new(std::env::vars_os(), home::home_dir().filter(|home| home.is_absolute()))
    }

    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.variables.iter().rfind(|(known, _)| known == name)?;
        Some(value.as_os_str()).filter(|value| !value.is_empty())
    }

    /// The value, if it is UTF-8.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str()
    }

    /// Whether the variable is `1`.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "1")
    }

    pub fn home(&self) -> Option<&PathBuf> {
        self.home.as_ref()
    }
}
