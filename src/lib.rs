//! The login of rapyuta.io, for machines without a keyboard.
//!
//! [`cli`] is what users type and [`cmd`] has one file per command. [`oauth`] is the device authorization
//! grant and [`platform`] the API of rapyuta.io; both use [`http`]. [`config`] is the token cache, and [`host`]
//! is the machine that the program runs on.

#![warn(missing_docs)]
// Nothing that a server, a file or a person sends may end in a panic.
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::string_slice,
        clippy::todo,
        clippy::undocumented_unsafe_blocks,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_in_result,
        clippy::unwrap_used,
    )
)]

pub mod cli;
pub mod cmd;
pub mod config;
pub mod error;
pub mod host;
pub mod http;
pub mod json;
pub mod jwt;
pub mod oauth;
pub mod platform;
pub mod secret;
pub mod text;
pub mod token;

use std::ffi::OsString;

use cli::parse::{self, Invocation};
use error::{Error, Exit};
use host::Host;

/// Runs the program on a host; `arguments` are those after the program's name. The result is how the
/// process ends, and everything there is to say has been said.
pub fn run(arguments: impl IntoIterator<Item = OsString>, host: &mut Host) -> Exit {
    perform(arguments, host).unwrap_or_else(|error| {
        host.console.fail(&error);
        error.exit()
    })
}

fn perform(arguments: impl IntoIterator<Item = OsString>, host: &mut Host) -> Result<Exit, Error> {
    match parse::parse(arguments)? {
        Invocation::Run(rio) => cmd::run(rio, host),
        Invocation::Show(text) => host.console.print_text(&text).map(|()| Exit::Success),
        Invocation::NoCommand(help) => {
            help.lines().for_each(|line| host.console.say(line));
            Ok(Exit::Usage)
        }
    }
}
