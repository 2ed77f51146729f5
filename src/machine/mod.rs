//! The machine that rio runs on. A test passes in its own [`Machine`].

pub mod access;
pub mod browser;
pub mod clock;
pub mod console;
pub mod env;
pub mod notice;
pub mod process;
pub mod qr;
pub mod random;
pub mod signals;
pub mod stdio;
pub mod terminal;
pub mod trace;

use std::io;
use std::rc::Rc;

use browser::CommandLine;
use clock::{Clock, SystemClock};
use console::Console;
use env::Env;
use notice::Notice;
use random::RandomFraction;
use trace::Trace;

/// Starts one of the command lines; see [`browser::start`].
pub type Browser = Box<dyn Fn(&[CommandLine]) -> bool>;

pub struct Machine {
    pub env: Env,
    pub clock: Rc<dyn Clock>,
    pub random: RandomFraction,
    pub console: Console,
    pub browser: Browser,
    pub trace: Trace,
    pub notice: Notice,
}

impl Machine {
    /// The real machine.
    pub fn from_process() -> Self {
        process::set_up();
        signals::install_handlers();
        let env = Env::from_process();
        let screen = terminal::screen(&env);
        let (out, err) = (Box::new(stdio::standard_output()), Box::new(io::stderr()));
        Machine {
            notice: Notice::on(&screen),
            console: Console::new(Box::new(stdio::StandardInput::open()), out, err, screen)
                .with_question_terminal(terminal::of_input()),
            clock: Rc::new(SystemClock),
            random: random::from_process(),
            browser: Box::new(browser::start),
            trace: if env.is_on("RIO_DEBUG") { Trace::to_stderr() } else { Trace::default() },
            env,
        }
    }
}
