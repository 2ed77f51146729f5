//! The login server: discovery, device authorization, the token endpoint. Wire on one side, the types
//! of [`crate::oauth::device_flow`] on the other.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::http::{Action, Http, Request, Response, Url};
use crate::json;
use crate::oauth::device_flow::{self, Answer, DEFAULT_INTERVAL, Grant};
use crate::oauth::id_token::{self, Claims, Rejection};
use crate::oauth::pending::{Parties, Pending};
use crate::secret::Secret;
use crate::text;

/// The id_token must carry the account's email.
const SCOPE: &str = "openid email";
/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long a code is taken to be good where the server does not say.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_secs(10 * 60);
/// No login waits longer, whatever the server says.
const LONGEST_EXPIRES_IN: Duration = Duration::from_secs(24 * 60 * 60);
/// A longer code is not one that a person types.
const LONGEST_USER_CODE: usize = 64;

/// A login server that has told where its endpoints are (OIDC Discovery §4).
pub struct Provider<'a> {
    http: &'a Http,
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

/// RFC 8628 §3.2, as leniently as real servers need.
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

/// The token endpoint's answer, good or bad (RFC 6749 §5.1 and §5.2, OIDC Core §3.1.3.3), with the
/// `interval` that some servers put beside `slow_down`. Read in one go, so that nothing comes twice.
#[derive(Deserialize)]
struct PollAnswer {
    error: Option<Box<RawValue>>,
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

    /// Reads what `oidc_host` said of its endpoints. The issuer must be the one that was asked, and the
    /// endpoints must be safe to call (OIDC Discovery §4.3).
    pub fn read(
        http: &'a Http,
        oidc_host: &Url,
        client_id: &'a str,
        response: &Response,
    ) -> Result<Self, Error> {
        let metadata: Metadata = response.success("the request for its endpoints", &[])?;
        if !id_token::same_issuer(&metadata.issuer, oidc_host.as_str()) {
            return Err(Error::failure(
                format!(
                    "{} says it is the login server of {}",
                    oidc_host.as_str(),
                    text::excerpt(&metadata.issuer, 100)
                ),
                "See that oidc_host in the config file is right.",
            ));
        }
        let endpoint = |name: &str, text: &str| {
            http.url(text).map_err(|wrong| unsafe_url(oidc_host.host(), name, &wrong))
        };
        let device = metadata.device_authorization_endpoint.ok_or_else(|| {
            Error::failure(
                format!("{} offers no login by device code", oidc_host.host()),
                "Log in with `rio auth login --email EMAIL` or with --auth-token.",
            )
        })?;
        Ok(Provider {
            http,
            client_id,
            issuer: oidc_host.as_str().to_owned(),
            device_authorization_endpoint: endpoint("device_authorization_endpoint", &device)?,
            token_endpoint: endpoint("token_endpoint", &metadata.token_endpoint)?,
        })
    }

    /// The codes of a login that was pending; `None` if they are with somebody else, or not safe to
    /// use.
    pub fn resume(&self, pending: Pending) -> Option<Grant> {
        let grant = pending.grant;
        let page = self.http.url(&grant.verification_uri).ok()?;
        let complete = grant.verification_uri_complete.as_ref();
        let complete_is_safe = complete.is_none_or(|complete| {
            self.http.url(complete).is_ok_and(|complete| complete.same_origin(&page))
        });
        let lasting = grant.expires_in <= LONGEST_EXPIRES_IN;
        let same = pending.parties == self.parties();
        (same && complete_is_safe && lasting && is_typable(&grant.user_code)).then_some(grant)
    }

    /// Whom a login with this server is with.
    pub fn parties(&self) -> Parties {
        Parties {
            oidc_host: self.issuer.clone(),
            client_id: self.client_id.to_owned(),
            device_authorization_endpoint: self.device_authorization_endpoint.as_str().to_owned(),
            token_endpoint: self.token_endpoint.as_str().to_owned(),
        }
    }

    /// Asks for a device code and a user code (RFC 8628 §3.1).
    pub fn authorize_device(&self) -> Result<Grant, Error> {
        let form = [("client_id", self.client_id), ("scope", SCOPE)];
        let url = &self.device_authorization_endpoint;
        let response = self.http.send(&Request::new(url, Action::PostForm(&form)))?;
        self.read_grant(&response)
    }

    /// Reads the codes that were asked for (RFC 8628 §3.2).
    pub fn read_grant(&self, response: &Response) -> Result<Grant, Error> {
        let answer: DeviceAuthorization = response.success("the request for a code", &[])?;
        let text = |raw: Option<Box<RawValue>>| raw.as_deref().and_then(json::text);
        let page = text(answer.verification_uri)
            .or_else(|| text(answer.verification_url))
            .ok_or_else(|| response.unexpected("the request for a code"))?;
        let page = self
            .http
            .url(&page)
            .map_err(|wrong| unsafe_url(&response.host, "verification_uri", &wrong))?;
        if answer.device_code.is_empty() || !is_typable(&answer.user_code) {
            return Err(Error::failure(
                format!("{} sent a code that cannot be shown", response.host),
                "Run `rio auth login` again; if it stays so, tell whoever runs the server.",
            ));
        }
        let complete = text(answer.verification_uri_complete);
        let complete = complete.and_then(|url| self.http.url(&url).ok());
        let expires_in = lifetime(answer.expires_in.as_deref());
        Ok(Grant {
            device_code: answer.device_code,
            user_code: answer.user_code,
            verification_uri_complete: complete
                .filter(|url| url.same_origin(&page))
                .map(|url| url.as_str().to_owned()),
            verification_uri: page.as_str().to_owned(),
            interval: interval(answer.interval.as_deref(), expires_in),
            expires_in,
        })
    }

