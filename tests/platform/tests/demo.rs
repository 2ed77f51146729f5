//! The demo with `echo` or `false` as rio, at a terminal and without one.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use platform::PASSWORD;
use skip::{installed, skip};

#[path = "../../cli/robot/skip.rs"]
mod skip;

const DEMO: &str = env!("CARGO_BIN_EXE_demo");
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const LAST_WORDS: &str = "It has removed its login and config file";

fn demo(argument: &str) -> Output {
    Command::new(DEMO).arg(argument).stdin(Stdio::null()).output().unwrap()
}

/// The demo on a pseudo-terminal of `script`.
struct Terminal {
    script: Child,
    screen: String,
    /// The parent of the demo's temporary directory.
    temporary: PathBuf,
}

impl Terminal {
    /// With `echo` as rio.
    fn start(name: &str, shell: &str) -> Option<Terminal> {
        Terminal::start_with("/bin/echo", name, shell)
    }

    /// `None` if there is no `script` of util-linux. `name` is unique for each terminal.
    fn start_with(rio: &str, name: &str, shell: &str) -> Option<Terminal> {
        let version = Command::new("script").arg("--version").output();
        if !version.is_ok_and(|output| output.stdout.starts_with(b"script from util-linux")) {
            skip("needs script (util-linux)");
            return None;
        }
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir(&temporary).unwrap();
        let script = Command::new("timeout")
            .args([
                "60",
                "script",
                "--quiet",
                "--return",
                "--command",
                // Keeps the terminal open until the test has read the demo's last words.
                "trap : INT; \"$DEMO\" \"$RIO\"; code=$?; read -r _; exit $code",
                "/dev/null",
            ])
            .env("DEMO", DEMO)
            .env("RIO", rio)
            .env("SHELL", shell)
            .env("TMPDIR", &temporary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Terminal { script, screen: String::new(), temporary })
    }

    fn types(&mut self, keys: impl AsRef<[u8]>) {
        self.script.stdin.as_mut().unwrap().write_all(keys.as_ref()).unwrap();
    }

    /// Reads until the text appears, and returns the output since the last call.
    fn waits_for(&mut self, text: &str) -> String {
        self.screen.clear();
        while !self.screen.contains(text) {
            let mut byte = [0];
            let length = self.script.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_ne!(length, 0, "{text:?} did not appear on\n{}", self.screen);
            self.screen.push(byte[0].into());
        }
        self.screen.clone()
    }

    /// Waits for the demo to say that it has ended, and to have removed its files. Returns its exit code.
    fn ends(&mut self) -> Option<i32> {
        self.waits_for(LAST_WORDS);
        assert!(fs::read_dir(&self.temporary).unwrap().next().is_none(), "temporary files remain");
        self.waits_for("run:\r\n    make demo\r\n");
        self.types("\n");
        self.script.wait().unwrap().code()
    }
}

#[test]
fn help_option_prints_help() {
    for option in ["--help", "-h"] {
        let output = demo(option);
        assert!(output.status.success());
        assert!(output.stdout.starts_with(b"usage: demo RIO\n"), "{output:?}");
    }
}

#[test]
fn demo_without_terminal_asks_nothing() {
    let output = demo("/bin/echo");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("\nauth login\n") && text.contains("\nauth status\n"), "{text}");
    assert!(!text.contains("Enter") && !text.contains("shell"), "{text}");
    assert!(!text.contains("QR") && text.contains(LAST_WORDS), "{text}");
}

#[test]
fn introduction_fits_the_screen_and_waits_for_enter() {
    let Some(mut terminal) = Terminal::start("introduction", "/bin/sh") else { return };
    let introduction = terminal.waits_for("Press Enter");
    assert!(introduction.contains("a phone cannot open it"), "{introduction}");
    assert!(introduction.contains("a QR code if the terminal"), "{introduction}");
    assert!(!introduction.contains(PASSWORD), "{introduction}");
    assert!(!introduction.contains("$ rio"), "{introduction}");
    assert!(introduction.lines().count() < 20, "{introduction}");
    let path = terminal.temporary.to_str().unwrap();
    let is_wide = |line: &str| line.replace(path, "/tmp").chars().count() >= 80;
    assert!(!introduction.lines().any(is_wide), "{introduction}");
}

#[test]
fn shell_has_this_rio_and_its_own_config() {
    for name in ["bash", "dash", "zsh"] {
        let Some(shell) = installed(name) else { continue };
        let Some(mut terminal) = Terminal::start(name, shell.to_str().unwrap()) else { return };
        terminal.waits_for("Press Enter");
        terminal.types("\n");
        terminal.waits_for("auth status");
        terminal.waits_for("Start the shell?");
        terminal.types("\n");
        assert!(terminal.waits_for("(rio demo) $ ").contains(PASSWORD));
        terminal.types("rio is-echo; echo \"[$HISTFILE]\"; grep -c oidc_host $RIO_CONFIG; echo $RIO_CONFIG; false\n");
        terminal.waits_for("is-echo\r\n[]\r\n1\r\n");
        terminal.waits_for(terminal.temporary.clone().to_str().unwrap());
        terminal.waits_for("(rio demo) $ ");
        // Not at the prompt: a shell that is about to read a line may lose the prompt.
        terminal.types("sh -c 'echo started; exec sleep 60'\n");
        terminal.waits_for("started\r\n");
        terminal.types(CTRL_C);
        terminal.waits_for("(rio demo) $ ");
        terminal.types("exit\n");
        assert_eq!(terminal.ends(), Some(0), "{name}");
    }
}

#[test]
fn wrong_answer_asks_again() {
    let Some(mut terminal) = Terminal::start("wrong", "/bin/sh") else { return };
    terminal.waits_for("Press Enter");
    for wrong in [&b"n\n"[..], b"maybe\n", b"a a\n", b"\xfc\n"] {
        terminal.types(wrong);
        terminal.waits_for("type a, or press Ctrl-C to end the demo.\r\nPress Enter");
    }
    terminal.types("A\n");
    terminal.waits_for("Start the shell?");
    for wrong in ["maybe\n", "a\n", "yess\n"] {
        terminal.types(wrong);
        terminal.waits_for("Answer y or n.\r\nStart the shell?");
    }
    terminal.types(" No \n");
    assert_eq!(terminal.ends(), Some(0));
}

#[test]
fn failed_login_ends_with_last_words() {
    let Some(mut terminal) = Terminal::start_with("/bin/false", "failed", "/bin/sh") else {
        return;
    };
    terminal.waits_for("Press Enter");
    terminal.types("\n");
    assert_eq!(terminal.ends(), Some(1));
}

#[test]
fn interrupt_or_end_of_input_ends_with_last_words() {
    for question in ["Press Enter", "Start the shell?"] {
        for (key, code) in [(CTRL_C, 130), (CTRL_D, 0)] {
            let Some(mut terminal) = Terminal::start("interrupt", "/bin/sh") else { return };
            terminal.waits_for("Press Enter");
            if question != "Press Enter" {
                terminal.types("\n");
                terminal.waits_for(question);
            }
            terminal.types(key);
            assert_eq!(terminal.ends(), Some(code), "{question}");
        }
    }
}
