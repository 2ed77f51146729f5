//! The running platform: scripted responses, recorded requests, and the check on drop.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiny_http::Server;

use crate::answer::Kind;
use crate::backend::Backend;
use crate::oidc::{Decision, id_token};
use crate::relay::Relay;
use crate::{Answer, Call, Certificate, Request, TlsPort, World};

/// A fake rapyuta.io on a loopback port, until it is dropped.
///
/// # Panics
///
/// Dropping it panics if a scripted response was not used or a request was unknown, unless the thread is already
/// panicking.
pub struct Platform {
    tls: Option<TlsPort>,
    shared: Arc<Shared>,
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
    idle: Vec<TcpStream>,
}

struct Shared {
    url: String,
    relay: Relay,
    state: Mutex<State>,
    /// Notified when `held` or `stopping` changes.
    changed: Condvar,
}

struct State {
    backend: Backend,
    script: HashMap<Call, VecDeque<Answer>>,
    requests: Vec<Request>,
    date: Option<String>,
    out_of_service: bool,
    held: Option<Call>,
    stopping: bool,
}

impl Platform {
    /// A platform with the default [`World`].
    pub fn start() -> Platform {
        Platform::with(World::default())
    }

    /// A platform with this world.
    pub fn with(world: World) -> Platform {
        Platform::build(world, None)
    }

    /// A platform with the default [`World`], at `https://127.0.0.1:PORT`.
    pub fn start_tls(certificate: &Certificate) -> Platform {
        Platform::build(World::default(), Some(certificate))
    }

    fn build(world: World, certificate: Option<&Certificate>) -> Platform {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("the port's address");
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a second loopback port"));
        let behind = server.server_addr().to_ip().expect("a TCP server");
        let tls = certificate.map(|certificate| TlsPort::start(certificate, address));
        let url = match &tls {
            Some(tls) => format!("https://{}", tls.address()),
            None => format!("http://{address}"),
        };
        let shared = Arc::new(Shared::new(url, Relay::new(address, behind), world));
        let relay = thread::spawn({
            let shared = shared.clone();
            move || shared.relay.run(listener)
        });
        let dispatch = thread::spawn({
            let (shared, server) = (shared.clone(), server.clone());
            move || shared.dispatch(&server)
        });
        Platform { tls, shared, server, threads: vec![relay, dispatch], idle: Vec::new() }
    }

