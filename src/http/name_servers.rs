//! Whether the machine knows whom to ask for the address of a name.

use std::io::ErrorKind;

/// Where the C library finds the name servers; without any it asks this machine itself, mostly in vain.
const FILE: &str = "/etc/resolv.conf";

/// What keeps the machine from asking a name server, if anything does.
pub fn lack() -> Option<String> {
    // macOS keeps its name servers elsewhere.
    if cfg!(target_os = "macos") { None } else { lack_in(FILE) }
}

fn lack_in(file: &str) -> Option<String> {
    match std::fs::read(file) {
        Ok(text) if names_a_server(&String::from_utf8_lossy(&text)) => None,
        Ok(_) => Some(format!("{file} has no nameserver")),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("there is no {file}")),
        Err(error) => Some(format!("{file} cannot be read: {}", error.kind())),
    }
}

fn names_a_server(text: &str) -> bool {
    // As in the C libraries, only at the very beginning of a line.
    text.lines().any(|line| {
        line.strip_prefix("nameserver")
            .is_some_and(|rest| rest.starts_with(char::is_whitespace) && !rest.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_names_one_names_a_server() {
        for (text, names) in [
            ("nameserver 192.0.2.1\n", true),
            ("# by DHCP\nsearch example\nnameserver\tfe80::1%eth0", true),
            ("", false),
            ("search example\n", false),
            ("# nameserver 192.0.2.1\n", false),
            ("  nameserver 192.0.2.1\n", false),
            ("nameservers 192.0.2.1\n", false),
            ("nameserver \n", false),
        ] {
            assert_eq!(names_a_server(text), names, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_file_is_told() {
        for (file, lack) in [
            ("/nonexistent/resolv.conf", "there is no /nonexistent/resolv.conf"),
            ("/dev/null/resolv.conf", "/dev/null/resolv.conf cannot be read: not a directory"),
            ("/dev/null", "/dev/null has no nameserver"),
        ] {
            assert_eq!(lack_in(file).as_deref(), Some(lack));
        }
    }
}
