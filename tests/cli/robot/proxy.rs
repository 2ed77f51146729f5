//! Proxies for the tests.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// An HTTP proxy on a loopback port, until it is dropped.
pub struct ConnectProxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    heads: Mutex<Vec<String>>,
    carried: Mutex<Vec<u8>>,
}

impl ConnectProxy {
    /// Tunnels every connection to this origin, whatever the request says.
    pub fn to(origin: &str) -> Self {
        ConnectProxy::to_after(origin, "HTTP/1.1 200 Connection established\r\n\r\n")
    }

    /// Tunnels every connection to this origin after this response.
    pub fn to_after(origin: &str, response: &'static str) -> Self {
        let target = origin.split_once("://").unwrap().1.to_owned();
        ConnectProxy::start(response, Some(target))
    }

    /// Sends this response and closes the connection.
    pub fn responding(response: &'static str) -> Self {
        ConnectProxy::start(response, None)
    }

    fn start(response: &'static str, target: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let thread = thread::spawn({
            let shared = shared.clone();
            move || shared.accept_all(&listener, response, target.as_deref())
        });
        ConnectProxy { address, shared, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The targets of the CONNECT requests.
    pub fn targets(&self) -> Vec<String> {
        let heads = self.heads();
        let lines = heads.iter().map(|head| head.lines().next().unwrap_or_default().to_owned());
        lines.map(|line| line.replace("CONNECT ", "").replace(" HTTP/1.1", "")).collect()
    }

    /// The heads of the CONNECT requests.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// The bytes from clients to the platform.
    pub fn carried(&self) -> Vec<u8> {
        self.shared.carried.lock().unwrap().clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Ends the wait in `accept`.
        let _ = TcpStream::connect(self.address);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the proxy panicked");
    }
}

impl Shared {
    fn accept_all(&self, listener: &TcpListener, response: &str, target: Option<&str>) {
        thread::scope(|scope| {
            for client in listener.incoming().map(Result::unwrap) {
                if self.stopping.load(Ordering::Relaxed) {
                    break;
                }
                let head = read_head(&client);
                self.heads.lock().unwrap().push(head);
                // The client may have closed the connection.
                let _ = (&client).write_all(response.as_bytes());
                if let Some(target) = target {
                    let server = TcpStream::connect(target).unwrap();
                    scope.spawn(move || self.tunnel(&client, &server));
                }
            }
        });
    }

    fn tunnel(&self, client: &TcpStream, server: &TcpStream) {
        thread::scope(|scope| {
            scope
                .spawn(|| pump(client, server, |bytes| self.carried.lock().unwrap().extend(bytes)));
            pump(server, client, |_| {});
        });
    }
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, see: impl Fn(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        see(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn read_head(mut client: &TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|count| count == 1) {
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A proxy that sends one byte of this response every 20 ms to the first client, until that gives up.
#[expect(clippy::disallowed_methods, reason = "timeouts of sockets are real time")]
pub fn start_slow_proxy(response: &'static [u8]) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        for byte in response.iter().chain(std::iter::repeat(&b'x')) {
            if client.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    (address, thread)
}
