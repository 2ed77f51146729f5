//! Opens connections for ureq: to a host or through a proxy, with TLS. One time limit covers the lookup, the
//! connection, the proxy and TLS.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, Transport,
    TransportAdapter, time,
};

use super::connect_error::{Cause, ConnectError, RequestError, Stage, tls_error};
use super::deadline::Deadline;
use super::dial::Dialer;
use super::proxy::Proxy;
use super::tcp::Tcp;
use super::tunnel;
use crate::machine::notice::Notice;

/// What all connections of a run share.
#[derive(Debug)]
pub struct Network {
    pub dialer: Dialer,
    notice: Notice,
    /// Keeps TLS sessions, so that they are resumed.
    rustls: RustlsConnector,
    opened: AtomicUsize,
}

impl Network {
    pub fn new(notice: Notice) -> Self {
        Network {
            dialer: Dialer::new(notice.clone()),
            notice,
            rustls: RustlsConnector::default(),
            opened: AtomicUsize::new(0),
        }
    }

    /// The number of connections that were opened.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

/// The connector of the requests that use this proxy, or none.
#[derive(Debug)]
pub struct ProxyConnector {
    pub network: Arc<Network>,
    pub proxy: Option<Proxy>,
}

impl Connector for ProxyConnector {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        let inner = self.open(details).map_err(RequestError::NotConnected)?;
        self.network.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Connection { inner, is_reused: false, has_input: false }))
    }
}

impl ProxyConnector {
    fn open(&self, details: &ConnectionDetails) -> Result<Box<dyn Transport>, ConnectError> {
        let deadline = Deadline::after(*details.timeout.after);
        let opening = Opening { network: &self.network, details, deadline };
        let uri = details.uri;
        let default_port = if details.needs_tls() { 443 } else { 80 };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default_port));
        let Some(proxy) = &self.proxy else {
            let tcp = opening.dial(host, port, false)?;
            let secured = opening.secure(uri, tcp);
            return secured.map_err(|error| ConnectError::new(Stage::Tls, false, error));
        };
        let failed_at_proxy = |cause| ConnectError::new(Stage::Connection, true, cause);
        let mut stream = opening.dial(proxy.host(), proxy.port(), true)?;
        if proxy.is_https() {
            let secured = opening.secure(proxy.uri(), stream);
            stream = secured.map_err(|error| failed_at_proxy(Cause::from(error)))?;
        }
        let mut adapter = TransportAdapter::new(stream, details.current_time.clone());
        adapter.set_timeout(opening.timeout());
        let connected = tunnel::open(&mut adapter, proxy, host, port);
        connected.map_err(|error| failed_at_proxy(Cause::from(error)))?;
        let secured = opening.secure(uri, Box::new(Tunnel(adapter.into_inner())));
        secured.map_err(|error| match tls_error(&error) {
            Some(_) => ConnectError::new(Stage::Tls, false, error),
            // Either of the two may have closed the connection.
            None => failed_at_proxy(Cause::from(error)),
        })
    }
}

/// A connection that is being opened.
struct Opening<'a> {
    network: &'a Network,
    details: &'a ConnectionDetails<'a>,
    deadline: Deadline,
}

impl Opening<'_> {
    fn dial(
        &self,
        host: &str,
        port: u16,
        is_proxy: bool,
    ) -> Result<Box<dyn Transport>, ConnectError> {
        let Network { dialer, notice, .. } = self.network;
        let stream = dialer.connect(host, port, self.deadline).map_err(|error| {
            let stage = if error.is_dns() { Stage::Dns } else { Stage::Connection };
            ConnectError::new(stage, is_proxy, error)
        })?;
        let config = self.details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Box::new(Tcp::new(stream, buffers, notice.clone())))
    }

    /// Adds TLS if the URL is https.
    fn secure(
        &self,
        uri: &Uri,
        transport: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, Error> {
        // `request_level` would make ureq build another TLS configuration.
        let details = ConnectionDetails {
            uri,
            addrs: self.details.addrs.clone(),
            config: self.details.config,
            request_level: false,
            resolver: self.details.resolver,
            now: time::Instant::now(),
            timeout: self.timeout(),
            current_time: self.details.current_time.clone(),
            run_connector: self.details.run_connector.clone(),
            register_shutdown: self.details.register_shutdown.clone(),
        };
        let secured = self.network.rustls.connect(&details, Some(transport))?;
        secured.map(|transport| Box::new(transport) as Box<_>).ok_or(Error::ConnectionFailed)
    }

    fn timeout(&self) -> NextTimeout {
        NextTimeout { after: self.deadline.left().into(), ..self.details.timeout }
    }
}

/// ureq looks names up before each request. The connector does it, only for new connections.
#[derive(Debug)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// The connection to a host. An error shows whether an idle connection failed before the response.
#[derive(Debug)]
pub struct Connection {
    inner: Box<dyn Transport>,
    /// Whether this is not the first request.
    is_reused: bool,
    /// Whether a byte of the response has arrived.
    has_input: bool,
}

impl Connection {
    fn classify(&self, error: Error) -> Error {
        let is_tls = tls_error(&error).is_some();
        match error {
            Error::Io(error) if self.is_reused && !self.has_input && !is_tls => {
                RequestError::IdleConnection(error).into()
            }
            error => error,
        }
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if std::mem::take(&mut self.has_input) {
            self.is_reused = true;
        }
        let result = self.inner.transmit_output(amount, timeout);
        result.map_err(|error| self.classify(error))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let result = self.inner.await_input(timeout);
        let has_input = result.map_err(|error| self.classify(error))?;
        if !has_input && self.is_reused && !self.has_input {
            return Err(self.classify(io::Error::from(ErrorKind::UnexpectedEof).into()));
        }
        self.has_input |= has_input;
        Ok(has_input)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The connection to a host behind a proxy. It needs TLS of its own, also where the proxy has TLS.
#[derive(Debug)]
struct Tunnel(Box<dyn Transport>);

impl Transport for Tunnel {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }
}
