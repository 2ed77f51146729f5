//! Opens connections with ureq's own connectors, records the progress, and limits how long a proxy may
//! take.

use std::ops::Add;
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

use super::progress::{CurrentProgress, Progress};

/// [`DefaultConnector`], which does SOCKS, CONNECT, TCP and TLS, with a record of its progress.
#[derive(Debug)]
pub struct TrackingConnector {
    inner: DefaultConnector,
    progress: CurrentProgress,
}

impl TrackingConnector {
    pub fn new(progress: CurrentProgress) -> Self {
        TrackingConnector { inner: DefaultConnector::new(), progress }
    }
}

impl Connector for TrackingConnector {
    type Out = TrackedTransport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        // To connect to an HTTP proxy, ureq calls this again from within.
        let is_to_proxy = self.progress.get() == Progress::Connecting;
        self.progress.set(Progress::Connecting);
        let deadline = details.now.add(details.timeout.after);
        let (progress, register) = (self.progress.clone(), details.register_shutdown.clone());
        let details = ConnectionDetails {
            // ureq calls this as soon as the socket is open.
            register_shutdown: Arc::new(move |handle| {
                progress.set(Progress::SocketOpen);
                register(handle)
            }),
            ..with_timeout(details, time_until(deadline))
        };
        let Some(inner) = self.inner.connect(&details, chained)? else { return Ok(None) };
        self.progress.set(if is_to_proxy { Progress::ProxyConnected } else { Progress::Connected });
        let proxy_deadline = is_to_proxy.then_some(deadline);
        Ok(Some(TrackedTransport { inner, progress: self.progress.clone(), proxy_deadline }))
    }
}

/// ureq does not subtract the time that the lookup of a proxy took.
fn with_timeout<'a>(details: &ConnectionDetails<'a>, after: Duration) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs: details.addrs.clone(),
        config: details.config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: Instant::now(),
        timeout: NextTimeout { after, ..details.timeout },
        current_time: details.current_time.clone(),
        run_connector: details.run_connector.clone(),
        register_shutdown: details.register_shutdown.clone(),
    }
}

/// A connection to a host, or to the HTTP proxy in front of it.
#[derive(Debug)]
pub struct TrackedTransport {
    inner: Box<dyn Transport>,
    progress: CurrentProgress,
    /// When a proxy must have connected to the host. ureq restarts the timeout on each read of the response
    /// to CONNECT, so a slow proxy would block forever.
    proxy_deadline: Option<Instant>,
}

impl Transport for TrackedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if let (Progress::ProxyConnected, Some(deadline)) =
            (self.progress.get(), self.proxy_deadline)
        {
            timeout.after = time_until(deadline);
        }
        let has_input = self.inner.await_input(timeout)?;
        // Bytes from a proxy may be TLS's own.
        if has_input && self.proxy_deadline.is_none() && self.progress.get() == Progress::Reusing {
            self.progress.set(Progress::Responding);
        }
        Ok(has_input)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

fn time_until(deadline: Instant) -> Duration {
    match (deadline, Instant::now()) {
        (Instant::Exact(deadline), Instant::Exact(now)) => {
            deadline.saturating_duration_since(now).into()
        }
        _ => Duration::NotHappening,
    }
}
