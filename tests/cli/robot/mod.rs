//! The machine under test: a home of its own, an environment that holds nothing else, and `rio` on it.
//!
//! `run` starts the real binary. `run_at` runs the same program in this process on a clock that the test
//! holds, so that a login of ten minutes takes milliseconds and each wait can be looked at.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::Platform;
use rio::host::Host;
use rio::host::clock::Clock;
use rio::host::console::{Console, Input, Screen, Size};
use rio::host::env::Env;
use rio::host::random::Fraction;
use rio::host::trace::Trace;
use serde_json::Value;

/// The members of the config file that a login and its selection set: what a logout forgets.
pub const LOGIN_KEYS: [&str; 7] = [
    "auth_token",
    "email_id",
    "organization_id",
    "organization_name",
    "organization_short_id",
    "project_id",
    "project_name",
];

/// A machine with an empty home.
pub struct Robot {
    home: tempfile::TempDir,
    env: BTreeMap<String, OsString>,
}

impl Robot {
    /// Nothing but a home.
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut env = BTreeMap::new();
        env.insert("HOME".to_owned(), home.path().into());
        Robot { home, env }
    }

    /// Its config file names the fake platform's hosts.
    pub fn of(platform: &Platform) -> Self {
        let robot = Robot::new();
        robot.write_config(&platform.config());
        robot
    }

    /// Logged in as the platform's first user, with a live token, which comes with it.
    pub fn logged_in(platform: &Platform) -> (Self, String) {
        let robot = Robot::of(platform);
        let token = platform.issue_token();
        let mut config = platform.config();
        config["auth_token"] = token.clone().into();
        config["email_id"] = platform::EMAIL.into();
        robot.write_config(&config);
        (robot, token)
    }

    /// With one more environment variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The directory that `HOME` names.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its variables and its home, as the program sees them.
    pub fn environment(&self) -> Env {
        Env::new(self.env.clone(), Some(self.home().to_owned()))
    }

    /// Where the config file is, there or not.
    pub fn config_path(&self) -> PathBuf {
        self.home().join(".config/rio-cli/config.json")
    }

    /// Puts this into the config file, 0600.
    pub fn write_config(&self, config: &Value) {
        self.write_config_text(serde_json::to_string_pretty(config).unwrap());
    }

    /// Puts these very bytes into the config file, 0600.
    pub fn write_config_text(&self, text: impl AsRef<[u8]>) {
        let path = self.config_path();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// What the config file holds; null where there is none.
    pub fn config(&self) -> Value {
        match std::fs::read(self.config_path()) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => Value::Null,
        }
    }

    /// The very bytes of the config file.
    pub fn config_bytes(&self) -> Vec<u8> {
        std::fs::read(self.config_path()).unwrap()
    }

    /// `rio` with these arguments, still to be run.
    pub fn rio<'a>(&'a self, arguments: &[&str]) -> Rio<'a> {
        let arguments = arguments.iter().map(|argument| argument.to_string()).collect();
        Rio { robot: self, arguments, stdin: String::new(), screen: Screen::default() }
    }
}

/// One call of the program.
pub struct Rio<'a> {
    robot: &'a Robot,
    arguments: Vec<String>,
    stdin: String,
    screen: Screen,
}