    /// `http://127.0.0.1:PORT`, or `https://127.0.0.1:PORT` with TLS.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        self.url().split_once("://").expect("a URL with a scheme").1
    }

    /// The members of a config file that name the platform as every host.
    pub fn config(&self) -> Value {
        let url = self.url();
        json!({"oidc_host": url, "rip_host": url, "v2api_host": url})
    }

    /// Queues the response to one request of this call. When the queue is empty, the platform answers by itself.
    pub fn answer(&self, call: Call, answer: Answer) {
        let mut state = self.shared.state();
        state.script.entry(call).or_default().push_back(answer);
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// The requests of one call so far, in order.
    pub fn calls(&self, call: Call) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.call == Some(call));
        requests
    }

    /// Sets the URL under which clients reach the platform through a proxy or port of the test.
    pub fn public_url(&self, url: &str) {
        self.shared.state().backend.url = url.into();
    }

    /// Answers every request with 503, as a proxy does while its server is down.
    pub fn out_of_service(&self, down: bool) {
        self.shared.state().out_of_service = down;
    }

    /// Call this before hundreds of clients connect at once. tiny_http keeps four idle threads and may give two
    /// simultaneous connections to one of them, so that the second waits until the first is closed. If no thread is
    /// idle, each connection gets its own.
    pub fn expect_many_clients(&mut self) {
        let address = self.server.server_addr().to_ip().expect("a TCP server");
        // Twice as many, because threads that have just started may not be idle yet.
        for _ in 0..8 {
            let mut connection = TcpStream::connect(address).expect("a loopback connection");
            connection
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .expect("a loopback connection");
            // The response does not matter. Now the thread is busy.
            connection.read_exact(&mut [0]).expect("an answer");
            self.idle.push(connection);
        }
    }

    /// How many connections clients have opened so far.
    pub fn connections(&self) -> usize {
        self.tls.as_ref().map_or_else(|| self.shared.relay.accepted(), TlsPort::accepted)
    }

    /// The TLS port, to change the certificate, close connections or count handshakes.
    ///
    /// # Panics
    ///
    /// If the platform does not use TLS.
    pub fn tls(&self) -> &TlsPort {
        self.tls.as_ref().expect("a platform with TLS")
    }

    /// Closes all connections, without a response to pending requests.
    pub fn cut(&self) {
        match &self.tls {
            Some(tls) => tls.cut(),
            None => self.shared.relay.cut(),
        }
    }

    /// Approves the newest pending device authorization.
    pub fn approve(&self) {
        self.decide(Decision::Approved);
    }

    /// Denies the newest pending device authorization.
    pub fn deny(&self) {
        self.decide(Decision::Denied);
    }

    /// Approves each device code by itself after this many `authorization_pending` responses.
    pub fn approve_after(&self, polls: usize) {
        self.shared.state().backend.approve_after = Some(polls);
    }

    /// Sets the lifetime of new device codes in seconds. Default: 600.
    pub fn expires_in(&self, seconds: u64) {
        self.shared.state().backend.expires_in = seconds;
    }

    /// Sets the polling interval of new device codes in seconds. Default: 5.
    pub fn interval(&self, seconds: u64) {
        self.shared.state().backend.interval = seconds;
    }

    /// Never answers `slow_down`, for clients with a fake clock.
    pub fn allow_early_polls(&self) {
        self.shared.state().backend.allow_early_polls = true;
    }

    /// Sets the member that holds a refreshed token. Default: `Token`.
    pub fn refresh_as(&self, member: &str) {
        self.shared.state().backend.refreshed_as = member.into();
    }

    /// Sets the lifetime of refreshed and issued tokens in seconds. Default: seven days.
    pub fn token_lifetime(&self, seconds: u64) {
        self.shared.state().backend.token_lifetime = seconds;
    }

    /// Ends the old token when it is refreshed.
    pub fn rotate_tokens(&self) {
        self.shared.state().backend.rotates_tokens = true;
    }

    /// Issues opaque tokens from now on, not JWTs.
    pub fn opaque_tokens(&self) {
        self.shared.state().backend.opaque_tokens = true;
    }

    /// Acts on requests of this call, but holds the responses until [`Platform::release`].
    pub fn hold(&self, call: Call) {
        self.shared.state().held = Some(call);
    }

    /// Sends the responses that [`Platform::hold`] holds.
    pub fn release(&self) {
        self.shared.state().held = None;
        self.shared.changed.notify_all();
    }

    /// Sets the time for tokens, in seconds since 1970. Default: the real time.
    pub fn now(&self, seconds: u64) {
        self.shared.state().backend.now = Some(seconds);
    }

    /// Sets the `Date` header of responses without one of their own. `None`: the real time.
    pub fn date(&self, date: Option<String>) {
        self.shared.state().date = date;
    }

    /// A new token of the first user.
    pub fn issue_token(&self) -> String {
        let mut state = self.shared.state();
        let email = state.backend.first_user().email.clone();
        let lifetime = state.backend.token_lifetime;
        state.backend.issue(&email, lifetime)
    }

    /// Revokes a token, as a logout on another machine does.
    pub fn revoke(&self, token: &str) {
        self.shared.state().backend.tokens.remove(token);
    }

    /// Whether a refresh, a logout or [`Platform::revoke`] has ended a token.
    pub fn has_ended(&self, token: &str) -> bool {
        !self.shared.state().backend.tokens.contains_key(token)
    }

    /// The tokens that were issued and not ended.
    pub fn valid_tokens(&self) -> HashSet<String> {
        self.shared.state().backend.tokens.keys().cloned().collect()
    }

    /// The claims of a valid id_token for the client `rio-cli`.
    pub fn claims(&self) -> Value {
        self.shared.state().backend.claims("rio-cli")
    }

    /// An id_token with these claims.
    pub fn id_token(&self, claims: Value) -> String {
        id_token(claims)
    }

    /// A token response with an id_token that has these claims.
    pub fn tokens(&self, claims: Value) -> Value {
        self.shared.state().backend.tokens(claims)
    }

    fn decide(&self, decision: Decision) {
        let mut state = self.shared.state();
        match state.backend.newest_pending() {
            Some(grant) => grant.decision = decision,
            None => panic!("no device authorization is pending"),
        }
    }
}