    /// Polls once (RFC 8628 §3.4).
    pub fn poll(&self, device_code: &Secret) -> Answer<Secret> {
        let form = [
            ("grant_type", GRANT_TYPE),
            ("client_id", self.client_id),
            ("device_code", device_code.expose()),
        ];
        let request = Request::new(&self.token_endpoint, Action::PostForm(&form));
        match self.http.send_once(&request) {
            Ok(response) => read_poll(&response, device_code),
            Err(trouble) if trouble.is_setup() => Answer::Refused(trouble.into()),
            Err(trouble) => {
                Answer::Trouble { reason: trouble.reason().to_owned(), retry_after: None }
            }
        }
    }

    /// What the id_token says, if it is good at `now` (seconds since 1970).
    pub fn accept(&self, id_token: &Secret, now: u64) -> Result<Claims, Error> {
        Claims::accept(id_token, &self.issuer, self.client_id, now).map_err(|why| {
            let what = match why {
                Rejection::Malformed => "cannot be read",
                Rejection::Unsigned => "is not signed",
                Rejection::Critical => "asks for an extension that rio does not know",
                Rejection::Issuer => "is from another login server",
                Rejection::Audience => "is for another program",
                Rejection::NoToken => "holds no rapyuta.io token",
                Rejection::Expired(exp) => return self.expired(exp, now),
            };
            Error::failure(
                format!("{} sent an id_token that {what}", self.token_endpoint.host()),
                "Nothing was stored. See that oidc_host is right, then tell whoever runs it.",
            )
        })
    }

    fn expired(&self, exp: u64, now: u64) -> Error {
        let (host, end) = (self.token_endpoint.host(), text::date_and_time(exp));
        let clock = text::date_and_time(now);
        Error::failure(
            format!("{host} sent an id_token that ended at {end}, by this machine's clock"),
            format!("The clock reads {clock}. If it is wrong, set it; then run `rio auth login`."),
        )
    }
}

fn unsafe_url(host: &str, name: &str, wrong: &str) -> Error {
    Error::failure(
        format!("{host} sent a {name} that {wrong}"),
        "See that oidc_host in the config file is right.",
    )
}

/// A code that cannot be shown as it is cannot be typed.
fn is_typable(user_code: &str) -> bool {
    !user_code.trim().is_empty()
        && user_code.len() <= LONGEST_USER_CODE
        && user_code.chars().all(text::is_printable)
}

fn lifetime(raw: Option<&RawValue>) -> Duration {
    match raw.and_then(json::whole_number) {
        None | Some(0) => DEFAULT_EXPIRES_IN,
        Some(seconds) => Duration::from_secs(seconds).min(LONGEST_EXPIRES_IN),
    }
}

/// RFC 8628 §3.2; an interval as long as the code's life would never see it approved.
fn interval(raw: Option<&RawValue>, expires_in: Duration) -> Duration {
    raw.and_then(json::whole_number)
        .map(Duration::from_secs)
        .filter(|interval| !interval.is_zero() && *interval < expires_in)
        .unwrap_or(DEFAULT_INTERVAL)
}

/// Reads the answer to a poll. The `error` member decides, whatever the HTTP status:
/// `authorization_pending` comes with 200, 400, 401, 403 and 428.
pub fn read_poll(response: &Response, device_code: &Secret) -> Answer<Secret> {
    let retry_after = response.retry_after;
    let answer = response.object::<PollAnswer>().ok();
    let error = answer.as_ref().and_then(|answer| answer.error.as_deref());
    match error.map(|raw| json::text(raw).unwrap_or_default()).as_deref() {
        Some("authorization_pending") => Answer::Pending { retry_after },
        Some("slow_down") => {
            let interval = answer.as_ref().and_then(|answer| answer.interval.as_deref());
            let interval = interval.and_then(json::whole_number).map(Duration::from_secs);
            Answer::SlowDown { interval, retry_after }
        }
        Some("access_denied") => Answer::Refused(Error::failure(
            "the login was denied in the browser",
            "If that was a mistake, run `rio auth login` for a new code.",
        )),
        Some("expired_token") => Answer::Refused(device_flow::expired_token()),
        Some("invalid_grant") => Answer::Refused(Error::failure(
            "the code has expired, was used already, or is not known to the server",
            "Run `rio auth login` for a new code.",
        )),
        Some(
            "invalid_request"
            | "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope",
        ) => Answer::Refused(response.refusal("the login", &[device_code])),
        // What comes from a portal, a proxy or a server in trouble is not the token endpoint's answer.
        Some("server_error" | "temporarily_unavailable") => trouble(response),
        _ if response.is_temporary() || response.is_redirect() || response.is_web_page() => {
            trouble(response)
        }
        _ if response.is_incomplete() && !response.is_success() => trouble(response),
        Some(_) => Answer::Refused(response.refusal("the login", &[device_code])),
        None if !response.is_success() => {
            Answer::Refused(response.refusal("the login", &[device_code]))
        }
        None => match answer.and_then(id_token_of) {
            Some(id_token) => Answer::Tokens(id_token),
            None => Answer::Refused(response.unexpected("the login")),
        },
    }
}

/// The id_token of a good answer; the access token is checked for and not kept.
fn id_token_of(answer: PollAnswer) -> Option<Secret> {
    let _access_token = json::text(&answer.access_token?).filter(|token| !token.is_empty())?;
    let bearer = json::text(&answer.token_type?)?.eq_ignore_ascii_case("bearer");
    json::text(&answer.id_token?).filter(|_| bearer).map(Secret::new)
}

fn trouble(response: &Response) -> Answer<Secret> {
    Answer::Trouble {
        reason: format!("{} answered with {}", response.host, response.looks()),
        retry_after: response.retry_after,
    }
}
