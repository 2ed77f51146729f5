//! The OAuth 2.0 device authorization grant (RFC 8628) with OpenID Connect.

pub mod device_flow;
pub mod id_token;
pub mod pending;
pub mod provider;