impl Shared {
    fn new(url: String, relay: Relay, world: World) -> Shared {
        Shared {
            relay,
            state: Mutex::new(State {
                backend: Backend::new(url.clone(), world),
                script: HashMap::new(),
                requests: Vec::new(),
                date: None,
                out_of_service: false,
                held: None,
                stopping: false,
            }),
            changed: Condvar::new(),
            url,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves each request on its own thread, because one that stalls must not delay the others.
    fn dispatch(&self, server: &Server) {
        thread::scope(|scope| {
            for incoming in server.incoming_requests() {
                scope.spawn(|| self.serve(incoming));
            }
        });
    }

    fn serve(&self, mut incoming: tiny_http::Request) {
        // No connection: an earlier response closed it, or the platform is stopping.
        let Some(connection) = incoming.remote_addr().and_then(|name| self.relay.find(*name))
        else {
            return;
        };
        let Ok(request) = Request::read(&mut incoming, connection.peer) else {
            return connection.end_with(b"", incoming);
        };
        let call = request.call;
        let (number, answer, date) = self.state().respond(request);
        self.wait_while_held(call);
        match answer.0 {
            Kind::Reply(reply) => {
                // Otherwise a long response to a client that has gone would never fail.
                drop(connection);
                reply.send(incoming, date);
                self.state().requests[number].answered = Some(Instant::now());
            }
            Kind::Raw(bytes) => connection.end_with(&bytes, incoming),
            Kind::HangUp => connection.end_with(b"", incoming),
            Kind::Stall(time) => {
                self.pause(time);
                connection.end_with(b"", incoming);
            }
            Kind::Lost(_) | Kind::Unscripted => unreachable!("replaced by `State::answer`"),
        }
    }

    fn wait_while_held(&self, call: Option<Call>) {
        let held = |state: &mut State| call.is_some() && state.held == call && !state.stopping;
        drop(self.changed.wait_while(self.state(), held));
    }

    fn pause(&self, time: Duration) {
        let state = self.state();
        let running = |state: &mut State| !state.stopping;
        drop(self.changed.wait_timeout_while(state, time, running));
    }
}

impl State {
    /// Records the request, and returns its index, the response and the `Date`.
    fn respond(&mut self, request: Request) -> (usize, Answer, Option<String>) {
        let answer = match self.out_of_service {
            true => Answer::text(503, "text/html", "<h1>Service unavailable</h1>"),
            false => self.answer(&request),
        };
        self.requests.push(request);
        (self.requests.len() - 1, answer, self.date.clone())
    }

    /// The scripted response if there is one, otherwise that of the backend.
    fn answer(&mut self, request: &Request) -> Answer {
        let scripted = request.call.and_then(|call| self.script.get_mut(&call)?.pop_front());
        match scripted {
            Some(Answer(Kind::Unscripted)) | None => self.backend.answer(request),
            Some(Answer(Kind::Lost(answer))) => {
                self.backend.answer(request);
                *answer
            }
            Some(answer) => answer,
        }
    }

    /// Scripted responses that were not used, and unknown requests.
    fn complaints(&self) -> Vec<String> {
        let unused = self.script.iter().flat_map(|(call, answers)| {
            let complaint = move |answer| format!("unused answer to {call:?}: {answer:?}");
            answers.iter().map(complaint)
        });
        let unknown = self.requests.iter().filter(|request| {
            request.call.is_none() && !["/device", "/favicon.ico"].contains(&request.path.as_str())
        });
        unused
            .chain(
                unknown
                    .map(|request| format!("unknown request: {} {}", request.method, request.path)),
            )
            .collect()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.tls = None;
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
        self.shared.relay.close();
        self.server.unblock();
        let threads = self.threads.drain(..).map(JoinHandle::join);
        let broken = threads.filter(Result::is_err).count();
        if thread::panicking() {
            return;
        }
        assert_eq!(broken, 0, "a thread of the platform panicked");
        let complaints = self.shared.state().complaints();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
