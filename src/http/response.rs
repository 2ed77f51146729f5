//! A response with its whole body, up to a size limit.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::failure::FailureKind;
use crate::advice;
use crate::error::Error;
use crate::json;
use crate::net::url::Url;
use crate::secret::Secret;
use crate::text;

/// In bytes.
const LARGEST_BODY: u64 = 1024 * 1024;
/// How much of a server's error message is shown, in characters.
const LONGEST_ERROR_MESSAGE: usize = 200;
const PORTAL: &str = "A sign-in page (captive portal) or a proxy answered instead of the server. Sign this machine \
                      in to the network, or set HTTPS_PROXY.";

pub struct Response {
    pub host: String,
    /// See [`Url::setting`].
    setting: Option<String>,
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The server's clock.
    pub date: Option<SystemTime>,
    is_web_page: bool,
    body: Result<Vec<u8>, BodyError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyError {
    TooLarge,
    Incomplete,
}

impl Response {
    /// Reads the body. If that fails, the status can still be used. `utc` is this machine's clock.
    pub fn read(url: &Url, response: ureq::http::Response<ureq::Body>, utc: SystemTime) -> Self {
        let (parts, mut body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|value| httpdate::parse_http_date(value).ok());
        let read = body.with_config().limit(LARGEST_BODY).read_to_vec();
        Response {
            host: url.authority().to_owned(),
            setting: url.setting().map(str::to_owned),
            status: parts.status.as_u16(),
            retry_after: header("retry-after")
                .and_then(|value| retry_after(value, date.unwrap_or(utc))),
            date,
            is_web_page: is_web_page(header("content-type"), read.as_deref().unwrap_or_default()),
            body: read.map_err(|error| match error {
                ureq::Error::BodyExceedsLimit(_) => BodyError::TooLarge,
                _ => BodyError::Incomplete,
            }),
        }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server rejects the request permanently. A web page is not from the server but from a
    /// captive portal or a proxy, and so is a status 400 or 403 without a JSON object. Neither of them sends
    /// status 401.
    pub fn is_rejection(&self) -> bool {
        match self.status {
            401 => true,
            400 | 403 => self.object::<IgnoredAny>().is_ok(),
            400..500 => !self.is_temporary() && !self.is_web_page,
            _ => false,
        }
    }

    /// Whether the server does not have this API: the host is wrong.
    pub fn is_unknown_endpoint(&self) -> bool {
        matches!(self.status, 404 | 405)
    }

    /// Whether the server has a problem, or asks the client to wait.
    pub fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }

    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 502..=504) || self.is_incomplete()
    }

    /// Whether the body ends early: the connection was closed, or the time limit passed.
    pub fn is_incomplete(&self) -> bool {
        self.body == Err(BodyError::Incomplete)
    }

    /// Whether the server may have acted on the request although the response does not show the result.
    pub fn is_lost(&self) -> bool {
        self.status >= 500 || self.is_incomplete()
    }

    /// Whether the response is probably from a captive portal or a proxy.
    pub fn is_from_portal(&self) -> bool {
        let is_suspect = self.is_web_page || matches!(self.status, 400 | 403);
        self.is_redirect() || (is_suspect && !self.is_rejection())
    }

    pub fn is_web_page(&self) -> bool {
        self.is_web_page
    }

    /// The size of the body in bytes; 0 if it was not read.
    pub fn size(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len())
    }

    /// The body as a JSON object.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, json::InvalidObject> {
        self.body.as_ref().map_err(|_| json::InvalidObject).and_then(|body| json::object(body))
    }

    /// The body of a successful response as a JSON object. `what` names the request in the error: "the
    /// login", "the token refresh"; `required` names what the body must hold.
    pub fn success<T: DeserializeOwned>(
        &self,
        what: &str,
        required: &str,
        secrets: &[&Secret],
    ) -> Result<T, Error> {
        if !self.is_success() {
            return Err(self.refusal_error(what, secrets));
        }
        self.object().map_err(|_| self.missing_error(required, what, secrets))
    }

    /// The error for a successful response without `required`. If the body is JSON, another attempt does not
    /// help.
    pub fn missing_error(&self, required: &str, what: &str, secrets: &[&Secret]) -> Error {
        if !self.is_json() || self.error_message(secrets).is_some() {
            return self.refusal_error(what, secrets);
        }
        let (host, status) = (&self.host, self.status);
        Error::failure(
            format!("the response of {host} to {what} has no valid {required} (status {status})"),
            self.wrong_response(),
        )
    }

    fn is_json(&self) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        serde_json::from_slice::<&RawValue>(body).is_ok()
    }

    /// The error for a response without success. It contains the server's error message, with
    /// `secrets` redacted.
    pub fn refusal_error(&self, what: &str, secrets: &[&Secret]) -> Error {
        let reason = match self.error_message(secrets) {
            Some(message) => format!(": {message} ({})", self.status),
            None if matches!(self.status, 401 | 403) => format!(" (status {})", self.status),
            None => return self.unexpected_error(what),
        };
        let fact = format!("{} rejected {what}{reason}", self.host);
        if self.is_rejection() && self.is_unknown_endpoint() {
            Error::failure(fact, self.wrong_response())
        } else if self.is_rejection() || self.is_success() {
            Error::failure(fact, "If you cannot correct this, ask rapyuta.io support.")
        } else if self.is_temporary() {
            Error::temporary(fact, self.try_later())
        } else {
            self.unexpected_error(what)
        }
    }

    /// The error for a response that rio does not understand. Unless the server rejects the request, as
    /// with status 404, another attempt may succeed.
    pub fn unexpected_error(&self, what: &str) -> Error {
        self.unusable_error(&format!("{} answered {what} with {}", self.host, self.summary()))
    }

    /// As [`Response::unexpected_error`], with this fact.
    pub fn unusable_error(&self, fact: &str) -> Error {
        if self.is_from_portal() {
            return Error::temporary(fact, format!("{PORTAL}{}", advice::DOCTOR));
        }
        if self.is_rejection() {
            return Error::failure(fact, self.wrong_response());
        }
        Error::temporary(fact, self.try_later())
    }

    /// The advice for a response that is not from the API of rapyuta.io.
    pub fn wrong_response(&self) -> String {
        advice::wrong_response(self.setting.as_deref())
    }

    pub fn is_from_default_host(&self) -> bool {
        self.setting.is_none()
    }

    fn try_later(&self) -> String {
        let reason = match self.status {
            429 => "The server asks clients to wait.",
            _ => "The server has a problem.",
        };
        format!("{reason} {}", advice::TRY_LATER)
    }

    /// The kind of failure that the response is, if it is not usable.
    pub fn failure_kind(&self) -> FailureKind {
        match self.body {
            _ if self.is_redirect() => FailureKind::Redirect,
            Err(BodyError::TooLarge) => FailureKind::TooLarge,
            Err(BodyError::Incomplete) => FailureKind::Incomplete,
            Ok(_) if self.is_web_page => FailureKind::WebPage,
            Ok(_) if self.is_success() => FailureKind::Unexpected,
            Ok(_) => FailureKind::ErrorStatus,
        }
    }

    /// What the response is, for a message: "a web page (status 200)".
    pub fn summary(&self) -> String {
        let summary = match self.failure_kind() {
            FailureKind::Redirect => "a redirect",
            FailureKind::TooLarge => "more than 1 MiB",
            FailureKind::Incomplete => "an incomplete response",
            FailureKind::WebPage => "a web page",
            FailureKind::Unexpected => "an unexpected response",
            _ => "an error",
        };
        format!("{summary} (status {})", self.status)
    }

    /// The server's error message, in any of the shapes of the platform and of RFC 6749 §5.2, printable
    /// and shortened. `***` replaces `secrets`; `None` if one is too short for that.
    pub fn error_message(&self, secrets: &[&Secret]) -> Option<String> {
        #[derive(Deserialize)]
        struct Body {
            error: Option<Box<RawValue>>,
            error_description: Option<Box<RawValue>>,
            response: Option<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        struct Nested {
            error: String,
        }
        let body: Body = self.object().ok()?;
        let nested =
            body.response.and_then(|raw| json::object::<Nested>(raw.get().as_bytes()).ok());
        let parts = [
            json::string(body.error),
            json::string(body.error_description),
            nested.map(|nested| nested.error),
        ];
        let parts = parts.into_iter().flatten().map(|part| text::printable(&part));
        let message = parts.filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(": ");
        let message = secrets.iter().try_fold(message, redact)?;
        Some(text::excerpt(&message, LONGEST_ERROR_MESSAGE)).filter(|message| !message.is_empty())
    }
}

