//! Errors of a connection, as they travel through ureq.

use std::fmt;
use std::io;

use ureq::Error;

use super::dial::DialError;
use super::tunnel::TunnelError;

/// Which part of a request failed, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Dns,
    Connection,
    Tls,
    Response,
}

/// Why no connection was opened: nothing of the request was sent.
#[derive(Debug)]
pub struct ConnectError {
    pub stage: Stage,
    /// Whether the proxy failed, not the host.
    pub is_at_proxy: bool,
    pub cause: Cause,
}

impl ConnectError {
    pub fn new(stage: Stage, is_at_proxy: bool, cause: impl Into<Cause>) -> Self {
        ConnectError { stage, is_at_proxy, cause: cause.into() }
    }
}

#[derive(Debug)]
pub enum Cause {
    Dial(DialError),
    Tunnel(TunnelError),
    /// A time limit, an I/O error, or one of TLS.
    Transport(Error),
}

impl From<DialError> for Cause {
    fn from(error: DialError) -> Self {
        Cause::Dial(error)
    }
}

impl From<TunnelError> for Cause {
    fn from(error: TunnelError) -> Self {
        Cause::Tunnel(error)
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Cause::Transport(error)
    }
}

/// What ureq passes through to the client.
#[derive(Debug)]
pub enum RequestError {
    NotConnected(ConnectError),
    /// An idle connection failed before the response. The server had probably closed it.
    IdleConnection(io::Error),
}

impl RequestError {
    /// Takes the error out of ureq's, or returns that.
    pub fn from_ureq(error: Error) -> Result<Self, Error> {
        match error {
            Error::Other(other) => other.downcast().map(|error| *error).map_err(Error::Other),
            error => Err(error),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for RequestError {}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        Error::Other(Box::new(error))
    }
}

/// TLS errors come as I/O errors of the stream, or by themselves.
pub fn tls_error(error: &Error) -> Option<&rustls::Error> {
    match error {
        Error::Io(error) => error.get_ref()?.downcast_ref(),
        Error::Rustls(error) => Some(error),
        _ => None,
    }
}
