//! A fake rapyuta.io over TLS, and robots that trust it.

use std::path::PathBuf;

use platform::{Authority, Platform};
use serde_json::Value;
use tempfile::TempDir;

/// Where systems keep their CA bundle.
const BUNDLES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A platform, and the CA bundle that its robots share.
pub struct Site {
    pub platform: Platform,
    directory: TempDir,
}

impl Site {
    pub fn new() -> Site {
        let authority = Authority::new();
        let platform = Platform::start_tls(&authority.certify(&["127.0.0.1"]));
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Appended to the system's bundle: reading all of it is part of the cost of a login.
        let system = BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let bundle = system.unwrap_or_default() + &authority.pem();
        std::fs::write(directory.path().join("trusted.pem"), bundle).expect("a file");
        Site { platform, directory }
    }

    /// A robot that connects directly to the platform.
    pub fn robot(&self) -> Robot {
        self.robot_at(self.platform.url())
    }

    /// A robot that connects to the platform at `url`.
    pub fn robot_at(&self, url: &str) -> Robot {
        let home = tempfile::tempdir_in(&self.directory).expect("a temporary directory");
        let robot = Robot { home, trusted: self.directory.path().join("trusted.pem") };
        let mut config = self.platform.config();
        for host in config.as_object_mut().expect("an object").values_mut() {
            *host = Value::from(url);
        }
        std::fs::write(robot.path("config.json"), config.to_string()).expect("a file");
        robot
    }
}

/// A machine with its own home directory and config file.
pub struct Robot {
    home: TempDir,
    trusted: PathBuf,
}

impl Robot {
    /// A file in the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The whole environment. The Python rio reads `REQUESTS_CA_BUNDLE`.
    pub fn env(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("HOME", self.home.path().into()),
            ("RIO_CONFIG", self.path("config.json")),
            ("SSL_CERT_FILE", self.trusted.clone()),
            ("REQUESTS_CA_BUNDLE", self.trusted.clone()),
        ]
    }
}
