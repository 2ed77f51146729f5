//! `rio` at a terminal: prompts, colors and the status line.
//!
//! [`Terminal`] is a pseudo-terminal that the real binary runs on, or a shell that runs the real binary. The
//! test is the user: it reads the screen until a text appears, then types.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use platform::{Call, EMAIL, Organization, PASSWORD, Platform, World};

use crate::robot::{Robot, binary, reset_signals};
use crate::skip::installed;

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";
pub const CTRL_BACKSLASH: &str = "\x1c";

/// Long enough for a machine that is busy with other tests.
pub const TIMEOUT: Duration = Duration::from_secs(20);
pub const PAUSE: Duration = Duration::from_millis(10);

/// A terminal, the program on it, and everything that it has shown.
pub struct Terminal {
    /// The user's side.
    keyboard: File,
    /// The program's side, kept open so that its settings can be read after the program has ended.
    line: File,
    child: Child,
    screen: Vec<u8>,
    /// How much of the screen `waits_for` has passed.
    read: usize,
}

impl Terminal {
    /// Starts the command as the leader of a session on a new terminal, so that keys send signals.
    pub fn start(command: Command) -> Self {
        let (keyboard, line) = open_pair();
        Terminal::start_on(keyboard, line, command)
    }

    /// Starts the command on a terminal with a size. By default it has none, like a serial line.
    pub fn start_of_size((columns, lines): (u16, u16), command: Command) -> Self {
        let (keyboard, line) = open_pair();
        let size = libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: an open terminal, and one valid struct.
        check(unsafe { libc::ioctl(line.as_raw_fd(), libc::TIOCSWINSZ, &size) }).unwrap();
        Terminal::start_on(keyboard, line, command)
    }

