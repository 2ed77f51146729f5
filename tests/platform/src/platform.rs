//! What a test holds: the running platform, its scripts and records, and the check at the end.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiny_http::Server;

use crate::answer::Kind;
use crate::live::{DAY, Live};
use crate::oidc::{Verdict, id_token};
use crate::wire::Wires;
use crate::{Answer, Call, Certificate, Request, TlsPort, World};

/// A fake rapyuta.io that listens on a loopback port until it is dropped.
///
/// # Panics
///
/// Its drop panics, unless the thread does already, when scripted answers were left unused or a request came
/// that the platform does not know.
pub struct Platform {
    tls: Option<TlsPort>,
    shared: Arc<Shared>,
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
    held: Vec<TcpStream>,
}

struct Shared {
    url: String,
    wires: Wires,
    state: Mutex<State>,
    stopping: Condvar,
}

struct State {
    live: Live,
    script: HashMap<Call, VecDeque<Answer>>,
    requests: Vec<Request>,
    date: Option<String>,
    out_of_service: bool,
    stopping: bool,
}

impl Platform {
    /// A platform with the default [`World`].
    pub fn start() -> Platform {
        Platform::with(World::default())
    }

    /// A platform with a world of your own.
    pub fn with(world: World) -> Platform {
        Platform::build(world, None)
    }

    /// A platform with the default [`World`] that is called over TLS, as `https://127.0.0.1:PORT`.
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
        let shared = Arc::new(Shared::new(url, Wires::between(address, behind), world));
        let relay = thread::spawn({
            let shared = shared.clone();
            move || shared.wires.relay(listener)
        });
        let dispatch = thread::spawn({
            let (shared, server) = (shared.clone(), server.clone());
            move || shared.dispatch(&server)
        });
        Platform { tls, shared, server, threads: vec![relay, dispatch], held: Vec::new() }
    }

    /// The origin of everything: `http://127.0.0.1:PORT`, or `https://` where it speaks TLS.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The hosts as members of a config file.
    pub fn config(&self) -> Value {
        let url = self.url();
        json!({"oidc_host": url, "rip_host": url, "v2api_host": url})
    }

    /// Queues the answer to one request of that call. First in, first out; then the platform answers by itself.
    pub fn answer(&self, call: Call, answer: Answer) {
        let mut state = self.shared.state();
        state.script.entry(call).or_default().push_back(answer);
    }

    /// Everything asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// The requests of one call, in order.
    pub fn calls(&self, call: Call) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.call == Some(call));
        requests
    }

    /// The origin by which clients know the platform, where something of the test's stands before it.
    pub fn seen_at(&self, url: &str) {
        self.shared.state().live.url = url.into();
    }

    /// Answers 503 to everything, as a proxy does while the server behind it is away.
    pub fn out_of_service(&self, away: bool) {
        self.shared.state().out_of_service = away;
    }

    /// To be called before hundreds of clients come at once. tiny_http keeps four idle threads for connections, and of
    /// those that come at the same moment may give one thread two: the second then waits for the end of the first.
    /// Where no thread is idle each connection has its own.
    pub fn expect_a_crowd(&mut self) {
        let address = self.server.server_addr().to_ip().expect("a TCP server");
        // Twice as many, since those that it has just started may not be idle yet.
        for _ in 0..8 {
            let mut connection = TcpStream::connect(address).expect("a loopback connection");
            connection
                .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .expect("a loopback connection");
            // Whatever it answers to one of whom the platform does not know: the thread is taken.
            connection.read_exact(&mut [0]).expect("an answer");
            self.held.push(connection);
        }
    }

    /// How many connections clients have opened.
    pub fn connections(&self) -> usize {
        self.tls.as_ref().map_or_else(|| self.shared.wires.accepted(), TlsPort::accepted)
    }

    /// Its TLS, to change the certificate, to end connections, to count handshakes.
    ///
    /// # Panics
    ///
    /// Where it was not started with TLS.
    pub fn tls(&self) -> &TlsPort {
        self.tls.as_ref().expect("a platform that speaks TLS")
    }

    /// Ends all connections, without a word and without an answer to what was asked.
    pub fn cut(&self) {
        match &self.tls {
            Some(tls) => tls.cut(),
            None => self.shared.wires.cut(),
        }
    }

    /// Approves the newest device authorization that is pending.
    pub fn approve(&self) {
        self.decide(Verdict::Approved);
    }

    /// Denies the newest device authorization that is pending.
    pub fn deny(&self) {
        self.decide(Verdict::Denied);
    }

    /// Lets the platform approve by itself once so many polls of a device code were answered `authorization_pending`.
    pub fn approve_after(&self, polls: usize) {
        self.shared.state().live.approve_after = Some(polls);
    }

    /// The life of device codes in seconds, from now on; 600 unless told.
    pub fn expires_in(&self, seconds: u64) {
        self.shared.state().live.expires_in = seconds;
    }

    /// The interval of polls in seconds, for device codes from now on; 5 unless told.
    pub fn interval(&self, seconds: u64) {
        self.shared.state().live.interval = seconds;
    }

    /// Never says `slow_down`, for clients whose clock is not the real one.
    pub fn lenient(&self) {
        self.shared.state().live.lenient = true;
    }

    /// The member that carries a refreshed token: `Token`, unless told `token`.
    pub fn refresh_as(&self, member: &str) {
        self.shared.state().live.refreshed_as = member.into();
    }

    /// The time in tokens, in seconds since 1970; the real one unless told.
    pub fn now(&self, seconds: u64) {
        self.shared.state().live.now = Some(seconds);
    }

    /// The `Date` of all answers that bring none along; the real one when `None`.
    pub fn date(&self, date: Option<String>) {
        self.shared.state().date = date;
    }

    /// A new live token of the first user, good for seven days.
    pub fn issue_token(&self) -> String {
        let mut state = self.shared.state();
        let email = state.live.first_user().email.clone();
        state.live.issue(&email, 7 * DAY)
    }

    /// Makes a token worthless, as a logout elsewhere does.
    pub fn revoke(&self, token: &str) {
        self.shared.state().live.tokens.remove(token);
    }

    /// Claims of an id_token that the client `rio-cli` accepts, to be made worse.
    pub fn claims(&self) -> Value {
        self.shared.state().live.claims("rio-cli")
    }

    /// An id_token of these claims.
    pub fn id_token(&self, claims: Value) -> String {
        id_token(claims)
    }

    /// The body of a good token answer, with an id_token of these claims.
    pub fn tokens(&self, claims: Value) -> Value {
        self.shared.state().live.tokens(claims)
    }

    fn decide(&self, verdict: Verdict) {
        let mut state = self.shared.state();
        match state.live.newest_pending() {
            Some(grant) => grant.verdict = verdict,
            None => panic!("no device authorization is pending"),
        }
    }
}

