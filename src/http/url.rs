//! The URLs that may be called or shown.

use std::net::Ipv4Addr;

use ureq::http::Uri;
use ureq::http::uri::Authority;

/// An https URL, or an http one that may be used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    uri: Uri,
}

impl Url {
    /// Reads an absolute URL. The error says what is wrong, after the name of what held it:
    /// "is not a URL".
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, String> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has characters that no URL has".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("is not a full URL (https://...)".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("has a user name in it".to_owned());
        }
        if !has_host_and_port(authority) {
            return Err("has no host, or a port that does not exist".to_owned());
        }
        let insecure_http = insecure_http || is_loopback(authority.host());
        if scheme != "https" && !(scheme == "http" && insecure_http) {
            return Err(format!(
                "begins with {scheme}://, and only https:// is safe (RIO_INSECURE_HTTP=1 allows http)"
            ));
        }
        Ok(Url { text: text.to_owned(), uri })
    }

    /// The URL of a path below this one, which is taken as a base: `https://host/` and `/a` give
    /// `https://host/a`.
    pub fn join(&self, path: &str) -> Self {
        let text = format!("{}{path}", self.text.trim_end_matches('/'));
        // A URL with an absolute path put after it is a URL.
        let uri = text.parse().unwrap_or_else(|_| self.uri.clone());
        Url { text, uri }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and, if it was given, port.
    pub fn host(&self) -> &str {
        self.uri.authority().map(|authority| authority.as_str()).unwrap_or_default()
    }

    /// The host's name alone, without port.
    pub fn host_name(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Whether it is called over TLS.
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether both are of one origin: scheme, host and port (RFC 6454 §4).
    pub fn same_origin(&self, other: &Url) -> bool {
        let origin = |url: &Url| {
            let default_port = if url.is_https() { 443 } else { 80 };
            let port = url.uri.port_u16().unwrap_or(default_port);
            (url.is_https(), url.host_name().to_ascii_lowercase(), port)
        };
        origin(self) == origin(other)
    }

    /// Without what may be secret.
    pub fn without_query(&self) -> &str {
        self.text.split(['?', '#']).next().unwrap_or_default()
    }
}

/// ureq takes the default port for one that is no number of 16 bits.
pub fn has_host_and_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit(['@', ']']).next().unwrap_or_default();
    !authority.host().is_empty() && (!after_host.contains(':') || authority.port_u16().is_some())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
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
    fn what_is_no_plain_url_is_refused() {
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
    fn a_base_may_end_with_a_slash() {
        for base in ["https://a.example", "https://a.example/"] {
            let joined = Url::parse(base, false).unwrap().join("/v2/users/me/");
            assert_eq!(joined.as_str(), "https://a.example/v2/users/me/");
            assert_eq!(joined.host(), "a.example");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| {
            Url::parse(one, true).unwrap().same_origin(&Url::parse(other, true).unwrap())
        };
        assert!(same("https://a.example/device", "https://A.example:443/device?user_code=x"));
        assert!(!same("https://a.example/", "http://a.example/"));
        assert!(!same("https://a.example/", "https://a.example:444/"));
        assert!(!same("https://a.example/", "https://a.example.evil/"));
    }
}
