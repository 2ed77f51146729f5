//! How far a request got, learnt by looking over ureq's shoulder while it connects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, SocksConnector, TcpConnector,
    Transport,
};

use super::tls::TlsConnector;

/// How far the request at hand got.
#[derive(Debug, Default)]
pub struct Stage(AtomicU8);

/// Nothing was looked up or connected: an open connection is used.
const REUSED: u8 = 0;
/// A name could not be looked up.
const NOT_FOUND: u8 = 1;
/// Connecting, TLS and proxy included.
const CONNECTING: u8 = 2;
/// The proxy is connected; its answer, and TLS with the host behind it, are still to come.
const BEHIND_PROXY: u8 = 3;
/// A new connection stands.
const CONNECTED: u8 = 4;

impl Stage {
    /// A new request begins.
    pub fn reset(&self) {
        self.set(REUSED);
    }

    /// Whether a failed request cannot have reached its server.
    pub fn nothing_was_sent(&self) -> bool {
        matches!(self.get(), NOT_FOUND | CONNECTING | BEHIND_PROXY)
    }

    /// Whether a failed request has not even found its server, or its proxy.
    pub fn not_found(&self) -> bool {
        self.get() == NOT_FOUND
    }

    /// Whether a failed request has come through its proxy's own door.
    pub fn behind_proxy(&self) -> bool {
        self.get() == BEHIND_PROXY
    }

    /// Whether the request opened a connection.
    pub fn connected(&self) -> bool {
        self.get() == CONNECTED
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }
}

/// ureq's own connectors with our TLS, watched.
#[derive(Debug)]
pub struct WatchedConnector {
    inner: Box<dyn Connector<Out = Box<dyn Transport>>>,
    stage: Arc<Stage>,
}

impl WatchedConnector {
    /// Tells `stage` what it does.
    pub fn new(tls: TlsConnector, stage: Arc<Stage>) -> Self {
        let tcp = SocksConnector::default()
            .chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default());
        WatchedConnector { inner: Box::new(().chain(tcp).chain(tls)), stage }
    }
}

impl Connector for WatchedConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        self.stage.set(CONNECTING);
        // Through a proxy this is called twice, one within the other; the outer call has the last word.
        let connected = self.inner.connect(details, chained);
        match &connected {
            Ok(_) => self.stage.set(CONNECTED),
            Err(_) if self.stage.connected() => self.stage.set(BEHIND_PROXY),
            Err(_) => {}
        }
        connected
    }
}

/// A resolver, watched.
#[derive(Debug)]
pub struct WatchedResolver<R> {
    inner: R,
    stage: Arc<Stage>,
}

impl<R> WatchedResolver<R> {
    /// Tells `stage` when a look-up fails.
    pub fn new(inner: R, stage: Arc<Stage>) -> Self {
        WatchedResolver { inner, stage }
    }
}

impl<R: Resolver> Resolver for WatchedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.inner.resolve(uri, config, timeout).inspect_err(|_| self.stage.set(NOT_FOUND))
    }
}
