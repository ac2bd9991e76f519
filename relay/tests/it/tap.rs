//! A wire between a client and the relay that counts, and lets only so much through.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use tokio::{net::UdpSocket, task::JoinHandle};

/// For one client.
pub(crate) struct Tap {
    /// What the client dials.
    pub address: SocketAddr,
    counts: Arc<Counts>,
    /// Nothing of the relay's, for now.
    is_silent: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What is let through.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Datagrams of the client.
    pub up: u64,
    /// Datagrams of the relay.
    pub down: u64,
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    up_bytes: AtomicU64,
    down_bytes: AtomicU64,
}

impl Tap {
    /// The relay hears the client; the client hears nothing.
    pub(crate) const NO_ANSWERS: Rules = Rules { up: u64::MAX, down: 0 };

    pub(crate) async fn to(relay: SocketAddr, rules: Rules) -> Self {
        let client_side = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let relay_side = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        relay_side.connect(relay).await.unwrap();
        let address = client_side.local_addr().unwrap();
        let counts = Arc::<Counts>::default();
        let is_silent = Arc::<AtomicBool>::default();
        let task = tokio::spawn(run(client_side, relay_side, rules, counts.clone(), is_silent.clone()));
        Self { address, counts, is_silent, task }
    }

    /// From now on the client hears nothing, or again what the rules let through.
    pub(crate) fn silence(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Relaxed);
    }

    /// Datagrams and bytes that the relay was sent.
    pub(crate) fn up(&self) -> (u64, u64) {
        (self.counts.up.load(Relaxed), self.counts.up_bytes.load(Relaxed))
    }

    /// Datagrams and bytes that the relay sent, let through or not.
    pub(crate) fn down(&self) -> (u64, u64) {
        (self.counts.down.load(Relaxed), self.counts.down_bytes.load(Relaxed))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    client_side: UdpSocket,
    relay_side: UdpSocket,
    rules: Rules,
    counts: Arc<Counts>,
    is_silent: Arc<AtomicBool>,
) {
    let (mut up, mut down) = ([0; 2048], [0; 2048]);
    let mut client = None;
    loop {
        tokio::select! {
            Ok((length, from)) = client_side.recv_from(&mut up) => {
                client = Some(from);
                if counts.up.load(Relaxed) < rules.up {
                    counts.up.fetch_add(1, Relaxed);
                    counts.up_bytes.fetch_add(length as u64, Relaxed);
                    let _ = relay_side.send(&up[..length]).await;
                }
            }
            Ok(length) = relay_side.recv(&mut down) => {
                counts.down_bytes.fetch_add(length as u64, Relaxed);
                let is_over = counts.down.fetch_add(1, Relaxed) >= rules.down;
                if !is_over && !is_silent.load(Relaxed) && let Some(client) = client {
                    let _ = client_side.send_to(&down[..length], client).await;
                }
            }
        }
    }
}
