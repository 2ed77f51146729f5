//! The two programs: `rio`, and the Python `rio` that it is compared with.

use std::path::{Path, PathBuf};
use std::process::Command;

use platform::{EMAIL, PASSWORD};

use crate::run::Job;

/// One of the programs, and how it is told to do what both can.
pub struct Program {
    pub path: PathBuf,
    /// Which build, or which version.
    pub name: String,
    pub device_login: Job,
    pub password_login: Job,
}

pub const STATUS: Job = Job { arguments: &["auth", "status"], input: "" };

const ORGANIZATION: &str = "Acme Robotics";
const PROJECT: &str = "simulation";

/// `rio` as users get it: the static build of `make dist` where it stands, else the one that cargo has just built.
pub fn rio() -> Program {
    let built = Path::new(env!("CARGO_BIN_EXE_rio"));
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let dist = target().join("dist").join(&triple).join("rio");
    let (path, name) = match dist.exists() {
        true => (dist, format!("the static build of `make dist` ({triple})")),
        false => (built.into(), "the release build (there is none of `make dist`)".into()),
    };
    Program {
        path,
        name,
        device_login: Job {
            arguments: &[
                "auth",
                "login",
                "--yes",
                "--organization",
                ORGANIZATION,
                "--project",
                PROJECT,
            ],
            input: "",
        },
        password_login: Job {
            arguments: &[
                "auth",
                "login",
                "--silent",
                "--email",
                EMAIL,
                "--password",
                "-",
                "--organization",
                ORGANIZATION,
                "--project",
                PROJECT,
            ],
            input: PASSWORD,
        },
    }
}

/// The Python `rio`, if `make bench-peer` has installed it.
pub fn peer() -> Option<Program> {
    let path = peer_directory().join("bin/rio");
    let version = Command::new(&path).arg("version").env_clear().output().ok()?;
    let version = String::from_utf8_lossy(&version.stdout).trim().replace("rio ", "");
    Some(Program {
        path,
        name: version,
        device_login: Job {
            arguments: &["auth", "login", "--organization", ORGANIZATION, "--project", PROJECT],
            // It asks whether the config file, which it needs to know the hosts, may be overwritten.
            input: "y\n",
        },
        password_login: Job {
            arguments: &[
                "auth",
                "login",
                "--silent",
                "--email",
                EMAIL,
                "--password",
                PASSWORD,
                "--organization",
                ORGANIZATION,
                "--project",
                PROJECT,
            ],
            input: "",
        },
    })
}

/// Where it is installed.
pub fn peer_directory() -> PathBuf {
    target().join("bench-peer")
}

/// Where cargo builds.
pub fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rio")).ancestors().nth(2).expect("target/release/rio")
}
