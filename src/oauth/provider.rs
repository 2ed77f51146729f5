//! The login server: discovery, device authorization, and the token endpoint.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::advice;
use crate::error::Error;
use crate::http::{Action, FailureKind, Http, Request, Response};
use crate::json;
use crate::net::url::Url;
use crate::oauth::device_flow::{
    DEFAULT_INTERVAL, DeviceAuthorization, Failure, PollResponse, invalid_grant_error,
};
use crate::oauth::id_token::{self, Claims, InvalidIdToken};
use crate::secret::Secret;
use crate::text;

/// The id_token needs `openid`, and its `email` claim needs `email`.
const SCOPE: &str = "openid email";
/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The lifetime of the codes if the server sends none.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_secs(10 * 60);
/// The longest a login waits, whatever the server sends.
pub(super) const MAX_EXPIRES_IN: Duration = Duration::from_secs(24 * 60 * 60);
/// In bytes. A longer code is not meant to be typed.
const MAX_USER_CODE: usize = 64;

/// Unless the config file has another.
pub const DEFAULT_CLIENT_ID: &str = "rio-cli";

/// OpenID Connect Discovery §4.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A login server whose endpoints are known (OpenID Connect Discovery §4).
///
/// The methods that read a response are separate from the requests so that fuzzing can call them.
pub struct Provider<'a> {
    pub(super) http: &'a Http,
    client_id: &'a str,
    issuer: String,
    device_authorization_endpoint: Url,
    token_endpoint: Url,
}

/// A JSON value of any type, so that an error can name the invalid member.
type Member = Option<Box<RawValue>>;

#[derive(Deserialize)]
struct Metadata {
    issuer: Member,
    device_authorization_endpoint: Member,
    token_endpoint: Member,
}

/// RFC 8628 §3.2.
#[derive(Deserialize)]
struct DeviceAuthorizationBody {
    device_code: Member,
    user_code: Member,
    verification_uri: Member,
    /// Google's name for `verification_uri`.
    verification_url: Member,
    verification_uri_complete: Member,
    expires_in: Member,
    interval: Member,
}

/// RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3.
#[derive(Deserialize)]
struct TokenResponse {
    /// Read by [`error_code`]. Here it makes a duplicate an error.
    #[serde(rename = "error")]
    _error: Member,
    access_token: Member,
    token_type: Member,
    id_token: Member,
}

impl<'a> Provider<'a> {
    /// Asks the login server for its endpoints.
    pub fn discover(http: &'a Http, oidc_host: &Url, client_id: &'a str) -> Result<Self, Error> {
        let url = oidc_host.join(DISCOVERY);
        let response = http.send(&Request::new(&url, Action::Get))?;
        Self::from_response(http, oidc_host, client_id, &response)
    }

    /// Reads a discovery response. The issuer must be `oidc_host` (OpenID Connect Discovery §4.3), and the
    /// endpoints must be safe to call.
    pub fn from_response(
        http: &'a Http,
        oidc_host: &Url,
        client_id: &'a str,
        response: &Response,
    ) -> Result<Self, Error> {
        let server = oidc_host.authority();
        let metadata: Metadata = read_success(response, "the login (discovery)", client_id)?;
        let issuer = required(json::string(metadata.issuer), "issuer", response)?;
        if !id_token::same_issuer(&issuer, oidc_host.as_str()) {
            let issuer = text::name(&issuer);
            let fact = format!("{server} says that it is another login server (issuer: {issuer})");
            return Err(Error::failure(fact, response.wrong_response()));
        }
        let device_url = json::string(metadata.device_authorization_endpoint).ok_or_else(|| {
            Error::failure(
                format!("{server} does not support a login by phone (device_authorization_endpoint)"),
                "To log in with a password or with a token, run one of:\n  rio auth login --email EMAIL\n  \
                 rio auth login --auth-token-file FILE",
            )
        })?;
        let token_url =
            required(json::string(metadata.token_endpoint), "token_endpoint", response)?;
        let endpoint = |name, url: &str| {
            let url =
                http.url(url).map_err(|problem| invalid_url_error(response, name, &problem))?;
            if oidc_host.is_https() && !url.is_https() {
                let problem = "is not https://, unlike oidc_host";
                return Err(invalid_url_error(response, name, problem));
            }
            Ok(url.from_setting(oidc_host.setting().map(str::to_owned)))
        };
        Ok(Provider {
            http,
            client_id,
            issuer: oidc_host.as_str().to_owned(),
            device_authorization_endpoint: endpoint("device_authorization_endpoint", &device_url)?,
            token_endpoint: endpoint("token_endpoint", &token_url)?,
        })
    }

    /// The issuer, client and endpoints that a grant belongs to.
    pub fn identity(&self) -> [&str; 4] {
        let (device, token) = (&self.device_authorization_endpoint, &self.token_endpoint);
        [&self.issuer, self.client_id, device.as_str(), token.as_str()]
    }

