//! The person's side: results on standard output, everything else on standard error, answers from
//! standard input.

use std::io::{self, Write};

use serde_json::Value;

use crate::error::Error;
use crate::host::qr::{self, Ink};
use crate::secret::Secret;
use crate::text;

/// Where answers come from: a terminal, or the lines of a pipe.
pub trait Input {
    /// Whether a person types here.
    fn is_terminal(&self) -> bool;
    /// Forgets what a person typed before the question: it was meant for something else.
    fn discard_typed(&mut self);
    /// The next line without its end; `None` when there is no more.
    fn read_line(&mut self) -> io::Result<Option<String>>;
    /// From now on what is typed is not shown. `prompt` is shown again to a person who comes back to
    /// a program that was stopped.
    fn hide_typing(&mut self, prompt: &str) -> io::Result<()>;
    /// The next line, typed while nothing is shown.
    fn read_hidden(&mut self) -> io::Result<Option<Secret>>;
    /// What is typed is shown again.
    fn show_typing(&mut self);
}

/// What the screen can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Screen {
    /// Bold and the like are understood and wanted on standard error.
    pub color: bool,
    /// Standard output is a terminal that shows nothing beyond ASCII.
    pub ascii_out: bool,
    /// The same of standard error.
    pub ascii_err: bool,
    /// Standard error shows no half blocks, though it may show other things beyond ASCII.
    pub no_half_blocks: bool,
    /// Columns of standard output, if it is a terminal.
    pub out_columns: Option<usize>,
    /// Columns and lines of standard error, if it is a terminal.
    pub size: Option<(usize, usize)>,
    /// How many columns of standard error there are now: a window may have been made narrower.
    pub columns_now: Option<fn() -> usize>,
    /// A line may be drawn in place: the terminal is not dumb, and no trace comes in between.
    pub in_place: bool,
}

/// The three standard streams.
///
/// All text of others that is printed goes through here and loses its control characters on the way, so
/// none of it can steer the terminal, wherever it was put into a message.
pub struct Console {
    input: Box<dyn Input>,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    screen: Screen,
    /// How wide the status is that stands on the last line; 0 for none.
    status_width: usize,
}

impl Console {
    /// A console on these streams.
    pub fn new(
        input: Box<dyn Input>,
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        screen: Screen,
    ) -> Self {
        Console { input, out, err, screen, status_width: 0 }
    }

    /// Prints a line of the result on standard output, at once; on a terminal that shows ASCII alone,
    /// in ASCII.
    ///
    /// Fails if nobody can receive it: a script must not take a cut result for a whole one.
    pub fn print(&mut self, line: &str) -> Result<(), Error> {
        self.write_out(&folded(&shown(line, self.screen.ascii_out), self.screen.out_columns))
    }

    /// Prints a JSON value on one line of standard output, in ASCII, so that it is the same on any
    /// terminal and steers none.
    pub fn print_json(&mut self, value: &Value) -> Result<(), Error> {
        self.write_out(&ascii_json(value))
    }

    /// Prints several lines that are all our own on standard output.
    pub fn print_text(&mut self, text: &str) -> Result<(), Error> {
        text.lines().try_for_each(|line| self.write_out(&folded(line, self.screen.out_columns)))
    }

    /// Prints what is not for people, as it is.
    pub fn print_script(&mut self, script: &str) -> Result<(), Error> {
        self.write_out(script.trim_end_matches('\n'))
    }

