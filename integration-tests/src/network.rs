//! A network between clients and a relay that writes everything down, and fails on request. UDP alone gets
//! through, unless TCP is asked for.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Greatest datagram, in bytes.
const DATAGRAM: usize = 65_536;

/// A forwarder of UDP datagrams. Its threads end with the process.
#[derive(Clone)]
pub struct Network {
    /// Where clients find the relay.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    relay: SocketAddr,
    front: UdpSocket,
    up: AtomicBool,
    down: AtomicBool,
    record: Mutex<Vec<u8>>,
}

impl Network {
    /// In front of the relay at this address.
    pub fn before(relay: &str) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = front.local_addr().unwrap().to_string();
        let (up, down) = (AtomicBool::new(true), AtomicBool::new(true));
        let record = Mutex::default();
        let shared = Arc::new(Shared { relay: relay.parse().unwrap(), front, up, down, record });
        let copy = shared.clone();
        thread::spawn(move || copy.serve());
        Self { address, shared }
    }

    /// The same, and TCP gets through at the same port as well, whatever happens to UDP.
    pub fn with_tcp(relay: &str) -> Self {
        loop {
            let network = Self::before(relay);
            // The port may be somebody's.
            if let Ok(listener) = TcpListener::bind(&network.address) {
                let relay = network.shared.relay;
                thread::spawn(move || {
                    for near in listener.incoming().flatten() {
                        // A relay that is gone is what some tests are about.
                        let Ok(far) = TcpStream::connect(relay) else { continue };
                        pass_on(&near, &far);
                        pass_on(&far, &near);
                    }
                });
                return network;
            }
        }
    }

    /// What clients send arrives, from now on, or not.
    pub fn set_up(&self, works: bool) {
        self.shared.up.store(works, Ordering::SeqCst);
    }

    /// What the relay sends arrives, from now on, or not.
    pub fn set_down(&self, works: bool) {
        self.shared.down.store(works, Ordering::SeqCst);
    }

    /// All datagrams so far, both ways, also those that did not arrive.
    pub fn record(&self) -> Vec<u8> {
        self.shared.record.lock().unwrap().clone()
    }
}

/// Copies one way in a thread, to the end.
fn pass_on(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        // However it ends, the other side learns of it.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

impl Shared {
    fn serve(self: &Arc<Self>) {
        let mut backs: HashMap<SocketAddr, UdpSocket> = HashMap::new();
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let Ok((length, client)) = self.front.recv_from(&mut buffer) else { continue };
            self.write_down(&buffer[..length]);
            let back = backs.entry(client).or_insert_with(|| self.back(client));
            if self.up.load(Ordering::SeqCst) {
                // A relay that is gone is what some tests are about.
                let _ = back.send(&buffer[..length]);
            }
        }
    }

    /// The socket that stands for one client.
    fn back(self: &Arc<Self>, client: SocketAddr) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.relay).unwrap();
        let (this, back) = (self.clone(), socket.try_clone().unwrap());
        thread::spawn(move || {
            let mut buffer = vec![0; DATAGRAM];
            loop {
                let Ok(length) = back.recv(&mut buffer) else { continue };
                this.write_down(&buffer[..length]);
                if this.down.load(Ordering::SeqCst) {
                    let _ = this.front.send_to(&buffer[..length], client);
                }
            }
        });
        socket
    }

    fn write_down(&self, datagram: &[u8]) {
        self.record.lock().unwrap().extend_from_slice(datagram);
    }
}
