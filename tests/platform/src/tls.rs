//! TLS in front of a port that speaks none: of the platform, or of a proxy.
//!
//! What comes in is decrypted and handed on to the plain port, one connection for one connection, so that neither
//! side knows of it. Certificates are made by the test, of an authority that nobody else trusts.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::jwt::random_token;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate authority of the test's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What a server has to send along, so that clients find the way to the root: nothing, where it is one.
    intermediates: Vec<CertificateDer<'static>>,
}

/// A server's certificate with its key, and the versions of TLS that the server speaks.
#[derive(Clone)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Authority {
    /// A new one, different from all others.
    pub fn new() -> Authority {
        Authority::named(&random_token())
    }

    /// A new one of this name, with a key of its own.
    pub fn named(name: &str) -> Authority {
        let issuer = CertifiedIssuer::self_signed(authority(name), key());
        Authority { issuer: issuer.expect("a certificate"), intermediates: Vec::new() }
    }

    /// A new one that this one vouches for; its servers send its certificate along.
    pub fn intermediate(&self) -> Authority {
        let issuer = CertifiedIssuer::signed_by(authority(&random_token()), key(), &self.issuer);
        let issuer = issuer.expect("a certificate");
        let intermediates = [&[issuer.der().clone()], &self.intermediates[..]].concat();
        Authority { issuer, intermediates }
    }

    /// Its own certificate, for `SSL_CERT_FILE`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names or addresses, good from yesterday until next year.
    pub fn certify(&self, names: &[&str]) -> Certificate {
        let now = SystemTime::now();
        self.certify_for(names, now - DAY..now + 365 * DAY)
    }

    /// A certificate that is good at these times.
    pub fn certify_for(&self, names: &[&str], valid: Range<SystemTime>) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        params.not_before = valid.start.into();
        params.not_after = valid.end.into();
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certificate {
            chain: [&[certificate.der().clone()], &self.intermediates[..]].concat(),
            key: key.serialize_der(),
            versions: vec![&TLS12, &TLS13],
        }
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

impl Certificate {
    /// On a server that speaks TLS 1.2 alone.
    pub fn tls12_only(mut self) -> Certificate {
        self.versions = vec![&TLS12];
        self
    }

    /// On a server that speaks TLS 1.3 alone.
    pub fn tls13_only(mut self) -> Certificate {
        self.versions = vec![&TLS13];
        self
    }

    /// On a server that forgets to send the intermediates along.
    pub fn alone(mut self) -> Certificate {
        self.chain.truncate(1);
        self
    }

    fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("a key of rcgen's");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&self.versions)
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(self.chain.clone(), key)
            });
        Arc::new(config.expect("a certificate that goes with its key"))
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

/// A port that speaks TLS, until it is dropped.
pub struct TlsPort {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    address: SocketAddr,
    behind: SocketAddr,
    config: Mutex<Arc<ServerConfig>>,
    closing: AtomicBool,
    silent: AtomicBool,
    accepted: AtomicUsize,
    handshakes: AtomicUsize,
    resumed: AtomicUsize,
    open: Mutex<Vec<Arc<Session>>>,
}

struct Session {
    client: TcpStream,
    tls: Mutex<ServerConnection>,
}

impl TlsPort {
    /// A loopback port of its own, in front of this one.
    pub fn start(certificate: &Certificate, behind: SocketAddr) -> TlsPort {
        let port = TlsPort::start_at(Ipv4Addr::LOCALHOST.into(), certificate, behind);
        port.expect("a free loopback port")
    }

    /// The same at another address, which the machine may not have.
    pub fn start_at(
        address: IpAddr,
        certificate: &Certificate,
        behind: SocketAddr,
    ) -> io::Result<TlsPort> {
        let listener = TcpListener::bind((address, 0))?;
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("the port's address"),
            behind,
            config: Mutex::new(certificate.config()),
            closing: AtomicBool::default(),
            silent: AtomicBool::default(),
            accepted: AtomicUsize::default(),
            handshakes: AtomicUsize::default(),
            resumed: AtomicUsize::default(),
            open: Mutex::default(),
        });
        let thread = thread::spawn({
            let shared = shared.clone();
            move || shared.accept_all(&listener)
        });
        Ok(TlsPort { shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Shows this certificate to whoever connects from now on.
    pub fn show(&self, certificate: &Certificate) {
        *lock(&self.shared.config) = certificate.config();
    }

    /// Whether connections from now on are accepted and never hear a word.
    pub fn stall(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::SeqCst);
    }

    /// How many connections clients have opened.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many of them came as far as an agreed key.
    pub fn handshakes(&self) -> usize {
        self.shared.handshakes.load(Ordering::SeqCst)
    }

    /// How many of these went on with the session of an earlier connection.
    pub fn resumed(&self) -> usize {
        self.shared.resumed.load(Ordering::SeqCst)
    }

    /// Ends all connections as a server does that has waited long enough: with TLS's own goodbye.
    pub fn hang_up(&self) {
        for session in lock(&self.shared.open).iter() {
            let mut tls = lock(&session.tls);
            tls.send_close_notify();
            let _ = flush(&mut tls, &session.client);
            session.cut();
        }
    }

    /// Ends all connections without a word, as a middlebox does that has forgotten them.
    pub fn cut(&self) {
        lock(&self.shared.open).iter().for_each(|session| session.cut());
    }
}

