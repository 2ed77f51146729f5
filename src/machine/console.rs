//! The three standard streams: results on standard output, everything else on standard error, answers from
//! standard input.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use serde_json::Value;

use crate::advice;
use crate::error::{Error, Warning};
use crate::json;
use crate::machine::qr::{self, Style};
use crate::machine::signals::{self, StoppablePrompt};
use crate::machine::terminal::{self, Screen, Size};
use crate::secret::Secret;
use crate::text;

/// The columns before the advice of an error.
const ADVICE_INDENT: usize = 2;

/// Where results go.
pub trait Output: Write {
    /// Whether it is a pipe or a socket whose reader has gone.
    fn is_abandoned(&self) -> bool;
}

/// Where answers come from: a terminal, or the lines of a pipe or a file.
pub trait Input {
    fn is_terminal(&self) -> bool;
    /// The next line without its line break; `None` at the end of input.
    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>>;
    /// How many bytes the user of a terminal has typed, in lines that are complete.
    fn typed_bytes(&self) -> usize {
        0
    }
    /// The next line as a secret. [`io::ErrorKind::InvalidData`] if it is not UTF-8.
    fn read_secret_line(&mut self) -> io::Result<Option<Secret>>;
}

/// Every line that it prints goes through [`text::printable`], so no text can control the terminal.
pub struct Console {
    input: Box<dyn Input>,
    out: Box<dyn Output>,
    err: Box<dyn Write>,
    screen: Screen,
    /// Where questions appear if standard error is no terminal.
    question_terminal: Option<(File, Size)>,
    /// The status line on the screen; empty if there is none.
    status: String,
}

impl Console {
    pub fn new(
        input: Box<dyn Input>,
        out: Box<dyn Output>,
        err: Box<dyn Write>,
        screen: Screen,
    ) -> Self {
        Console { input, out, err, screen, question_terminal: None, status: String::new() }
    }

    /// With a terminal for questions, if standard error is none.
    pub fn with_question_terminal(self, terminal: Option<(File, Size)>) -> Self {
        Console { question_terminal: terminal, ..self }
    }

    /// Prints a line of the result on standard output. If that fails, the command must fail: a script would
    /// take an incomplete result for a complete one.
    pub fn print(&mut self, line: &str) -> Result<(), Error> {
        self.write_out(&self.folded(line, self.screen.stdout.as_ref()))
    }

    pub fn prints_to_terminal(&self) -> bool {
        self.screen.stdout.is_some()
    }

    /// Prints a JSON value on one line, escaped to ASCII.
    pub fn print_json(&mut self, value: &Value) -> Result<(), Error> {
        self.write_out(&json::to_ascii(&value.to_string()))
    }

    pub fn print_text(&mut self, text: &str) -> Result<(), Error> {
        text.lines().try_for_each(|line| self.print(line))
    }

    pub fn print_script(&mut self, script: &str) -> Result<(), Error> {
        self.write_out(script.trim_end_matches('\n'))
    }

    fn write_out(&mut self, text: &str) -> Result<(), Error> {
        let line = format!("{text}\n");
        self.out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(unwritable_error)
    }

    /// Whether the program that reads the results has gone.
    pub fn is_abandoned(&self) -> bool {
        self.out.is_abandoned()
    }

    /// Prints a line on standard error. A failure to write it is ignored.
    pub fn say(&mut self, line: &str) {
        let line = self.folded(line, self.screen.stderr.as_ref());
        self.write_err(&format!("{line}\n"));
    }

    /// Like [`Console::say`]. In the journal, the line has a lower priority than others, so that a service can
    /// filter it (sd-daemon(3)).
    pub fn say_routine(&mut self, line: &str) {
        let priority = if self.screen.journal { "<6>" } else { "" };
        self.say(&format!("{priority}{line}"));
    }

    /// Like [`Console::say`], where questions appear.
    pub fn say_to_user(&mut self, line: &str) {
        let line = self.folded(line, self.question_size());
        self.write_to_user(&format!("{line}\n"));
    }

    /// Like [`Console::say`], in bold and never broken.
    pub fn say_strong(&mut self, line: &str) {
        let line = self.unbroken(line, self.screen.stderr.as_ref());
        match self.screen.color {
            true => self.write_err(&format!("\x1b[1m{line}\x1b[0m\n")),
            false => self.write_err(&format!("{line}\n")),
        }
    }

    /// Prints an [`advice`] on standard error, indented by some columns.
    pub fn say_advice(&mut self, advice: &str, indent: usize) {
        let lines = self.advice_lines(advice, indent, self.screen.stderr.as_ref());
        lines.iter().for_each(|line| self.write_err(&format!("{line}\n")));
    }

    /// Like [`Console::say_advice`], where questions appear.
    pub fn advise_user(&mut self, advice: &str) {
        let lines = self.advice_lines(advice, 0, self.question_size());
        lines.iter().for_each(|line| self.write_to_user(&format!("{line}\n")));
    }