    fn start_on(keyboard: File, line: File, mut command: Command) -> Self {
        // SAFETY: the call is async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                check(libc::setsid())?;
                check(libc::ioctl(libc::STDERR_FILENO, libc::TIOCSCTTY as _, 0))
            });
        }
        Terminal::spawn(keyboard, line, command)
    }

    /// Starts the command on a terminal that controls no session, as under `setsid`: keys send no signals.
    fn start_without_session(mut command: Command) -> Self {
        let (keyboard, line) = open_pair();
        // SAFETY: the call is async-signal-safe.
        unsafe { command.pre_exec(|| check(libc::setsid())) };
        Terminal::spawn(keyboard, line, command)
    }

    fn spawn(keyboard: File, line: File, mut command: Command) -> Self {
        let end = || line.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        reset_signals(&mut command);
        let child = command.spawn().unwrap();
        Terminal { keyboard, line, child, screen: Vec::new(), read: 0 }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads the screen until the text appears, below the last text that a test has waited for.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) {
        let deadline = Deadline::new();
        loop {
            if let Some(place) = find(&self.screen[self.read..], text.as_bytes()) {
                self.read += place + text.len();
                return;
            }
            assert!(!deadline.is_over(), "{text:?} did not appear on\n{}", self.text());
            self.look(PAUSE);
        }
    }

    #[track_caller]
    pub fn waits_for_echo(&mut self, on: bool) {
        let deadline = Deadline::new();
        while self.echoes() != on {
            assert!(!deadline.is_over(), "echo does not become {on}\n{}", self.text());
            self.look(PAUSE);
        }
    }

    /// Waits for the program to exit, and returns its exit code.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let status = self.wait();
        status.code().unwrap_or_else(|| panic!("{status}\n{}", self.text()))
    }

    /// Waits for a signal to end the program, and returns its number.
    #[track_caller]
    pub fn dies(&mut self) -> i32 {
        let status = self.wait();
        assert!(!status.core_dumped());
        status.signal().unwrap_or_else(|| panic!("{status}\n{}", self.text()))
    }

    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Deadline::new();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(!deadline.is_over(), "it does not end\n{}", self.text());
            self.look(PAUSE);
        };
        while self.look(Duration::ZERO) {}
        status
    }

    fn echoes(&self) -> bool {
        self.settings().c_lflag & libc::ECHO != 0
    }

    /// Whether the terminal has the settings of a new one.
    pub fn is_restored(&self) -> bool {
        let settings = self.settings();
        let flags = libc::ICANON | libc::ISIG | libc::ECHO | libc::ECHOE;
        let keys = [settings.c_cc[libc::VSUSP], settings.c_cc[libc::VQUIT]];
        settings.c_lflag & flags == flags && keys == *[CTRL_Z, CTRL_BACKSLASH].concat().as_bytes()
    }

    fn settings(&self) -> libc::termios {
        let mut settings = MaybeUninit::uninit();
        // SAFETY: tcgetattr fills the struct, or fails.
        unsafe {
            check(libc::tcgetattr(self.line.as_raw_fd(), settings.as_mut_ptr())).unwrap();
            settings.assume_init()
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: takes no pointer. The child was not waited for, so the number is its own.
        check(unsafe { libc::kill(pid, signal) }).unwrap();
    }

    /// Reads what the program has written, and returns whether there was anything.
    pub fn look(&mut self, wait: Duration) -> bool {
        let events = libc::POLLIN;
        let mut poll = libc::pollfd { fd: self.keyboard.as_raw_fd(), events, revents: 0 };
        // SAFETY: one valid struct.
        let ready = unsafe { libc::poll(&mut poll, 1, wait.as_millis() as i32) };
        let mut buffer = [0; 4096];
        match ready {
            1 => {
                let count = self.keyboard.read(&mut buffer).unwrap();
                self.screen.extend_from_slice(&buffer[..count]);
                count > 0
            }
            _ => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The kernel then sends SIGHUP to the rest of the session.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two sides of a new pseudo-terminal. Programs that other tests start inherit neither.
fn open_pair() -> (File, File) {
    let mut name = [0; 64];
    // SAFETY: the descriptor is new and owned here; the name has the length that is passed.
    let keyboard = unsafe {
        let keyboard = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC);
        check(keyboard.min(0)).unwrap();
        check(libc::grantpt(keyboard)).unwrap();
        check(libc::unlockpt(keyboard)).unwrap();
        check(libc::ptsname_r(keyboard, name.as_mut_ptr(), name.len())).unwrap();
        File::from_raw_fd(keyboard)
    };
    let name = name.map(|letter| letter as u8);
    let name = std::ffi::CStr::from_bytes_until_nul(&name).unwrap().to_str().unwrap();
    let mut options = OpenOptions::new();
    let line = options.read(true).write(true).custom_flags(libc::O_NOCTTY).open(name).unwrap();
    (keyboard, line)
}

fn check(result: i32) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

pub struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
    pub fn new() -> Self {
        Deadline(Instant::now() + TIMEOUT)
    }

    #[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
    pub fn is_over(&self) -> bool {
        Instant::now() > self.0
    }
}

/// One organization with one project, so that a login asks only for the password.
pub fn small_world() -> World {
    World::of([Organization::new("Acme", ["fleet"])])
}

pub fn at_terminal(robot: Robot) -> Robot {
    robot.env("TERM", "xterm").env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin")
}

/// A login by email that asks for the password.
pub fn at_password_prompt(robot: &Robot) -> Terminal {
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal
}

/// An interactive dash. Unlike bash, it leaves the terminal as programs leave it.
pub fn dash(robot: &Robot) -> Option<Terminal> {
    let mut command = shell(robot, installed("dash")?);
    command.arg("-i").env("PS1", "ready> ");
    let mut terminal = Terminal::start(command);
    terminal.waits_for("ready> ");
    Some(terminal)
}

/// A shell with the robot's environment, and the program's path as `$RIO`.
pub fn shell(robot: &Robot, path: impl AsRef<OsStr>) -> Command {
    let mut command = robot.command(path);
    command.env("RIO", binary());
    command
}

#[test]
fn password_is_not_shown() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let mut terminal = at_password_prompt(&robot);
    terminal.types(PASSWORD);
    terminal.types("\r");
    terminal.waits_for("Logged in as ada@example.com");
    assert_eq!(terminal.ends(), 0);
    let shown = terminal.text();
    assert!(shown.contains("Password for ada@example.com: \r\n"), "{shown}");
    for word in PASSWORD.split(' ') {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(!shown.contains('*'), "not even its length\n{shown}");
    assert!(terminal.is_restored());
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn password_is_hidden_on_a_terminal_without_a_session() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let arguments = ["auth", "token", "--email", EMAIL];
    let mut terminal = Terminal::start_without_session(robot.rio(&arguments).command());
    terminal.waits_for("Password for");
    assert!(!terminal.echoes());
    terminal.types(&format!("{PASSWORD}\n"));
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.text().contains(PASSWORD));
    assert!(terminal.echoes());
}

#[test]
fn prompt_ignores_earlier_typing() {
    let platform = Platform::start();
    platform.interval(1);
    let robot = at_terminal(Robot::of(&platform));
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Waiting for approval");
    terminal.types("2\n");
    terminal.waits_for("2");
    platform.approve();
    terminal.waits_for("Which organization?");
    terminal.types("1\n");
    terminal.waits_for("Which project?");
    terminal.types("1\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["organization_name"], "Acme Robotics");
}

#[test]
fn echo_is_off_before_the_prompt_appears() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let (keyboard, line) = open_pair();
    // Like Ctrl-S: output is held, so the prompt cannot appear.
    // SAFETY: an open terminal.
    check(unsafe { libc::tcflow(line.as_raw_fd(), libc::TCOOFF) }).unwrap();
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start_on(keyboard, line, command);
    terminal.waits_for_echo(false);
    assert_eq!(terminal.text(), "");
}

