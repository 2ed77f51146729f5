//! Connections that can be cut.
//!
//! tiny_http ends a connection only when its client does, and closes its port at some time after it was told to. A
//! script needs to hang up, and a test needs the port closed when the platform is gone. So the port that clients see is
//! ours, and whatever comes there is relayed to tiny_http's own port, byte by byte.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// One client's connection, in two halves: client to relay, relay to server.
pub(crate) struct Wire {
    client: TcpStream,
    server: TcpStream,
    pub(crate) peer: SocketAddr,
}

/// All connections of a platform.
pub(crate) struct Wires {
    address: SocketAddr,
    server: SocketAddr,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    closing: bool,
    accepted: usize,
    /// By the address that the server sees as its client.
    wires: HashMap<SocketAddr, Arc<Wire>>,
}

impl Wires {
    pub(crate) fn between(address: SocketAddr, server: SocketAddr) -> Wires {
        Wires { address, server, open: Mutex::default() }
    }

    /// Relays every connection, until [`close`](Wires::close). All threads have ended when it returns.
    pub(crate) fn relay(&self, listener: TcpListener) {
        thread::scope(|scope| {
            while let Ok((client, peer)) = listener.accept() {
                match self.accept(client, peer).expect("a loopback connection") {
                    Some((name, wire)) => scope.spawn(move || self.carry(name, &wire)),
                    None => break,
                };
            }
        });
    }

    /// Cuts all connections, and lets no further one in.
    pub(crate) fn close(&self) {
        let mut open = self.open();
        open.closing = true;
        drop(open);
        self.cut();
        // Nothing but a connection wakes an accept.
        let _ = TcpStream::connect(self.address);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.open().wires.values().for_each(|wire| wire.cut());
    }

    /// The wire behind the server's client.
    pub(crate) fn find(&self, name: SocketAddr) -> Option<Arc<Wire>> {
        self.open().wires.get(&name).cloned()
    }

    /// How many connections clients have opened.
    pub(crate) fn accepted(&self) -> usize {
        self.open().accepted
    }

    fn accept(
        &self,
        client: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Option<(SocketAddr, Arc<Wire>)>> {
        let mut open = self.open();
        if open.closing {
            return Ok(None);
        }
        let server = TcpStream::connect(self.server)?;
        let name = server.local_addr()?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let wire = Arc::new(Wire { client, server, peer });
        open.accepted += 1;
        open.wires.insert(name, wire.clone());
        Ok(Some((name, wire)))
    }

    fn carry(&self, name: SocketAddr, wire: &Wire) {
        thread::scope(|scope| {
            scope.spawn(|| pump(&wire.client, &wire.server));
            pump(&wire.server, &wire.client);
        });
        self.open().wires.remove(&name);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// Writes past the server, straight to the client.
    pub(crate) fn write(&self, bytes: &[u8]) {
        // A client that has gone away is no fault of the platform's.
        let _ = (&self.client).write_all(bytes);
    }

    pub(crate) fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
