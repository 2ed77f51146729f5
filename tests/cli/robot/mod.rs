//! The machine under test: an empty home, an environment with nothing else in it, and `rio`.
//!
//! ```ignore
//! let platform = Platform::start();
//! let (robot, token) = Robot::logged_in(&platform);
//! robot.rio(&["auth", "status"]).run().exits(0).prints("...").hides(&token);
//! ```
//!
//! [`Rio::run`] runs the real binary. [`Rio::run_at`] runs the program in this process with a [`FakeClock`]: a login
//! of ten minutes takes milliseconds, and the test can check each wait.

mod fake_clock;
pub mod namespaces;
mod outcome;
pub mod proxy;
pub mod random;
pub mod skip;
mod streams;
pub mod terminal;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use platform::Platform;
use rio::machine::Machine;
use rio::machine::console::Console;
use rio::machine::env::Env;
use rio::machine::notice::Notice;
use rio::machine::terminal::{Screen, Size};
use rio::machine::trace::Trace;
use serde_json::{Value, json};

pub use fake_clock::FakeClock;
pub use outcome::Outcome;
use streams::Lines;
pub use streams::Stream;

/// The members of the config file that login and selection set, and that logout removes.
pub const LOGIN_KEYS: [&str; 8] = [
    "auth_token",
    "email_id",
    "organization_id",
    "organization_name",
    "organization_short_id",
    "project_id",
    "project_name",
    "auth_token_record",
];

/// The members of the config file that hold the selected organization and project.
pub const SELECTION_KEYS: [&str; 5] =
    ["organization_id", "organization_name", "organization_short_id", "project_id", "project_name"];

/// A user ID that no machine assigns.
pub const PLAIN_USER: u32 = 54_321;

/// A machine with an empty home.
pub struct Robot {
    home: tempfile::TempDir,
    env: BTreeMap<String, OsString>,
}

