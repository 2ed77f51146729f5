//! Why there was no answer, said for the person who has to do something about it.

use std::io::ErrorKind;
use std::time::SystemTime;

use rustls::CertificateError;
use ureq::Timeout;

use crate::error::{Error, Exit};
use crate::text;

use super::connector::Stage;
use super::name_servers;

/// The kind of a failure: of a request without a response, or of a response that is no answer to it.
///
/// Two failures of one kind are the same to the user, whatever status or time their messages name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The request cannot be made with this machine's settings.
    Settings,
    /// The name of the host or of the proxy does not resolve.
    Dns,
    /// A time limit passed.
    Timeout,
    /// The connection failed, or ended before the response did.
    Connection(ErrorKind),
    /// The proxy refused to connect to the host.
    Proxy,
    /// TLS failed, or the certificate is not valid.
    Tls,
    /// The peer does not speak HTTP.
    NotHttp,
    /// A redirect, which is never followed.
    Redirect,
    /// A body above the size limit.
    TooLarge,
    /// A body that ends early.
    Incomplete,
    /// A web page: of a captive portal or a proxy.
    WebPage,
    /// A successful response without the expected content.
    Unexpected,
    /// An HTTP error status.
    ErrorStatus,
}

/// A request that brought no answer.
#[derive(Debug)]
pub struct TransportError {
    error: Error,
    kind: FailureKind,
    is_transient: bool,
    nothing_was_sent: bool,
}

impl TransportError {
    /// Makes sense of what ureq says. `proxy` is the one the request went through, for the message.
    pub(super) fn new(
        error: ureq::Error,
        host: &str,
        proxy: Option<String>,
        stage: &Stage,
        utc: SystemTime,
    ) -> Self {
        let nothing_was_sent = stage.nothing_was_sent();
        let proxy = proxy.filter(|_| nothing_was_sent).map(|proxy| format!("the proxy {proxy}"));
        if let Some(tls) = tls_error(&error) {
            // A proxy may be called over TLS itself; through it, the certificate is the host's.
            let peer = proxy.filter(|_| !stage.behind_proxy()).unwrap_or_else(|| host.to_owned());
            return TransportError {
                error: describe_tls(tls, &peer, utc),
                kind: FailureKind::Tls,
                is_transient: false,
                nothing_was_sent,
            };
        }
        let peer = proxy.unwrap_or_else(|| host.to_owned());
        if let Some(lack) = stage.not_found().then(name_servers::lack).flatten() {
            // The look-up may have taken seconds to come to this, and nobody mends it in one.
            let error = Error::temporary(format!("{peer} cannot be found: {lack}"), NAMES);
            let kind = FailureKind::Dns;
            return TransportError { error, kind, is_transient: false, nothing_was_sent };
        }
        let (fact, advice) = match &error {
            ureq::Error::Timeout(_) => describe(&error, &peer),
            _ if stage.not_found() => (format!("{peer} cannot be found"), DNS),
            _ => describe(&error, &peer),
        };
        TransportError {
            error: Error::temporary(fact, advice),
            kind: if stage.not_found() { FailureKind::Dns } else { kind(&error) },
            is_transient: is_transient(&error),
            nothing_was_sent,
        }
    }

    /// What is wrong, without advice.
    pub fn reason(&self) -> &str {
        self.error.fact()
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// Whether the server cannot have received any of the request.
    pub fn nothing_was_sent(&self) -> bool {
        self.nothing_was_sent
    }

    /// Whether no network is to blame: a proxy variable or a certificate file makes no sense.
    pub fn is_setup(&self) -> bool {
        self.error.exit() != Exit::TemporaryFailure
    }
}

/// A request that cannot be made as this machine is set up.
impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        let kind = FailureKind::Settings;
        TransportError { error, kind, is_transient: false, nothing_was_sent: true }
    }
}

impl From<TransportError> for Error {
    fn from(trouble: TransportError) -> Self {
        trouble.error
    }
}

/// The TLS error within, wrapped by the stream it happened on.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn kind(error: &ureq::Error) -> FailureKind {
    match error {
        ureq::Error::Timeout(_) => FailureKind::Timeout,
        ureq::Error::ConnectProxyFailed(_) => FailureKind::Proxy,
        ureq::Error::Io(error) => FailureKind::Connection(error.kind()),
        _ => FailureKind::NotHttp,
    }
}

fn is_transient(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
    )
}

const NETWORK: &str = "Check the network, then try again.";
const DNS: &str = "Check the network and its DNS, then try again.";
const NAMES: &str =
    "Name a DNS server in /etc/resolv.conf (nameserver 192.0.2.1), or the host in /etc/hosts.";
const PROXY: &str = "Ask whoever runs the proxy.";

fn describe(error: &ureq::Error, peer: &str) -> (String, &'static str) {
    match error {
        ureq::Error::Timeout(Timeout::Resolve) => (format!("looking up {peer} took too long"), DNS),
        ureq::Error::Timeout(_) => (format!("{peer} did not answer in time"), NETWORK),
        // ureq has only words for it.
        ureq::Error::ConnectProxyFailed(words) if words.contains("407") => (
            format!("{peer} asks for a user name and password"),
            "Put them into the variable: http://USER:PASSWORD@HOST:PORT",
        ),
        ureq::Error::ConnectProxyFailed(_) => {
            (format!("{peer} does not let the connection through"), PROXY)
        }
        ureq::Error::Io(error) => describe_io(error.kind(), peer),
        _ => (format!("{peer} did not answer in HTTP"), "See that the host and port are right."),
    }
}

fn describe_io(kind: ErrorKind, peer: &str) -> (String, &'static str) {
    match kind {
        ErrorKind::ConnectionRefused => {
            (format!("{peer} cannot be reached: connection refused"), NETWORK)
        }
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::HostUnreachable => {
            (format!("{peer} cannot be reached: no network"), NETWORK)
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (format!("{peer} closed the connection"), NETWORK),
        // A SOCKS proxy that says no.
        ErrorKind::Other => (format!("{peer} does not let the connection through"), PROXY),
        kind => (format!("{peer} cannot be reached: {kind}"), NETWORK),
    }
}

fn describe_tls(error: &rustls::Error, peer: &str, utc: SystemTime) -> Error {
    use CertificateError as C;
    let clock = text::date_and_time(text::unix_seconds(utc));
    let (what, advice) = match error {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => (
            format!("its certificate has expired, by this machine's clock ({clock})"),
            "Set the clock if it is wrong; otherwise the server's owner must renew it.",
        ),
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => (
            format!("its certificate is not valid yet, by this machine's clock ({clock})"),
            "Set the clock, then try again.",
        ),
        // A bad signature is that of an authority which only shares its name with one that is trusted.
        rustls::Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => (
            "its certificate is signed by nobody this machine trusts".to_owned(),
            "If a proxy of yours inspects TLS, name its CA file in SSL_CERT_FILE; otherwise this \
             may be an attack.",
        ),
        rustls::Error::InvalidCertificate(
            C::NotValidForName | C::NotValidForNameContext { .. },
        ) => (
            "its certificate is for another host".to_owned(),
            "A captive portal or a wrong host name may be in the way; otherwise this may be an \
             attack.",
        ),
        rustls::Error::InvalidCertificate(_) => {
            ("its certificate is not valid".to_owned(), "The server's owner must mend it.")
        }
        _ => (
            "TLS could not be agreed on".to_owned(),
            "See that the host and port are right, and that no proxy is in the way.",
        ),
    };
    Error::temporary(format!("cannot connect safely to {peer}: {what}"), advice)
}
