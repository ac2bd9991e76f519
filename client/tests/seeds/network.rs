//! A network in this process between devices and a relay: UDP alone gets through, and each device has a door of its own.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{net::UdpSocket, task::JoinSet};

use crate::support::PATIENCE;

/// Greatest datagram, in bytes.
const DATAGRAM: usize = 65_536;

/// Whether anything of a device gets through.
#[derive(Clone, Debug)]
pub(super) struct Door(Arc<AtomicBool>);

impl Door {
    pub(super) fn open() -> Self {
        Self(Arc::new(true.into()))
    }

    pub(super) fn set(&self, is_open: bool) {
        self.0.store(is_open, Ordering::SeqCst);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A forwarder of datagrams, for as long as it is kept.
pub(super) struct Network {
    /// Where devices find the relay.
    pub(super) port: u16,
    next: Arc<Mutex<Option<Door>>>,
    _tasks: JoinSet<()>,
}

impl Network {
    /// In front of the relay at this port.
    pub(super) async fn before(relay: u16) -> Self {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = front.local_addr().unwrap().port();
        let next = Arc::<Mutex<Option<Door>>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(Arc::new(front), relay, next.clone()));
        Self { port, next, _tasks: tasks }
    }

    /// Whoever comes next that was never seen comes by this door. A device has one socket in each of its lives.
    pub(super) fn expect(&self, door: Option<Door>) {
        *self.next.lock().unwrap() = door;
    }

    /// Waits until it came.
    pub(super) async fn has_come(&self) {
        let come = async {
            while self.next.lock().unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, come).await.expect("a device that has rooms dials");
    }
}

async fn serve(front: Arc<UdpSocket>, relay: u16, next: Arc<Mutex<Option<Door>>>) {
    let mut backs: HashMap<SocketAddr, (Arc<UdpSocket>, Door)> = HashMap::new();
    let mut returns = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let Ok((length, device)) = front.recv_from(&mut buffer).await else { continue };
        let (back, door) = match backs.entry(device) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                back.connect((Ipv4Addr::LOCALHOST, relay)).await.unwrap();
                let door = next.lock().unwrap().take().unwrap_or_else(Door::open);
                returns.spawn(bring_back(back.clone(), front.clone(), device, door.clone()));
                new.insert((back, door))
            }
        };
        if door.is_open() {
            // A relay that is gone is noticed by whoever waits for it.
            let _ = back.send(&buffer[..length]).await;
        }
    }
}

async fn bring_back(back: Arc<UdpSocket>, front: Arc<UdpSocket>, device: SocketAddr, door: Door) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let Ok(length) = back.recv(&mut buffer).await else { continue };
        if door.is_open() {
            let _ = front.send_to(&buffer[..length], device).await;
        }
    }
}
