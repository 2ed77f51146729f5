//! Connections that the platform can close.
//!
//! tiny_http closes a connection only when its client does, and closes its port some time after it is stopped. A
//! scripted response must be able to hang up, and the port must be closed when the platform has been dropped. So the
//! port for clients is this one, and it relays every byte to tiny_http's own port.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A client's connection to the relay, and the relay's to the server.
pub(crate) struct Connection {
    client: TcpStream,
    server: TcpStream,
    pub(crate) peer: SocketAddr,
}

/// The port for clients, and all open connections.
pub(crate) struct Relay {
    address: SocketAddr,
    server: SocketAddr,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    closing: bool,
    accepted: usize,
    /// By the address of the relay's end, which the server sees as its client.
    connections: HashMap<SocketAddr, Arc<Connection>>,
}

impl Relay {
    pub(crate) fn new(address: SocketAddr, server: SocketAddr) -> Relay {
        Relay { address, server, open: Mutex::default() }
    }

    /// Relays connections until [`close`](Relay::close). All its threads have ended when it returns.
    pub(crate) fn run(&self, listener: TcpListener) {
        thread::scope(|scope| {
            while let Ok((client, peer)) = listener.accept() {
                match self.accept(client, peer).expect("a loopback connection") {
                    Some((name, connection)) => scope.spawn(move || self.carry(name, &connection)),
                    None => break,
                };
            }
        });
    }

    /// Closes all connections, and accepts no more.
    pub(crate) fn close(&self) {
        let mut open = self.open();
        open.closing = true;
        drop(open);
        self.cut();
        // Only a connection wakes `accept`.
        let _ = TcpStream::connect(self.address);
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.open().connections.values().for_each(|connection| connection.cut());
    }

    /// The connection that the server sees with this client address.
    pub(crate) fn find(&self, name: SocketAddr) -> Option<Arc<Connection>> {
        self.open().connections.get(&name).cloned()
    }

    /// How many connections clients have opened so far.
    pub(crate) fn accepted(&self) -> usize {
        self.open().accepted
    }

    fn accept(
        &self,
        client: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Option<(SocketAddr, Arc<Connection>)>> {
        let mut open = self.open();
        if open.closing {
            return Ok(None);
        }
        let server = TcpStream::connect(self.server)?;
        let name = server.local_addr()?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let connection = Arc::new(Connection { client, server, peer });
        open.accepted += 1;
        open.connections.insert(name, connection.clone());
        Ok(Some((name, connection)))
    }

    fn carry(&self, name: SocketAddr, connection: &Connection) {
        thread::scope(|scope| {
            scope.spawn(|| pump(&connection.client, &connection.server));
            pump(&connection.server, &connection.client);
        });
        self.open().connections.remove(&name);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Writes to the client, bypassing the server.
    pub(crate) fn write(&self, bytes: &[u8]) {
        // The client may have closed the connection already.
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
