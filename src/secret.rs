//! What must not be seen: passwords, tokens, device codes.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A password, a token or a device code.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows nothing, and its memory is wiped when it
/// is dropped. [`Secret::expose`] is the one way out, so a search for that word finds every use.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller's own copies stay the caller's to wipe.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// A token as people and programs hand it on: alone, or after `Bearer `. `None` if what is left
    /// cannot go into an HTTP header.
    pub fn token(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = match text.strip_prefix("Bearer") {
            Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim(),
            _ => text,
        };
        let token = Secret::new(bare);
        (token.is_visible_ascii() && bare != "Bearer").then_some(token)
    }

    /// Without blanks around it.
    pub fn trimmed(self) -> Self {
        match self.0.trim() {
            bare if bare.len() == self.0.len() => self,
            bare => Secret::new(bare),
        }
    }

    /// The text itself, for a request, the config file, or the one command that prints a token.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the text can go into an HTTP header: not empty, visible ASCII only.
    pub fn is_visible_ascii(&self) -> bool {
        !self.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Secret::new(text))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn a_token_may_come_with_its_scheme_before_it() {
        for (text, token) in [
            ("abc", Some("abc")),
            (" Bearer  abc\n", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("", None),
            ("abc def", None),
        ] {
            let read = Secret::token(text);
            assert_eq!(read.as_ref().map(Secret::expose), token, "{text:?}");
        }
    }

    #[test]
    fn only_visible_ascii_may_go_into_a_header() {
        for (text, may) in [
            ("abc.DEF-_~", true),
            ("", false),
            ("a b", false),
            ("a\r\nX-Evil: 1", false),
            ("tökén", false),
        ] {
            assert_eq!(Secret::new(text).is_visible_ascii(), may, "{text:?}");
        }
    }
}
