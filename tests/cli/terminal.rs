//! `rio` at a terminal: what is hidden stays hidden, and the terminal is left as it was found.
//!
//! [`Terminal`] is a pseudo-terminal with the real binary on it, or a shell that runs the real binary. The
//! test is the person: it reads the screen until something appears, then presses keys.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, World};

use crate::robot::{Robot, binary};
use crate::skip::skip;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// Longer than anything takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that tells nobody when it changes.
const GLANCE: Duration = Duration::from_millis(10);

/// A terminal, the program on it, and all that it has shown.
pub struct Terminal {
    /// The person's side.
    keyboard: File,
    /// The program's side, held open so that its settings can be looked at when the program is gone.
    line: File,
    child: Child,
    screen: Vec<u8>,
    /// How much of the screen was waited for already.
    read: usize,
}

impl Terminal {
    /// Starts the command on a terminal of its own: it leads a session, so that keys make signals.
    pub fn start(command: Command) -> Self {
        let (keyboard, line) = open_pair();
        Terminal::start_on(keyboard, line, command)
    }

    /// The same on one of so many columns and lines; until then it has none, as on a serial line.
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

    /// Starts the command on a terminal that controls no session, as under `setsid` or an init that
    /// has none: keys make no signals, and nobody is in the foreground.
    fn start_without_session(mut command: Command) -> Self {
        let (keyboard, line) = open_pair();
        // SAFETY: the call is async-signal-safe.
        unsafe { command.pre_exec(|| check(libc::setsid())) };
        Terminal::spawn(keyboard, line, command)
    }

    fn spawn(keyboard: File, line: File, mut command: Command) -> Self {
        let end = || line.try_clone().unwrap();
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        Terminal { keyboard, line, child, screen: Vec::new(), read: 0 }
    }

    /// Presses keys.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads the screen until this text appears, after what was waited for before.
    #[track_caller]
    pub fn waits_for(&mut self, text: &str) {
        let deadline = Deadline::new();
        loop {
            if let Some(place) = find(&self.screen[self.read..], text.as_bytes()) {
                self.read += place + text.len();
                return;
            }
            assert!(!deadline.is_over(), "{text:?} did not appear on\n{}", self.text());
            self.look(GLANCE);
        }
    }

    /// Waits until the terminal shows what is typed, or does not.
    #[track_caller]
    fn waits_for_echo(&mut self, on: bool) {
        let deadline = Deadline::new();
        while self.echoes() != on {
            assert!(!deadline.is_over(), "echo does not become {on}\n{}", self.text());
            self.look(GLANCE);
        }
    }

