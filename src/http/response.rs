//! An answer, whole and bounded.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::failure::FailureKind;
use crate::error::Error;
use crate::json;
use crate::secret::Secret;
use crate::text;

/// A larger body, after decompression, is nothing that is expected here.
const LARGEST_BODY: u64 = 1024 * 1024;
/// So much of a server's own words fits into a message.
const LONGEST_WORDS: usize = 200;

/// An answer of a server.
pub struct Response {
    /// Who answered.
    pub host: String,
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The server's clock.
    pub date: Option<SystemTime>,
    html: bool,
    body: Result<Zeroizing<Vec<u8>>, Unreadable>,
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unreadable {
    TooLarge,
    Cut,
}

impl Response {
    /// Reads an answer to its end. A body that ends early, or never, leaves the status readable.
    pub fn read(host: &str, response: ureq::http::Response<ureq::Body>, utc: SystemTime) -> Self {
        let (parts, mut body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|value| httpdate::parse_http_date(value).ok());
        let read = body.with_config().limit(LARGEST_BODY).read_to_vec();
        Response {
            host: host.to_owned(),
            status: parts.status.as_u16(),
            retry_after: header("retry-after")
                .and_then(|value| retry_after(value, date.unwrap_or(utc))),
            date,
            html: is_html(header("content-type"), read.as_deref().unwrap_or_default()),
            body: read.map(Zeroizing::new).map_err(|error| match error {
                ureq::Error::BodyExceedsLimit(_) => Unreadable::TooLarge,
                _ => Unreadable::Cut,
            }),
        }
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// 4xx that is a no of the server itself, and not a "later". A web page is a portal's or a proxy's,
    /// but for 401, which neither of them says.
    pub fn is_rejection(&self) -> bool {
        (400..500).contains(&self.status)
            && !self.is_temporary()
            && (!self.html || self.status == 401)
    }

    /// Whether the server has trouble of its own, or asks to come again.
    pub fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }

    /// 3xx; it is never followed.
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    /// Whether the server, or what stands before it, may answer better in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 502..=504) || self.is_incomplete()
    }

    /// Whether the connection ended, or the time was up, before the body did.
    pub fn is_incomplete(&self) -> bool {
        self.body == Err(Unreadable::Cut)
    }

    /// A page for people: of a captive portal, or of a proxy.
    pub fn is_web_page(&self) -> bool {
        self.html
    }

    /// How many bytes the body had.
    pub fn size(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len())
    }

    /// The body as a JSON object.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, json::NotAnObject> {
        self.body.as_ref().map_err(|_| json::NotAnObject).and_then(|body| json::object(body))
    }

    /// The body of a successful answer; an answer that is anything else is an error that says what
    /// it is. `what` names what was done: "the login", "the request for a code".
    pub fn success<T: DeserializeOwned>(
        &self,
        what: &str,
        secrets: &[&Secret],
    ) -> Result<T, Error> {
        if !self.is_success() {
            return Err(self.refusal(what, secrets));
        }
        self.object().map_err(|_| self.unexpected(what))
    }

    /// The error for an answer that is no success: with the server's words where it has any that
    /// repeat none of `secrets`.
    pub fn refusal(&self, what: &str, secrets: &[&Secret]) -> Error {
        let words = match self.words(secrets) {
            Some(words) => format!(": {words} ({})", self.status),
            None if matches!(self.status, 401 | 403) => format!(" (status {})", self.status),
            None => return self.unexpected(what),
        };
        let fact = format!("{} refused {what}{words}", self.host);
        if self.is_rejection() {
            return Error::failure(fact, "Check what was given, then run the command again.");
        }
        if self.is_temporary() {
            Error::temporary(fact, self.later())
        } else {
            self.unexpected(what)
        }
    }

    /// The error for an answer that says nothing that is understood here. Only a no of the server's
    /// own, such as 404, is not worth another try.
    pub fn unexpected(&self, what: &str) -> Error {
        let fact = format!("{} answered {what} with {}", self.host, self.looks());
        if self.is_redirect() || (self.html && !self.is_rejection()) {
            return Error::temporary(
                fact,
                "That was not the server itself: a captive portal or a proxy may be in the way. Open \
                 a web page on this network, then try again.",
            );
        }
        if self.is_rejection() {
            return Error::failure(fact, "See that the host keys in the config file are right.");
        }
        Error::temporary(fact, self.later())
    }

    fn later(&self) -> &'static str {
        match self.status {
            429 => "The server asks to wait: try again later.",
            _ => "The server has trouble of its own: try again later.",
        }
    }

    /// What kind of failure it is, where it is no answer to its request.
    pub fn failure_kind(&self) -> FailureKind {
        match self.body {
            _ if self.is_redirect() => FailureKind::Redirect,
            Err(Unreadable::TooLarge) => FailureKind::TooLarge,
            Err(Unreadable::Cut) => FailureKind::Incomplete,
            Ok(_) if self.html => FailureKind::WebPage,
            Ok(_) if self.is_success() => FailureKind::Unexpected,
            Ok(_) => FailureKind::ErrorStatus,
        }
    }

    /// What the answer looks like, for a message.
    pub fn looks(&self) -> String {
        let looks = match self.failure_kind() {
            FailureKind::Redirect => "a redirect, which is never followed",
            FailureKind::TooLarge => "more than 1 MiB",
            FailureKind::Incomplete => "a message that breaks off",
            FailureKind::WebPage => "a web page",
            FailureKind::Unexpected => "something else than was asked for",
            _ => "an error",
        };
        format!("{looks} (status {})", self.status)
    }

    /// The server's own words about an error, in each of the shapes the platform uses, short and
    /// printable; none if they repeat one of `secrets`.
    fn words(&self, secrets: &[&Secret]) -> Option<String> {
        #[derive(Deserialize)]
        struct Words {
            error: Option<Box<RawValue>>,
            error_description: Option<Box<RawValue>>,
            response: Option<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        struct Nested {
            error: String,
        }
        let text = |raw: Option<Box<RawValue>>| json::text(&raw?);
        let words: Words = self.object().ok()?;
        let nested =
            words.response.and_then(|raw| json::object::<Nested>(raw.get().as_bytes()).ok());
        let parts =
            [text(words.error), text(words.error_description), nested.map(|nested| nested.error)];
        let found = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if secrets.iter().any(|secret| shows(&found, secret)) {
            return None;
        }
        Some(text::excerpt(&found, LONGEST_WORDS)).filter(|words| !words.is_empty())
    }
}

/// Whether a body is a page for people: it begins like one, or is called one and does not begin like
/// JSON. What is called a page wrongly may be the tokens, and a code is good only once.
fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    match body.trim_ascii_start().first() {
        Some(b'<') => true,
        Some(b'{') => false,
        _ => content_type.is_some_and(|value| value.to_lowercase().contains("html")),
    }
}

/// Whether the text holds the secret as it would be shown: characters that are not may lie in between.
fn shows(text: &str, secret: &Secret) -> bool {
    let secret = Zeroizing::new(text::printable(secret.expose()));
    !secret.is_empty() && text::printable(text).contains(secret.as_str())
}

/// Seconds, or a date (RFC 9110 §10.2.3), counted from the server's own clock where it tells it.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).ok(),
    }
}
