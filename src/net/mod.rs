//! Connections to servers, directly or through a proxy: URLs, proxies, DNS lookups, TCP and TLS. It sends no
//! requests to a server; [`crate::http`] does.

pub mod connect_error;
pub(crate) mod connector;
mod deadline;
pub(crate) mod dial;
pub(crate) mod proxy;
mod race;
mod resolver;
mod tcp;
pub(crate) mod tls;
pub(crate) mod tunnel;
pub mod url;
