//! A command-line login to rapyuta.io: the OAuth 2.0 device authorization grant (RFC 8628).
//!
//! To learn how a login works, read these files without their tests, about 1,500 lines:
//! `oauth/mod.rs` (the steps in order), `cmd/login/device_login.rs` (the loop that polls),
//! `oauth/device_flow.rs` (what to do after each response), `oauth/provider.rs` (requests and responses),
//! `oauth/pending.rs` (how an interrupted login resumes), `cmd/login/mod.rs` (what is stored), and
//! `config/file.rs` (how the config file is replaced).
//!
//! [`cmd`] has the commands that [`cli`] parses, and [`session`] what they share. Below are [`oauth`] and
//! [`platform`], then [`http`] and [`config`], then [`net`], then [`machine`], what rio runs on. All of them
//! use [`mod@error`], [`advice`], [`secret`], [`token`], [`json`] and [`text`].

// Nothing that a server, a file or a user sends may cause a panic.
#![cfg_attr(
    not(test),
    warn(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::string_slice,
        clippy::undocumented_unsafe_blocks,
        clippy::unreachable,
        clippy::unwrap_used,
    )
)]

pub mod advice;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod error;
pub mod http;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod json;
pub mod machine;
pub mod net;
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
pub mod oauth;
pub mod platform;
pub mod secret;
pub mod session;
pub mod text;
pub mod token;

use std::ffi::OsString;

use cli::parse::{self, Invocation};
use error::{Error, Exit};
use machine::Machine;

/// Runs the program; `arguments` are those after its name. Reports an error before it returns.
pub fn run(arguments: impl IntoIterator<Item = OsString>, machine: &mut Machine) -> Exit {
    perform(arguments, machine).unwrap_or_else(|error| {
        machine.console.fail(&error);
        error.exit()
    })
}

fn perform(
    arguments: impl IntoIterator<Item = OsString>,
    machine: &mut Machine,
) -> Result<Exit, Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.iter().any(|argument| argument == "--json") {
        machine.notice.turn_off();
    }
    match parse::parse(arguments)? {
        Invocation::Run(rio) => cmd::run(*rio, machine),
        Invocation::Show(text) => machine.console.print_text(&text).map(|()| Exit::Success),
        Invocation::NoCommand(help) => {
            help.lines().for_each(|line| machine.console.say(line));
            Ok(Exit::Usage)
        }
    }
}