impl Robot {
    /// A robot without a config file.
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut env = BTreeMap::new();
        env.insert("HOME".to_owned(), home.path().into());
        Robot { home, env }
    }

    /// A robot whose config file names the hosts of this platform.
    pub fn of(platform: &Platform) -> Self {
        let robot = Robot::new();
        robot.write_config(&platform.config());
        robot
    }

    /// A robot where the first user of this platform is logged in, and the stored token.
    pub fn logged_in(platform: &Platform) -> (Self, String) {
        let robot = Robot::of(platform);
        let token = platform.issue_token();
        robot.set_config(json!({"auth_token": token, "email_id": platform::EMAIL}));
        (robot, token)
    }

    /// Adds an environment variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The directory that `HOME` names.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The environment for a run in this process.
    pub fn environment(&self) -> Env {
        Env::new(self.env.clone(), Some(self.home().to_owned()))
    }

    /// The path of the config file, which may not exist.
    pub fn config_path(&self) -> PathBuf {
        self.home().join(".config/rio-cli/config.json")
    }

    /// Writes the config file, mode 0600.
    pub fn write_config(&self, config: &Value) {
        self.write_config_text(serde_json::to_string_pretty(config).unwrap());
    }

    /// Writes these bytes to the config file, mode 0600.
    pub fn write_config_text(&self, text: impl AsRef<[u8]>) {
        let path = self.config_path();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Sets members of the config file; `null` removes one.
    pub fn set_config(&self, members: Value) {
        let mut config = self.config();
        let stored = config.as_object_mut().unwrap();
        for (name, value) in members.as_object().unwrap().clone() {
            match value {
                Value::Null => drop(stored.remove(&name)),
                value => drop(stored.insert(name, value)),
            }
        }
        self.write_config(&config);
    }

    /// The content of the config file; null if there is none.
    pub fn config(&self) -> Value {
        match std::fs::read(self.config_path()) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => Value::Null,
        }
    }

    /// GUID, name and short GUID of the selected organization, GUID and name of the project; null if missing.
    pub fn selection(&self) -> [Value; 5] {
        let config = self.config();
        SELECTION_KEYS.map(|key| config.get(key).cloned().unwrap_or_default())
    }

    /// Writes a config file with this URL as the host of every call.
    pub fn write_hosts(&self, url: &str) {
        self.write_config(&json!({"oidc_host": url, "rip_host": url, "v2api_host": url}));
    }

    /// Asserts that the run does not change a byte of the config file.
    #[track_caller]
    pub fn changes_nothing(&self, run: impl FnOnce() -> Outcome) -> Outcome {
        let before = self.config_bytes();
        let outcome = run();
        assert_eq!(self.config_bytes(), before, "the config file changed\n{outcome}");
        outcome
    }

    /// The bytes of the config file.
    pub fn config_bytes(&self) -> Vec<u8> {
        std::fs::read(self.config_path()).unwrap()
    }

    /// A command with the robot's environment, in its home.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir(self.home());
        reset_signals(&mut command);
        command
    }

    /// `rio` as an unprivileged user: the current user or, if the tests run as root, [`PLAIN_USER`], to whom the
    /// robot's files are given.
    pub fn rio_as_plain_user(&self, arguments: &[&str]) -> Command {
        if !is_root() {
            return self.rio(arguments).command();
        }
        // The user may have no access to the build directory. `cp` writes the copy, because a child of another test
        // could inherit an open file of this process, and a file that is open for writing cannot be executed.
        let program = self.home().join("rio-of-the-test");
        let linked = program.exists() || std::fs::hard_link(binary(), &program).is_ok();
        if !linked {
            let copied = Command::new("cp").arg(binary()).arg(&program).status().unwrap();
            assert!(copied.success());
        }
        give_away(self.home(), &program);
        let mut command = self.command(program);
        command.args(arguments).uid(PLAIN_USER).gid(PLAIN_USER);
        command
    }

    /// `rio` with these arguments. Run it with [`Rio::run`] or [`Rio::run_at`].
    pub fn rio<'a>(&'a self, arguments: &[&str]) -> Rio<'a> {
        let arguments = arguments.iter().map(|argument| argument.to_string()).collect();
        Rio { robot: self, arguments, stdin: String::new(), screen: Screen::default() }
    }
}

/// A command line of `rio` that has not run yet.
pub struct Rio<'a> {
    robot: &'a Robot,
    arguments: Vec<String>,
    stdin: String,
    screen: Screen,
}

impl Rio<'_> {
    /// The text on standard input. Default: empty, as with `</dev/null`.
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.to_owned();
        self
    }

    /// The terminal of a run in this process. Default: the streams are not terminals.
    pub fn screen(mut self, screen: Screen) -> Self {
        self.screen = screen;
        self
    }

    /// The command line of the real binary, for a test that needs more than [`Rio::run`].
    pub fn command(&self) -> Command {
        // `RIO_RUNNER` runs a binary for another machine.
        let mut command = match runner() {
            None => self.robot.command(binary()),
            Some((runner, options)) => {
                let mut command = self.robot.command(runner);
                command.args(options).arg(binary());
                command
            }
        };
        command.args(&self.arguments);
        command
    }

    /// Runs the real binary and waits for it.
    pub fn run(self) -> Outcome {
        let command = self.command();
        self.run_command(command)
    }

    /// Runs another command instead, such as one that starts the binary itself.
    pub fn run_command(self, mut command: Command) -> Outcome {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that reads nothing may have exited already.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome::of(&command, output)
    }

    /// Runs the program in this process with this clock.
    pub fn run_at(self, clock: &Rc<FakeClock>) -> Outcome {
        self.run_with_browser(clock, Box::new(|_| false))
    }

    /// As [`Rio::run_at`], with this browser.
    pub fn run_with_browser(
        self,
        clock: &Rc<FakeClock>,
        browser: rio::machine::Browser,
    ) -> Outcome {
        self.run_with_stderr(clock, browser, Stream::default())
    }

    /// As [`Rio::run_with_browser`], with a standard error that the test can read while the program runs.
    pub fn run_with_stderr(
        self,
        clock: &Rc<FakeClock>,
        browser: rio::machine::Browser,
        err: Stream,
    ) -> Outcome {
        let out = Stream::default();
        let trace = err.clone();
        let env = self.robot.environment();
        let debug = env.is_on("RIO_DEBUG");
        let input = Box::new(Lines(self.stdin.lines().rev().map(str::to_owned).collect()));
        let console =
            Console::new(input, Box::new(out.clone()), Box::new(err.clone()), self.screen);
        let mut machine = Machine {
            env,
            clock: clock.clone(),
            random: Rc::new({
                let clock = clock.clone();
                move || clock.jitter.get()
            }),
            console,
            browser,
            trace: match debug {
                true => {
                    Trace::to(move |line| writeln!(trace.clone(), "rio: debug: {line}").unwrap())
                }
                false => Trace::default(),
            },
            notice: Notice::default(),
        };
        let exit = rio::run(self.arguments.iter().map(OsString::from), &mut machine);
        // It may have acted as the owner of the home.
        rio::machine::process::act_as_self();
        Outcome {
            arguments: self.arguments,
            code: Some(exit.code().into()),
            stdout: out.text(),
            stderr: err.text(),
        }
    }
}

