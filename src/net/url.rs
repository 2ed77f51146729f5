//! URLs that are safe to send secrets to, and to show.

use std::net::Ipv4Addr;

use ureq::http::Uri;
use ureq::http::uri::Authority;

/// In bytes. A longer URL is not meant to be shown.
const MAX_LENGTH: usize = 2_048;

/// An https URL, or an http URL that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    uri: Uri,
    /// The setting that it comes from, if a user set it: "rip_host in FILE".
    setting: Option<String>,
}

/// Why [`Url::parse`] rejects an http URL. `RIO_INSECURE_HTTP=1` allows it.
pub const NOT_HTTPS: &str = "is not an https:// URL";

impl Url {
    /// Parses an absolute URL. The error completes a sentence that begins with the name of the setting:
    /// "is not a URL".
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err("is longer than 2,048 bytes".to_owned());
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("contains an invalid character".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("is not a full URL (https://...)".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("contains a user name".to_owned());
        }
        if !has_host_and_port(authority) {
            return Err("has no host, or an invalid port".to_owned());
        }
        let insecure_http = insecure_http || is_loopback(authority.host());
        if scheme != "https" && !(scheme == "http" && insecure_http) {
            return Err(NOT_HTTPS.to_owned());
        }
        Ok(Url { text: text.to_owned(), uri, setting: None })
    }

    /// Appends a path that starts with `/`: `https://host/` and `/a` give `https://host/a`.
    pub fn join(&self, path: &str) -> Self {
        let text = format!("{}{path}", self.text.trim_end_matches('/'));
        // A URL with an absolute path appended is a URL.
        let uri = text.parse().unwrap_or_else(|_| self.uri.clone());
        Url { text, uri, setting: self.setting.clone() }
    }

    /// The same URL, from this setting.
    pub fn from_setting(self, setting: Option<String>) -> Self {
        Url { setting, ..self }
    }

    pub fn setting(&self) -> Option<&str> {
        self.setting.as_deref()
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, and the port if the URL has one.
    pub fn authority(&self) -> &str {
        self.uri.authority().map(|authority| authority.as_str()).unwrap_or_default()
    }

    /// The host without the port.
    pub fn host_name(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        let default_port = if self.is_https() { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(default_port)
    }

    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether scheme, host and port are the same (RFC 6454 §4).
    pub fn same_origin(&self, other: &Url) -> bool {
        let origin = |url: &Url| (url.is_https(), url.host_name().to_ascii_lowercase(), url.port());
        origin(self) == origin(other)
    }

    /// Without query and fragment, which may contain secrets.
    pub fn without_query(&self) -> &str {
        self.text.split(['?', '#']).next().unwrap_or_default()
    }
}

/// ureq would use the default port in place of an invalid one.
pub fn has_host_and_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit(['@', ']']).next().unwrap_or_default();
    !authority.host().is_empty() && (!after_host.contains(':') || authority.port_u16().is_some())
}

/// Whether a host is this machine. `localhost` always is, because the resolver does not look it up.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_only_for_loopback() {
        for text in
            ["https://a.example", "http://localhost:1/x", "http://127.8.0.1", "http://[::1]:8"]
        {
            assert!(Url::parse(text, false).is_ok(), "{text}");
        }
        for text in
            ["http://a.example", "http://10.0.0.1", "http://localhost.evil.example", "ftp://a"]
        {
            assert!(Url::parse(text, false).is_err(), "{text}");
        }
        assert!(Url::parse("http://a.example", true).is_ok());
        assert!(Url::parse("ftp://a.example", true).is_err());
    }

    #[test]
    fn invalid_urls_are_rejected() {
        for text in [
            "",
            "-version",
            "/device",
            "a.example",
            "https://",
            "https://a.example/\u{1b}[2J",
            "https://a.example/a b",
            "https://bücher.example",
            "https://login.example@evil.example/",
            "https://a.example:99999",
            "https://a.example:",
            "https://:443",
        ] {
            assert!(Url::parse(text, true).is_err(), "{text:?}");
        }
    }

    #[test]
    fn join_accepts_trailing_slash() {
        for base in ["https://a.example", "https://a.example/"] {
            let joined = Url::parse(base, false).unwrap().join("/v2/users/me/");
            assert_eq!(joined.as_str(), "https://a.example/v2/users/me/");
            assert_eq!(joined.authority(), "a.example");
        }
    }

    #[test]
    fn same_origin_compares_scheme_host_and_port() {
        let same = |one: &str, other: &str| {
            Url::parse(one, true).unwrap().same_origin(&Url::parse(other, true).unwrap())
        };
        assert!(same("https://a.example/device", "https://A.example:443/device?user_code=x"));
        assert!(!same("https://a.example/", "http://a.example/"));
        assert!(!same("https://a.example/", "https://a.example:444/"));
        assert!(!same("https://a.example/", "https://a.example.evil/"));
    }
}