impl Shared {
    fn new(url: String, wires: Wires, world: World) -> Shared {
        Shared {
            wires,
            state: Mutex::new(State {
                live: Live::new(url.clone(), world),
                script: HashMap::new(),
                requests: Vec::new(),
                date: None,
                out_of_service: false,
                stopping: false,
            }),
            stopping: Condvar::new(),
            url,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves each request on a thread of its own, since one that stalls must not hold up the others.
    fn dispatch(&self, server: &Server) {
        thread::scope(|scope| {
            for incoming in server.incoming_requests() {
                scope.spawn(|| self.serve(incoming));
            }
        });
    }

    fn serve(&self, mut incoming: tiny_http::Request) {
        // No wire: it was cut with an earlier answer, or the platform is on its way out.
        let Some(wire) = incoming.remote_addr().and_then(|name| self.wires.find(*name)) else {
            return;
        };
        let Ok(request) = Request::read(&mut incoming, wire.peer) else {
            return wire.end_with(b"", incoming);
        };
        let (number, answer, date) = self.state().respond(request);
        match answer.0 {
            Kind::Reply(reply) => {
                // Held on to, the wire would stay open when its client has gone, and a long answer never fail.
                drop(wire);
                reply.send(incoming, date);
                self.state().requests[number].answered = Some(Instant::now());
            }
            Kind::Raw(bytes) => wire.end_with(&bytes, incoming),
            Kind::HangUp => wire.end_with(b"", incoming),
            Kind::Stall(time) => {
                self.pause(time);
                wire.end_with(b"", incoming);
            }
            Kind::Live => unreachable!("the state has put the live answer in its place"),
        }
    }

    fn pause(&self, time: Duration) {
        let state = self.state();
        let running = |state: &mut State| !state.stopping;
        drop(self.stopping.wait_timeout_while(state, time, running));
    }
}

impl State {
    /// Records the request under a number, and finds its answer.
    fn respond(&mut self, request: Request) -> (usize, Answer, Option<String>) {
        let answer = match self.out_of_service {
            true => Answer::text(503, "text/html", "<h1>Service unavailable</h1>"),
            false => self.answer(&request),
        };
        self.requests.push(request);
        (self.requests.len() - 1, answer, self.date.clone())
    }

    /// The script's answer if there is one, else the live platform's.
    fn answer(&mut self, request: &Request) -> Answer {
        let scripted = request.call.and_then(|call| self.script.get_mut(&call)?.pop_front());
        match scripted {
            Some(Answer(Kind::Live)) | None => self.live.answer(request),
            Some(answer) => answer,
        }
    }

    /// What the test left behind that it should not have.
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
        self.shared.stopping.notify_all();
        self.shared.wires.close();
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
