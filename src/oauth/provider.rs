//! The login server: discovery, device authorization, and the token endpoint.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::http::{Action, FailureKind, Http, Request, Response, Url};
use crate::json;
use crate::oauth::device_flow::{DEFAULT_INTERVAL, Failure, Grant, PollResponse};
use crate::oauth::id_token::{self, Claims, Rejection};
use crate::secret::Secret;
use crate::text;

/// The id_token needs `openid`, and its `email` claim needs `email`.
const SCOPE: &str = "openid email";
/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The lifetime of the codes if the server sends none.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_secs(10 * 60);
/// A login waits no longer, whatever the server sends.
pub(super) const MAX_EXPIRES_IN: Duration = Duration::from_secs(24 * 60 * 60);
/// Longer codes are not meant to be typed.
const MAX_USER_CODE: usize = 64;

const CHECK_HOST: &str = "Check oidc_host in the config file.";

/// A login server whose endpoints are known (OpenID Connect Discovery §4).
pub struct Provider<'a> {
    pub(super) http: &'a Http,
    client_id: &'a str,
    issuer: String,
    device_authorization_endpoint: Url,
    token_endpoint: Url,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    device_authorization_endpoint: Option<String>,
    token_endpoint: String,
}

/// RFC 8628 §3.2. Members that some servers send in another form are read leniently.
#[derive(Deserialize)]
struct DeviceAuthorization {
    device_code: Secret,
    user_code: String,
    verification_uri: Option<Box<RawValue>>,
    verification_url: Option<Box<RawValue>>,
    verification_uri_complete: Option<Box<RawValue>>,
    expires_in: Option<Box<RawValue>>,
    interval: Option<Box<RawValue>>,
}

/// A success or an error of the token endpoint (RFC 6749 §5.1 and §5.2, OIDC Core §3.1.3.3).
#[derive(Deserialize)]
struct TokenResponse {
    error: Option<Box<RawValue>>,
    /// Beside `slow_down`, from some servers.
    interval: Option<Box<RawValue>>,
    access_token: Option<Box<RawValue>>,
    token_type: Option<Box<RawValue>>,
    id_token: Option<Box<RawValue>>,
}

impl<'a> Provider<'a> {
    /// Asks the login server for its endpoints.
    pub fn discover(http: &'a Http, oidc_host: &Url, client_id: &'a str) -> Result<Self, Error> {
        let url = oidc_host.join("/.well-known/openid-configuration");
        let response = http.send(&Request::new(&url, Action::Get))?;
        Self::read(http, oidc_host, client_id, &response)
    }

    /// Reads a discovery response. The issuer must be `oidc_host` (OpenID Connect Discovery §4.3), and the
    /// endpoints must be safe to call.
    pub fn read(
        http: &'a Http,
        oidc_host: &Url,
        client_id: &'a str,
        response: &Response,
    ) -> Result<Self, Error> {
        let host = oidc_host.host();
        let metadata: Metadata = response.success("the discovery request", &[])?;
        if !id_token::same_issuer(&metadata.issuer, oidc_host.as_str()) {
            let issuer = text::excerpt(&metadata.issuer, 100);
            let fact = format!("{host} returned a different issuer: \"{issuer}\"");
            return Err(Error::failure(fact, CHECK_HOST));
        }
        let device_authorization_endpoint =
            metadata.device_authorization_endpoint.ok_or_else(|| {
                Error::failure(
                    format!("{host} does not support the device flow"),
                    "Log in with `rio auth login --email EMAIL` or `rio auth login --auth-token -`.",
                )
            })?;
        let endpoint = |name, url: &str| {
            let url = http.url(url).map_err(|problem| invalid_url(host, name, &problem))?;
            if oidc_host.is_https() && !url.is_https() {
                return Err(invalid_url(host, name, "is not https://, unlike oidc_host"));
            }
            Ok(url)
        };
        Ok(Provider {
            http,
            client_id,
            issuer: oidc_host.as_str().to_owned(),
            device_authorization_endpoint: endpoint(
                "device_authorization_endpoint",
                &device_authorization_endpoint,
            )?,
            token_endpoint: endpoint("token_endpoint", &metadata.token_endpoint)?,
        })
    }

    /// What a grant is bound to: it is of no use to another client or at another endpoint.
    pub fn identity(&self) -> [&str; 4] {
        let (device, token) = (&self.device_authorization_endpoint, &self.token_endpoint);
        [&self.issuer, self.client_id, device.as_str(), token.as_str()]
    }

    /// Sends a device authorization request (RFC 8628 §3.1).
    pub fn authorize_device(&self) -> Result<Grant, Error> {
        let form = [("client_id", self.client_id), ("scope", SCOPE)];
        let url = &self.device_authorization_endpoint;
        let response = self.http.send(&Request::new(url, Action::PostForm(&form)))?;
        self.read_grant(&response)
    }

    /// Reads a device authorization response.
    pub fn read_grant(&self, response: &Response) -> Result<Grant, Error> {
        const REQUEST: &str = "the device authorization request";
        let body: DeviceAuthorization = response.success(REQUEST, &[])?;
        let page = text(body.verification_uri)
            .or_else(|| text(body.verification_url))
            .ok_or_else(|| response.unexpected(REQUEST))?;
        let page = self
            .http
            .url(&page)
            .map_err(|problem| invalid_url(&response.host, "verification_uri", &problem))?;
        if body.device_code.is_empty() || !is_typable(&body.user_code) {
            return Err(Error::failure(
                format!("{} sent a code that cannot be shown", response.host),
                "Run `rio auth login` again. If this repeats, report it to the server's operator.",
            ));
        }
        let complete = text(body.verification_uri_complete)
            .and_then(|complete| self.http.url(&complete).ok())
            .filter(|complete| complete.same_origin(&page));
        let expires_in = expires_in(body.expires_in.as_deref());
        Ok(Grant {
            device_code: body.device_code,
            user_code: body.user_code,
            verification_uri: page.as_str().to_owned(),
            verification_uri_complete: complete.map(|complete| complete.as_str().to_owned()),
            expires_in,
            interval: interval(body.interval.as_deref(), expires_in),
        })
    }