impl Drop for TlsPort {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.cut();
        // Nothing but a connection wakes an accept.
        let _ = TcpStream::connect(self.shared.address);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the TLS port panicked");
    }
}

impl Shared {
    fn accept_all(&self, listener: &TcpListener) {
        thread::scope(|scope| {
            while let Ok((client, _)) = listener.accept() {
                let session = self.open(client);
                // Looked at after it is among those that are cut.
                if self.closing.load(Ordering::SeqCst) {
                    break;
                }
                self.accepted.fetch_add(1, Ordering::SeqCst);
                scope.spawn(move || {
                    // A client that goes away, or does not like the certificate, is no fault of the port's.
                    let _ = self.carry(&session);
                    session.cut();
                    lock(&self.open).retain(|other| !Arc::ptr_eq(other, &session));
                });
            }
        });
    }

    fn open(&self, client: TcpStream) -> Arc<Session> {
        let tls = ServerConnection::new(lock(&self.config).clone()).expect("a TLS server");
        let session = Arc::new(Session { client, tls: Mutex::new(tls) });
        lock(&self.open).push(session.clone());
        session
    }

    fn carry(&self, session: &Session) -> io::Result<()> {
        if self.silent.load(Ordering::SeqCst) {
            return io::copy(&mut &session.client, &mut io::sink()).map(drop);
        }
        session.client.set_nodelay(true)?;
        let early = session.shake_hands()?;
        self.handshakes.fetch_add(1, Ordering::SeqCst);
        if lock(&session.tls).handshake_kind() == Some(HandshakeKind::Resumed) {
            self.resumed.fetch_add(1, Ordering::SeqCst);
        }
        let server = TcpStream::connect(self.behind)?;
        server.set_nodelay(true)?;
        (&server).write_all(&early)?;
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = session.encrypt(&server);
                let _ = session.client.shutdown(Shutdown::Write);
            });
            let _ = session.decrypt(&server);
            // No HTTP client closes one direction alone.
            let _ = server.shutdown(Shutdown::Both);
        });
        Ok(())
    }
}

impl Session {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
    }

    /// What comes with the end of the handshake is already the client's request.
    fn shake_hands(&self) -> io::Result<Vec<u8>> {
        let mut early = Vec::new();
        while lock(&self.tls).is_handshaking() {
            early = self.receive()?;
        }
        Ok(early)
    }

    /// Takes what comes next from the client, and answers what TLS itself has to answer. Nothing is locked while
    /// the client lets the server wait.
    fn receive(&self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; 16 * 1024];
        let count = (&self.client).read(&mut bytes)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut plain = Vec::new();
        let mut tls = lock(&self.tls);
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            let state = tls.process_new_packets();
            // Its last word, if there is something wrong, is an alert.
            flush(&mut tls, &self.client)?;
            let waiting = state.map_err(io::Error::other)?.plaintext_bytes_to_read();
            let from = plain.len();
            plain.resize(from + waiting, 0);
            tls.reader().read_exact(&mut plain[from..])?;
        }
        Ok(plain)
    }

    fn decrypt(&self, mut server: &TcpStream) -> io::Result<()> {
        loop {
            server.write_all(&self.receive()?)?;
        }
    }

    fn encrypt(&self, mut server: &TcpStream) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = server.read(&mut bytes)?;
            let mut tls = lock(&self.tls);
            match count {
                0 => tls.send_close_notify(),
                _ => tls.writer().write_all(&bytes[..count])?,
            }
            flush(&mut tls, &self.client)?;
            if count == 0 {
                return Ok(());
            }
        }
    }
}

fn flush(tls: &mut ServerConnection, mut client: &TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(&mut client)?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