impl Rio<'_> {
    /// What a script pipes in; without it standard input is at its end.
    pub fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.to_owned();
        self
    }

    /// What the screen can show; without it the streams are no terminals. Only for a run in this process.
    pub fn screen(mut self, screen: Screen) -> Self {
        self.screen = screen;
        self
    }

    /// The real binary as a command with the robot's environment, for a test that needs more than `run`.
    pub fn command(&self) -> Command {
        let mut command = program();
        command.args(&self.arguments).env_clear().envs(&self.robot.env);
        command.current_dir(self.robot.home());
        reset_signals(&mut command);
        command
    }

    /// Runs the real binary to its end.
    pub fn run(self) -> Outcome {
        let command = self.command();
        self.run_as(command)
    }

    /// The same by another command, such as one that starts the binary in its turn.
    pub fn run_as(self, mut command: Command) -> Outcome {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that asks nothing may be gone before it has read.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome {
            arguments: self.arguments,
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the program in this process, on this clock.
    pub fn run_at(self, clock: &Rc<FakeClock>) -> Outcome {
        self.run_on(clock, Box::new(|_| {}))
    }

    /// The same, with a browser that the test looks at.
    pub fn run_on(self, clock: &Rc<FakeClock>, browser: rio::host::Browser) -> Outcome {
        self.run_with(clock, browser, Stream::default())
    }

    /// The same, with a standard error that can be read while the program runs.
    pub fn run_with(
        self,
        clock: &Rc<FakeClock>,
        browser: rio::host::Browser,
        err: Stream,
    ) -> Outcome {
        let out = Stream::default();
        let trace = err.clone();
        let env = self.robot.environment();
        let debug = env.is_on("RIO_DEBUG");
        let input = Box::new(Lines(self.stdin.lines().rev().map(str::to_owned).collect()));
        let console =
            Console::new(input, Box::new(out.clone()), Box::new(err.clone()), self.screen);
        let mut host = Host {
            env,
            clock: clock.clone(),
            random: Rc::new({
                let clock = clock.clone();
                move || clock.share.get()
            }),
            console,
            browser,
            trace: match debug {
                true => {
                    Trace::to(move |line| writeln!(trace.clone(), "rio: debug: {line}").unwrap())
                }
                false => Trace::default(),
            },
        };
        let exit = rio::run(self.arguments.iter().map(OsString::from), &mut host);
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

/// The binary under test: the one that cargo built, or the one that `RIO_BINARY` names.
#[expect(clippy::disallowed_methods, reason = "who runs the tests names the binary, no test does")]
pub fn binary() -> PathBuf {
    std::env::var_os("RIO_BINARY").map_or(env!("CARGO_BIN_EXE_rio").into(), PathBuf::from)
}

/// The binary under test, still without arguments. One for another machine is started by what `RIO_RUNNER`
/// names, such as qemu-aarch64-static.
fn program() -> Command {
    let Some(runner) = runner() else { return Command::new(binary()) };
    let mut command = Command::new(runner);
    command.arg(binary());
    command
}

/// The path of the program that `RIO_RUNNER` names: who is run by it may have no `PATH`.
#[expect(clippy::disallowed_methods, reason = "who runs the tests names the runner, no test does")]
pub fn runner() -> Option<PathBuf> {
    let runner = std::env::var_os("RIO_RUNNER")?;
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&directories).map(|directory| directory.join(&runner));
    Some(paths.find(|path| path.exists()).expect("RIO_RUNNER names a program"))
}

/// Whether a program needs no library, nor a loader that finds it.
pub fn is_static(program: &Path) -> bool {
    let program = std::fs::read(program).unwrap();
    let names = |loader: &[u8]| program.windows(loader.len()).any(|window| window == loader);
    program.starts_with(b"\x7fELF") && !names(b"/ld-linux") && !names(b"/ld-musl")
}

/// How a run ended and what it printed. What is asserted of it fails with all of that.
#[derive(Debug)]
pub struct Outcome {
    pub arguments: Vec<String>,
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The exit code is this.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        self.check(self.code == Some(code), &format!("exit code {code}"));
        self
    }

    /// Standard error holds this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        self.check(self.stderr.contains(text), &format!("on standard error: {text}"));
        self
    }

    /// Neither stream holds this text.
    #[track_caller]
    pub fn hides(self, text: &str) -> Self {
        let shown = self.stdout.contains(text) || self.stderr.contains(text);
        self.check(!shown, &format!("nowhere: {text}"));
        self
    }

    /// Standard output is this, to the letter.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        self.check(self.stdout == text, &format!("on standard output: {text:?}"));
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("JSON wanted\n{self}"))
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let read =
            |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON wanted\n{self}"));
        self.stdout.lines().map(read).collect()
    }

    #[track_caller]
    fn check(&self, holds: bool, wanted: &str) {
        assert!(holds, "wanted {wanted}\n{self}");
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outcome { arguments, code, stdout, stderr } = self;
        write!(f, "$ rio {}\nexit code {code:?}\n", arguments.join(" "))?;
        write!(f, "--- standard output\n{stdout}--- standard error\n{stderr}---")
    }
}

