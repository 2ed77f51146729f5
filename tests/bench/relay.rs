//! A TCP relay that counts bytes and connections.
#![expect(clippy::disallowed_methods, reason = "traffic is recorded with the real time")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// From the client to the server, or back.
#[derive(Clone, Copy, PartialEq)]
pub enum Direction {
    Up,
    Down,
}

/// Listens on a loopback port until it is dropped.
pub struct Relay {
    address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    closing: AtomicBool,
    connections: Mutex<usize>,
    traffic: Mutex<Vec<(Instant, Direction, usize)>>,
}

impl Relay {
    pub fn to(server: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("the port's address");
        let log = Arc::<Log>::default();
        thread::spawn({
            let log = log.clone();
            move || log.accept_all(&listener, server)
        });
        Relay { address, log }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections that clients have opened.
    pub fn connections(&self) -> usize {
        *self.log.connections.lock().expect("no thread panics")
    }

    /// The bytes in this direction at these times: the payload of TCP, which includes TLS.
    pub fn bytes(&self, direction: Direction, times: Range<Instant>) -> usize {
        let traffic = self.log.traffic.lock().expect("no thread panics");
        let counted = traffic.iter().filter(|(at, d, _)| *d == direction && times.contains(at));
        counted.map(|(_, _, count)| count).sum()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.log.closing.store(true, Ordering::SeqCst);
        // Only a connection ends a blocking accept.
        let _ = TcpStream::connect(self.address);
    }
}

impl Log {
    fn accept_all(self: &Arc<Log>, listener: &TcpListener, server: SocketAddr) {
        while let Ok((client, _)) = listener.accept() {
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            *self.connections.lock().expect("no thread panics") += 1;
            // A client may disconnect at any time.
            let _ = self.relay(client, server);
        }
    }

    fn relay(self: &Arc<Log>, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        for (from, to, direction) in [
            (client.try_clone()?, server.try_clone()?, Direction::Up),
            (server, client, Direction::Down),
        ] {
            let log = self.clone();
            thread::spawn(move || {
                let _ = log.copy(&from, &to, direction);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
        Ok(())
    }

    fn copy(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        direction: Direction,
    ) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = from.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            self.traffic.lock().expect("no thread panics").push((Instant::now(), direction, count));
            to.write_all(&bytes[..count])?;
        }
    }
}