    /// Waits for the program's end: its exit code, as a shell numbers it.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let deadline = Deadline::new();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(!deadline.is_over(), "it does not end\n{}", self.text());
            self.look(GLANCE);
        };
        while self.look(Duration::ZERO) {}
        status.code().or(status.signal().map(|signal| 128 + signal)).unwrap()
    }

    /// Whether the terminal shows what is typed.
    fn echoes(&self) -> bool {
        self.settings().c_lflag & libc::ECHO != 0
    }

    /// Whether the terminal edits lines, and makes signals of Ctrl-C and Ctrl-Z.
    fn is_cooked(&self) -> bool {
        let wanted = libc::ICANON | libc::ISIG | libc::ECHO | libc::ECHOE;
        self.settings().c_lflag & wanted == wanted
    }

    fn settings(&self) -> libc::termios {
        let mut settings = MaybeUninit::uninit();
        // SAFETY: tcgetattr fills the struct, or fails.
        unsafe {
            check(libc::tcgetattr(self.line.as_raw_fd(), settings.as_mut_ptr())).unwrap();
            settings.assume_init()
        }
    }

    /// Everything shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a child that was not waited for yet, so the number is its own.
        check(unsafe { libc::kill(pid, signal) }).unwrap();
    }

    /// Reads what there is to read, waiting so long for it; whether there was anything.
    fn look(&mut self, wait: Duration) -> bool {
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
        // When the leader of a session is gone, the kernel hangs up on the rest of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two sides of a new pseudo-terminal. Neither is inherited by what other tests start meanwhile.
fn open_pair() -> (File, File) {
    let mut name = [0; 64];
    // SAFETY: the descriptor is new and nobody else's; the name is as long as it is said to be.
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

struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
    fn new() -> Self {
        Deadline(Instant::now() + PATIENCE)
    }

    #[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
    fn is_over(&self) -> bool {
        Instant::now() > self.0
    }
}

/// One organization with one project, so that a login asks for nothing but the password.
fn small_world() -> World {
    World::of([Organization::new("Acme", ["fleet"])])
}

fn at_terminal(robot: Robot) -> Robot {
    robot.env("TERM", "xterm").env("LANG", "C.UTF-8").env("PATH", "/usr/bin:/bin")
}

/// A login by email that stands at its hidden prompt.
fn at_password_prompt(robot: &Robot) -> Terminal {
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    terminal
}

/// An interactive dash, which knows jobs and, unlike bash, leaves the terminal as programs leave it.
fn dash(robot: &Robot) -> Option<Terminal> {
    let path = ["/bin/dash", "/usr/bin/dash"].into_iter().find(|path| Path::new(path).exists());
    let Some(path) = path else {
        skip("needs dash");
        return None;
    };
    let environment = robot.rio(&[]).command();
    let mut command = Command::new(path);
    command.arg("-i").env_clear().current_dir(robot.home());
    command.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PS1", "ready> ").env("RIO", binary());
    let mut terminal = Terminal::start(command);
    terminal.waits_for("ready> ");
    Some(terminal)
}

/// dash, in which a login asks for its password and shows nothing that is typed.
fn dash_at_password_prompt(robot: &Robot) -> Option<Terminal> {
    let mut terminal = dash(robot)?;
    terminal.types("\"$RIO\" auth login --email ada@example.com\n");
    terminal.waits_for("Password for ada@example.com: ");
    terminal.waits_for_echo(false);
    Some(terminal)
}

/// What `stty` says of echo, asked by the shell as its user would.
#[track_caller]
fn stty_says_echo(terminal: &mut Terminal) -> bool {
    let from = terminal.screen.len();
    terminal.types("stty -a; echo 'that is'' all'\n");
    terminal.waits_for("that is all");
    terminal.waits_for("ready> ");
    let answer = String::from_utf8_lossy(&terminal.screen[from..]).into_owned();
    let has = |word| answer.split_whitespace().any(|flag| flag == word);
    assert!(has("echo") != has("-echo"), "{answer}");
    has("echo")
}

#[track_caller]
fn shell_says_code(terminal: &mut Terminal, code: i32) {
    terminal.types("echo \"code=$?\"\n");
    terminal.waits_for(&format!("code={code}\r\n"));
    terminal.waits_for("ready> ");
}

#[test]
fn a_password_is_not_shown_while_it_is_typed() {
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
    assert!(terminal.is_cooked());
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn a_password_is_hidden_on_a_terminal_that_controls_no_session() {
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
fn what_is_typed_while_waiting_answers_no_question() {
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
fn typing_is_hidden_before_the_prompt_invites_to_type() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let (keyboard, line) = open_pair();
    // As by Ctrl-S: nothing can be shown, so the prompt is still to come for as long as this test looks.
    // SAFETY: an open terminal.
    check(unsafe { libc::tcflow(line.as_raw_fd(), libc::TCOOFF) }).unwrap();
    let command = robot.rio(&["auth", "login", "--email", EMAIL]).command();
    let mut terminal = Terminal::start_on(keyboard, line, command);
    terminal.waits_for_echo(false);
    assert_eq!(terminal.text(), "");
}

#[test]
fn the_keys_that_edit_a_line_edit_the_password_and_no_others_get_into_it() {
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
fn a_signal_at_the_hidden_prompt_leaves_the_terminal_and_the_file_as_they_were() {
    type Send = fn(&mut Terminal);
    let cases: [(&str, Send, i32); 5] = [
        ("Ctrl-C", |terminal| terminal.types(CTRL_C), 130),
        ("Ctrl-\\", |terminal| terminal.types(CTRL_BACKSLASH), 131),
        ("SIGINT", |terminal| terminal.signal(libc::SIGINT), 130),
        ("SIGTERM", |terminal| terminal.signal(libc::SIGTERM), 143),
        ("SIGHUP", |terminal| terminal.signal(libc::SIGHUP), 129),
    ];
    for (name, send, code) in cases {
        let platform = Platform::start();
        let robot = at_terminal(Robot::of(&platform));
        let before = robot.config_bytes();
        let mut terminal = at_password_prompt(&robot);
        if name.starts_with("Ctrl") {
            // A signal from outside may overtake keys that the terminal has not looked at yet.
            terminal.types("half a passw");
        }
        send(&mut terminal);
        assert_eq!(terminal.ends(), code, "{name}");
        assert!(terminal.is_cooked(), "{name}");
        assert!(!terminal.text().contains("half"), "{name}\n{}", terminal.text());
        assert_eq!(robot.config_bytes(), before, "{name}");
        assert_eq!(platform.connections(), 0, "{name}");
    }
}

#[test]
fn the_shell_shows_what_is_typed_after_ctrl_c_at_the_hidden_prompt() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash_at_password_prompt(&robot) else { return };
    terminal.types(CTRL_C);
    // On a line of its own, not behind the prompt that was given up.
    terminal.waits_for("\nready> ");
    assert!(terminal.is_cooked());
    shell_says_code(&mut terminal, 130);
    assert!(stty_says_echo(&mut terminal));
}

#[test]
fn ctrl_z_at_the_hidden_prompt_lends_the_shell_its_echo_until_fg() {
    let platform = Platform::with(small_world());
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash_at_password_prompt(&robot) else { return };
    // Twice, since a handler that worked once may be gone.
    for _ in 0..2 {
        terminal.waits_for_echo(false);
        terminal.types("half a passw");
        terminal.types(CTRL_Z);
        terminal.waits_for("ready> ");
        assert!(terminal.is_cooked());
        assert!(stty_says_echo(&mut terminal));
        terminal.types("fg\n");
    }
    terminal.waits_for_echo(false);
    terminal.types(PASSWORD);
    terminal.types("\r");
    terminal.waits_for("Logged in as ada@example.com");
    terminal.waits_for("ready> ");
    shell_says_code(&mut terminal, 0);
    assert!(stty_says_echo(&mut terminal));
    let shown = terminal.text();
    assert!(!shown.contains("half") && !shown.contains("horse"), "{shown}");
    assert_eq!(platform.calls(Call::UserLogin)[0].json()["password"], PASSWORD);
}

#[test]
fn after_fg_the_hidden_prompt_is_there_again() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash_at_password_prompt(&robot) else { return };
    terminal.types(CTRL_Z);
    terminal.waits_for("ready> ");
    terminal.types("fg\n");
    terminal.waits_for_echo(false);
    terminal.waits_for("Password for ada@example.com: ");
}

#[test]
fn ctrl_c_after_fg_restores_the_terminal_too() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let Some(mut terminal) = dash_at_password_prompt(&robot) else { return };
    terminal.types(CTRL_Z);
    terminal.waits_for("ready> ");
    terminal.types("fg\n");
    terminal.waits_for_echo(false);
    terminal.types(CTRL_C);
    terminal.waits_for("ready> ");
    shell_says_code(&mut terminal, 130);
    assert!(stty_says_echo(&mut terminal));
}

#[test]
fn ctrl_d_at_the_hidden_prompt_means_that_nobody_answers() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let before = robot.config_bytes();
    let mut terminal = at_password_prompt(&robot);
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 1);
    let shown = terminal.text();
    assert!(shown.contains("Password for ada@example.com: \r\nrio: no password"), "{shown}");
    assert!(terminal.is_cooked());
    assert_eq!(robot.config_bytes(), before);
    assert_eq!(platform.connections(), 0);
}

