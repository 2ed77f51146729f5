//! Which proxy a URL goes through (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::fmt;
use std::net::IpAddr;

use super::url::{Url, has_host_and_port, is_loopback};
use crate::error::Error;
use crate::machine::env::Env;

/// A proxy, and the variable that names it.
#[derive(Clone, PartialEq)]
pub struct Proxy {
    variable: &'static str,
    proxy: ureq::Proxy,
}

impl Proxy {
    pub fn to_ureq(&self) -> ureq::Proxy {
        self.proxy.clone()
    }

    /// Whether the connection to the proxy itself uses TLS.
    pub fn is_https(&self) -> bool {
        self.proxy.protocol() == ureq::ProxyProtocol::Https
    }
}

/// Host, port and variable, without the password: `192.0.2.1:3128 (HTTPS_PROXY)`.
impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}:{} ({})", self.proxy.host(), self.proxy.port(), self.variable)
    }
}

/// The proxy for a URL: that of its scheme's variable, else of `ALL_PROXY`, unless `NO_PROXY` lists the
/// host. As in curl, a lower-case name overrides the upper-case one. Plain http to this machine uses none:
/// a proxy would carry it over the network unencrypted.
pub fn for_url(env: &Env, url: &Url) -> Result<Option<Proxy>, Error> {
    let exceptions = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env.text(name));
    let is_excepted = exceptions.is_some_and(|list| is_listed(list, url.host_name()));
    if is_excepted || (!url.is_https() && is_loopback(url.host_name())) {
        return Ok(None);
    }
    let own =
        if url.is_https() { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let variables = own.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let Some(variable) = variables.into_iter().find(|name| env.get(name).is_some()) else {
        return Ok(None);
    };
    let value = env.text(variable).unwrap_or_default();
    let proxy = ureq::Proxy::new(value).ok().filter(|_| !has_unencoded_password(value));
    match proxy.filter(|proxy| proxy.uri().authority().is_some_and(has_host_and_port)) {
        Some(proxy) => Ok(Some(Proxy { variable, proxy })),
        None => Err(Error::failure(
            format!("{variable} is not a valid proxy URL"),
            match value.contains('@') {
                true => format!(
                    "Use {variable}=http://USER:PASSWORD@HOST:PORT. In the password, write / as %2F, ? as \
                     %3F and # as %23."
                ),
                false => format!("Use {variable}=http://HOST:PORT, or unset it."),
            },
        )),
    }
}

/// Whether `/`, `?` or `#` ends the authority before its `@`. The user would then count as the host.
fn has_unencoded_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once(['/', '?', '#']).is_some_and(|(_, rest)| rest.contains('@'))
}

/// `NO_PROXY` is a comma-separated list of hosts; a domain includes its subdomains, and `*` is every host.
fn is_listed(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_address = host.parse::<IpAddr>().is_ok();
    list.split([',', ' ']).map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        let domain = domain.trim_matches(['[', ']']);
        let before = host.strip_suffix(domain).filter(|_| !domain.is_empty());
        let within = before.is_some_and(|before| before.ends_with('.') && !is_address);
        entry == "*" || before == Some("") || within
    })
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
        ] {
            assert_eq!(is_listed(list, host), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn invalid_proxy_is_an_error() {
        for value in ["gopher://p", "http://p:99999", "http://:8080", "http://"] {
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
