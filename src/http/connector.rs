//! Opens connections with ureq's own connectors, records the progress, and limits how long a proxy may
//! take.

use std::ops::Add;

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
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        // To connect to an HTTP proxy, ureq calls this again from within.
        let is_to_proxy = self.progress.get() == Progress::Connecting;
        self.progress.set(Progress::Connecting);
        let Some(transport) = self.inner.connect(details, chained)? else { return Ok(None) };
        if !is_to_proxy {
            self.progress.set(Progress::Connected);
            return Ok(Some(transport));
        }
        self.progress.set(Progress::ProxyConnected);
        Ok(Some(Box::new(ProxyTransport {
            inner: transport,
            progress: self.progress.clone(),
            deadline: details.now.add(details.timeout.after),
        })))
    }
}

/// A connection to an HTTP proxy. ureq restarts the timeout on each read of the response to CONNECT, so a
/// slow proxy would block forever.
#[derive(Debug)]
struct ProxyTransport {
    inner: Box<dyn Transport>,
    progress: CurrentProgress,
    deadline: Instant,
}

impl Transport for ProxyTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if self.progress.get() == Progress::ProxyConnected {
            timeout.after = time_until(self.deadline);
        }
        self.inner.await_input(timeout)
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