#[test]
fn hidden_prompt_handles_editing_keys_and_ignores_arrow_keys() {
    for (name, keys) in [
        ("arrow up at the end", format!("{PASSWORD}\x1b[A\r")),
        ("arrows in the middle", PASSWORD.replacen(' ', " \x1b[A\x1b[B\x1b[C\x1b[D", 1) + "\r"),
        ("arrows of a keypad", format!("\x1bOA\x1bOB{PASSWORD}\r")),
        ("home, end and delete", format!("\x1b[1~\x1b[4~\x1b[3~{PASSWORD}\r")),
        ("arrow with control", format!("{PASSWORD}\x1b[1;5A\r")),
        ("backspace", format!("{PASSWORD}xy\x7f\x7f\r")),
        ("a line taken back", format!("wrong\x15{PASSWORD}\r")),
    ] {
        let platform = Platform::with(small_world());
        let robot = at_terminal(Robot::of(&platform));
        let mut terminal = at_password_prompt(&robot);
        terminal.types(&keys);
        terminal.ends();
        let sent = platform.calls(Call::UserLogin)[0].json();
        assert_eq!(sent["password"], PASSWORD, "{name}");
    }
}

#[test]
fn ctrl_d_at_the_hidden_prompt_fails_the_login() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let before = robot.config_bytes();
    let mut terminal = at_password_prompt(&robot);
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 1);
    let shown = terminal.text();
    assert!(shown.contains("Password for ada@example.com: \r\nrio: no password"), "{shown}");
    assert!(terminal.is_restored());
    assert_eq!(robot.config_bytes(), before);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn ctrl_d_at_the_organization_prompt_keeps_the_login() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    let command = robot.rio(&["auth", "login", "--auth-token", &token]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Which organization?");
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.text().contains("`rio organization select`"), "{}", terminal.text());
    assert_eq!(robot.config()["auth_token"], token);
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn command_substitution_shows_prompt_and_captures_token() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let Some(mut terminal) = dash(&robot) else { return };
    terminal.types("T=$(\"$RIO\" auth token)\n");
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal.types(&format!("{PASSWORD}\r"));
    terminal.waits_for("ready> ");
    terminal.types("test \"$T\" = \"$(echo $T)\" -a ${#T} -gt 20; echo \"one word: $?\"\n");
    terminal.waits_for("one word: 0\r\n");
    assert!(!terminal.text().contains("horse"), "{}", terminal.text());
}

#[test]
fn secret_option_prompts_without_echo_at_a_terminal() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    let command = robot.rio(&["auth", "login", "--auth-token", "-"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for(": ");
    terminal.waits_for_echo(false);
    terminal.types(&token);
    terminal.types("\r");
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.text().contains(&token), "{}", terminal.text());
    assert_eq!(robot.config()["auth_token"], token);
}

/// What a command shows on a terminal, with these environment variables.
fn shown(robot: &Robot, arguments: &[&str], variables: &[(&str, &str)], until: &str) -> Terminal {
    let mut command = robot.rio(arguments).command();
    command.env_remove("LANG").envs(variables.iter().copied());
    let mut terminal = Terminal::start(command);
    terminal.waits_for(until);
    terminal.types(CTRL_C);
    terminal.wait();
    terminal
}

#[test]
fn ascii_terminal_gets_ascii() {
    let world = World::of([Organization::new("Zürich", ["a"]), Organization::new("Łódź", ["b"])]);
    let platform = Platform::with(world);
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    for (variables, utf8) in [
        (&[] as &[(&str, &str)], false),
        (&[("LANG", "C")], false),
        (&[("LANG", "POSIX")], false),
        (&[("LANG", "de_DE.ISO-8859-1")], false),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
        (&[("LANG", "C.UTF-8"), ("LC_CTYPE", "C")], false),
        (&[("LANG", "C.UTF-8")], true),
        (&[("LANG", "de_DE.utf8")], true),
        (&[("LANG", "C"), ("LC_ALL", "C.UTF-8")], true),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "")], true),
    ] {
        let arguments = ["auth", "login", "--yes", "--auth-token", &token];
        let terminal = shown(&robot, &arguments, variables, "Which organization?");
        assert_eq!(terminal.text().contains("Zürich"), utf8, "{variables:?}\n{}", terminal.text());
        assert_eq!(terminal.screen.is_ascii(), !utf8, "{variables:?}\n{}", terminal.text());
        assert!(terminal.text().contains("rich"), "{}", terminal.text());
    }
}