/// Gives signals their default action, also where the tests run with some ignored, as under `nohup`.
pub fn reset_signals(command: &mut Command) {
    let reset = || {
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTERM] {
            // SAFETY: takes no pointer.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: `signal` is async-signal-safe.
    unsafe { command.pre_exec(reset) };
}

/// A terminal of this size: UTF-8, without colors and without a status line.
pub fn screen(columns: usize, lines: usize) -> Screen {
    let stderr: Option<Size> = Some(Rc::new(move || (columns, lines)));
    Screen { stderr, utf8: true, half_blocks: true, ..Screen::default() }
}

/// The binary under test: the one that `RIO_BINARY` names, or the one that cargo built.
#[expect(clippy::disallowed_methods, reason = "the user names the binary, no test does")]
pub fn binary() -> PathBuf {
    std::env::var_os("RIO_BINARY").map_or(env!("CARGO_BIN_EXE_rio").into(), PathBuf::from)
}

/// Whether the tests run as root, for whom file modes do not count.
pub fn is_root() -> bool {
    // SAFETY: it only reads.
    unsafe { libc::geteuid() == 0 }
}

/// Gives all files below this directory to [`PLAIN_USER`], except `program`, which may be a link to the real one.
fn give_away(path: &Path, program: &Path) {
    if path == program {
        return;
    }
    lchown(path, Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path(), program);
        }
    }
}

/// The path of the program that `RIO_RUNNER` names, and its options: `qemu-arm-static -cpu arm1176`. A robot has no
/// `PATH` to find it.
#[expect(clippy::disallowed_methods, reason = "the user names the runner, no test does")]
pub fn runner() -> Option<(PathBuf, Vec<String>)> {
    let runner = std::env::var("RIO_RUNNER").ok()?;
    let mut words = runner.split(' ').map(str::to_owned);
    let program = words.next()?;
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&directories).map(|directory| directory.join(&program));
    Some((paths.find(|path| path.exists()).expect("RIO_RUNNER names a program"), words.collect()))
}

/// Whether a program is linked statically.
pub fn is_static(program: &Path) -> bool {
    let program = std::fs::read(program).unwrap();
    let names = |loader: &[u8]| program.windows(loader.len()).any(|window| window == loader);
    program.starts_with(b"\x7fELF") && !names(b"/ld-linux") && !names(b"/ld-musl")
}

/// A loopback port that refuses connections. A client socket holds it, so that nothing else can listen there.
pub struct ClosedPort {
    client: TcpStream,
    _server: TcpListener,
}

impl ClosedPort {
    /// A port that the system chooses.
    pub fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        ClosedPort { client, _server: server }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.client.local_addr().unwrap().to_string()
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}
