//! DNS lookups in threads, because the system's lookup has no time limit. IPv4 and IPv6 addresses are asked for
//! separately: musl fails a joint lookup if either answer is bad, and glibc waits until both are there.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Ipv6,
    Ipv4,
}

impl Family {
    pub fn of(address: SocketAddr) -> Self {
        if address.is_ipv6() { Family::Ipv6 } else { Family::Ipv4 }
    }
}

/// Looks up the addresses of a name in a family. The last parameter is the port of the results.
pub type Lookup = fn(&str, Family, u16) -> io::Result<Vec<SocketAddr>>;

/// The system's lookup: DNS, /etc/hosts and what else the system uses.
pub fn look_up(name: &str, family: Family, port: u16) -> io::Result<Vec<SocketAddr>> {
    let address = match family {
        Family::Ipv6 => AddrFamily::Inet6,
        Family::Ipv4 => AddrFamily::Inet,
    };
    let hints = AddrInfoHints {
        address: address.into(),
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(name), None, Some(hints))?;
    let addresses = found.flatten().map(|info| info.sockaddr);
    Ok(addresses.map(|address| with_port(address, port)).collect())
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

/// The addresses of a host that needs no lookup: an IP address, or `localhost`, which is always this machine.
/// A host may be in brackets.
pub fn without_lookup(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()]);
    }
    let address = host.trim_matches(['[', ']']).parse().ok()?;
    Some(vec![SocketAddr::new(address, port)])
}

/// Starts a lookup in each family. Each result goes to `answer`.
///
/// A lookup that takes too long is abandoned: its thread ends when the system gives up. The error
/// [`io::ErrorKind::WouldBlock`] means that no thread could be started.
pub fn ask(
    lookup: Lookup,
    name: &str,
    port: u16,
    answer: impl Fn(Family, io::Result<Vec<SocketAddr>>) + Clone + Send + 'static,
) {
    for family in [Family::Ipv6, Family::Ipv4] {
        let (name, in_thread) = (name.to_owned(), answer.clone());
        let look_up = move || in_thread(family, lookup(&name, family, port));
        if let Err(error) = thread::Builder::new().spawn(look_up) {
            answer(family, Err(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_address_and_localhost_need_no_lookup() {
        for (host, addresses) in [
            ("127.0.0.1", &["127.0.0.1:80"][..]),
            ("[::1]", &["[::1]:80"]),
            ("localhost", &["[::1]:80", "127.0.0.1:80"]),
            ("LOCALHOST", &["[::1]:80", "127.0.0.1:80"]),
        ] {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            assert_eq!(without_lookup(host, 80), Some(addresses));
        }
        for host in ["a.example", "localhost.example", "127.1.example"] {
            assert_eq!(without_lookup(host, 80), None);
        }
    }
}
