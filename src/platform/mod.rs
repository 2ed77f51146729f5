//! The API of rapyuta.io.
//!
//! # Hosts
//!
//! An environment has three hosts that this program calls. The config file can override each, as a base
//! URL with or without a final `/`:
//!
//! | Key | Service | Production (`ga`) | `dev`, `qa`, `pr123` |
//! | --- | --- | --- | --- |
//! | `oidc_host` | OpenID Connect login | `oidc.rapyuta.io` | `NAME-oidc` |
//! | `rip_host` | tokens | `garip.apps.okd4v2.prod.rapyuta.io` | `NAMErip` |
//! | `v2api_host` | organizations, projects | `api.rapyuta.io` | `NAMEapi` |
//!
//! All are https. The names in the last column are in the domain `apps.okd4v2.okd4beta.rapyuta.io`. An
//! environment other than `ga` also sets `catalog_host` (`NAMEcatalog`) and `core_api_host`
//! (`NAMEapiserver`) for the Python `rio`.
//!
//! # Tokens
//!
//! A token is opaque or a JWT whose `exp` claim says when it expires. Bodies are JSON:
//!
//! | Request to `rip_host` | Request body | Response body |
//! | --- | --- | --- |
//! | `POST /user/login?type=TYPE` | `{"email": …, "password": …}` | `{"data": {"token": …}}` |
//! | `POST /refreshtoken` | `{"token": …}` | `{"data": {"Token": …}}` |
//! | `GET /user/info` | | `{"data": {"email": …}}` |
//! | `POST /user/logout` | | any; a 2xx status ends the token |
//!
//! `TYPE` is `low` (24 hours), `med` (7 days) or `high` (30 days). A new token comes as `token` or
//! `Token`. The server may or may not end the old token on a refresh, and may or may not refresh an
//! expired one. `/user/info` also works for service accounts.
//!
//! `/user/info`, `/user/logout` and the requests to `v2api_host` carry the token in the header
//! `Authorization: Bearer TOKEN`.
//!
//! # Organizations and projects
//!
//! `GET /v2/users/me/` at `v2api_host` returns the user's organizations:
//!
//! ```json
//! {"spec": {"organizations": [{"guid": "org-…", "name": "…", "shortGUID": "…"}]}}
//! ```
//!
//! `GET /v2/projects/?organizations=GUID&continue=0&limit=100` returns a page of an organization's
//! projects. With `name=NAME`, only projects of exactly that name. If a page is full, `continue` of the
//! next request is the number in its `metadata`:
//!
//! ```json
//! {"metadata": {"continue": 100}, "items": [{"metadata": {"guid": "project-…", "name": "…"}}]}
//! ```
//!
//! # Errors
//!
//! The status is 4xx or 5xx, and the body `{"error": "…"}` or `{"response": {"error": "…"}}`. A proxy in
//! between may answer with HTML instead.
//!
//! # Login
//!
//! [`crate::oauth`] gets the first token at `oidc_host`, with the device authorization grant and the
//! scope `openid email`. The client id is `rio-cli` unless the config file has `device_flow_client_id`.
//! The id_token's claim `rio_token` is the token, and `email` the account. The access token is not used.

mod api;
pub mod environment;

pub use api::*;
