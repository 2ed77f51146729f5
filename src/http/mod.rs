//! HTTP as this program speaks it; the only module that names ureq.
//!
//! One connection where the server allows it, nothing followed, everything bounded, and every failure
//! told as what it means for the person who waits.

mod connector;
mod failure;
mod look_up;
mod name_servers;
mod proxy;
// Numbers that servers send.
#[cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
mod response;
mod roots;
mod tls;
mod url;

pub use failure::{FailureKind, TransportError};
pub use response::Response;
pub use url::Url;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::host::clock::{self, Clock};
use crate::host::env::Env;
use crate::host::random::{Fraction, RandomFraction};
use crate::host::trace::Trace;
use crate::secret::Secret;
use connector::{Stage, WatchedConnector, WatchedResolver};
use look_up::{Later, LookUp};
use proxy::Proxy;
use roots::Roots;
use tls::TlsConnector;

/// How long a connection may take, TLS included; looking up the name may take as long again. `look_up` sees
/// to both.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a request may take from its first step to the last byte of its answer.
const TOTAL_LIMIT: Duration = Duration::from_secs(30);
/// So often a GET is tried, and a POST of which nothing was sent.
const ATTEMPTS: u32 = 3;
/// Between the tries; doubled each time, and up to twice as long by chance.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest `Retry-After` that is worth waiting for within one command.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For what is on its way, each way, in bytes: the largest head that ureq takes has to fit in, and each
/// connection clears as much.
const BUFFER: usize = 64 * 1024 + 1024;
/// Longer than any interval between polls, so that they share a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10 * 60);

/// The method of a request, and what it carries.
pub enum Action<'a> {
    /// GET.
    Get,
    /// POST of nothing.
    Post,
    /// POST of `application/x-www-form-urlencoded`.
    PostForm(&'a [(&'a str, &'a str)]),
    /// POST of JSON, already written; it may hold a password.
    PostJson(Zeroizing<String>),
}

/// One request.
pub struct Request<'a> {
    /// Where to; its own query is kept.
    pub url: &'a Url,
    /// Added to the URL, percent-encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Goes into `Authorization`.
    pub bearer: Option<&'a Secret>,
    /// The method and the body.
    pub action: Action<'a>,
    /// A tighter limit than the usual 30 seconds.
    pub limit: Option<Duration>,
}

impl<'a> Request<'a> {
    /// A request without query and token.
    pub fn new(url: &'a Url, action: Action<'a>) -> Self {
        Request { url, query: &[], bearer: None, action, limit: None }
    }

    /// A GET with a token.
    pub fn get(url: &'a Url, token: &'a Secret) -> Self {
        Request { bearer: Some(token), ..Request::new(url, Action::Get) }
    }

    fn method(&self) -> &'static str {
        if matches!(self.action, Action::Get) { "GET" } else { "POST" }
    }
}

/// The client of one run: its connections, its proxies, its trust.
pub struct Http {
    env: Env,
    clock: Rc<dyn Clock>,
    random: RandomFraction,
    trace: Trace,
    stage: Arc<Stage>,
    agents: RefCell<Vec<(Route, Agent)>>,
}

/// What an agent is set up for: a connection is only shared by requests that go the same way.
#[derive(Clone, PartialEq)]
struct Route {
    tls: bool,
    proxy: Option<Proxy>,
}

impl Http {
    /// A client that follows the environment's proxies and certificates. Nothing is opened or read yet.
    pub fn new(env: &Env, clock: Rc<dyn Clock>, random: RandomFraction, trace: Trace) -> Self {
        let (stage, agents) = (Arc::default(), RefCell::default());
        Http { env: env.clone(), clock, random, trace, stage, agents }
    }

    /// Reads a URL that may be called or shown: https, or http to this machine, or any http with
    /// `RIO_INSECURE_HTTP=1`. The error says what is wrong with it.
    pub fn url(&self, text: &str) -> Result<Url, String> {
        Url::parse(text, self.env.is_on("RIO_INSECURE_HTTP"))
    }

