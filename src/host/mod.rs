//! Everything the program meets on the machine it runs on, in one place, so that a test can bring its
//! own.

pub mod browser;
pub mod clock;
pub mod console;
pub mod env;
pub mod process;
pub mod qr;
pub mod random;
pub mod signals;
mod stdio;
pub mod terminal;
pub mod trace;

use std::io;
use std::rc::Rc;

use self::clock::{Clock, SystemClock};
use self::console::Console;
use self::env::Env;
use self::trace::Trace;
use browser::CommandLine;
use random::RandomFraction;

/// Starts the first of some command lines that can be started; see [`browser::commands`].
pub type Browser = Box<dyn Fn(&[CommandLine])>;

/// The machine: environment, clocks, chance, streams, browser.
pub struct Host {
    /// Environment variables and home.
    pub env: Env,
    /// Both clocks, and waiting.
    pub clock: Rc<dyn Clock>,
    /// What spreads the waits of many machines.
    pub random: RandomFraction,
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
        process::set_up();
        signals::handle();
        let env = Env::of_process();
        let screen = terminal::screen(&env);
        let (out, err) = (Box::new(stdio::standard_output()), Box::new(io::stderr()));
        Host {
            console: Console::new(Box::new(stdio::StandardInput::open()), out, err, screen),
            clock: Rc::new(SystemClock),
            random: random::of_process(),
            browser: Box::new(browser::start),
            trace: if env.is_on("RIO_DEBUG") { Trace::to_stderr() } else { Trace::default() },
            env,
        }
    }
}
