//! Why a request got no response, as an error for the user.

use std::io::{self, ErrorKind};
use std::time::SystemTime;

use ureq::Timeout;

use super::tls_failure;
use crate::advice;
use crate::error::Error;
use crate::net::connect_error::{Cause, RequestError, Stage, tls_error};
use crate::net::dial::DialError;
use crate::net::proxy::Proxy;
use crate::net::tunnel::TunnelError;
use crate::net::url::Url;
use crate::text;

/// The kind of a failure: of a request without a response, or of a response that is not usable.
///
/// Two failures of one kind are the same to the user, whatever status or time their messages name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The user must change a variable first.
    Settings,
    /// The DNS lookup of the host or of the proxy failed.
    Dns,
    Timeout,
    /// The connection failed, or ended before the response did.
    Connection(ErrorKind),
    /// The proxy does not allow the connection, or wants another login.
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

#[derive(Debug)]
pub struct TransportError {
    error: Error,
    kind: FailureKind,
    stage: Stage,
    sent: Sent,
}

/// What the server may have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    /// The request, on an idle connection that failed before the response.
    OnIdleConnection,
    Request,
}

impl TransportError {
    /// `utc` is this machine's clock, which a message about a certificate shows.
    pub(super) fn new(
        error: ureq::Error,
        url: &Url,
        proxy: Option<&Proxy>,
        utc: SystemTime,
    ) -> Self {
        let at = |proxy| Peer { url, proxy, utc };
        let (stage, sent, (kind, fact, advice)) = match RequestError::from_ureq(error) {
            Ok(RequestError::NotConnected(error)) => {
                let peer = at(proxy.filter(|_| error.is_at_proxy));
                (error.stage, Sent::Nothing, peer.describe_cause(error.cause))
            }
            Ok(RequestError::IdleConnection(error)) => {
                (Stage::Response, Sent::OnIdleConnection, at(None).describe_io(&error))
            }
            Err(error) => {
                let is_refused = tls_error(&error).is_some_and(tls_failure::is_refused_handshake);
                let sent = if is_refused { Sent::Nothing } else { Sent::Request };
                (Stage::Response, sent, at(None).describe(&error))
            }
        };
        let stage = if kind == FailureKind::Tls { Stage::Tls } else { stage };
        TransportError { error: Error::temporary(fact, advice), kind, stage, sent }
    }

    /// The error as `rio doctor` reports it.
    pub fn into_finding(self) -> Error {
        self.error
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
        self.stage
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

    /// Whether the server cannot have read any part of the request.
    pub fn nothing_was_sent(&self) -> bool {
        self.sent == Sent::Nothing
    }

    /// Whether an idle connection failed before the response. The server had probably closed it.
    pub fn is_from_idle_connection(&self) -> bool {
        self.sent == Sent::OnIdleConnection
    }
}

/// The error of a request that this machine's settings do not allow.
impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        TransportError {
            error,
            kind: FailureKind::Settings,
            stage: Stage::Dns,
            sent: Sent::Nothing,
        }
    }
}

/// With the command that finds the cause, unless the advice says what to change.
impl From<TransportError> for Error {
    fn from(failure: TransportError) -> Self {
        let error = failure.error;
        match failure.kind {
            FailureKind::Settings | FailureKind::ProxyRefused => error,
            _ => {
                let advice = format!("{}{}", error.advice(), advice::DOCTOR);
                error.advise(advice)
            }
        }
    }
}

const NEEDS_PROXY: &str = " If this network needs a proxy, set HTTPS_PROXY.";

/// The kind, the fact and the advice.
type Description = (FailureKind, String, String);

/// The host of a request, or the proxy in front of it if that failed.
struct Peer<'a> {
    url: &'a Url,
    proxy: Option<&'a Proxy>,
    utc: SystemTime,
}

