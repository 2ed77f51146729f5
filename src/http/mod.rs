//! HTTP requests and responses, with limits on time and size, retries, and errors that say what to do.
//! [`crate::net`] opens the connections. No module but these two uses ureq.

mod failure;
// Numbers that servers send.
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
mod response;
mod tls_failure;

pub use failure::{FailureKind, TransportError};
pub use response::Response;

use std::cell::{OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ureq::{Agent, RequestBuilder};

use crate::error::Error;
use crate::machine::clock::{self, Clock};
use crate::machine::env::Env;
use crate::machine::notice::Notice;
use crate::machine::random::{Fraction, RandomFraction};
use crate::machine::trace::Trace;
use crate::net::connector::{Network, NoResolver, ProxyConnector};
use crate::net::proxy::{self, Proxy};
use crate::net::tls::{self, Trusted};
use crate::net::tunnel;
use crate::net::url::Url;
use crate::secret::Secret;

/// How long it may take to connect, with the DNS lookup, the proxy and the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request may take, from the DNS lookup to the end of the response.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt, without jitter. It doubles for each further attempt.
const RETRY_WAIT: Duration = Duration::from_millis(500);
/// A response with a longer `Retry-After` is not retried.
const LONGEST_RETRY_WAIT: Duration = Duration::from_secs(5);
/// The largest response head that is accepted, in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// The size of a buffer, in bytes: small, because ureq fills four of them with zeros. A response head must fit.
const BUFFER: usize = LARGEST_HEAD + 1024;
/// Longer than any polling interval, so that polls share a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10 * 60);

/// The method of a request, and its body.
pub enum Action<'a> {
    Get,
    /// A POST with an empty body.
    Post,
    /// A POST of `application/x-www-form-urlencoded`.
    PostForm(&'a [(&'a str, &'a str)]),
    /// A POST of serialized JSON, which may contain a password.
    PostJson(String),
}

pub struct Request<'a> {
    pub url: &'a Url,
    /// Percent-encoded and appended to the query of the URL.
    pub query: &'a [(&'a str, &'a str)],
    /// The token for the `Authorization` header.
    pub bearer: Option<&'a Secret>,
    pub action: Action<'a>,
    /// How long the request may take, from the DNS lookup to the end of the response.
    pub timeout: Duration,
}

impl<'a> Request<'a> {
    /// A request without a query and a token, with the usual timeout of 30 seconds.
    pub fn new(url: &'a Url, action: Action<'a>) -> Self {
        Request { url, query: &[], bearer: None, action, timeout: TOTAL_TIMEOUT }
    }

    /// A GET with a token.
    pub fn get(url: &'a Url, token: &'a Secret) -> Self {
        Request { bearer: Some(token), ..Request::new(url, Action::Get) }
    }

    fn method(&self) -> &'static str {
        if matches!(self.action, Action::Get) { "GET" } else { "POST" }
    }
}

pub struct Http {
    env: Env,
    clock: Rc<dyn Clock>,
    random: RandomFraction,
    trace: Trace,
    notice: Notice,
    network: Arc<Network>,
    trusted: OnceCell<Trusted>,
    agents: RefCell<Vec<(AgentKey, Agent)>>,
}

/// What an agent is configured for.
#[derive(Clone, PartialEq)]
struct AgentKey {
    is_https: bool,
    proxy: Option<Proxy>,
}

impl Http {
    /// Proxies and certificates come from `env`; certificates are read on the first https request.
    pub fn new(
        env: &Env,
        clock: Rc<dyn Clock>,
        random: RandomFraction,
        trace: Trace,
        notice: Notice,
    ) -> Self {
        let network = Arc::new(Network::new(notice.clone()));
        let (trusted, agents) = (OnceCell::new(), RefCell::default());
        Http { env: env.clone(), clock, random, trace, notice, network, trusted, agents }
    }

    /// Parses a URL that is safe to use: https, or http to this machine, or any http with
    /// `RIO_INSECURE_HTTP=1`. The error completes a sentence that begins with the name of the setting.
    pub fn url(&self, text: &str) -> Result<Url, String> {
        Url::parse(text, self.env.is_on("RIO_INSECURE_HTTP"))
    }