    /// Sends a request. A GET is tried again when the trouble may pass; a POST only when nothing of it
    /// can have been sent.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            let outcome = self.send_once(request);
            match wait_before_retry(request, &outcome, pause, (self.random)()) {
                Some(wait) => clock::wait(&*self.clock, &self.trace, wait, |_| {}),
                None => return outcome.map_err(Error::from),
            }
            pause = pause.saturating_mul(2);
        }
        self.send_once(request).map_err(Error::from)
    }

    /// Sends a request, whatever comes of it.
    pub fn send_once(&self, request: &Request) -> Result<Response, TransportError> {
        let proxy = proxy::for_url(&self.env, request.url)?;
        let agent = self.agent(request.url, &proxy)?;
        self.stage.reset();
        let start = self.clock.now();
        let outcome = self.call(&agent, request).map_err(|error| {
            let name = request.url.host();
            let proxy = proxy.as_ref().map(Proxy::shown);
            TransportError::new(error, name, proxy, &self.stage, self.clock.utc())
        });
        let took = self.clock.now().saturating_sub(start);
        self.trace_request(request, proxy.as_ref(), &outcome, took);
        outcome
    }

    fn agent(&self, url: &Url, proxy: &Option<Proxy>) -> Result<Agent, TransportError> {
        let route = Route { tls: url.is_https(), proxy: proxy.clone() };
        let mut agents = self.agents.borrow_mut();
        if let Some((_, agent)) = agents.iter().find(|(known, _)| *known == route) {
            return Ok(agent.clone());
        }
        let secure = route.tls || proxy.as_ref().is_some_and(Proxy::is_https);
        let roots = secure.then(|| Roots::of(&self.env)).transpose()?;
        let config = Agent::config_builder()
            .proxy(proxy.as_ref().map(Proxy::for_ureq))
            .user_agent(concat!("rio/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // For both: ureq's own limit on looking up would only see that it is put off.
            .timeout_connect(Some(CONNECT_LIMIT.saturating_mul(2)))
            .max_idle_age(KEEP_ALIVE)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .build();
        let look_up = LookUp {
            resolver: WatchedResolver::new(DefaultResolver::default(), self.stage.clone()),
            connector: WatchedConnector::new(TlsConnector::new(roots), self.stage.clone()),
        };
        let agent = Agent::with_parts(config, look_up, Later);
        agents.push((route, agent.clone()));
        Ok(agent)
    }

    fn call(&self, agent: &Agent, request: &Request) -> Result<Response, ureq::Error> {
        let limit = Some(request.limit.unwrap_or(TOTAL_LIMIT));
        let authorization =
            request.bearer.map(|token| Zeroizing::new(format!("Bearer {}", token.expose())));
        macro_rules! prepared {
            ($builder:expr) => {{
                let mut builder = $builder.query_pairs(request.query.iter().copied());
                if let Some(value) = &authorization {
                    builder = builder.header("Authorization", value.as_str());
                }
                builder.config().timeout_global(limit).build()
            }};
        }
        let url = request.url.as_str();
        let response = match &request.action {
            Action::Get => prepared!(agent.get(url)).call(),
            Action::Post => prepared!(agent.post(url)).send_empty(),
            Action::PostForm(fields) => {
                prepared!(agent.post(url)).send_form(fields.iter().copied())
            }
            Action::PostJson(json) => {
                prepared!(agent.post(url)).content_type("application/json").send(json.as_str())
            }
        };
        Ok(Response::read(request.url.host(), response?, self.clock.utc()))
    }

    fn trace_request(
        &self,
        request: &Request,
        proxy: Option<&Proxy>,
        outcome: &Result<Response, TransportError>,
        took: Duration,
    ) {
        let proxy = proxy.map(|proxy| format!(" through {}", proxy.shown())).unwrap_or_default();
        let connection =
            if self.stage.connected() { "new connection" } else { "connection reused" };
        let outcome = match outcome {
            Ok(response) => format!("{}, {} bytes, {connection}", response.status, response.size()),
            Err(trouble) => format!("failed: {}", trouble.reason()),
        };
        self.trace.line(&format!(
            "{} {}{proxy}: {outcome}, {} ms",
            request.method(),
            request.url.without_query(),
            took.as_millis()
        ));
    }
}

/// How long to wait before the request is sent again; `None` if it must not be, or it is not worth it. A
/// share of the wait comes on top, so that many machines that were refused at once do not return at once.
fn wait_before_retry(
    request: &Request,
    outcome: &Result<Response, TransportError>,
    pause: Duration,
    share: Fraction,
) -> Option<Duration> {
    let idempotent = request.method() == "GET";
    let asked = match outcome {
        Ok(response) if idempotent && response.is_transient() => {
            response.retry_after.unwrap_or_default()
        }
        Err(trouble) if trouble.is_transient() && (idempotent || trouble.nothing_was_sent()) => {
            Duration::ZERO
        }
        _ => return None,
    };
    let wait = Some(asked.max(pause)).filter(|wait| *wait <= LONGEST_PAUSE)?;
    Some(wait.saturating_add(share.of(wait)))
}
