//! TLS in front of the plain port of the platform or of a proxy.
//!
//! Each TLS connection is decrypted and forwarded to the plain port on a connection of its own. Tests create the
//! certificates, from an authority that only they trust.

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

/// A test certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between the server and the root. Empty for a root authority.
    intermediates: Vec<CertificateDer<'static>>,
}

/// A server's certificate and key, and the TLS versions that the server supports.
#[derive(Clone)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Authority {
    /// A new root authority with a random name.
    pub fn new() -> Authority {
        Authority::named(&random_token())
    }

    /// A new root authority with this name.
    pub fn named(name: &str) -> Authority {
        let issuer = CertifiedIssuer::self_signed(authority(name), key());
        Authority { issuer: issuer.expect("a certificate"), intermediates: Vec::new() }
    }

    /// A new intermediate authority, signed by this one. Its servers also send its certificate.
    pub fn intermediate(&self) -> Authority {
        let issuer = CertifiedIssuer::signed_by(authority(&random_token()), key(), &self.issuer);
        let issuer = issuer.expect("a certificate");
        let intermediates = [&[issuer.der().clone()], &self.intermediates[..]].concat();
        Authority { issuer, intermediates }
    }

    /// The certificate of this authority, for `SSL_CERT_FILE`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names or addresses, valid from yesterday until next year.
    pub fn certify(&self, names: &[&str]) -> Certificate {
        let now = SystemTime::now();
        self.certify_for(names, now - DAY..now + 365 * DAY)
    }

    /// A certificate that is valid at these times.
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
    /// A self-signed certificate, and its PEM for `SSL_CERT_FILE`.
    pub fn self_signed(names: &[&str], is_ca: bool) -> (Certificate, String) {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        params.is_ca =
            if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        let chain = vec![certificate.der().clone()];
        let versions = vec![&TLS12, &TLS13];
        (Certificate { chain, key: key.serialize_der(), versions }, certificate.pem())
    }

    /// On a server that supports only TLS 1.2.
    pub fn tls12_only(mut self) -> Certificate {
        self.versions = vec![&TLS12];
        self
    }

    /// On a server that supports only TLS 1.3.
    pub fn tls13_only(mut self) -> Certificate {
        self.versions = vec![&TLS13];
        self
    }

    /// On a server that does not send the intermediate certificates.
    pub fn without_intermediates(mut self) -> Certificate {
        self.chain.truncate(1);
        self
    }

    fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("a key from rcgen");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&self.versions)
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(self.chain.clone(), key)
            });
        Arc::new(config.expect("a certificate that matches its key"))
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

/// A TLS port, until it is dropped.
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
    /// A TLS port on 127.0.0.1, in front of this address.
    pub fn start(certificate: &Certificate, behind: SocketAddr) -> TlsPort {
        let port = TlsPort::start_at(Ipv4Addr::LOCALHOST.into(), certificate, behind);
        port.expect("a free loopback port")
    }

    /// A TLS port on another address, which this machine may not have.
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

    /// The address of the TLS port.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Uses this certificate for new connections.
    pub fn set_certificate(&self, certificate: &Certificate) {
        *lock(&self.shared.config) = certificate.config();
    }

    /// Whether new connections are accepted without ever getting a reply.
    pub fn stall(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::SeqCst);
    }

    /// How many connections clients have opened so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many handshakes were completed.
    pub fn handshakes(&self) -> usize {
        self.shared.handshakes.load(Ordering::SeqCst)
    }

    /// How many of them resumed an earlier session.
    pub fn resumed(&self) -> usize {
        self.shared.resumed.load(Ordering::SeqCst)
    }

    /// Closes all connections with a close_notify alert, as a server does after an idle timeout.
    pub fn hang_up(&self) {
        for session in lock(&self.shared.open).iter() {
            let mut tls = lock(&session.tls);
            tls.send_close_notify();
            let _ = flush(&mut tls, &session.client);
            session.cut();
        }
    }

    /// Closes all connections without an alert, as a middlebox does.
    pub fn cut(&self) {
        lock(&self.shared.open).iter().for_each(|session| session.cut());
    }
}

impl Drop for TlsPort {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.cut();
        // Only a connection wakes `accept`.
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
                // Checked after `open` has registered the session, so that `cut` reaches it.
                if self.closing.load(Ordering::SeqCst) {
                    break;
                }
                self.accepted.fetch_add(1, Ordering::SeqCst);
                scope.spawn(move || {
                    // Errors are expected: clients disconnect, or reject the certificate.
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
            // HTTP clients do not close only one direction.
            let _ = server.shutdown(Shutdown::Both);
        });
        Ok(())
    }
}

impl Session {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
    }

    /// Returns application data that arrived together with the end of the handshake.
    fn shake_hands(&self) -> io::Result<Vec<u8>> {
        let mut early = Vec::new();
        while lock(&self.tls).is_handshaking() {
            early = self.receive()?;
        }
        Ok(early)
    }

    /// Reads and decrypts data from the client, and sends what TLS has to reply. Holds no lock while it waits for
    /// the client.
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
            // On an error, this sends the alert.
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
