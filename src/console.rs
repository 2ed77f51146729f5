//! The person's side: results on standard output, everything else on standard error, answers from
//! standard input.

use std::io::{self, Write};

use crate::error::Error;
use crate::secret::Secret;
use crate::text;

/// Where answers come from: a terminal, or the lines of a pipe.
pub trait Input {
    /// Whether a person types here.
    fn is_terminal(&self) -> bool;
    /// The next line without its end; `None` when there is no more.
    fn read_line(&mut self) -> io::Result<Option<String>>;
    /// The next line, not shown while it is typed.
    fn read_hidden(&mut self) -> io::Result<Option<Secret>>;
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
}

/// The three standard streams.
///
/// All that is printed goes through here and loses its control characters on the way, so no text of a
/// server's can steer the terminal, wherever it was put into a message.
pub struct Console {
    input: Box<dyn Input>,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    screen: Screen,
}

impl Console {
    /// A console on these streams.
    pub fn new(
        input: Box<dyn Input>,
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        screen: Screen,
    ) -> Self {
        Console { input, out, err, screen }
    }

    /// Prints a line of the result on standard output, at once.
    ///
    /// Fails if nobody can receive it: a script must not take a cut result for a whole one.
    pub fn result(&mut self, line: &str) -> Result<(), Error> {
        self.write_out(&text::printable(line))
    }

    /// Prints a line of the result that is for people: on an ASCII terminal, in ASCII.
    pub fn result_words(&mut self, line: &str) -> Result<(), Error> {
        self.write_out(&shown(line, self.screen.ascii_out))
    }

    /// Prints a result of several lines that is all our own.
    pub fn results(&mut self, lines: &str) -> Result<(), Error> {
        self.write_out(lines.trim_end_matches('\n'))
    }

    fn write_out(&mut self, text: &str) -> Result<(), Error> {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        written.map_err(|_| {
            Error::refused(
                "the result could not be written to standard output",
                "See that the file or pipe it goes to takes it, then run the command again.",
            )
        })
    }

    /// Prints a line on standard error. Nobody may be there to read it, which stops nothing.
    pub fn say(&mut self, line: &str) {
        let line = shown(line, self.screen.ascii_err);
        self.print(&format!("{line}\n"));
    }

    /// Prints a line on standard error that must catch the eye.
    pub fn say_strong(&mut self, line: &str) {
        let line = shown(line, self.screen.ascii_err);
        match self.screen.color {
            true => self.print(&format!("\x1b[1m{line}\x1b[0m\n")),
            false => self.print(&format!("{line}\n")),
        }
    }

    /// Prints a warning on standard error.
    pub fn warn(&mut self, line: &str) {
        self.say(&format!("rio: warning: {line}"));
    }

    /// Prints an error on standard error: the fact, then the advice.
    pub fn fail(&mut self, error: &Error) {
        self.say(&format!("rio: {}", error.fact()));
        for line in error.advice().lines() {
            self.say(&format!("  {line}"));
        }
    }

    /// Whether a person at a terminal answers.
    pub fn is_interactive(&self) -> bool {
        self.input.is_terminal()
    }

    /// Asks for a line; `None` if nobody can answer.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        self.prompt(question);
        let answer = self.input.read_line().ok().flatten();
        // At a terminal the person's own Enter ends the line; anywhere else nobody's does.
        if answer.is_none() || !self.input.is_terminal() {
            self.print("\n");
        }
        answer
    }

    /// Asks for a line that is not shown while it is typed; `None` if nobody can answer.
    pub fn ask_hidden(&mut self, question: &str) -> Option<Secret> {
        self.prompt(question);
        let answer = self.input.read_hidden().ok().flatten();
        self.print("\n");
        answer
    }

    /// The first line of standard input, for an option whose value is `-`.
    pub fn read_secret(&mut self) -> Option<Secret> {
        match self.input.is_terminal() {
            true => self.ask_hidden("Secret: "),
            false => self.input.read_hidden().ok().flatten(),
        }
    }

    fn prompt(&mut self, question: &str) {
        let question = shown(question, self.screen.ascii_err);
        self.print(&question);
    }

    fn print(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}

fn shown(line: &str, ascii: bool) -> String {
    let shown = text::printable(line);
    match ascii {
        true => shown.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        false => shown,
    }
}
