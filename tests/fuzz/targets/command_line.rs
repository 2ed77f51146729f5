//! The command line. Each part is an argument. A byte 1 in it stands for a secret, at the right place or at a
//! wrong one.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use libfuzzer_sys::fuzz_target;
use rio::cli::parse::{self, Invocation};
use rio::text;

fn argument(part: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    for byte in part {
        match byte {
            1 => bytes.extend_from_slice(fuzz::SENTINEL.as_bytes()),
            _ => bytes.push(*byte),
        }
    }
    OsString::from_vec(bytes)
}

fuzz_target!(|input: &[u8]| {
    match parse::parse(fuzz::parts(input).map(argument)) {
        Ok(Invocation::Run(_)) => {}
        Ok(Invocation::Show(text) | Invocation::NoCommand(text)) => {
            fuzz::check_text(&text);
            // It is printed unchanged.
            assert!(text.chars().all(|c| c == '\n' || text::is_printable(c)), "{text:?}");
        }
        Err(error) => fuzz::check_error(&error),
    }
});
