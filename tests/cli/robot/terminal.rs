//! A pseudo-terminal that the real binary runs on, or a shell that runs the real binary. The test is the user: it
//! reads the screen until a text appears, then types.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use platform::{EMAIL, Organization, World};

use crate::robot::skip::installed;
use crate::robot::{Robot, binary, reset_signals};

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
    pub screen: Vec<u8>,
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

    pub fn start_on(keyboard: File, line: File, mut command: Command) -> Self {
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
    pub fn start_without_session(mut command: Command) -> Self {
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

    pub fn echoes(&self) -> bool {
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
pub fn open_pair() -> (File, File) {
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

pub fn check(result: i32) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

pub fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
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
