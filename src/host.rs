//! Everything the program meets on the machine it runs on, in one place, so that a test can bring its
//! own.

use std::io;
use std::rc::Rc;

use crate::browser::{self, CommandLine};
use crate::chance::{self, Chance};
use crate::clock::{Clock, SystemClock};
use crate::console::Console;
use crate::env::Env;
use crate::last_resort;
use crate::terminal;
use crate::trace::Trace;

/// Starts the first of some command lines that can be started; see [`browser::commands`].
pub type Browser = Box<dyn Fn(&[CommandLine])>;

/// The machine: environment, clocks, chance, streams, browser.
pub struct Host {
    /// Environment variables and home.
    pub env: Env,
    /// Both clocks, and waiting.
    pub clock: Rc<dyn Clock>,
    /// What spreads the waits of many machines.
    pub chance: Chance,
    /// The three standard streams.
    pub console: Console,
    /// Opens a page.
    pub browser: Browser,
    /// What `RIO_DEBUG` shows.
    pub trace: Trace,
}

impl Host {
    /// The machine as it is.
    pub fn of_process() -> Self {
        last_resort::set_up();
        terminal::restore_on_signals();
        let env = Env::of_process();
        let screen = terminal::screen(&env);
        let (out, err) = (Box::new(io::stdout()), Box::new(io::stderr()));
        Host {
            console: Console::new(Box::<terminal::StandardInput>::default(), out, err, screen),
            clock: Rc::new(SystemClock::start()),
            chance: chance::of_process(),
            browser: Box::new(browser::start),
            trace: if env.is_on("RIO_DEBUG") { Trace::to_stderr() } else { Trace::default() },
            env,
        }
    }
}