    /// Sends a request, up to three times. A GET is sent again after a transient failure, a POST only if
    /// no part of it can have been sent.
    pub fn send(&self, request: &Request) -> Result<Response, TransportError> {
        self.send_until(request, Duration::MAX)
    }

    /// As [`Http::send`], for all attempts together at most until this time of the clock.
    pub fn send_until(
        &self,
        request: &Request,
        deadline: Duration,
    ) -> Result<Response, TransportError> {
        let _wait = self.notice.start(request.url.authority());
        let left = || deadline.saturating_sub(self.clock.now());
        let mut wait = RETRY_WAIT;
        for _ in 1..ATTEMPTS {
            let outcome = self.send_within(request, request.timeout.min(left()));
            match wait_before_retry(request, &outcome, wait, (self.random)()) {
                Some(wait) if wait >= left() => return outcome,
                Some(wait) => clock::wait(&*self.clock, &self.trace, wait, |_| self.notice.tick()),
                None => return outcome,
            }
            wait = wait.saturating_mul(2);
        }
        self.send_within(request, request.timeout.min(left()))
    }

    /// The time of the clock after this duration.
    pub fn deadline(&self, duration: Duration) -> Duration {
        self.clock.now().saturating_add(duration)
    }

    /// Sends a request without retrying it.
    pub fn send_once(&self, request: &Request) -> Result<Response, TransportError> {
        self.send_within(request, request.timeout)
    }

    fn send_within(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, TransportError> {
        let proxy = proxy::for_url(&self.env, request.url)?;
        let agent = self.agent(request.url, proxy.as_ref())?;
        let _wait = self.notice.start(request.url.authority());
        let (start, opened) = (self.clock.now(), self.network.opened());
        let outcome = self.call(&agent, request, timeout).map_err(|error| {
            TransportError::new(error, request.url, proxy.as_ref(), self.clock.utc())
        });
        let took = self.clock.now().saturating_sub(start);
        let is_reused = self.network.opened() == opened;
        self.trace_request(request, proxy.as_ref(), &outcome, is_reused, took);
        outcome
    }

    /// Reports a proxy variable or `SSL_CERT_FILE` that requests to this URL cannot use. Sends nothing.
    pub fn check_settings(&self, url: &Url) -> Result<(), TransportError> {
        let proxy = proxy::for_url(&self.env, url)?;
        self.agent(url, proxy.as_ref())?;
        Ok(())
    }

    /// The proxy for a URL, without its password: `192.0.2.1:3128 (HTTPS_PROXY)`.
    pub fn proxy(&self, url: &Url) -> Result<Option<String>, Error> {
        Ok(proxy::for_url(&self.env, url)?.map(|proxy| proxy.to_string()))
    }

    /// The certificates that https requests trust: "142 from /etc/ssl/cert.pem".
    pub fn certificates(&self) -> Result<String, Error> {
        tls::check_clock(self.clock.utc(), tls::IS_CLOCK_LIMITED)?;
        Ok(self.trusted()?.description.clone())
    }

    /// Reads the certificates on the first call.
    fn trusted(&self) -> Result<&Trusted, Error> {
        if let Some(trusted) = self.trusted.get() {
            return Ok(trusted);
        }
        let trusted = tls::trusted(&self.env)?;
        Ok(self.trusted.get_or_init(|| trusted))
    }

    /// The addresses that a request to this URL found by DNS.
    pub fn addresses(&self, url: &Url) -> Vec<IpAddr> {
        let addresses = self.network.dialer.addresses(url.host_name(), url.port());
        addresses.iter().map(|address| address.ip()).collect()
    }

    fn agent(&self, url: &Url, proxy: Option<&Proxy>) -> Result<Agent, TransportError> {
        let is_https = url.is_https() || proxy.is_some_and(Proxy::is_https);
        let key = AgentKey { is_https, proxy: proxy.cloned() };
        if is_https {
            tls::check_clock(self.clock.utc(), tls::IS_CLOCK_LIMITED)?;
        }
        let mut agents = self.agents.borrow_mut();
        if let Some((_, agent)) = agents.iter().find(|(known, _)| *known == key) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            // The connector uses the proxy.
            .proxy(None)
            .user_agent(tunnel::USER_AGENT)
            .accept("application/json")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_idle_age(KEEP_ALIVE)
            .max_response_header_size(LARGEST_HEAD)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER);
        if is_https {
            config = config.tls_config(self.trusted()?.config.clone());
        }
        let connector = ProxyConnector { network: self.network.clone(), proxy: proxy.cloned() };
        let agent = Agent::with_parts(config.build(), connector, NoResolver);
        agents.push((key, agent.clone()));
        Ok(agent)
    }

