//! Why a request got no response, as an error for the user.

use std::io::{self, ErrorKind};
use std::time::SystemTime;

use rustls::CertificateError;
use ureq::Timeout;

use super::progress::Progress;
use super::proxy::Proxy;
use crate::error::Error;
use crate::text;

/// The kind of a failure: of a request without a response, or of a response that is not usable.
///
/// Two failures of one kind are the same to the user, whatever status or time their messages name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The user must change a proxy variable or `SSL_CERT_FILE` first.
    Settings,
    /// The DNS lookup of the host or of the proxy failed.
    Dns,
    Timeout,
    /// The connection failed, or ended before the response did.
    Connection(ErrorKind),
    /// The proxy does not allow the connection, or rejects the user name and password.
    ProxyRefused,
    /// The proxy cannot reach the host.
    ProxyFailed,
    /// The TLS handshake failed, or the certificate is not valid.
    Tls,
    NotHttp,
    /// The response is a redirect, and rio follows none.
    Redirect,
    /// The response is above the size limit.
    TooLarge,
    /// The response ends early.
    Incomplete,
    /// The response is a web page, probably of a captive portal or a proxy.
    WebPage,
    /// The response reports success, but without the expected content.
    Unexpected,
    /// The response has an error status.
    ErrorStatus,
}

/// A part of a request that can fail, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Dns,
    Connection,
    Tls,
    Response,
}

#[derive(Debug)]
pub struct TransportError {
    error: Error,
    kind: FailureKind,
    progress: Progress,
}

impl TransportError {
    /// `utc` is this machine's clock, which a message about a certificate shows.
    pub(super) fn new(
        error: &ureq::Error,
        host: &str,
        proxy: Option<&Proxy>,
        progress: Progress,
        utc: SystemTime,
    ) -> Self {
        let tls_error = tls_error(error);
        let is_at_proxy = match progress {
            // If the proxy does not use TLS, a TLS error comes from the host behind it.
            Progress::Connecting | Progress::SocketOpen => {
                tls_error.is_none() || proxy.is_some_and(Proxy::is_https)
            }
            Progress::ProxyConnected => tls_error.is_none(),
            _ => false,
        };
        let proxy = proxy.filter(|_| is_at_proxy);
        let peer = proxy.map_or_else(|| host.to_owned(), |proxy| format!("the proxy {proxy}"));
        let refusal = proxy.and_then(|_| proxy_status(error));
        let (kind, fact, advice) = match (tls_error, refusal) {
            (Some(error), _) => describe_tls(error, &peer, utc),
            (None, Some(status)) => describe_refusal(status, &peer, host),
            (None, None) => describe(error, &peer),
        };
        TransportError { error: Error::temporary(fact, advice), kind, progress }
    }

    /// What happened, without advice.
    pub fn reason(&self) -> &str {
        self.error.fact()
    }

    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The stage that failed. A proxy is part of the connection.
    pub fn stage(&self) -> Stage {
        use {FailureKind as F, Progress as P};
        match (self.kind, self.progress) {
            (F::Tls, _) => Stage::Tls,
            (F::Dns, _) | (_, P::NotResolved) => Stage::Dns,
            (F::ProxyRefused | F::ProxyFailed, _) => Stage::Connection,
            (_, P::Connecting | P::ProxyConnected) => Stage::Connection,
            (_, P::SocketOpen) => Stage::Tls,
            (_, P::Reusing | P::Responding | P::Connected) => Stage::Response,
        }
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Dns
                | FailureKind::Timeout
                | FailureKind::Connection(_)
                | FailureKind::ProxyFailed
        )
    }

    /// Whether the server cannot have received any part of the request.
    pub fn nothing_was_sent(&self) -> bool {
        use Progress as P;
        matches!(self.progress, P::NotResolved | P::Connecting | P::SocketOpen | P::ProxyConnected)
    }

    /// Whether an idle connection failed before the response. The server had probably closed it.
    pub fn is_from_idle_connection(&self) -> bool {
        self.progress == Progress::Reusing && matches!(self.kind, FailureKind::Connection(_))
    }
}

/// The error of a request that this machine's settings do not allow.
impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        TransportError { error, kind: FailureKind::Settings, progress: Progress::NotResolved }
    }
}

impl From<TransportError> for Error {
    fn from(failure: TransportError) -> Self {
        failure.error
    }
}

/// TLS errors come as I/O errors of the stream, or by themselves.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        ureq::Error::Rustls(error) => Some(error),
        _ => None,
    }
}

