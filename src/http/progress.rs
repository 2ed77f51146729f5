//! How far a request got: what a failure means depends on it, and whether the request may be sent again.

use std::sync::{Arc, Mutex, PoisonError};

/// How far a request got before its response, or its failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// No connection was opened: the request uses an idle one.
    #[default]
    Reusing,
    /// The name of the host did not resolve.
    HostNotResolved,
    /// A connection is being opened, to the host or to its proxy.
    Connecting,
    /// The name of the proxy did not resolve.
    ProxyNotResolved,
    /// The proxy is connected, but not the host behind it.
    ProxyConnected,
    /// A new connection to the host is open, with TLS if the URL asks for it.
    Connected,
}

impl Progress {
    /// Whether the host cannot have received any part of the request.
    pub fn nothing_was_sent(self) -> bool {
        !matches!(self, Progress::Reusing | Progress::Connected)
    }

    /// Whether the request came no further than its proxy, if it has one.
    pub fn is_at_proxy(self) -> bool {
        matches!(self, Progress::Connecting | Progress::ProxyNotResolved | Progress::ProxyConnected)
    }
}

/// The progress of the current request, shared by the client, its resolvers and its connectors.
#[derive(Clone, Debug, Default)]
pub struct CurrentProgress(Arc<Mutex<Progress>>);

impl CurrentProgress {
    pub fn get(&self) -> Progress {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}
