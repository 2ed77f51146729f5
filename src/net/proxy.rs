//! Which proxy a URL goes through (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::ffi::OsStr;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode;
use ureq::http::Uri;

use super::url::{Url, has_host_and_port, is_loopback};
use crate::error::Error;
use crate::machine::env::Env;

/// A proxy, and the variable that names it.
#[derive(Clone, PartialEq)]
pub struct Proxy {
    variable: &'static str,
    protocol: Protocol,
    uri: Uri,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// CONNECT.
    Http,
    /// CONNECT over TLS.
    Https,
    Socks4,
    Socks5,
}

impl Protocol {
    fn from_scheme(scheme: &str) -> Option<Self> {
        Some(match &*scheme.to_ascii_lowercase() {
            "http" => Protocol::Http,
            "https" => Protocol::Https,
            "socks4" | "socks4a" => Protocol::Socks4,
            "socks" | "socks5" | "socks5h" => Protocol::Socks5,
            _ => return None,
        })
    }

    fn default_port(self) -> u16 {
        match self {
            Protocol::Http => 80,
            Protocol::Https => 443,
            Protocol::Socks4 | Protocol::Socks5 => 1080,
        }
    }
}

/// Bytes, because a locale may have another encoding than UTF-8.
#[derive(Clone, PartialEq)]
pub struct Credentials {
    pub user: Vec<u8>,
    pub password: Vec<u8>,
}

impl Proxy {
    /// Parses `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]` as curl does.
    pub fn parse(variable: &'static str, value: &OsStr) -> Option<Self> {
        let value = value.as_encoded_bytes();
        if value.iter().any(|byte| *byte == b' ' || byte.is_ascii_control()) {
            return None;
        }
        let (scheme, rest) = split(value, b"://").unwrap_or((b"http", value));
        let protocol = Protocol::from_scheme(std::str::from_utf8(scheme).ok()?)?;
        let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        // A password with such a character would end the authority, and the user would count as the host.
        if path.contains(&b'@') {
            return None;
        }
        let at = authority.iter().rposition(|byte| *byte == b'@');
        let (credentials, host) = match at {
            Some(at) => (Some(authority.get(..at)?), authority.get(at.checked_add(1)?..)?),
            None => (None, authority),
        };
        let host = std::str::from_utf8(host).ok()?;
        let uri: Uri = format!("https://{host}").parse().ok()?;
        let is_valid = uri.authority().is_some_and(has_host_and_port);
        let credentials = match credentials {
            Some(text) => Some(Credentials::parse(text)?),
            None => None,
        };
        is_valid.then_some(Proxy { variable, protocol, uri, credentials })
    }

    pub fn variable(&self) -> &'static str {
        self.variable
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether the connection to the proxy itself uses TLS.
    pub fn is_https(&self) -> bool {
        self.protocol == Protocol::Https
    }

    pub fn is_socks(&self) -> bool {
        matches!(self.protocol, Protocol::Socks4 | Protocol::Socks5)
    }

    /// For a message.
    pub fn scheme(&self) -> &'static str {
        match self.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Socks4 => "socks4a",
            Protocol::Socks5 => "socks5h",
        }
    }

    /// An https URL of the proxy, without the password.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or_else(|| self.protocol.default_port())
    }

    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl Credentials {
    fn parse(text: &[u8]) -> Option<Self> {
        let (user, password) = split(text, b":").unwrap_or((text, b""));
        let [user, password] =
            [user, password].map(|text| percent_decode(text).collect::<Vec<u8>>());
        let has_control =
            [&user, &password].iter().any(|text| text.iter().any(u8::is_ascii_control));
        (!has_control).then_some(Credentials { user, password })
    }
}

/// Splits at the first separator.
fn split<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(separator.len()).position(|window| window == separator)?;
    let (first, rest) = text.split_at_checked(at)?;
    Some((first, rest.strip_prefix(separator)?))
}

/// Host, port and variable, without the password: `192.0.2.1:3128 (HTTPS_PROXY)`.
impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}:{} ({})", self.host(), self.port(), self.variable)
    }
}

