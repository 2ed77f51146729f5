//! How far a request got. This shows whether the request may be sent again, and what failed.

use std::sync::{Arc, Mutex, PoisonError};

/// How far a request got before its response, or its failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// No connection was opened: the request uses an idle one, and no byte of the response has arrived.
    #[default]
    Reusing,
    /// The response on an idle connection has started.
    Responding,
    /// The name of the host did not resolve.
    NotResolved,
    /// A connection is being opened: to the host, or to a proxy that may not have resolved.
    Connecting,
    /// A socket is open: to the host or to a proxy. TLS and SOCKS come next.
    SocketOpen,
    /// The HTTP proxy is connected, but not yet the host behind it.
    ProxyConnected,
    /// A new connection to the host is open, with TLS if the URL asks for it.
    Connected,
}

/// The progress of the current request, shared by the client, its resolver and its connectors.
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