#[test]
fn ascii_terminal_gets_ascii_status() {
    let robot = at_terminal(Robot::new());
    robot.write_config(&serde_json::json!({
        "auth_token": "t", "email_id": EMAIL, "organization_id": "org-z",
        "organization_name": "Zürich", "project_id": "project-z", "project_name": "東京",
    }));
    for (language, utf8) in [("C", false), ("C.UTF-8", true)] {
        let variables = [("LANG", language)];
        let terminal = shown(&robot, &["auth", "status"], &variables, "Config file");
        assert_eq!(terminal.screen.is_ascii(), !utf8, "{}", terminal.text());
        assert_eq!(terminal.text().contains("Zürich"), utf8, "{}", terminal.text());
    }
}

#[test]
fn json_is_escaped_to_ascii() {
    let robot = at_terminal(Robot::new());
    robot.write_config(&serde_json::json!({
        "auth_token": "t", "organization_id": "org-z", "organization_name": "Zürich 🤖",
    }));
    let variables = [("LANG", "C")];
    let terminal = shown(&robot, &["auth", "status", "--json"], &variables, "}\r\n");
    assert!(terminal.screen.is_ascii(), "{}", terminal.text());
    let json: serde_json::Value =
        serde_json::from_str(terminal.text().lines().next().unwrap()).unwrap();
    assert_eq!(json["organization"]["name"], "Zürich 🤖", "nothing is lost");
}

#[test]
fn colors_need_a_terminal_that_supports_them() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    for (variables, colour) in [
        (&[("TERM", "xterm")] as &[(&str, &str)], true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
        // no-color.org: an empty value is no value.
        (&[("TERM", "xterm"), ("NO_COLOR", "")], true),
    ] {
        let arguments = ["auth", "login", "--no-browser"];
        let terminal = shown(&robot, &arguments, variables, "Waiting for approval");
        let escapes = terminal.screen.contains(&0x1b);
        assert_eq!(escapes, colour, "{variables:?}\n{}", terminal.text());
    }
}

#[test]
fn file_gets_no_colors() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash(&robot) else { return };
    platform.approve_after(0);
    platform.interval(1);
    terminal.types("\"$RIO\" auth login --no-browser </dev/null 2>shown; echo \"code=$?\"\n");
    terminal.waits_for("code=0\r\n");
    let shown = std::fs::read(robot.home().join("shown")).unwrap();
    assert!(find(&shown, b"enter this code").is_some());
    assert!(!shown.contains(&0x1b));
}

#[test]
fn status_line_counts_down_and_disappears() {
    let platform = Platform::with(small_world());
    platform.interval(2);
    let robot = at_terminal(Robot::of(&platform));
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("\rWaiting for approval (10:00 left)");
    terminal.waits_for("\rWaiting for approval (9:59 left)");
    platform.approve();
    // Spaces overwrite the line, and the cursor returns to its start.
    terminal.waits_for("   \rLogged in as ada@example.com");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn long_list_is_filtered_by_part_of_a_name() {
    let names = (0..60).map(|number| format!("robot-{number:02}")).chain(["Gripper-7".to_owned()]);
    let platform = Platform::with(World::of([Organization::new("Acme", names)]));
    let robot = at_terminal(Robot::of(&platform));
    let arguments = ["auth", "login", "--auth-token", &platform.issue_token()];
    let mut terminal = Terminal::start(robot.rio(&arguments).command());
    terminal.waits_for("and 40 more. Enter part of a name to narrow the list.");
    terminal.waits_for("Which project? ");
    assert!(!terminal.text().contains("robot-59"), "{}", terminal.text());

    terminal.types("\n");
    terminal.waits_for("\nEnter a number from 1 to 61, part of a name, or a GUID.");
    terminal.waits_for("Which project? ");
    terminal.types("nothing like it\n");
    terminal.waits_for("No match. Enter a number from 1 to 61, part of a name, or a GUID.");
    terminal.waits_for("Which project? ");
    terminal.types("BOT-5\n");
    terminal.waits_for("10 matches:");
    for number in 50..60 {
        terminal.waits_for(&format!("robot-{number}"));
    }
    terminal.waits_for("Which project? ");
    terminal.types("gripper\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["project_name"], "Gripper-7");
}

#[test]
fn trace_replaces_the_status_line() {
    let platform = Platform::with(small_world());
    platform.interval(1);
    platform.approve_after(1);
    let robot = at_terminal(Robot::of(&platform)).env("RIO_DEBUG", "1");
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    assert_eq!(terminal.ends(), 0);
    let shown = terminal.text();
    assert!(shown.contains("rio: debug: wait 1.05 s"), "{shown}");
    let traced = shown.lines().filter(|line| line.contains("rio: debug:"));
    assert!(traced.clone().all(|line| line.trim_start().starts_with("rio: debug:")), "{shown}");
    assert!(traced.count() > 5, "{shown}");
}
