//! The commands under test, and a machine that is ready for each.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use platform::{EMAIL, PASSWORD, Platform};
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    Refresh,
    Device,
    Password,
    Token,
    Logout,
    Select,
    Environment,
}

/// The organization that `Select` selects.
pub const ORGANIZATION: &str = "org-acmerobotics";

impl Scenario {
    pub const ALL: [Scenario; 7] = [
        Scenario::Refresh,
        Scenario::Device,
        Scenario::Password,
        Scenario::Token,
        Scenario::Logout,
        Scenario::Select,
        Scenario::Environment,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Scenario::Refresh => "refresh",
            Scenario::Device => "device",
            Scenario::Password => "password",
            Scenario::Token => "token",
            Scenario::Logout => "logout",
            Scenario::Select => "select",
            Scenario::Environment => "environment",
        }
    }

    /// The arguments. `--json` or `--silent` because no one can answer a question.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Scenario::Refresh => &["auth", "refresh-token", "--silent"],
            Scenario::Device => &["auth", "login", "--json"],
            Scenario::Password => &[
                "auth",
                "login",
                "--silent",
                "--email",
                EMAIL,
                "--password-file",
                "password",
                "--organization",
                "warehouse-lab",
                "--project",
                "pick-and-place",
            ],
            Scenario::Token => &["auth", "login", "--silent", "--auth-token-file", "token"],
            Scenario::Logout => &["auth", "logout"],
            Scenario::Select => &["organization", "select", ORGANIZATION, "--silent"],
            Scenario::Environment => &["auth", "environment", "qa", "--yes"],
        }
    }

    pub fn is_login(self) -> bool {
        matches!(self, Scenario::Device | Scenario::Password | Scenario::Token)
    }

    /// Whether it leaves no login.
    pub fn removes_login(self) -> bool {
        matches!(self, Scenario::Logout | Scenario::Environment)
    }

    /// What the response with the new token contains, as strace shows it.
    pub fn answer(self) -> Option<&'static str> {
        match self {
            Scenario::Refresh => Some("\\\"Token\\\":"),
            Scenario::Device => Some("\\\"id_token\\\":"),
            Scenario::Password => Some("\\\"token\\\":"),
            Scenario::Token => Some("\\\"email\\\":"),
            _ => None,
        }
    }
}

/// A machine, and the fake rapyuta.io that it talks to.
pub struct Machine {
    pub platform: Platform,
    pub home: TempDir,
    pub binary: PathBuf,
    /// The token that is stored at the start.
    pub stored: Option<String>,
    /// The token in the file for a login with a token.
    pub given: String,
}

impl Machine {
    /// A machine that can run each of the scenarios next.
    pub fn new(binary: &Path, scenarios: &[Scenario]) -> Self {
        let platform = Platform::start();
        platform.rotate_tokens();
        // Where no pending login can be used, a new one is approved at once.
        platform.approve_after(0);
        platform.interval(1);
        platform.expires_in(15);
        let home = tempfile::tempdir().expect("a temporary directory");
        let given = platform.issue_token();
        let logged_in = scenarios.iter().any(|scenario| !scenario.is_login());
        let stored = logged_in.then(|| platform.issue_token());
        let machine = Machine { platform, home, binary: binary.to_owned(), stored, given };
        fs::create_dir_all(machine.directory()).expect("a directory");
        // The Python `rio` and people write such members.
        let mut config = machine.platform.config();
        config["foreign"] = json!({"kept": [1, "two"]});
        if let Some(token) = &machine.stored {
            config["auth_token"] = json!(token);
            config["email_id"] = json!(EMAIL);
        }
        for (path, text) in [
            (machine.config_path(), serde_json::to_string_pretty(&config).expect("JSON")),
            (machine.home.path().join("password"), PASSWORD.to_owned()),
            (machine.home.path().join("token"), machine.given.clone()),
        ] {
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        }
        if scenarios.contains(&Scenario::Device) {
            machine.start_device_login();
        }
        machine
    }

    /// Leaves a pending login whose last poll was long ago and whose next one succeeds, so that no run waits.
    fn start_device_login(&self) {
        let mut login = self.command(&["auth", "login", "--json", "--no-browser", "--yes"]);
        let mut login = login.stdout(Stdio::piped()).spawn().expect("a process");
        let mut events = BufReader::new(login.stdout.take().expect("a pipe")).lines();
        events.next().expect("the first event").expect("text");
        // SAFETY: takes no pointer.
        unsafe { libc::kill(login.id().cast_signed(), libc::SIGTERM) };
        login.wait().expect("a process");
        let pending =
            File::options().write(true).open(self.pending_path()).expect("a pending file");
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        pending.set_modified(long_ago).expect("a time");
    }

    pub fn directory(&self) -> PathBuf {
        self.home.path().join(".config/rio-cli")
    }

    pub fn config_path(&self) -> PathBuf {
        self.directory().join("config.json")
    }

    fn pending_path(&self) -> PathBuf {
        self.directory().join("config.json.pending")
    }

    /// `rio` without faults.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments);
        self.prepare(&mut command);
        command
    }

    /// A scenario, below these words of a tracer.
    pub fn scenario(&self, scenario: Scenario, tracer: &[String]) -> Command {
        let mut command = match tracer.split_first() {
            None => Command::new(&self.binary),
            Some((program, options)) => {
                let mut command = Command::new(program);
                command.args(options).arg(&self.binary);
                command
            }
        };
        command.args(scenario.arguments());
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.current_dir(&self.home).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// The config file; `Err` if it is missing or not a JSON object.
    pub fn config(&self) -> Result<Value, String> {
        let text = fs::read(self.config_path()).map_err(|error| error.to_string())?;
        let config: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if config.is_object() { Ok(config) } else { Err("not an object".to_owned()) }
    }

    /// All that the Python `rio` does to the file: it reads it, truncates it and fills it.
    pub fn python_writes(&self) {
        let Ok(mut config) = self.config() else { return };
        config["python"] = json!("written");
        fs::write(self.config_path(), serde_json::to_string_pretty(&config).expect("JSON"))
            .expect("a file");
    }
}
