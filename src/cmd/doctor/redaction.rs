//! Hides the user's email in paths and elsewhere. Home directories may be named after it.

use std::path::Path;

use crate::text;

#[derive(Default)]
pub struct Redaction {
    home: Option<String>,
    email: Option<String>,
}

impl Redaction {
    pub fn new(home: Option<&Path>, email: Option<String>) -> Self {
        let home = home.map(|home| home.display().to_string().trim_end_matches('/').to_owned());
        Redaction {
            home: home.filter(|home| !home.is_empty()),
            email: email.filter(|email| email.contains('@')),
        }
    }

    /// Replaces the home directory by `~`, so that commands still work, and the email by `EMAIL`.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(home) = &self.home {
            let quoted = text::quoted(home);
            let open = quoted.strip_suffix('\'').unwrap_or_default();
            // A shell expands only an unquoted `~`.
            text = text.replace(&format!("{open}/"), "~/'").replace(&quoted, "~");
            text = replace(&text, home, "~", is_in_path);
        }
        match &self.email {
            Some(email) => replace(&text, email, "EMAIL", |_, _| false),
            None => text,
        }
    }
}

/// Whether a path between these two texts is only a part of a longer name.
fn is_in_path(before: &str, after: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "._-@".contains(c);
    before.ends_with(|c| is_name(c) || c == '/') || after.starts_with(is_name)
}

/// Replaces each occurrence, in upper or lower case, except where `is_excepted` by the texts around it.
fn replace(text: &str, old: &str, new: &str, is_excepted: impl Fn(&str, &str) -> bool) -> String {
    let (lower, old) = (text.to_ascii_lowercase(), old.to_ascii_lowercase());
    let (mut replaced, mut done) = (String::new(), 0);
    for (at, _) in lower.match_indices(&old) {
        let end = at.saturating_add(old.len());
        let (before, after) = (text.get(..at), text.get(end..));
        if !is_excepted(before.unwrap_or_default(), after.unwrap_or_default()) {
            replaced += text.get(done..at).unwrap_or_default();
            replaced += new;
            done = end;
        }
    }
    replaced + text.get(done..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_directory_becomes_a_tilde() {
        let home = Path::new("/home/o'hara@x.example/");
        let redaction = Redaction::new(Some(home), None);
        for (text, shown) in [
            ("/home/o'hara@x.example/.config/c (mode 0600)", "~/.config/c (mode 0600)"),
            ("1 from SSL_CERT_FILE (/home/o'hara@x.example/ca)", "1 from SSL_CERT_FILE (~/ca)"),
            (r"chmod 600 '/home/o'\''hara@x.example/my rio'", "chmod 600 ~/'my rio'"),
            (r"chmod go-w '/home/o'\''hara@x.example'", "chmod go-w ~"),
            ("(cd /home/o'hara@x.example/a && mv b c)", "(cd ~/a && mv b c)"),
            ("/mnt/home/o'hara@x.example/c", "/mnt/home/o'hara@x.example/c"),
            ("/home/o'hara@x.example2/c", "/home/o'hara@x.example2/c"),
        ] {
            assert_eq!(redaction.apply(text), shown);
        }
        assert_eq!(Redaction::new(Some(Path::new("/")), None).apply("/etc/x"), "/etc/x");
    }

    #[test]
    fn email_is_hidden_in_any_case() {
        let redaction = Redaction::new(None, Some("Ada@x.example".to_owned()));
        assert_eq!(redaction.apply("/srv/ada@X.example/c"), "/srv/EMAIL/c");
    }
}