    fn write_out(&mut self, text: &str) -> Result<(), Error> {
        let line = format!("{text}\n");
        self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush()).map_err(unwritable)
    }

    /// Says a line on standard error. Nobody may be there to read it, which stops nothing.
    pub fn say(&mut self, line: &str) {
        let line = self.shown_folded(line);
        self.write_err(&format!("{line}\n"));
    }

    fn shown_folded(&self, line: &str) -> String {
        folded(&shown(line, self.screen.ascii_err), self.screen.size.map(|(columns, _)| columns))
    }

    /// Says a line that must catch the eye, in one piece: it is to be typed elsewhere.
    pub fn say_strong(&mut self, line: &str) {
        let line = shown(line, self.screen.ascii_err);
        match self.screen.color {
            true => self.write_err(&format!("\x1b[1m{line}\x1b[0m\n")),
            false => self.write_err(&format!("{line}\n")),
        }
    }

    /// Says sentences, on a terminal broken between words.
    pub fn say_words(&mut self, text: &str) {
        self.say_indented(text, 0);
    }

    /// Says a warning.
    pub fn warn(&mut self, text: &str) {
        self.say_words(&format!("rio: warning: {text}"));
    }

    /// Says an error: the fact, then the advice. Indented lines of the advice are kept as they are.
    pub fn fail(&mut self, error: &Error) {
        if error.is_silent() {
            return;
        }
        self.say_words(&format!("rio: {}", error.fact()));
        for line in error.advice().lines() {
            if line.starts_with(' ') {
                self.say(line);
            } else {
                self.say_indented(line, 2);
            }
        }
    }

    fn say_indented(&mut self, text: &str, indent: usize) {
        let text = text::printable(text);
        match self.screen.size {
            Some((columns, _)) => {
                let width = columns.min(text::WIDTH);
                text::wrap(&text, indent, width).lines().for_each(|line| self.say(line));
            }
            None => self.say(&format!("{:indent$}{text}", "")),
        }
    }

    /// Shows a status that stands alone on the last line, in place of the one before. Only a terminal
    /// has a last line.
    pub fn show_status(&mut self, text: &str) {
        let Some(columns) = self.status_columns() else { return };
        let text: String = shown(text, self.screen.ascii_err).chars().take(columns).collect();
        let rest = self.status_width.min(columns).saturating_sub(text.chars().count());
        self.write_raw(&format!("\r{text}{:rest$}", ""));
        self.status_width = text.chars().count();
    }

    /// Takes the status away.
    pub fn clear_status(&mut self) {
        let width = std::mem::take(&mut self.status_width);
        if width > 0 {
            self.write_raw(&format!("\r{:width$}\r", ""));
        }
    }

    /// Whether there is a last line to show a status on.
    pub fn has_status(&self) -> bool {
        self.status_columns().is_some()
    }

    /// Whether a status of this text is seen whole.
    pub fn fits_status(&self, text: &str) -> bool {
        self.status_columns().is_some_and(|columns| text.chars().count() <= columns)
    }

    /// A full line would wrap, and could not be taken back.
    fn status_columns(&self) -> Option<usize> {
        let (columns, _) = self.screen.size.filter(|_| self.screen.in_place)?;
        let now = self.screen.columns_now.map_or(columns, |columns_now| columns_now());
        Some(columns.min(now).saturating_sub(1))
    }

    /// Draws a QR code of the text, if it fits and leaves this many lines free. Tells whether it did.
    pub fn draw_qr(&mut self, text: &str, lines_free: usize) -> bool {
        let Some((columns, lines)) = self.screen.size else { return false };
        let ink = Ink {
            color: self.screen.color,
            half_blocks: !(self.screen.ascii_err || self.screen.no_half_blocks),
        };
        let Some(rows) = qr::draw(text, ink, columns, lines.saturating_sub(lines_free)) else {
            return false;
        };
        rows.iter().for_each(|row| self.write_err(&format!("{row}\n")));
        true
    }

    /// How many lines a list may have so that it is seen whole, with the question below it.
    pub fn lines_for_list(&self) -> usize {
        const FOR_THE_QUESTION: usize = 2;
        const FEWEST: usize = 1;
        self.lines().saturating_sub(FOR_THE_QUESTION).max(FEWEST)
    }

    /// How wide what is said may be.
    pub fn columns(&self) -> usize {
        self.screen.size.map_or(usize::MAX, |(columns, _)| columns)
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.screen.size.map_or(usize::MAX, |(_, lines)| lines)
    }

    /// How many lines a text takes on this screen.
    pub fn lines_of(&self, text: &str) -> usize {
        let columns = self.columns().max(1);
        let lines = |line: &str| line.chars().count().div_ceil(columns).max(1);
        self.shown_folded(text).lines().map(lines).sum()
    }

    /// Whether the text comes out as it is where people read it.
    pub fn can_show(&self, text: &str) -> bool {
        shown(text, self.screen.ascii_err) == text
    }

    /// Whether a person at a terminal answers.
    pub fn is_interactive(&self) -> bool {
        self.input.is_terminal()
    }

    /// Asks for a line; `None` if nobody can answer.
    pub fn ask(&mut self, question: &str) -> Result<Option<String>, Error> {
        let question = self.shown_folded(question);
        self.input.discard_typed();
        self.write_err(&question);
        let answer = self.input.read_line();
        // At a terminal the person's own Enter ends the line; anywhere else nobody's does.
        if !matches!(answer, Ok(Some(_))) || !self.input.is_terminal() {
            self.write_err("\n");
        }
        answer.map_err(unreadable)
    }

    /// Asks for a line that is not shown while it is typed; `None` if nobody can answer.
    pub fn ask_hidden(&mut self, question: &str) -> Result<Option<Secret>, Error> {
        let question = self.shown_folded(question);
        // Before the question: somebody may have the answer ready.
        self.input.hide_typing(&question).map_err(unreadable)?;
        self.input.discard_typed();
        self.write_err(&question);
        let answer = self.input.read_hidden();
        self.input.show_typing();
        self.write_err("\n");
        answer.map_err(unreadable)
    }

    /// The first line of standard input, for an option whose value is `-`.
    pub fn read_secret(&mut self, option: &str) -> Result<Option<Secret>, Error> {
        match self.input.is_terminal() {
            true => self.ask_hidden(&format!("Value of {option}: ")),
            false => self.input.read_hidden().map_err(unreadable),
        }
    }

    fn write_err(&mut self, text: &str) {
        self.clear_status();
        self.write_raw(text);
    }

    fn write_raw(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}

fn unwritable(error: io::Error) -> Error {
    let advice = "Check where the output goes, then run the command again.";
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::failure("standard output is closed", advice).silent(),
        _ if error.raw_os_error() == Some(libc::EBADF) => {
            Error::failure("standard output is closed", advice)
        }
        kind => Error::failure(format!("cannot write to standard output: {kind}"), advice),
    }
}

fn unreadable(error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::InvalidData => "holds a line that is no text, or too long".to_owned(),
        kind => format!("cannot be read: {kind}"),
    };
    Error::failure(format!("standard input {what}"), "Answer at a terminal, or pipe text in.")
}

fn shown(line: &str, ascii: bool) -> String {
    let shown = text::printable(line);
    match ascii {
        true => shown.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        false => shown,
    }
}

/// For so many columns, if there is an end to them.
fn folded(line: &str, columns: Option<usize>) -> String {
    columns.map_or_else(|| line.to_owned(), |columns| text::fold(line, columns))
}

/// Beyond ASCII there is only text within strings, where it may be escaped (RFC 8259 §7).
fn ascii_json(value: &Value) -> String {
    let mut ascii = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && c != '\x7f' {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}