    /// Sends a device access token request (RFC 8628 §3.4).
    pub fn poll(&self, device_code: &Secret) -> PollResponse {
        let form = [
            ("grant_type", GRANT_TYPE),
            ("client_id", self.client_id),
            ("device_code", device_code.expose()),
        ];
        let request = Request::new(&self.token_endpoint, Action::PostForm(&form));
        match self.http.send_once(&request) {
            Ok(response) => read_poll(&response, device_code),
            Err(error) if error.kind() == FailureKind::Settings => {
                PollResponse::Error(error.into())
            }
            Err(error) => {
                let failure = Failure { kind: error.kind(), reason: error.reason().to_owned() };
                PollResponse::TransientFailure { failure, retry_after: None }
            }
        }
    }

    /// Validates an id_token at `now`, in seconds since 1970.
    pub fn validate(&self, id_token: &Secret, now: u64) -> Result<Claims, Error> {
        Claims::validate(id_token, &self.issuer, self.client_id, now).map_err(|rejection| {
            let host = self.token_endpoint.host();
            let advice = match rejection {
                Rejection::Expired(_) => format!(
                    "This machine's clock reads {}. If it is wrong, set it, then run `rio auth login`.",
                    text::date_and_time(now)
                ),
                _ => format!("{CHECK_HOST} If it is right, report this to the server's operator."),
            };
            Error::failure(format!("{host} sent an id_token that {rejection}"), advice)
        })
    }
}

fn invalid_url(host: &str, name: &str, problem: &str) -> Error {
    Error::failure(format!("{host} sent a {name} that {problem}"), CHECK_HOST)
}

fn text(raw: Option<Box<RawValue>>) -> Option<String> {
    json::text(&raw?)
}

/// Whether a user can read the code on a screen and type it.
pub(super) fn is_typable(user_code: &str) -> bool {
    !user_code.trim().is_empty()
        && user_code.len() <= MAX_USER_CODE
        && user_code.chars().all(text::is_printable)
}

fn expires_in(raw: Option<&RawValue>) -> Duration {
    match raw.and_then(json::whole_number) {
        None | Some(0) => DEFAULT_EXPIRES_IN,
        Some(seconds) => Duration::from_secs(seconds).min(MAX_EXPIRES_IN),
    }
}

/// An interval that outlasts the code would leave no time for a poll.
fn interval(raw: Option<&RawValue>, expires_in: Duration) -> Duration {
    raw.and_then(json::whole_number)
        .map(Duration::from_secs)
        .filter(|interval| !interval.is_zero() && *interval < expires_in)
        .unwrap_or(DEFAULT_INTERVAL)
}

/// Reads the response to a poll. The `error` member decides, not the HTTP status: `authorization_pending`
/// comes with 200, 400, 401, 403 or 428.
pub fn read_poll(response: &Response, device_code: &Secret) -> PollResponse {
    let retry_after = response.retry_after;
    let body = response.object::<TokenResponse>().ok();
    let error = body.as_ref().and_then(|body| body.error.as_deref());
    match error.map(|raw| json::text(raw).unwrap_or_default()).as_deref() {
        Some("authorization_pending") => PollResponse::AuthorizationPending { retry_after },
        Some("slow_down") => {
            let interval = body.as_ref().and_then(|body| body.interval.as_deref());
            let interval = interval.and_then(json::whole_number).map(Duration::from_secs);
            PollResponse::SlowDown { interval, retry_after }
        }
        Some("access_denied") => PollResponse::AccessDenied,
        Some("expired_token") => PollResponse::ExpiredToken,
        Some("invalid_grant") => PollResponse::InvalidGrant,
        Some(
            "invalid_request"
            | "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope",
        ) => PollResponse::Error(response.refusal("the login", &[device_code])),
        Some("server_error" | "temporarily_unavailable") => transient_failure(response),
        _ if is_transient(response) => transient_failure(response),
        None if response.is_success() => match body.and_then(id_token_of) {
            Some(id_token) => PollResponse::Approved { id_token },
            None => PollResponse::Error(response.unexpected("the login")),
        },
        _ => PollResponse::Error(response.refusal("the login", &[device_code])),
    }
}

/// Whether the response is from a failing server, or from a proxy or captive portal in front of it.
fn is_transient(response: &Response) -> bool {
    response.is_temporary()
        || response.is_redirect()
        || response.is_web_page()
        || (response.is_incomplete() && !response.is_success())
}

fn transient_failure(response: &Response) -> PollResponse {
    let reason = format!("{} answered with {}", response.host, response.summary());
    let failure = Failure { kind: response.failure_kind(), reason };
    PollResponse::TransientFailure { failure, retry_after: response.retry_after }
}

/// The id_token of a complete token response. The access token must be there, but rio has no use for it.
fn id_token_of(body: TokenResponse) -> Option<Secret> {
    let _access_token = text(body.access_token).filter(|token| !token.is_empty())?;
    let bearer = text(body.token_type)?.eq_ignore_ascii_case("bearer");
    text(body.id_token).filter(|_| bearer).map(Secret::new)
}
