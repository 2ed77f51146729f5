//! At a terminal, tells the user what the program waits for.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::machine::clock::{Clock, SystemClock};
use crate::machine::terminal::{self, Screen};
use crate::text;

/// A wait that is shorter is not mentioned.
const DELAY: Duration = Duration::from_secs(1);

/// Says "Waiting for HOST..." once a wait has taken a second. Off by default.
///
/// Nothing runs in the background: what waits must call [`Notice::tick`], and block no longer than
/// [`Notice::slice`] at a time.
#[derive(Clone, Debug, Default)]
pub struct Notice(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    style: Style,
    wait: Option<Current>,
}

#[derive(Debug, Default)]
enum Style {
    #[default]
    Off,
    Line,
    /// A line of at most this width, which goes away when the wait ends.
    Temporary(usize),
}

#[derive(Debug)]
struct Current {
    text: String,
    due: Duration,
    /// The width of the temporary line on the screen.
    width: usize,
}

impl Notice {
    /// Off if standard error is no terminal.
    pub fn on(screen: &Screen) -> Self {
        let style = match &screen.stderr {
            Some(size) if screen.status_line.is_some() => {
                Style::Temporary(size().0.saturating_sub(1))
            }
            Some(_) => Style::Line,
            None => Style::Off,
        };
        Notice(Arc::new(Mutex::new(State { style, wait: None })))
    }

    /// Says nothing from now on.
    pub fn turn_off(&self) {
        self.lock().style = Style::Off;
    }

    /// Starts to wait for something. Within another wait, it does nothing.
    pub fn start(&self, what: &str) -> Wait {
        let text = format!("Waiting for {}...", text::printable(what));
        self.start_until(SystemClock.now().saturating_add(DELAY), text)
    }

    /// Starts a wait that is not mentioned, because the screen says already what the program waits for.
    pub fn start_silently(&self) -> Wait {
        self.start_until(Duration::MAX, String::new())
    }

    fn start_until(&self, due: Duration, text: String) -> Wait {
        let mut state = self.lock();
        if state.wait.is_some() {
            return Wait(None);
        }
        state.wait = Some(Current { text, due, width: 0 });
        Wait(Some(self.clone()))
    }

    /// How long what waits may block.
    pub fn slice(&self, left: Duration) -> Duration {
        match &self.lock().wait {
            Some(Current { due, .. }) if *due < Duration::MAX => {
                // Not zero, which means no limit to a socket.
                let until_due = due.saturating_sub(SystemClock.now());
                left.min(until_due.max(Duration::from_millis(1)))
            }
            _ => left,
        }
    }

    /// Says what the program waits for if that is due.
    pub fn tick(&self) {
        let State { style, wait } = &mut *self.lock();
        let Some(wait) = wait.as_mut().filter(|wait| wait.due <= SystemClock.now()) else { return };
        wait.due = Duration::MAX;
        match style {
            Style::Off => {}
            Style::Temporary(_) if !terminal::is_in_foreground(libc::STDERR_FILENO) => {}
            Style::Line => write(&format!("{}\n", wait.text)),
            Style::Temporary(columns) => {
                let line = text::first_columns(&wait.text, *columns);
                wait.width = text::columns(line);
                write(line);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the wait, and removes its line, when dropped.
#[must_use]
pub struct Wait(Option<Notice>);

impl Drop for Wait {
    fn drop(&mut self) {
        let wait = self.0.as_ref().and_then(|notice| notice.lock().wait.take());
        if let Some(Current { width: width @ 1.., .. }) = wait {
            write(&format!("\r{:width$}\r", ""));
        }
    }
}

fn write(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
