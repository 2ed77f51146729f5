//! The login of rapyuta.io, for machines without a keyboard.
//!
//! Read it in this order. [`args`] declares the command line, [`command_line`] reads it and [`help`]
//! explains it. [`cmd`] has one file per command. A login by device code goes through [`oidc`] (the wire),
//! [`device`] (RFC 8628, pure) and [`id_token`] (what is accepted); [`platform`] is rapyuta.io's own API,
//! and both speak through [`http`]. [`config`] is the token cache, [`cache_file`] the file
//! under it, and [`pending`] what is kept of a login that waits.
//! [`session`] is where the commands that speak to the platform begin, and [`hosts`] and [`environment`]
//! say where the platform is. [`host`] holds what is ambient: [`env`], [`clock`], [`chance`],
//! [`console`] with [`terminal`] and [`qr`], [`browser`], [`trace`]; [`last_resort`] is for what must not happen,
//! and `relro` for what the loader of a static file leaves undone.
//! [`secret`], [`error`], [`json`], [`jwt`] and [`text`] are the words that the rest is said in.

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

pub mod args;
pub mod browser;
pub mod cache_file;
pub mod chance;
pub mod clock;
pub mod cmd;
pub mod command_line;
pub mod config;
pub mod console;
pub mod device;
pub mod env;
pub mod environment;
pub mod error;
pub mod help;
pub mod host;
pub mod hosts;
pub mod http;
pub mod id_token;
pub mod json;
pub mod jwt;
pub mod last_resort;
pub mod oidc;
pub mod pending;
pub mod platform;
pub mod qr;
#[cfg(target_env = "musl")]
mod relro;
pub mod secret;
pub mod session;
pub mod terminal;
pub mod text;
pub mod trace;

use std::ffi::OsString;

use command_line::Invocation;
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
    match command_line::parse(arguments)? {
        Invocation::Run(rio) => cmd::run(rio, host),
        Invocation::Show(text) => host.console.print_text(&text).map(|()| Exit::Done),
        Invocation::NoCommand(help) => {
            help.lines().for_each(|line| host.console.say(line));
            Ok(Exit::Usage)
        }
    }
}