    /// Prints an [`advice`] as a part of the result.
    pub fn print_advice(&mut self, advice: &str, indent: usize) -> Result<(), Error> {
        let lines = self.advice_lines(advice, indent, self.screen.stdout.as_ref());
        lines.iter().try_for_each(|line| self.write_out(line))
    }

    pub fn warn(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        for warning in warnings {
            self.say(&format!("rio: warning: {}", warning.fact()));
            self.say_advice(warning.advice(), ADVICE_INDENT);
        }
    }

    pub fn fail(&mut self, error: &Error) {
        if error.is_quiet() {
            return;
        }
        self.say(&format!("rio: {}", error.fact()));
        self.say_advice(error.advice(), ADVICE_INDENT);
    }

    /// Whether standard error is a terminal and standard output goes elsewhere.
    pub fn shows_only_messages(&self) -> bool {
        self.screen.stderr.is_some() && self.screen.stdout.is_none()
    }

    /// Replaces the status line, unless it shows the text already: a screen reader would read it again. Does
    /// nothing without [`Screen::status_line`].
    pub fn show_status(&mut self, text: &str) {
        let Some(columns) = self.status_columns() else { return };
        let text = self.shown(text, self.screen.stderr.as_ref());
        let text = text::first_columns(&text, columns);
        // The shell's prompt is there while the program is in the background.
        if text == self.status || !self.screen.status_line.is_some_and(|may_draw| may_draw()) {
            return;
        }
        let old_width = text::columns(&self.status).min(columns);
        self.write_raw(&format!("\r{}", text::padded(text, old_width)));
        text.clone_into(&mut self.status);
    }

    pub fn clear_status(&mut self) {
        let width = text::columns(&std::mem::take(&mut self.status));
        if width > 0 {
            self.write_raw(&format!("\r{:width$}\r", ""));
        }
    }

    pub fn has_status(&self) -> bool {
        self.status_columns().is_some()
    }

    /// Whether [`Console::show_status`] shows the whole text.
    pub fn fits_status(&self, text: &str) -> bool {
        self.status_columns().is_some_and(|columns| text::columns(text) <= columns)
    }

    /// One column less than the terminal has: a full line would wrap.
    fn status_columns(&self) -> Option<usize> {
        let size = self.screen.stderr.as_ref().filter(|_| self.screen.status_line.is_some())?;
        Some(size().0.saturating_sub(1))
    }

    /// Whether standard error is a terminal.
    pub fn has_terminal(&self) -> bool {
        self.screen.stderr.is_some()
    }

    /// Draws a QR code if that leaves `lines_free` lines of the screen. Otherwise returns the reason.
    pub fn draw_qr(&mut self, text: &str, lines_free: usize) -> Result<(), String> {
        let Screen { color, utf8, half_blocks, is_dumb, .. } = self.screen;
        if is_dumb || !self.has_terminal() {
            return Err("the terminal is dumb (TERM)".to_owned());
        }
        let style = Style { color, half_blocks: utf8 && half_blocks };
        let rows = qr::draw(text, style, self.columns(), self.lines(), lines_free);
        let rows = rows.map_err(|reason| match (utf8, half_blocks) {
            (false, _) => format!("without a UTF-8 locale, {reason}"),
            (true, false) => format!("with TERM=linux, {reason}"),
            (true, true) => reason,
        })?;
        rows.iter().for_each(|row| self.write_err(&format!("{row}\n")));
        Ok(())
    }

    /// How many lines of a list fit above its question.
    pub fn lines_for_list(&self) -> usize {
        let lines = self.question_size().map_or(usize::MAX, |size| size().1);
        lines.saturating_sub(2).max(1)
    }

    pub fn columns(&self) -> usize {
        self.screen.stderr.as_ref().map_or(usize::MAX, |size| size().0)
    }

    pub fn lines(&self) -> usize {
        self.screen.stderr.as_ref().map_or(usize::MAX, |size| size().1)
    }

    /// How many lines [`Console::say`] and [`Console::say_to_user`] take for the text.
    pub fn lines_of(&self, text: &str) -> usize {
        let size = self.question_size();
        let columns = size.map_or(usize::MAX, |size| size().0).max(1);
        let lines = |line: &str| text::columns(line).div_ceil(columns).max(1);
        self.folded(text, size).lines().map(lines).sum()
    }

    /// Whether [`Console::say`] shows the text unchanged.
    pub fn can_show(&self, text: &str) -> bool {
        self.shown(text, self.screen.stderr.as_ref()) == text
    }

    /// Whether answers come from a terminal.
    pub fn is_interactive(&self) -> bool {
        self.input.is_terminal()
    }