    /// RFC 8628 §3.1.
    pub fn authorize_device(&self) -> Result<DeviceAuthorization, Error> {
        let form = [("client_id", self.client_id), ("scope", SCOPE)];
        let url = &self.device_authorization_endpoint;
        let response = self.http.send(&Request::new(url, Action::PostForm(&form)))?;
        self.read_device_authorization(&response)
    }

    /// Reads a device authorization response.
    pub fn read_device_authorization(
        &self,
        response: &Response,
    ) -> Result<DeviceAuthorization, Error> {
        let body: DeviceAuthorizationBody =
            read_success(response, "the login (device authorization)", self.client_id)?;
        let device_code = required(json::string(body.device_code), "device_code", response)?;
        let user_code = required(json::string(body.user_code), "user_code", response)?;
        if !is_typable(&user_code) {
            let fact = format!("{} sent a code that cannot be shown (user_code)", response.host);
            return Err(Error::failure(fact, response.wrong_response()));
        }
        let page =
            json::string(body.verification_uri).or_else(|| json::string(body.verification_url));
        let page = required(page, "verification_uri", response)?;
        let page = self
            .http
            .url(&page)
            .map_err(|problem| invalid_url_error(response, "verification_uri", &problem))?;
        let complete = json::string(body.verification_uri_complete)
            .and_then(|complete| self.http.url(&complete).ok())
            .filter(|complete| complete.same_origin(&page));
        let expires_in = read_expires_in(body.expires_in.as_deref());
        Ok(DeviceAuthorization {
            device_code: Secret::new(device_code),
            user_code,
            verification_uri: page.as_str().to_owned(),
            verification_uri_complete: complete.map(|complete| complete.as_str().to_owned()),
            expires_in,
            interval: read_interval(body.interval.as_deref(), expires_in),
        })
    }

    /// Sends a device access token request (RFC 8628 §3.4). Returns the response and its `Retry-After`.
    ///
    /// If the server has just closed the idle connection, it sends the request again on a new one.
    pub fn poll(&self, device_code: &Secret) -> (PollResponse, Option<Duration>) {
        let form = [
            ("grant_type", GRANT_TYPE),
            ("client_id", self.client_id),
            ("device_code", device_code.expose()),
        ];
        let request = Request::new(&self.token_endpoint, Action::PostForm(&form));
        let mut outcome = self.http.send_once(&request);
        let sent_twice = matches!(&outcome, Err(error) if error.is_from_idle_connection());
        if sent_twice {
            outcome = self.http.send_once(&request);
        }
        match outcome {
            Ok(response) => match self.read_poll(&response, device_code) {
                PollResponse::InvalidGrant if sent_twice => {
                    (PollResponse::Error(invalid_grant_error(true)), None)
                }
                other => (other, response.retry_after),
            },
            Err(error) if error.kind() == FailureKind::Settings => {
                (PollResponse::Error(error.into()), None)
            }
            Err(error) => {
                let failure = Failure { kind: error.kind(), reason: error.reason().to_owned() };
                (PollResponse::TransientFailure(failure), None)
            }
        }
    }

    /// Reads the response to a poll. The `error` member decides, not the HTTP status:
    /// `authorization_pending` comes with 200, 400, 401, 403 or 428.
    pub fn read_poll(&self, response: &Response, device_code: &Secret) -> PollResponse {
        const REQUEST: &str = "the login";
        let secrets = [device_code];
        let Some((code, interval)) = error_code(response) else {
            if is_transient(response) {
                return transient_failure(response);
            }
            return read_id_token(response, REQUEST, &secrets)
                .map_or_else(PollResponse::Error, PollResponse::Approved);
        };
        let error = || oauth_error(response, &code, REQUEST, self.client_id, &secrets);
        match code.as_str() {
            "authorization_pending" => PollResponse::AuthorizationPending,
            "slow_down" => PollResponse::SlowDown { interval },
            "access_denied" => PollResponse::AccessDenied,
            "expired_token" => PollResponse::ExpiredToken,
            "invalid_grant" => PollResponse::InvalidGrant,
            // RFC 6749 §5.2: no later poll can succeed, even if the status is 5xx.
            "invalid_request"
            | "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope" => PollResponse::Error(error()),
            "server_error" | "temporarily_unavailable" => transient_failure(response),
            _ if is_transient(response) => transient_failure(response),
            _ => PollResponse::Error(error()),
        }
    }

    /// Validates an id_token at `now`, in seconds since 1970.
    pub fn validate(&self, id_token: &Secret, now: u64) -> Result<Claims, Error> {
        Claims::validate(id_token, &self.issuer, self.client_id, now).map_err(|reason| {
            let server = self.token_endpoint.authority();
            let advice = match reason {
                InvalidIdToken::Expired(_) => format!(
                    "This machine's clock reads {}. If that is right, report this to rapyuta.io support. If it is \
                     wrong, set it, then run:\n  rio auth login",
                    text::date_and_time(now)
                ),
                _ => advice::wrong_response(self.token_endpoint.setting()),
            };
            Error::failure(format!("{server} sent a login that is not valid (the id_token {reason})"), advice)
        })
    }
}

