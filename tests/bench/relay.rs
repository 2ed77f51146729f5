//! A port that hands everything on to another one, and counts it.
#![expect(clippy::disallowed_methods, reason = "traffic has a time, and it is the real one")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// Which way bytes went.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
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
    traffic: Mutex<Vec<(Instant, Way, usize)>>,
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

    /// How many connections clients have opened.
    pub fn connections(&self) -> usize {
        *self.log.connections.lock().expect("no thread panics")
    }

    /// The bytes that went this way at these times: what TCP carries, TLS included.
    pub fn bytes(&self, way: Way, times: Range<Instant>) -> usize {
        let traffic = self.log.traffic.lock().expect("no thread panics");
        let these = traffic.iter().filter(|(at, its, _)| *its == way && times.contains(at));
        these.map(|(_, _, count)| count).sum()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.log.closing.store(true, Ordering::SeqCst);
        // Nothing but a connection wakes an accept.
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
            // A client that goes away is no fault of the relay's.
            let _ = self.carry(client, server);
        }
    }

    fn carry(self: &Arc<Log>, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        for (from, to, way) in
            [(client.try_clone()?, server.try_clone()?, Way::Up), (server, client, Way::Down)]
        {
            let log = self.clone();
            thread::spawn(move || {
                let _ = log.pump(&from, &to, way);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
        Ok(())
    }

    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, way: Way) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = from.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            self.traffic.lock().expect("no thread panics").push((Instant::now(), way, count));
            to.write_all(&bytes[..count])?;
        }
    }
}