    /// Asks for a line; `None` at the end of input. A line that was typed before the question answers it, unless
    /// it is empty.
    pub fn ask(&mut self, question: &str) -> Result<Option<String>, Error> {
        if !self.is_interactive() {
            self.say_to_user(question);
            return self.read_answer();
        }
        let mut typed = self.input.typed_bytes();
        let _stoppable = self.show_question(question);
        loop {
            let answer = self.read_answer();
            let Ok(Some(line)) = &answer else {
                self.write_to_user("\n");
                return answer;
            };
            if typed == 0 {
                return answer;
            }
            typed = typed.saturating_sub(line.len().saturating_add(1));
            if !line.trim().is_empty() {
                // The terminal showed it before the question.
                self.say_to_user(line);
                return answer;
            }
        }
    }

    fn read_answer(&mut self) -> Result<Option<String>, Error> {
        let line = self.input.read_line().map_err(unreadable_error)?;
        Ok(line.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    /// Asks for a line that the terminal does not show; `None` at the end of input.
    pub fn prompt_secret(&mut self, question: &str) -> Result<Option<Secret>, Error> {
        if !self.is_interactive() {
            self.say_to_user(question);
            return self.input.read_secret_line().map_err(unreadable_error);
        }
        // Before the question, because a user may start to type when it appears.
        terminal::disable_echo().map_err(unreadable_error)?;
        terminal::discard_input();
        let stoppable = self.show_question(question);
        let answer = self.input.read_secret_line();
        drop(stoppable);
        terminal::restore_echo();
        self.write_to_user("\n");
        answer.map_err(unreadable_error)
    }

    /// The first line of standard input, for an option whose value is `-`.
    pub fn secret_from_stdin(&mut self, option: &str) -> Result<Option<Secret>, Error> {
        if self.is_interactive() {
            let question = if option == "--auth-token" { "Token: " } else { "Password: " };
            return self.prompt_secret(question);
        }
        self.input.read_secret_line().map_err(unreadable_error)
    }

    /// At a terminal. Ctrl-Z works until the result is dropped.
    fn show_question(&mut self, question: &str) -> StoppablePrompt {
        let question = self.folded(question, self.question_size());
        let terminal = self.question_terminal.as_ref();
        let terminal = terminal.map_or(libc::STDERR_FILENO, |(file, _)| file.as_raw_fd());
        let stoppable = signals::stoppable_prompt(&question, terminal);
        self.write_to_user(&question);
        stoppable
    }

    fn question_size(&self) -> Option<&Size> {
        let terminal = self.question_terminal.as_ref().map(|(_, size)| size);
        terminal.or(self.screen.stderr.as_ref())
    }

    fn write_to_user(&mut self, text: &str) {
        match &mut self.question_terminal {
            Some((file, _)) => drop(file.write_all(text.as_bytes())),
            None => self.write_err(text),
        }
    }

    fn write_err(&mut self, text: &str) {
        self.clear_status();
        self.write_raw(text);
    }

    fn write_raw(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    fn shown(&self, line: &str, terminal: Option<&Size>) -> String {
        let line = text::printable(line);
        match terminal.is_some() && !self.screen.utf8 {
            true => line.replace(|c: char| !c.is_ascii(), "?"),
            false => line,
        }
    }

    /// The line as the terminal shows it, never broken, because the user copies it. A line that is too long starts
    /// at the margin.
    fn unbroken(&self, line: &str, terminal: Option<&Size>) -> String {
        let shown = self.shown(line, terminal);
        let columns = terminal.map_or(usize::MAX, |size| size().0);
        let fits = text::columns(&shown) <= columns;
        if fits { shown } else { shown.trim_start().to_owned() }
    }

    fn advice_lines(&self, advice: &str, indent: usize, terminal: Option<&Size>) -> Vec<String> {
        let lines = advice.lines().map(|line| {
            let indented = format!("{:indent$}{line}", "");
            match advice::is_command(line) {
                true => self.unbroken(&indented, terminal),
                false => self.folded(&indented, terminal),
            }
        });
        lines.collect()
    }

    fn folded(&self, line: &str, terminal: Option<&Size>) -> String {
        let line = self.shown(line, terminal);
        terminal.map(|size| text::fold(&line, size().0)).unwrap_or(line)
    }
}

fn unwritable_error(error: io::Error) -> Error {
    let advice = "Redirect the output to another file or program, then run the command again.";
    let closed = Error::failure("standard output is closed", advice);
    match error.kind() {
        io::ErrorKind::BrokenPipe => closed.quiet(),
        _ if error.raw_os_error() == Some(libc::EBADF) => closed,
        _ => {
            let reason = text::io_error(&error);
            Error::failure(format!("cannot write to standard output: {reason}"), advice)
        }
    }
}

fn unreadable_error(error: io::Error) -> Error {
    let fact = match error.kind() {
        io::ErrorKind::InvalidData => "standard input is not text".to_owned(),
        io::ErrorKind::FileTooLarge => "standard input has a line over 64 KiB".to_owned(),
        _ => format!("cannot read standard input: {}", text::io_error(&error)),
    };
    Error::system(&error, fact, "Answer at a terminal, or pipe text in.")
}