/// The `error` member (RFC 6749 §5.2), and the `interval` that some servers send beside `slow_down`.
fn error_code(response: &Response) -> Option<(String, Option<Duration>)> {
    #[derive(Deserialize)]
    struct ErrorResponse {
        error: Member,
        interval: Member,
    }
    let body: ErrorResponse = response.object().ok()?;
    let interval = body.interval.and_then(|interval| json::rounded_up(&interval));
    Some((json::string(Some(body.error?)).unwrap_or_default(), interval.map(Duration::from_secs)))
}

/// Reads a successful response. An `error` member makes it an error with any HTTP status, unless the status
/// says that another attempt may succeed.
fn read_success<T: DeserializeOwned>(
    response: &Response,
    request: &str,
    client_id: &str,
) -> Result<T, Error> {
    match error_code(response) {
        Some((code, _)) if !is_transient(response) => {
            Err(oauth_error(response, &code, request, client_id, &[]))
        }
        _ => response.success(request, "JSON object", &[]),
    }
}

/// rio has no use for the access token, but it is required (RFC 6749 §5.1).
fn read_id_token(response: &Response, request: &str, secrets: &[&Secret]) -> Result<Secret, Error> {
    let body: TokenResponse = response.success(request, "JSON object", secrets)?;
    let bearer = json::string(body.token_type).filter(|kind| kind.eq_ignore_ascii_case("bearer"));
    required(json::string(body.access_token), "access_token", response)?;
    required(bearer, "token_type", response)?;
    required(json::string(body.id_token), "id_token", response).map(Secret::new)
}

/// The error for an OAuth error code. It contains the server's message, with secrets redacted.
fn oauth_error(
    response: &Response,
    code: &str,
    request: &str,
    client_id: &str,
    secrets: &[&Secret],
) -> Error {
    let (host, status) = (&response.host, response.status);
    let fact = match response.error_message(secrets) {
        Some(message) => format!("{host} rejected {request}: {message} ({status})"),
        None => format!("{host} rejected {request} (status {status})"),
    };
    match code {
        "invalid_client" | "unauthorized_client"
            if client_id != DEFAULT_CLIENT_ID || !response.is_from_default_host() =>
        {
            Error::failure(
                fact,
                format!(
                    "Set device_flow_client_id in the config file to the client ID that the server expects. rio sent \"{}\".",
                    text::name(client_id)
                ),
            )
        }
        _ => Error::failure(fact, response.wrong_response()),
    }
}

fn required(text: Option<String>, name: &str, response: &Response) -> Result<String, Error> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| {
        let fact = format!("{} sent an unusable response (no valid {name})", response.host);
        Error::failure(fact, response.wrong_response())
    })
}

fn invalid_url_error(response: &Response, name: &str, problem: &str) -> Error {
    let fact = format!("{} sent an unusable response ({name} {problem})", response.host);
    Error::failure(fact, response.wrong_response())
}

/// Whether a user can read the code on a screen and type it: letters, digits, common punctuation and symbols,
/// and single spaces between them.
pub(super) fn is_typable(user_code: &str) -> bool {
    let is_visible = |c: char| {
        let is_known = match c {
            // Not assigned.
            '\u{218c}'..='\u{218f}' | '\u{242a}'..='\u{243f}' | '\u{244b}'..='\u{245f}' => false,
            '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{27bf}' => !c.is_whitespace(),
            _ => c.is_alphanumeric() || c.is_ascii_punctuation(),
        };
        is_known && text::is_printable(c)
    };
    user_code.len() <= MAX_USER_CODE
        && user_code.split(' ').all(|word| !word.is_empty() && word.chars().all(is_visible))
}

fn read_expires_in(raw: Option<&RawValue>) -> Duration {
    match raw.and_then(json::rounded_down) {
        None | Some(0) => DEFAULT_EXPIRES_IN,
        Some(seconds) => Duration::from_secs(seconds).min(MAX_EXPIRES_IN),
    }
}

/// Ignores an interval that outlasts the code: it would leave no time for a poll. A fraction cannot be meant as
/// less than the default.
fn read_interval(raw: Option<&RawValue>, expires_in: Duration) -> Duration {
    let has_fraction = raw.and_then(json::rounded_down) != raw.and_then(json::rounded_up);
    raw.and_then(json::rounded_up)
        .map(Duration::from_secs)
        .map(|interval| if has_fraction { interval.max(DEFAULT_INTERVAL) } else { interval })
        .filter(|interval| !interval.is_zero() && *interval < expires_in)
        .unwrap_or(DEFAULT_INTERVAL)
}

/// Whether the response is from a failing server, or from a proxy or captive portal in front of it.
fn is_transient(response: &Response) -> bool {
    response.is_temporary()
        || response.is_from_portal()
        || response.is_web_page()
        || (response.is_incomplete() && !response.is_success())
}

fn transient_failure(response: &Response) -> PollResponse {
    let reason = format!("{} answered with {}", response.host, response.summary());
    PollResponse::TransientFailure(Failure { kind: response.failure_kind(), reason })
}
