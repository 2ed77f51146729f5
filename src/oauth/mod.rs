//! The OAuth 2.0 device authorization grant (RFC 8628) with OpenID Connect.
//!
//! A login calls these in order; the loop is in `cmd/login/device_login.rs`:
//!
//! 1. [`provider::Provider::discover`] asks the login server for its endpoints.
//! 2. [`pending::PendingFile::load`] returns the codes of a login that was interrupted. Otherwise,
//!    [`provider::Provider::authorize_device`] gets new ones, and [`pending::PendingFile::save`] stores them.
//! 3. The caller shows the URL and the user code, and creates a [`device_flow::Polling`] from the codes.
//! 4. The caller sleeps for [`device_flow::Polling::sleep`], and [`provider::Provider::poll`] asks whether the
//!    user has approved the login. [`device_flow::Polling::receive`] takes the response, and returns the
//!    id_token, an error, or `None` to repeat this step.
//! 5. [`provider::Provider::validate`] checks the id_token. Its claims contain the rapyuta.io token and the
//!    email, which the caller stores.

pub mod device_flow;
pub mod id_token;
pub mod pending;
pub mod provider;