/// A clock that only moves when somebody sleeps, by so much and at once, and remembers how long.
pub struct FakeClock {
    now: Cell<Duration>,
    utc: Cell<SystemTime>,
    sleeps: RefCell<Vec<Duration>>,
    share: Cell<Fraction>,
    meanwhile: RefCell<Meanwhile>,
}

/// What happens during the first wait, the second, and so on.
type Meanwhile = Box<dyn FnMut(&FakeClock, usize)>;

impl FakeClock {
    /// Agrees with the real wall clock at the start.
    #[expect(clippy::disallowed_methods, reason = "the platform's tokens begin at the real time")]
    pub fn new() -> Rc<Self> {
        FakeClock::at(SystemTime::now())
    }

    /// A wall clock that reads this.
    pub fn at(utc: SystemTime) -> Rc<Self> {
        let now = Cell::new(Duration::from_secs(1000));
        Rc::new(FakeClock {
            now,
            utc: Cell::new(utc),
            sleeps: RefCell::default(),
            share: Cell::default(),
            meanwhile: RefCell::new(Box::new(|_, _| {})),
        })
    }

    /// A robot whose battery is flat.
    pub fn in_1970() -> Rc<Self> {
        FakeClock::at(UNIX_EPOCH + Duration::from_secs(100))
    }

    /// Does this during each wait; it is told which one, from 1.
    pub fn meanwhile(&self, what: impl FnMut(&FakeClock, usize) + 'static) {
        *self.meanwhile.borrow_mut() = Box::new(what);
    }

    /// What chance adds to each wait from now on; nothing unless told.
    pub fn draw(&self, share: Fraction) {
        self.share.set(share);
    }

    /// Somebody sets the wall clock.
    pub fn set(&self, utc: SystemTime) {
        self.utc.set(utc);
    }

    /// Each wait so far, in whole seconds.
    pub fn sleeps(&self) -> Vec<u64> {
        self.sleeps.borrow().iter().map(Duration::as_secs).collect()
    }

    /// Each wait so far, in milliseconds.
    pub fn sleeps_in_ms(&self) -> Vec<u128> {
        self.sleeps.borrow().iter().map(Duration::as_millis).collect()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn utc(&self) -> SystemTime {
        self.utc.get()
    }

    #[expect(clippy::disallowed_methods, reason = "what waits for another process needs real time")]
    fn sleep_ticking(&self, duration: Duration, tick: &mut dyn FnMut(Duration)) {
        // A child that another test starts holds the locks of this process until it is its own program.
        std::thread::sleep(Duration::from_micros(200));
        self.sleeps.borrow_mut().push(duration);
        let (start, end) = (self.now.get(), self.now.get() + duration);
        for second in 0..=duration.as_secs() {
            tick(start + Duration::from_secs(second));
        }
        tick(end);
        self.now.set(end);
        self.utc.set(self.utc.get() + duration);
        let count = self.sleeps.borrow().len();
        self.meanwhile.borrow_mut()(self, count);
    }
}

/// A loopback port where nobody listens, and nobody will while this lives: a client's end holds it.
pub struct ClosedPort {
    client: TcpStream,
    _server: TcpListener,
}

impl ClosedPort {
    /// One that the system picks.
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

/// The lines that are still to be read, last one first.
struct Lines(Vec<String>);

impl Input for Lines {
    fn is_terminal(&self) -> bool {
        false
    }

    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.pop().map(String::into_bytes))
    }

    fn discard_typed(&mut self) {}

    fn hide_typing(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_typing(&mut self) {}
}

/// A stream whose text can be read afterwards.
#[derive(Clone, Default)]
pub struct Stream(Rc<RefCell<Vec<u8>>>);

impl Stream {
    /// All that was written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
