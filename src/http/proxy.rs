//! Which proxy a URL goes through (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::net::IpAddr;

use super::url::{Url, has_host_and_port};
use crate::error::Error;
use crate::host::env::Env;

/// A proxy, and the variable that named it.
#[derive(Clone, PartialEq)]
pub struct Proxy {
    variable: &'static str,
    proxy: ureq::Proxy,
}

impl Proxy {
    /// For ureq.
    pub fn for_ureq(&self) -> ureq::Proxy {
        self.proxy.clone()
    }

    /// Whether the proxy itself is spoken to over TLS.
    pub fn is_https(&self) -> bool {
        self.proxy.protocol() == ureq::ProxyProtocol::Https
    }

    /// For a message: where it is and who says so, without its password.
    pub fn shown(&self) -> String {
        format!("{}:{} ({})", self.proxy.host(), self.proxy.port(), self.variable)
    }
}

/// The proxy for a URL: its scheme's variable, else `ALL_PROXY`, unless `NO_PROXY` names the host.
/// Of both cases of a name the lower one is looked at first, as curl does.
pub fn for_url(env: &Env, url: &Url) -> Result<Option<Proxy>, Error> {
    let excepted = ["no_proxy", "NO_PROXY"].iter().find_map(|name| env.text(name));
    if excepted.is_some_and(|list| is_excepted(list, url.host_name())) {
        return Ok(None);
    }
    let own =
        if url.is_https() { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let variables = own.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let Some(variable) = variables.into_iter().find(|name| env.get(name).is_some()) else {
        return Ok(None);
    };
    let proxy = env.text(variable).and_then(|value| ureq::Proxy::new(value).ok());
    match proxy.filter(|proxy| proxy.uri().authority().is_some_and(has_host_and_port)) {
        Some(proxy) => Ok(Some(Proxy { variable, proxy })),
        None => Err(Error::failure(
            format!("{variable} does not name a proxy that rio can use"),
            format!("Write it as {variable}=http://HOST:PORT, or unset it."),
        )),
    }
}

/// `NO_PROXY` is a list of hosts between commas; a domain stands for its subdomains too, `*` for all.
fn is_excepted(list: &str, host: &str) -> bool {
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
        Ok(for_url(&env, &url)?.map(|proxy| proxy.shown()))
    }

    #[test]
    fn each_scheme_has_its_proxy_and_all_proxy_is_for_the_rest() {
        let variables = [("HTTPS_PROXY", "http://s:1"), ("all_proxy", "socks5h://a:2")];
        let proxy = |url| proxy_of(url, &variables).unwrap();
        assert_eq!(proxy("https://x.example").as_deref(), Some("s:1 (HTTPS_PROXY)"));
        assert_eq!(proxy("http://x.example").as_deref(), Some("a:2 (all_proxy)"));
        assert_eq!(proxy_of("https://x.example", &[]), Ok(None));
    }

    #[test]
    fn a_password_of_the_proxy_is_not_shown() {
        let shown = proxy_of("https://x.example", &[("https_proxy", "http://ada:hunter2@p:3")]);
        assert_eq!(shown.unwrap().as_deref(), Some("p:3 (https_proxy)"));
    }

    #[test]
    fn no_proxy_names_hosts_and_their_subdomains() {
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
            assert_eq!(is_excepted(list, host), excepted, "{list:?} {host}");
        }
    }

    #[test]
    fn a_proxy_that_makes_no_sense_is_an_error_and_not_a_detour_around_it() {
        for value in ["gopher://p", "http://p:99999", "http://:8080", "http://"] {
            let error = proxy_of("https://x.example", &[("HTTPS_PROXY", value)]).unwrap_err();
            assert!(error.fact().starts_with("HTTPS_PROXY"), "{value}: {error:?}");
        }
    }
}
