//! DNS lookups with a time limit. While DNS fails, the last addresses of a host are used, so that a
//! waiting login survives. `localhost` is always this machine.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

use super::progress::{CurrentProgress, Progress};

/// How long a lookup may take where addresses from an earlier one can be used instead.
const REPEATED_LOOKUP_LIMIT: Duration = Duration::from_secs(2);
/// As many addresses as ureq tries.
const MOST_ADDRESSES: usize = 16;

/// Resolves `host:port`.
type Lookup = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// The resolver of a run.
#[derive(Clone, Debug)]
pub struct CachingResolver {
    lookup: Lookup,
    progress: CurrentProgress,
    known: Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>,
}

impl CachingResolver {
    pub fn new(progress: CurrentProgress) -> Self {
        let lookup: Lookup = |host| Ok(host.to_socket_addrs()?.collect());
        CachingResolver { lookup, progress, known: Arc::default() }
    }

    /// The addresses that were last found for this `host:port`.
    pub fn addresses(&self, host: &str) -> Vec<SocketAddr> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(host).cloned().unwrap_or_default()
    }

    fn resolve_name(&self, host: String, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = known.get(&host);
        let limit = if earlier.is_some() { limit.min(REPEATED_LOOKUP_LIMIT) } else { limit };
        match (look_up_within(self.lookup, host.clone(), limit), earlier) {
            (Ok(addresses), _) => {
                known.insert(host, addresses.clone());
                Ok(addresses)
            }
            (Err(_), Some(addresses)) => Ok(addresses.clone()),
            (Err(error), None) => {
                // It is the name of a proxy if the connector has started.
                if self.progress.get() == Progress::Reusing {
                    self.progress.set(Progress::NotResolved);
                }
                Err(error)
            }
        }
    }
}

impl Resolver for CachingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.scheme().zip(uri.authority());
        let host = host.and_then(|(scheme, host)| DefaultResolver::host_and_port(scheme, host));
        let host = host.ok_or(Error::HostNotFound)?;
        let addresses = match (host.parse(), localhost(&host)) {
            (Ok(literal), _) => vec![literal],
            (_, Some(addresses)) => addresses,
            _ => self.resolve_name(host, *timeout.after)?,
        };
        let mut resolved = self.empty();
        addresses.into_iter().take(MOST_ADDRESSES).for_each(|address| resolved.push(address));
        Ok(resolved)
    }
}

/// The loopback addresses if the name is `localhost`, which may also get plain http. IPv4 is last: every machine
/// has it, and ureq reports the failure of the last address.
fn localhost(host: &str) -> Option<Vec<SocketAddr>> {
    let (name, port) = host.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|_| name.eq_ignore_ascii_case("localhost"))?;
    Some(vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()])
}

/// The system's lookup has no timeout, so it runs in a thread, which is abandoned if it takes too long.
/// [`Error::Io`] means that no thread could be started.
fn look_up_within(lookup: Lookup, host: String, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
    let (sender, receiver) = sync_channel(1);
    thread::Builder::new().spawn(move || sender.send(lookup(&host)))?;
    let found = receiver.recv_timeout(limit).map_err(|_| Error::Timeout(Timeout::Resolve))?;
    found.ok().filter(|addresses| !addresses.is_empty()).ok_or(Error::HostNotFound)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 443);
    const SHORT: Duration = Duration::from_millis(5);

    fn resolver(lookup: Lookup) -> CachingResolver {
        CachingResolver { lookup, ..CachingResolver::new(CurrentProgress::default()) }
    }

    fn resolve(resolver: &CachingResolver, url: &str) -> Result<Vec<SocketAddr>, Error> {
        resolve_within(Duration::from_secs(10), resolver, url)
    }

    fn resolve_within(
        limit: Duration,
        resolver: &CachingResolver,
        url: &str,
    ) -> Result<Vec<SocketAddr>, Error> {
        let limit = NextTimeout { after: limit.into(), ..NextTimeout::default() };
        Ok(resolver.resolve(&url.parse().unwrap(), &Config::default(), limit)?.to_vec())
    }

    fn finds(_: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![ADDRESS])
    }

    fn finds_none(_: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(Vec::new())
    }

    fn fails(_: &str) -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("temporary failure in name resolution"))
    }

    fn never_returns(_: &str) -> io::Result<Vec<SocketAddr>> {
        loop {
            thread::park();
        }
    }

    #[test]
    fn ip_address_and_localhost_need_no_lookup() {
        let resolver = resolver(|host| panic!("lookup of {host}"));
        for (url, addresses) in [
            ("http://127.0.0.1", &["127.0.0.1:80"][..]),
            ("https://127.0.0.1", &["127.0.0.1:443"]),
            ("https://[::1]:8443/x", &["[::1]:8443"]),
            ("https://localhost/x", &["[::1]:443", "127.0.0.1:443"]),
            ("http://LOCALHOST:8080", &["[::1]:8080", "127.0.0.1:8080"]),
        ] {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            assert_eq!(resolve(&resolver, url).unwrap(), addresses);
        }
    }

    #[test]
    fn failed_lookup_of_unknown_host_is_an_error() {
        for lookup in [fails, finds_none] {
            let error = resolve(&resolver(lookup), "https://a.example").unwrap_err();
            assert!(matches!(error, Error::HostNotFound), "{error}");
        }
        let resolver = resolver(never_returns);
        let error = resolve_within(SHORT, &resolver, "https://a.example").unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Resolve)), "{error}");
    }

    #[test]
    fn failed_lookup_of_known_host_uses_its_last_addresses() {
        for lookup in [fails, never_returns, finds_none] {
            let mut resolver = resolver(finds);
            assert_eq!(resolve(&resolver, "https://a.example").unwrap(), [ADDRESS]);
            resolver.lookup = lookup;
            let again = resolve_within(SHORT, &resolver, "https://a.example");
            assert_eq!(again.unwrap(), [ADDRESS]);
            resolve_within(SHORT, &resolver, "https://b.example").unwrap_err();
        }
    }

    #[test]
    fn failed_lookup_of_host_is_recorded_but_not_of_proxy() {
        for (before, after) in [
            (Progress::Reusing, Progress::NotResolved),
            (Progress::Connecting, Progress::Connecting),
        ] {
            let resolver = resolver(fails);
            resolver.progress.set(before);
            resolve(&resolver, "https://a.example").unwrap_err();
            assert_eq!(resolver.progress.get(), after);
        }
    }
}