    fn call(
        &self,
        agent: &Agent,
        request: &Request,
        timeout: Duration,
    ) -> Result<Response, ureq::Error> {
        let url = request.url.as_str();
        let response = match &request.action {
            Action::Get => prepare(agent.get(url), request, timeout).call(),
            Action::Post => prepare(agent.post(url), request, timeout).send_empty(),
            Action::PostForm(fields) => {
                prepare(agent.post(url), request, timeout).send_form(fields.iter().copied())
            }
            Action::PostJson(json) => {
                let builder = prepare(agent.post(url), request, timeout);
                builder.content_type("application/json").send(json.as_str())
            }
        };
        Ok(Response::read(request.url, response?, self.clock.utc()))
    }

    fn trace_request(
        &self,
        request: &Request,
        proxy: Option<&Proxy>,
        outcome: &Result<Response, TransportError>,
        is_reused: bool,
        took: Duration,
    ) {
        let proxy = proxy.map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        let connection = if is_reused { "connection reused" } else { "new connection" };
        let outcome = match outcome {
            Ok(response) => format!("{}, {} bytes, {connection}", response.status, response.size()),
            Err(failure) => format!("failed: {}", failure.reason()),
        };
        self.trace.line(&format!(
            "{} {}{proxy}: {outcome}, {} ms",
            request.method(),
            request.url.without_query(),
            took.as_millis()
        ));
    }
}

fn prepare<Any>(
    builder: RequestBuilder<Any>,
    request: &Request,
    timeout: Duration,
) -> RequestBuilder<Any> {
    // Each line of a request head must fit. For other sizes of buffers, ureq opens another connection.
    let header = request.bearer.map_or(0, |token| token.expose().len().saturating_add(1024));
    let config = builder.config().timeout_global(Some(timeout));
    let builder = config.output_buffer_size(BUFFER.max(header)).build();
    let builder = builder.query_pairs(request.query.iter().copied());
    match request.bearer {
        Some(token) => builder.header("Authorization", format!("Bearer {}", token.expose())),
        None => builder,
    }
}

/// How long to wait before the next attempt, or `None` if the request must not be sent again. Jitter of up to
/// the same length keeps a fleet from retrying in step.
fn wait_before_retry(
    request: &Request,
    outcome: &Result<Response, TransportError>,
    wait: Duration,
    jitter: Fraction,
) -> Option<Duration> {
    let is_get = request.method() == "GET";
    let retry_after = match outcome {
        Ok(response) if is_get && response.is_retryable() => response.retry_after,
        Err(failure) if failure.is_retryable() && (is_get || failure.nothing_was_sent()) => None,
        _ => return None,
    };
    let wait = wait.max(retry_after.unwrap_or_default());
    (wait <= LONGEST_RETRY_WAIT).then(|| wait.saturating_add(jitter.of(wait)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::clock::SystemClock;
    use crate::machine::random::Fraction;

    #[test]
    fn certificates_are_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, pem).unwrap();
        let path = path.to_str().unwrap();
        let proxy = [("HTTPS_PROXY", "http://192.0.2.1"), ("NO_PROXY", "b.example")];
        let env = Env::new(proxy.into_iter().chain([("SSL_CERT_FILE", path)]), None);
        let (clock, random) = (Rc::new(SystemClock), Rc::new(Fraction::default));
        let http = Http::new(&env, clock, random, Trace::default(), Notice::default());
        assert!(http.certificates().unwrap().starts_with("1 from SSL_CERT_FILE"));
        std::fs::remove_file(path).unwrap();
        for url in ["https://a.example", "https://b.example"] {
            assert!(http.check_settings(&http.url(url).unwrap()).is_ok());
        }
    }
}