/// Without the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The proxy for a URL: that of its scheme's variable, else of `ALL_PROXY`, unless `NO_PROXY` lists the
/// host. As in curl, a lower-case name overrides the upper-case one. Plain http to this machine uses none:
/// a proxy would carry it over the network unencrypted.
pub fn for_url(env: &Env, url: &Url) -> Result<Option<Proxy>, Error> {
    let exceptions = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env.string(name));
    let is_excepted = exceptions.is_some_and(|list| is_listed(list, url.host_name(), url.port()));
    if is_excepted || (!url.is_https() && is_loopback(url.host_name())) {
        return Ok(None);
    }
    let own =
        if url.is_https() { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let variables = own.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let mut set = variables.filter_map(|name| Some((name, env.get(name)?)));
    let Some((variable, value)) = set.next() else { return Ok(None) };
    match Proxy::parse(variable, value) {
        Some(proxy) => Ok(Some(proxy)),
        None => Err(Error::failure(
            format!("{variable} is not a valid proxy URL"),
            match value.as_encoded_bytes().contains(&b'@') {
                true => format!(
                    "Use {variable}=http://USER:PASSWORD@HOST:PORT. In the password, write / as %2F, ? as \
                     %3F and # as %23."
                ),
                false => format!("Use {variable}=http://HOST:PORT, or unset it."),
            },
        )),
    }
}

/// `NO_PROXY` is a comma-separated list of hosts, with a port or without; a domain includes its subdomains, a range
/// of addresses (`10.0.0.0/8`) its addresses, and `*` is every host.
fn is_listed(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| {
        let (pattern, entry_port) = split_port(&entry);
        entry_port.is_none_or(|entry_port| entry_port == port.to_string())
            && covers(pattern.trim_matches(['[', ']']), &host)
    })
}

