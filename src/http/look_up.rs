//! A name is looked up for each connection that is opened, and for nothing else.
//!
//! ureq looks a name up before every request, also when an open connection will carry it: a login that
//! polls a hundred times would depend on the DNS a hundred times. So ureq is told [`Later`], and
//! [`LookUp`] does it where a connection has to be opened. Nothing is remembered that could grow old.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};
use ureq::{Error, Timeout};

use super::CONNECT_LIMIT;

/// Stands for the addresses that are still to be looked up; no host is there.
const LATER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A resolver that puts it off.
#[derive(Debug)]
pub struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(LATER);
        Ok(addresses)
    }
}

/// A connector that looks up first what was put off. Looking up and connecting have [`CONNECT_LIMIT`]
/// each, within what the request has left.
#[derive(Debug)]
pub struct LookUp<R, C> {
    /// Looks names up, for the connector too: a proxy's name is its business.
    pub resolver: R,
    /// Connects.
    pub connector: C,
}

impl<R: Resolver, C: Connector> Connector for LookUp<R, C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let (mut addrs, mut now, mut left) = (details.addrs.clone(), details.now, details.timeout);
        if addrs.first() == Some(&LATER) {
            let limit = NextTimeout { reason: Timeout::Resolve, ..at_most_the_limit(left) };
            addrs = self.resolver.resolve(details.uri, details.config, limit)?;
            now = (details.current_time)();
            left = remaining(left, details.now, now);
        }
        let details = ConnectionDetails {
            addrs,
            now,
            timeout: at_most_the_limit(left),
            resolver: &self.resolver,
            uri: details.uri,
            config: details.config,
            request_level: details.request_level,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        self.connector.connect(&details, chained)
    }
}

fn at_most_the_limit(timeout: NextTimeout) -> NextTimeout {
    NextTimeout { after: timeout.after.min(CONNECT_LIMIT.into()), ..timeout }
}

/// What is left of a time-out that began at `start`.
pub fn remaining(timeout: NextTimeout, start: Instant, now: Instant) -> NextTimeout {
    let (Instant::Exact(start), Instant::Exact(now)) = (start, now) else { return timeout };
    let after = timeout.after.saturating_sub(now.saturating_duration_since(start));
    NextTimeout { after: after.into(), ..timeout }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use platform::Platform;
    use ureq::Agent;

    use super::super::connector::{Stage, WatchedConnector, WatchedResolver};
    use super::super::tls::TlsConnector;
    use super::*;

    /// A DNS that knows one address for all names, or none, and counts how often it is asked.
    #[derive(Clone, Debug, Default)]
    struct Dns {
        address: Arc<Mutex<Option<SocketAddr>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Dns {
        fn says(&self, platform: Option<&Platform>) {
            let address = |platform: &Platform| authority(platform).parse().unwrap();
            *self.address.lock().unwrap() = platform.map(address);
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Resolver for Dns {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            timeout: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            assert!(*timeout.after <= CONNECT_LIMIT, "{timeout:?}");
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mut addresses = self.empty();
            addresses.push(self.address.lock().unwrap().ok_or(Error::HostNotFound)?);
            Ok(addresses)
        }
    }

    fn authority(platform: &Platform) -> &str {
        platform.url().trim_start_matches("http://")
    }

    /// A client of this DNS.
    struct Client {
        agent: Agent,
        stage: Arc<Stage>,
    }

    impl Client {
        fn of(dns: &Dns) -> Self {
            let stage = Arc::<Stage>::default();
            let look_up = LookUp {
                resolver: WatchedResolver::new(dns.clone(), stage.clone()),
                connector: WatchedConnector::new(TlsConnector::new(None), stage.clone()),
            };
            let config = Agent::config_builder().proxy(None).build();
            Client { agent: Agent::with_parts(config, look_up, Later), stage }
        }

        fn get(&self, host: &str) -> Result<(), Error> {
            self.stage.reset();
            let url = format!("http://{host}/.well-known/openid-configuration");
            self.agent.get(url).call()?.body_mut().read_to_vec().map(drop)
        }
    }

    /// A platform that the DNS knows, and a client.
    fn start() -> (Platform, Dns, Client) {
        let (platform, dns) = (Platform::start(), Dns::default());
        dns.says(Some(&platform));
        let client = Client::of(&dns);
        (platform, dns, client)
    }

    /// Ends all connections, and gives the client's side the moment in which it learns of it.
    #[expect(clippy::disallowed_methods, reason = "networks live in real time")]
    fn cut(platform: &Platform) {
        platform.cut();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    #[test]
    fn a_hundred_requests_on_one_connection_ask_once() {
        let (platform, dns, client) = start();
        for request in 0..100 {
            client.get("oidc.example").unwrap();
            assert_eq!(client.stage.connected(), request == 0);
        }
        assert_eq!((platform.connections(), dns.asked()), (1, 1));
    }

    #[test]
    fn each_host_is_asked_for() {
        let (platform, dns, client) = start();
        for host in ["oidc.example", "api.example", "oidc.example", "api.example"] {
            client.get(host).unwrap();
        }
        assert_eq!((platform.connections(), dns.asked()), (2, 2));
    }

    #[test]
    fn a_host_that_moved_is_found_by_the_first_request_that_needs_a_new_connection() {
        let (old, dns, client) = start();
        let new = Platform::start();
        client.get("oidc.example").unwrap();
        dns.says(Some(&new));
        client.get("oidc.example").unwrap();
        assert_eq!((new.connections(), dns.asked()), (0, 1), "the old one still answers");
        cut(&old);
        drop(old);
        client.get("oidc.example").unwrap();
        assert_eq!((new.connections(), dns.asked()), (1, 2));
    }

    #[test]
    fn a_dns_that_is_down_is_noticed_only_where_a_connection_has_to_be_opened() {
        let (platform, dns, client) = start();
        client.get("oidc.example").unwrap();
        dns.says(None);
        client.get("oidc.example").unwrap();
        cut(&platform);
        for asked in [2, 3] {
            let error = client.get("oidc.example").unwrap_err();
            assert!(matches!(error, Error::HostNotFound), "{error}");
            assert!(client.stage.not_found() && client.stage.nothing_was_sent());
            assert_eq!(dns.asked(), asked);
        }
        dns.says(Some(&platform));
        client.get("oidc.example").unwrap();
        assert!(client.stage.connected());
        assert_eq!(dns.asked(), 4);
    }

    #[test]
    fn a_request_that_failed_has_the_next_one_ask_again() {
        let (platform, dns, client) = start();
        platform.answer(platform::Call::Discovery, platform::Answer::hang_up());
        client.get("oidc.example").unwrap_err();
        client.get("oidc.example").unwrap();
        assert_eq!((platform.connections(), dns.asked()), (2, 2));
    }
}