/// The HTTP status with which a proxy refuses a connection; for SOCKS, the corresponding one.
fn proxy_status(error: &ureq::Error) -> Option<u16> {
    match error {
        // ureq has only the text "proxy server responded 403/403".
        ureq::Error::ConnectProxyFailed(reason) => reason.rsplit('/').next()?.parse().ok(),
        // An error of the system itself is not from SOCKS.
        ureq::Error::Io(error) if error.raw_os_error().is_none() => match error.kind() {
            ErrorKind::PermissionDenied => Some(407),
            ErrorKind::Other => Some(502),
            _ => None,
        },
        _ => None,
    }
}

/// The kind, the fact and the advice.
type Description = (FailureKind, String, &'static str);

const NETWORK: &str = "Check your network connection, then try again.";
const DNS: &str = "Check your network connection and DNS settings, then try again. If this network needs a proxy, \
                   set HTTPS_PROXY.";

fn describe(error: &ureq::Error, peer: &str) -> Description {
    match error {
        ureq::Error::HostNotFound => (FailureKind::Dns, format!("could not resolve {peer}"), DNS),
        ureq::Error::Timeout(Timeout::Resolve) => {
            (FailureKind::Dns, format!("the DNS lookup of {peer} timed out"), DNS)
        }
        ureq::Error::Timeout(_) => {
            (FailureKind::Timeout, format!("{peer} did not respond in time"), NETWORK)
        }
        ureq::Error::ConnectProxyFailed(_) => describe_io(&ErrorKind::UnexpectedEof.into(), peer),
        ureq::Error::Io(error) => describe_io(error, peer),
        _ => (
            FailureKind::NotHttp,
            format!("{peer} did not send a valid HTTP response"),
            "Check that the host and port are right.",
        ),
    }
}

fn describe_io(error: &io::Error, peer: &str) -> Description {
    let (fact, advice) = match error.kind() {
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (format!("{peer} closed the connection"), NETWORK),
        // Only from the start of a thread; ureq reports a late response as a timeout.
        ErrorKind::WouldBlock => (
            format!("could not resolve {peer}: cannot start another thread"),
            "Raise the limit (`ulimit -u`, or TasksMax= of the systemd unit), then try again.",
        ),
        _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => (
            format!("could not connect to {peer}: too many open files"),
            "Raise the limit (`ulimit -n`, or LimitNOFILE= of the systemd unit), then try again.",
        ),
        _ => (format!("could not connect to {peer}: {}", text::io_error(error)), NETWORK),
    };
    (FailureKind::Connection(error.kind()), fact, advice)
}

fn describe_refusal(status: u16, peer: &str, host: &str) -> Description {
    match status {
        407 => (
            FailureKind::ProxyRefused,
            format!("{peer} requires a valid user name and password"),
            "Put them in the proxy's URL, as in http://USER:PASSWORD@HOST:PORT.",
        ),
        500.. => (
            FailureKind::ProxyFailed,
            format!("{peer} could not connect to {host}"),
            "Check that the host is right, then try again.",
        ),
        _ => (
            FailureKind::ProxyRefused,
            format!("{peer} refused to connect to {host} (status {status})"),
            "Ask the administrator of the proxy to allow this host.",
        ),
    }
}

fn describe_tls(error: &rustls::Error, peer: &str, utc: SystemTime) -> Description {
    use CertificateError as C;
    let clock = text::date_and_time(text::unix_seconds(utc));
    let (problem, advice) = match error {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => (
            format!("its certificate has expired, by this machine's clock ({clock})"),
            "Set the clock if it is wrong; otherwise the server needs a new certificate.",
        ),
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => (
            format!("its certificate is not valid yet, by this machine's clock ({clock})"),
            "Set the clock, then try again.",
        ),
        // The signature is bad if the issuer has the name of a trusted authority, but another key.
        rustls::Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => (
            "its certificate is not from an authority that this machine trusts".to_owned(),
            "If the server or a proxy uses a private CA, name its CA file in SSL_CERT_FILE; \
             otherwise this may be an attack.",
        ),
        rustls::Error::InvalidCertificate(C::Other(error)) if is_self_signed(error) => (
            "its certificate is self-signed, so this machine does not trust it".to_owned(),
            "If it is your server, issue its certificate from a CA of your own, and name the CA file \
             in SSL_CERT_FILE; otherwise this may be a captive portal or an attack.",
        ),
        rustls::Error::InvalidCertificate(
            C::NotValidForName | C::NotValidForNameContext { .. },
        ) => (
            "its certificate is for another host".to_owned(),
            "Check the host name. If it is right, this may be a captive portal or an attack.",
        ),
        rustls::Error::InvalidCertificate(_) => {
            ("its certificate is not valid".to_owned(), "The server's certificate must be fixed.")
        }
        _ => (
            "the TLS handshake failed".to_owned(),
            "Check that the host and port are right, and whether a proxy intercepts TLS.",
        ),
    };
    (FailureKind::Tls, format!("cannot connect securely to {peer}: {problem}"), advice)
}

/// A self-signed certificate is usually a CA certificate, which webpki rejects even if it is trusted.
fn is_self_signed(error: &rustls::OtherError) -> bool {
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxy;
    use crate::http::url::Url;
    use crate::machine::env::Env;

    fn failure(error: ureq::Error, proxy: &str, progress: Progress) -> TransportError {
        let env = Env::new([("HTTPS_PROXY", proxy)], None);
        let url = Url::parse("https://a.example", false).unwrap();
        let proxy = proxy::for_url(&env, &url).unwrap();
        TransportError::new(
            &error,
            url.authority(),
            proxy.as_ref(),
            progress,
            SystemTime::UNIX_EPOCH,
        )
    }

    fn untrusted() -> ureq::Error {
        io::Error::other(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)).into()
    }

    #[test]
    fn failure_names_the_host_or_its_proxy() {
        let refused = || ureq::Error::Io(ErrorKind::ConnectionRefused.into());
        let (none, http) = ("", "http://p.example:1");
        let (https, socks) = ("https://p.example:1", "socks5://p.example:1");
        let proxy = "the proxy p.example:1 (HTTPS_PROXY)";
        for (error, url, progress, name) in [
            (refused(), none, Progress::Connecting, "a.example"),
            (refused(), http, Progress::Connecting, proxy),
            (refused(), http, Progress::Connected, "a.example"),
            (refused(), http, Progress::Reusing, "a.example"),
            (ureq::Error::HostNotFound, http, Progress::Connecting, proxy),
            (ureq::Error::HostNotFound, socks, Progress::NotResolved, "a.example"),
            (untrusted(), https, Progress::Connecting, proxy),
            (untrusted(), https, Progress::ProxyConnected, "a.example"),
            (untrusted(), socks, Progress::SocketOpen, "a.example"),
            (refused(), socks, Progress::SocketOpen, proxy),
        ] {
            let failure = failure(error, url, progress);
            let fact = failure.reason();
            let names = [format!("resolve {name}"), format!("to {name}: ")];
            let named = names.iter().any(|name| fact.contains(name));
            assert!(named, "{url:?}, {progress:?}: {fact}");
        }
    }

    #[test]
    fn socks_reply_is_not_a_system_error() {
        let socks = "socks5://p.example:1";
        for (error, kind, fact) in [
            (ErrorKind::PermissionDenied.into(), FailureKind::ProxyRefused, "password"),
            (io::Error::other("host unreachable"), FailureKind::ProxyFailed, "to a.example"),
            (
                io::Error::from_raw_os_error(libc::EACCES),
                FailureKind::Connection(ErrorKind::PermissionDenied),
                "could not connect to the proxy",
            ),
        ] {
            let failure = failure(error.into(), socks, Progress::Connecting);
            assert_eq!(failure.kind(), kind);
            assert!(failure.reason().contains(fact), "{}", failure.reason());
        }
    }

    #[test]
    fn stage_follows_from_kind_and_progress() {
        use {Progress as P, Stage as S};
        let io = |kind: ErrorKind| ureq::Error::Io(kind.into());
        let timeout = || ureq::Error::Timeout(Timeout::Global);
        let forbidden = || ureq::Error::ConnectProxyFailed("responded 403/403".to_owned());
        for (error, url, progress, stage) in [
            (ureq::Error::HostNotFound, "", P::NotResolved, S::Dns),
            (ureq::Error::HostNotFound, "http://p.example:1", P::Connecting, S::Dns),
            (io(ErrorKind::WouldBlock), "", P::NotResolved, S::Dns),
            (timeout(), "", P::Connecting, S::Connection),
            (timeout(), "http://p.example:1", P::ProxyConnected, S::Connection),
            (forbidden(), "http://p.example:1", P::ProxyConnected, S::Connection),
            (io(ErrorKind::PermissionDenied), "socks5://p:1", P::SocketOpen, S::Connection),
            (timeout(), "", P::SocketOpen, S::Tls),
            (untrusted(), "http://p.example:1", P::ProxyConnected, S::Tls),
            (timeout(), "", P::Connected, S::Response),
        ] {
            assert_eq!(failure(error, url, progress).stage(), stage, "{url}, {progress:?}");
        }
    }

    #[test]
    fn only_unsent_requests_are_reported_as_unsent() {
        for (progress, nothing_was_sent) in [
            (Progress::Reusing, false),
            (Progress::Responding, false),
            (Progress::NotResolved, true),
            (Progress::Connecting, true),
            (Progress::SocketOpen, true),
            (Progress::ProxyConnected, true),
            (Progress::Connected, false),
        ] {
            let failure = failure(ureq::Error::ConnectionFailed, "", progress);
            assert_eq!(failure.nothing_was_sent(), nothing_was_sent, "{progress:?}");
        }
    }
}