impl Peer<'_> {
    fn name(&self) -> String {
        let host = || self.url.authority().to_owned();
        self.proxy.map_or_else(host, |proxy| format!("the proxy {proxy}"))
    }

    fn describe_cause(&self, cause: Cause) -> Description {
        match (cause, self.proxy) {
            (Cause::Dial(error), _) => self.describe_dial(error),
            (Cause::Tunnel(TunnelError::Io(error)), _) => self.describe(&error.into()),
            (Cause::Tunnel(error), Some(proxy)) => self.describe_tunnel(error, proxy),
            (Cause::Tunnel(_), None) => self.describe(&ureq::Error::ConnectionFailed),
            (Cause::Transport(error), _) => self.describe(&error),
        }
    }

    fn describe_dial(&self, error: DialError) -> Description {
        let name = self.name();
        let fact = match error {
            DialError::NotFound => format!("could not resolve {name}"),
            DialError::LookupTimeout => format!("the DNS lookup of {name} timed out"),
            DialError::Timeout => return self.describe(&ureq::Error::Timeout(Timeout::Connect)),
            DialError::Io(error) => return self.describe_io(&error),
        };
        let advice = match self.proxy {
            Some(proxy) => {
                format!("Check the host in {}, and this machine's DNS settings.", proxy.variable())
            }
            None => {
                self.check_host(&format!("your network connection and DNS settings.{NEEDS_PROXY}"))
            }
        };
        (FailureKind::Dns, fact, advice)
    }

    fn describe(&self, error: &ureq::Error) -> Description {
        let name = self.name();
        match (error, tls_error(error)) {
            (_, Some(error)) => {
                let (problem, advice) = tls_failure::describe(error, self.utc);
                let fact = format!("cannot connect securely to {name}: {problem}");
                (FailureKind::Tls, fact, advice)
            }
            (ureq::Error::Timeout(_), _) => {
                let fact = format!("{name} did not respond in time");
                (FailureKind::Timeout, fact, self.advice())
            }
            (ureq::Error::Io(error), _) => self.describe_io(error),
            _ => self.not_http(),
        }
    }

    fn describe_io(&self, error: &io::Error) -> Description {
        let name = self.name();
        let (fact, advice) = match error.kind() {
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => (format!("{name} closed the connection"), self.advice()),
            ErrorKind::InvalidData => return self.not_http(),
            ErrorKind::TimedOut => return self.describe(&ureq::Error::Timeout(Timeout::Connect)),
            // Only from the start of a thread; a late response is a timeout.
            ErrorKind::WouldBlock => (
                format!("could not resolve {name}: cannot start another thread"),
                "Raise the limit (ulimit -u, or TasksMax= of the systemd unit), then try again."
                    .to_owned(),
            ),
            _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => (
                format!("could not connect to {name}: too many open files"),
                "Raise the limit (ulimit -n, or LimitNOFILE= of the systemd unit), then try again."
                    .to_owned(),
            ),
            _ => (format!("could not connect to {name}: {}", text::io_error(error)), self.advice()),
        };
        (FailureKind::Connection(error.kind()), fact, advice)
    }

    fn not_http(&self) -> Description {
        let protocol = match self.proxy {
            Some(proxy) if proxy.is_socks() => "SOCKS",
            _ => "HTTP",
        };
        let advice = match self.proxy {
            Some(proxy) => format!("Check the scheme, host and port in {}.", proxy.variable()),
            None => self.check_host("whether a proxy answers in place of the server."),
        };
        let fact = format!("{} did not send a valid {protocol} response", self.name());
        (FailureKind::NotHttp, fact, advice)
    }

    fn advice(&self) -> String {
        match self.proxy {
            Some(proxy) => {
                format!("Check the host and port in {}, or unset it.", proxy.variable())
            }
            None => self.check_host(&format!("your network connection.{NEEDS_PROXY}")),
        }
    }

    /// The advice to check this and, if the host is not the default one, its setting.
    fn check_host(&self, what: &str) -> String {
        match self.url.setting() {
            Some(setting) => format!("Check {setting}, and {what}"),
            None => format!("Check {what}"),
        }
    }

    fn describe_tunnel(&self, error: TunnelError, proxy: &Proxy) -> Description {
        let (name, host, variable) = (self.name(), self.url.authority(), proxy.variable());
        match error {
            TunnelError::CredentialsRequired => (
                FailureKind::ProxyRefused,
                format!("{name} requires a user name and password"),
                format!("Put them in {variable}: {}://USER:PASSWORD@HOST:PORT", proxy.scheme()),
            ),
            TunnelError::CredentialsRejected => (
                FailureKind::ProxyRefused,
                format!("{name} does not accept the user name and password"),
                format!("Correct them in {variable}: {}://USER:PASSWORD@HOST:PORT", proxy.scheme()),
            ),
            TunnelError::UnsupportedScheme(offered) => (
                FailureKind::ProxyRefused,
                format!("{name} requires a login by {offered}"),
                "rio can log in to a proxy with a user name and password only (Basic). Ask the \
                 administrator of the proxy to allow that, or run a proxy on this machine that logs in \
                 to it (such as cntlm)."
                    .to_owned(),
            ),
            TunnelError::Forbidden(reason) => (
                FailureKind::ProxyRefused,
                format!("{name} refused to connect to {host} ({reason})"),
                "Ask the administrator of the proxy to allow this host.".to_owned(),
            ),
            TunnelError::Unreachable(reason) => (
                FailureKind::ProxyFailed,
                format!("{name} could not connect to {host} ({reason})"),
                format!("Ask the administrator of the proxy whether it can reach {host}."),
            ),
            TunnelError::Io(error) => self.describe_io(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CertificateError};

    use super::*;
    use crate::machine::env::Env;
    use crate::net::connect_error::ConnectError;
    use crate::net::proxy;

    fn failure(error: impl Into<ureq::Error>, proxy: &str) -> TransportError {
        let env = Env::new([("HTTPS_PROXY", proxy)], None);
        let url = Url::parse("https://a.example", false).unwrap();
        let proxy = proxy::for_url(&env, &url).unwrap();
        let utc = SystemTime::UNIX_EPOCH;
        TransportError::new(error.into(), &url, proxy.as_ref(), utc)
    }

    fn not_connected(stage: Stage, is_at_proxy: bool, cause: Cause) -> RequestError {
        RequestError::NotConnected(ConnectError { stage, is_at_proxy, cause })
    }

    fn refused() -> io::Error {
        io::Error::from_raw_os_error(libc::ECONNREFUSED)
    }

    fn tls(error: rustls::Error) -> ureq::Error {
        io::Error::other(error).into()
    }

    fn untrusted() -> ureq::Error {
        tls(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    #[test]
    fn failure_names_the_host_or_the_proxy_and_its_variable() {
        use Stage as S;
        let dial = |error| Cause::Dial(DialError::Io(error));
        let (host, proxy) = ("a.example", "the proxy p.example:1 (HTTPS_PROXY)");
        for (stage, is_at_proxy, cause, fact, advice) in [
            (
                S::Dns,
                false,
                Cause::Dial(DialError::NotFound),
                format!("could not resolve {host}"),
                "If this network needs a proxy, set HTTPS_PROXY.",
            ),
            (
                S::Dns,
                true,
                Cause::Dial(DialError::NotFound),
                format!("could not resolve {proxy}"),
                "Check the host in HTTPS_PROXY",
            ),
            (
                S::Dns,
                true,
                Cause::Dial(DialError::LookupTimeout),
                format!("the DNS lookup of {proxy} timed out"),
                "Check the host in HTTPS_PROXY",
            ),
            (
                S::Connection,
                false,
                dial(refused()),
                format!("could not connect to {host}: connection refused"),
                "Check your network connection",
            ),
            (
                S::Connection,
                true,
                dial(refused()),
                format!("could not connect to {proxy}: connection refused"),
                "Check the host and port in HTTPS_PROXY, or unset it.",
            ),
            (
                S::Connection,
                true,
                Cause::Dial(DialError::Timeout),
                format!("{proxy} did not respond in time"),
                "Check the host and port in HTTPS_PROXY, or unset it.",
            ),
            (
                S::Connection,
                true,
                Cause::Tunnel(TunnelError::Io(ErrorKind::InvalidData.into())),
                format!("{proxy} did not send a valid HTTP response"),
                "Check the scheme, host and port in HTTPS_PROXY.",
            ),
            (
                S::Connection,
                true,
                Cause::Tunnel(TunnelError::Unreachable("status 502".to_owned())),
                format!("{proxy} could not connect to {host} (status 502)"),
                "whether it can reach a.example",
            ),
            (
                S::Tls,
                false,
                Cause::Transport(untrusted()),
                format!("cannot connect securely to {host}: its certificate is not from"),
                "SSL_CERT_FILE",
            ),
            (
                S::Tls,
                true,
                Cause::Transport(untrusted()),
                format!("cannot connect securely to {proxy}: its certificate is not from"),
                "SSL_CERT_FILE",
            ),
        ] {
            let failure = failure(not_connected(stage, is_at_proxy, cause), "http://p.example:1");
            assert!(failure.reason().contains(&fact), "{fact}\n{}", failure.reason());
            assert_eq!(failure.stage(), stage, "{fact}");
            assert!(failure.nothing_was_sent(), "{fact}");
            let error = Error::from(failure);
            assert!(error.advice().contains(advice), "{fact}\n{}", error.advice());
        }
    }

    #[test]
    fn proxy_that_requires_a_login_is_told_apart() {
        use TunnelError as T;
        let http = "http://p.example:1";
        for (proxy, error, fact, advice) in [
            (
                http,
                T::CredentialsRequired,
                "requires a user name and password",
                "HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
            ),
            (
                "socks5://p.example:1",
                T::CredentialsRequired,
                "requires a user name and password",
                "HTTPS_PROXY: socks5h://USER:PASSWORD@HOST:PORT",
            ),
            (http, T::CredentialsRejected, "does not accept", "Correct them in HTTPS_PROXY"),
            (http, T::UnsupportedScheme("NTLM".to_owned()), "requires a login by NTLM", "(Basic)"),
        ] {
            let cause = Cause::Tunnel(error);
            let failure = failure(not_connected(Stage::Connection, true, cause), proxy);
            assert_eq!(failure.kind(), FailureKind::ProxyRefused);
            assert!(!failure.is_retryable());
            assert!(failure.reason().contains(fact), "{}", failure.reason());
            let error = Error::from(failure);
            assert!(error.advice().contains(advice), "{}", error.advice());
        }
    }

    #[test]
    fn only_what_the_server_cannot_have_read_is_unsent() {
        let eof = || io::Error::from(ErrorKind::UnexpectedEof);
        let alert = |alert| tls(rustls::Error::AlertReceived(alert));
        for (error, nothing_was_sent, is_from_idle_connection) in [
            (RequestError::IdleConnection(eof()).into(), false, true),
            (eof().into(), false, false),
            (ureq::Error::Timeout(Timeout::Global), false, false),
            (alert(AlertDescription::InternalError), false, false),
            // In TLS 1.3, the client sends the request before the server has checked the client's certificate.
            (alert(AlertDescription::CertificateRequired), true, false),
            (alert(AlertDescription::HandshakeFailure), true, false),
            (not_connected(Stage::Tls, false, Cause::Transport(eof().into())).into(), true, false),
        ] {
            let shown = format!("{error:?}");
            let failure = failure(error, "");
            assert_eq!(failure.nothing_was_sent(), nothing_was_sent, "{shown}");
            assert_eq!(failure.is_from_idle_connection(), is_from_idle_connection, "{shown}");
        }
    }
}