/// Splits an entry at its port. The colons of an IPv6 address without brackets are no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match pattern.split_once('/') {
            Some((network, bits)) => is_in_network(address, network, bits).unwrap_or(false),
            None => pattern.parse() == Ok(address),
        };
    }
    let domain = pattern.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.');
    let before = host.strip_suffix(domain).filter(|_| !domain.is_empty());
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn is_in_network(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let (address, network, width) = match (address, network.trim_matches(['[', ']']).parse().ok()?)
    {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits().into(), network.to_bits().into(), u32::BITS)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits(), network.to_bits(), u128::BITS)
        }
        _ => return None,
    };
    let difference: u128 = address ^ network;
    // A shift by the whole width leaves nothing.
    Some(difference.checked_shr(width.checked_sub(bits)?).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let env = Env::new(variables.iter().copied(), None);
        let url = Url::parse(url, true).unwrap();
        Ok(for_url(&env, &url)?.map(|proxy| proxy.to_string()))
    }

    #[test]
    fn scheme_variable_overrides_all_proxy() {
        let variables = [("HTTPS_PROXY", "http://s:1"), ("all_proxy", "socks5h://a:2")];
        let proxy = |url| proxy_of(url, &variables).unwrap();
        assert_eq!(proxy("https://x.example").as_deref(), Some("s:1 (HTTPS_PROXY)"));
        assert_eq!(proxy("http://x.example").as_deref(), Some("a:2 (all_proxy)"));
        assert_eq!(proxy_of("https://x.example", &[]), Ok(None));
    }

    #[test]
    fn plain_http_to_loopback_uses_no_proxy() {
        let variables = [("http_proxy", "http://p:1"), ("ALL_PROXY", "socks5://a:2")];
        for (url, is_direct) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.8.0.1", true),
            ("http://Localhost", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example", false),
            ("https://127.0.0.1", false),
        ] {
            assert_eq!(proxy_of(url, &variables).unwrap().is_none(), is_direct, "{url}");
        }
    }

    #[test]
    fn display_omits_password() {
        let shown = proxy_of("https://x.example", &[("https_proxy", "http://ada:hunter2@p:3")]);
        assert_eq!(shown.unwrap().as_deref(), Some("p:3 (https_proxy)"));
    }

    #[test]
    fn no_proxy_matches_hosts_and_subdomains() {
        for (list, host, excepted) in [
            ("rapyuta.io", "oidc.rapyuta.io", true),
            (".rapyuta.io", "rapyuta.io", true),
            ("*.rapyuta.io, localhost", "localhost", true),
            ("*", "any.example", true),
            ("pyuta.io", "rapyuta.io", false),
            ("", "rapyuta.io", false),
            (",,", "rapyuta.io", false),
            ("::1", "[::1]", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("0.0.1", "127.0.0.1", false),
            ("RAPYUTA.IO", "rapyuta.io", true),
            ("rapyuta.io.", "rapyuta.io", true),
            ("rapyuta.io", "rapyuta.io.", true),
            ("a.example\trapyuta.io", "rapyuta.io", true),
        ] {
            assert_eq!(is_listed(list, host, 443), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn no_proxy_matches_ranges_of_addresses() {
        for (list, host, excepted) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.9.9.9/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("192.168.0.0/23", "192.168.1.9", true),
            ("192.168.0.0/23", "192.168.2.9", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.4", false),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("10.0.0.0/x", "10.0.0.0", false),
            ("10.0.0.0/8", "10.example", false),
            ("fd00::/8", "[fd12::1]", true),
            ("[fd00::]/8", "[fd12::1]", true),
            ("fd00::/8", "[fe80::1]", false),
            ("fd00::/8", "10.1.2.3", false),
            ("::/0", "10.1.2.3", false),
            ("0:0:0:0:0:0:0:1", "[::1]", true),
        ] {
            assert_eq!(is_listed(list, host, 443), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn no_proxy_with_port_matches_only_this_port() {
        for (list, host, port, excepted) in [
            ("rip.example:8443", "rip.example", 8443, true),
            ("rip.example:8443", "rip.example", 443, false),
            (".example:8443", "rip.example", 8443, true),
            ("10.0.0.1:8443", "10.0.0.1", 8443, true),
            ("10.0.0.1:8443", "10.0.0.1", 443, false),
            ("[::1]:8443", "[::1]", 8443, true),
            ("[::1]:8443", "[::1]", 443, false),
            ("rip.example:", "rip.example", 443, false),
            ("*:8443", "rip.example", 443, false),
        ] {
            assert_eq!(is_listed(list, host, port), excepted, "{list:?} {host}:{port}");
        }
    }

    #[test]
    fn credentials_may_contain_any_character() {
        for (userinfo, user, password) in [
            (r"DOMAIN\ada:pw", &br"DOMAIN\ada"[..], &b"pw"[..]),
            (r"DOMAIN%5Cada:pw", br"DOMAIN\ada", b"pw"),
            ("ada:^|{}\"<>`'", b"ada", b"^|{}\"<>`'"),
            ("ada:a%20b", b"ada", b"a b"),
            ("ada:gr\u{fc}n", b"ada", "gr\u{fc}n".as_bytes()),
            ("ada:a:b@c", b"ada", b"a:b@c"),
            ("ada:100%", b"ada", b"100%"),
            ("ada:%2f%3F%23", b"ada", b"/?#"),
            ("ada", b"ada", b""),
            ("", b"", b""),
        ] {
            for scheme in ["http", "https", "socks5", "SOCKS5H", "socks4a"] {
                let value = format!("{scheme}://{userinfo}@p.example:3128/");
                let proxy = Proxy::parse("HTTPS_PROXY", OsStr::new(&value)).unwrap();
                let credentials = proxy.credentials().unwrap();
                assert_eq!((&*credentials.user, &*credentials.password), (user, password));
                assert_eq!((proxy.host(), proxy.port()), ("p.example", 3128), "{value}");
            }
        }
    }

    #[test]
    fn each_scheme_has_its_default_port() {
        for (value, protocol, port) in [
            ("p", Protocol::Http, 80),
            ("HTTP://p", Protocol::Http, 80),
            ("https://p", Protocol::Https, 443),
            ("socks://p", Protocol::Socks5, 1080),
            ("socks5://p", Protocol::Socks5, 1080),
            ("socks5h://p", Protocol::Socks5, 1080),
            ("socks4://p", Protocol::Socks4, 1080),
            ("socks4a://p", Protocol::Socks4, 1080),
        ] {
            let proxy = Proxy::parse("HTTPS_PROXY", OsStr::new(value)).unwrap();
            assert_eq!((proxy.protocol(), proxy.port()), (protocol, port), "{value}");
        }
    }

    #[test]
    fn invalid_proxy_is_an_error() {
        for value in [
            "gopher://p",
            "http://p:99999",
            "http://:8080",
            "http://",
            "http://ada:a%0ab@p:1",
            "http://a b:1",
        ] {
            let error = proxy_of("https://x.example", &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(error.fact().starts_with("HTTPS_PROXY"), "{value}: {error:?}");
        }
    }

    #[test]
    fn unencoded_password_is_an_error_that_does_not_show_it() {
        for value in [
            "http://ada:4711/hunter2@p:3128",
            "http://ada:4711?hunter2@p:3128",
            "http://ada:4711#hunter2@p:3128",
            "ada:4711/hunter2@p:3128",
            "http://ada:4711@hunter2@p:3128/",
            "http://ada:4711://hunter2@p:3128/",
            "ada:4711://hunter2@p:3128",
        ] {
            match proxy_of("https://x.example", &[("HTTPS_PROXY", value)]) {
                Ok(shown) => assert_eq!(shown.as_deref(), Some("p:3128 (HTTPS_PROXY)"), "{value}"),
                Err(error) => {
                    assert_eq!(error.fact(), "HTTPS_PROXY is not a valid proxy URL");
                    assert!(error.advice().contains("%2F"), "{error:?}");
                }
            }
        }
    }
}
