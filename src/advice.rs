//! What to type: advice that several errors give.
//!
//! Advice is lines of text. A line that starts with two blanks is a command to type: it stands alone, and the console
//! never breaks it.

use std::path::Path;

use crate::text;

pub const LOG_IN: &str = "To log in, run:\n  rio auth login";

/// For a token that the server no longer accepts. The account may have a password or use SSO: `rio` cannot tell.
pub const LOG_IN_AGAIN: &str = "To log in again, run:\n  rio auth login\nOr, if the account has a password, run:\n  rio auth refresh-token";

/// Only what needs no password.
pub const NEW_LOGIN: &str = "To log in again, run:\n  rio auth login";

/// The end of every advice about the network. `rio doctor` leaves it out.
pub const DOCTOR: &str = "\nTo find the cause, run:\n  rio doctor";

/// The end of an advice for an error that may pass. After a login is stored, it would be misleading.
pub const TRY_LATER: &str = "Try again later.";

/// For a directory that other users can change.
pub const OWN_DIRECTORY: &str =
    "Set RIO_CONFIG to a file in a directory that only you can write to.";

/// The advice if only the server can be wrong.
const SERVER_FAULT: &str = "This is a fault of the server. Report it to rapyuta.io support.";

/// The advice if the server sends an unexpected response. `setting` names the host, if it is not the default
/// one.
pub fn wrong_response(setting: Option<&str>) -> String {
    match setting {
        Some(setting) => {
            format!("Check {setting}. If it is right, ask the administrator of the server.")
        }
        None => format!("{SERVER_FAULT}{DOCTOR}"),
    }
}

/// `purpose` is the beginning of a sentence: "To log in".
pub fn run(purpose: &str, command: &str) -> String {
    format!("{purpose}, run:\n  {command}")
}

/// Whether the line is a command, not a sentence.
pub fn is_command(line: &str) -> bool {
    line.starts_with("  ")
}

/// The command that moves a file aside. It is short, so that it fits a line of 80 columns.
pub fn move_aside(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (from, to) = (text::shell_word(&*name), text::shell_word(format!("{name}.bad")));
    match path.parent().filter(|directory| *directory != Path::new("")) {
        Some(directory) => {
            format!("(cd {} && mv {from} {to})", text::shell_word(directory))
        }
        None => format!("mv {from} {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_moved_aside_in_its_directory() {
        for (path, command) in [
            ("/home/ada/c.json", "(cd /home/ada && mv c.json c.json.bad)"),
            ("/srv/my rio/-c", "(cd '/srv/my rio' && mv ./-c ./-c.bad)"),
            ("c.json", "mv c.json c.json.bad"),
        ] {
            assert_eq!(move_aside(Path::new(path)), command);
        }
    }
}