#[test]
fn ctrl_d_at_the_list_of_organizations_keeps_the_login() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    let token = platform.issue_token();
    let command = robot.rio(&["auth", "login", "--auth-token", &token]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Which organization?");
    terminal.types(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.text().contains("--organization"), "{}", terminal.text());
    assert_eq!(robot.config()["auth_token"], token);
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn ctrl_c_ends_a_login_wherever_it_stands() {
    let platform = Platform::start();
    let (robot, token) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let before = robot.config_bytes();
    for (arguments, text) in [
        (&["--yes", "--no-browser"] as &[&str], "Waiting for approval"),
        (&[], "Log in again? [y/N] "),
        (&["--email", EMAIL], "Log in again? [y/N] "),
    ] {
        let arguments = [&["auth", "login"], arguments].concat();
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        terminal.waits_for(text);
        terminal.types(CTRL_C);
        assert_eq!(terminal.ends(), 130, "{text}");
        assert!(terminal.is_cooked(), "{text}");
        assert_eq!(robot.config_bytes(), before, "{text}");
    }

    // By then the token is stored: it must not be lost, and nothing is selected.
    let command = robot.rio(&["auth", "login", "--yes", "--auth-token", &token]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("Which organization?");
    terminal.types(CTRL_C);
    assert_eq!(terminal.ends(), 130);
    assert!(terminal.is_cooked());
    assert_eq!(robot.config()["auth_token"], token);
    assert_eq!(robot.config().get("organization_id"), None);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_server() {
    let platform = Platform::start();
    let (robot, _) = Robot::logged_in(&platform);
    let robot = at_terminal(robot);
    let before = robot.config_bytes();
    for (arguments, call) in [
        (["auth", "status", "--verify"], Call::UserInfo),
        (["auth", "login", "--yes"], Call::Discovery),
        (["auth", "refresh-token", "--interactive"], Call::RefreshToken),
    ] {
        platform.answer(call, Answer::stall(2 * PATIENCE));
        let mut terminal = Terminal::start(robot.rio(&arguments).command());
        let deadline = Deadline::new();
        while platform.calls(call).is_empty() {
            assert!(!deadline.is_over(), "{call:?} is not asked\n{}", terminal.text());
            terminal.look(GLANCE);
        }
        terminal.types(CTRL_C);
        assert_eq!(terminal.ends(), 130, "{call:?}");
        assert_eq!(robot.config_bytes(), before, "{call:?}");
    }
}

#[test]
fn a_prompt_is_seen_where_the_result_goes_into_a_variable() {
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
fn a_secret_from_a_terminal_is_hidden_like_any_other() {
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

/// What a command with this much of an environment shows on a terminal.
fn shown(robot: &Robot, arguments: &[&str], variables: &[(&str, &str)], until: &str) -> Terminal {
    let mut command = robot.rio(arguments).command();
    command.env_remove("LANG").envs(variables.iter().copied());
    let mut terminal = Terminal::start(command);
    terminal.waits_for(until);
    terminal.types(CTRL_C);
    terminal.ends();
    terminal
}

#[test]
fn a_terminal_that_is_not_utf_8_gets_plain_ascii() {
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
fn the_status_is_plain_ascii_there_too() {
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
fn json_on_an_ascii_terminal_escapes_what_is_not() {
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
fn escapes_are_only_for_a_terminal_that_wants_them() {
    let platform = Platform::start();
    let robot = at_terminal(Robot::of(&platform));
    for (variables, colour) in [
        (&[("TERM", "xterm")] as &[(&str, &str)], true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
        // no-color.org: set, and not empty.
        (&[("TERM", "xterm"), ("NO_COLOR", "")], true),
    ] {
        let arguments = ["auth", "login", "--no-browser"];
        let terminal = shown(&robot, &arguments, variables, "Waiting for approval");
        let escapes = terminal.screen.contains(&0x1b);
        assert_eq!(escapes, colour, "{variables:?}\n{}", terminal.text());
    }
}

#[test]
fn there_are_no_escapes_where_standard_error_is_a_file() {
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
fn the_time_left_counts_down_on_one_line_that_is_gone_after_success() {
    let platform = Platform::with(small_world());
    platform.interval(2);
    let robot = at_terminal(Robot::of(&platform));
    let command = robot.rio(&["auth", "login", "--no-browser"]).command();
    let mut terminal = Terminal::start(command);
    terminal.waits_for("\rWaiting for approval (10:00 left)");
    terminal.waits_for("\rWaiting for approval (9:59 left)");
    platform.approve();
    // Blanks over the whole of it, and the cursor back at the margin.
    terminal.waits_for("   \rLogged in as ada@example.com");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_list_longer_than_the_screen_is_narrowed_by_part_of_a_name() {
    let names = (0..60).map(|number| format!("robot-{number:02}")).chain(["Gripper-7".to_owned()]);
    let platform = Platform::with(World::of([Organization::new("Acme", names)]));
    let robot = at_terminal(Robot::of(&platform));
    let arguments = ["auth", "login", "--auth-token", &platform.issue_token()];
    let mut terminal = Terminal::start(robot.rio(&arguments).command());
    terminal.waits_for("and 40 more. Enter part of a name to narrow the list.");
    terminal.waits_for("Which project? ");
    assert!(!terminal.text().contains("robot-59"), "{}", terminal.text());

    terminal.types("nothing like it\n");
    terminal.waits_for("No match. Enter a number from 1 to 61, a name or a GUID.");
    terminal.waits_for("Which project? ");
    terminal.types("BOT-5\n");
    for number in 50..60 {
        terminal.waits_for(&format!("robot-{number}"));
    }
    terminal.waits_for("Which project? ");
    terminal.types("gripper\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(robot.config()["project_name"], "Gripper-7");
}

#[test]
fn a_trace_is_not_drawn_over_by_the_time_left() {
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