/// Whether the body starts like HTML, or has its content type and does not start like JSON: tokens with a
/// wrong content type must not be lost, since a device code works only once.
fn is_web_page(content_type: Option<&str>, body: &[u8]) -> bool {
    match body.trim_ascii_start().first() {
        Some(b'<') => true,
        Some(b'{') => false,
        _ => content_type.is_some_and(|value| value.to_lowercase().contains("html")),
    }
}

/// Replaces the secret in a printable text, as the terminal shows it: without unprintable characters. `None`
/// if the text contains a secret so short that the text around it would show what was replaced.
fn redact(text: String, secret: &&Secret) -> Option<String> {
    const SHORTEST: usize = 4;
    let secret = text::printable(secret.expose());
    if secret.is_empty() || !text.contains(&secret) {
        return Some(text);
    }
    (secret.chars().count() >= SHORTEST).then(|| text.replace(&secret, "***"))
}

/// Parses seconds, or a date (RFC 9110 §10.2.3), which counts from `now`.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redaction_keeps_the_text_around_a_secret() {
        for (text, secret, shown) in [
            ("wrong password", "hunter2", Some("wrong password")),
            ("hunter2 is wrong, hunter2", "hunter2", Some("*** is wrong, ***")),
            ("not accepted", "hunter2\u{200b}", Some("not accepted")),
            ("no hunter2", "hun\u{200b}ter2", Some("no ***")),
            ("not accepted", "", Some("not accepted")),
            ("not accepted", "cce", None),
        ] {
            let redacted = redact(text.to_owned(), &&Secret::new(secret));
            assert_eq!(redacted.as_deref(), shown, "{text} {secret}");
        }
    }
}
