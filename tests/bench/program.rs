//! The two programs: `rio` and the Python rio.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use platform::{EMAIL, PASSWORD};

use crate::machine;
use crate::run::Job;

/// A program, and its arguments for the logins that both programs have.
pub struct Program {
    pub path: PathBuf,
    /// The build or the version.
    pub name: String,
    pub device_login: Job,
    pub password_login: Job,
}

pub const STATUS: Job = Job { arguments: &["auth", "status"], input: "" };

const ORGANIZATION: &str = "Acme Robotics";
const PROJECT: &str = "simulation";

/// The static build of `make dist` if there is one, otherwise cargo's release build.
///
/// Cargo does not rebuild the static one, so the name has its date.
pub fn rio() -> Program {
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let dist = target().join("dist").join(&triple).join("rio");
    let (path, name) = match fs::metadata(&dist).and_then(|file| file.modified()) {
        Ok(time) => {
            let name = format!("static build of {} (`make dist`, {triple})", machine::date(time));
            (dist, name)
        }
        Err(_) => {
            (release().into(), "release build (run `make dist` to measure the static one)".into())
        }
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

/// Cargo's release build.
pub fn release() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_rio"))
}

/// The Python rio, if `make bench-peer` has installed it.
pub fn peer() -> Option<Program> {
    let path = peer_directory().join("bin/rio");
    let version = Command::new(&path).arg("version").env_clear().output().ok()?;
    let version = String::from_utf8_lossy(&version.stdout).trim().replace("rio ", "");
    Some(Program {
        path,
        name: version,
        device_login: Job {
            arguments: &["auth", "login", "--organization", ORGANIZATION, "--project", PROJECT],
            // The config file with the hosts exists, and the Python rio asks whether to overwrite it.
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

/// Where `make bench-peer` installs the Python rio.
pub fn peer_directory() -> PathBuf {
    target().join("bench-peer")
}

/// Cargo's target directory.
pub fn target() -> &'static Path {
    release().ancestors().nth(2).expect("target/release/rio")
}
