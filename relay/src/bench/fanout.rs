//! The plainest program that does what a relay does for a room, and nothing else: it forwards frames over the
//! same QUIC, without a disk, keys or limits. What a relay is compared with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    thread::JoinHandle,
};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use proto::{
    FrameReader, MAX_COMMIT_FRAME, encode_frame,
    relay::{ClientFrame, Deliver, Joined, Published, RelayFrame, client_frame, relay_frame::Frame},
};
use quinn::{Endpoint, RecvStream, SendStream};
use tempfile::TempDir;
use tokio::sync::{broadcast, oneshot};

use super::client::Ground;
use crate::{
    identity::{Identity, Tls},
    net::{networks::Networks, quic, reset::ResetKey, tls},
    ops::print,
    policy::limits::Limits,
};

/// Frames that wait for one slow receiver; who is slower than that is left behind.
const QUEUE: usize = 65_536;

/// A running one; ends on drop.
pub(super) struct Fanout {
    address: SocketAddr,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Scenario `plain`: one that is a process of its own, with one thread.
#[derive(Clone, Debug, Args)]
pub(super) struct Plain {
    /// Where its identity is made.
    #[arg(long, env = "RELAY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

impl Plain {
    /// Serves until it is killed.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let path = self.data_dir.clone();
        let served = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let endpoint = open(&path)?;
                print::line(format_args!("{{\"address\":\"{}\"}}", endpoint.local_addr()?))?;
                serve(&endpoint).await;
                anyhow::Ok(())
            })
        });
        served.join().map_err(|_| anyhow::anyhow!("the plain program failed"))?
    }
}

impl Fanout {
    /// Starts one on a runtime of its own, as a relay has one.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let directory = TempDir::new()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, ready) = oneshot::channel();
        let path = directory.path().to_owned();
        let thread = std::thread::Builder::new().name("fanout".into()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Runtime::new() else { return };
            runtime.block_on(async move {
                let endpoint = open(&path);
                let address = endpoint.as_ref().ok().and_then(|endpoint| endpoint.local_addr().ok());
                let _ = started.send(address);
                if let Ok(endpoint) = endpoint {
                    tokio::select! {
                        () = serve(&endpoint) => {}
                        _ = stopped => {}
                    }
                }
            });
            runtime.shutdown_background();
        })?;
        let address = ready.await?.context("the plain program did not start")?;
        Ok(Self { address, directory, stop: Some(stop), thread: Some(thread) })
    }

    /// How clients reach it.
    pub(super) fn ground(&self) -> anyhow::Result<Ground> {
        Ground::new(self.address, self.directory.path())
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that failed has ended as well.
            let _ = thread.join();
        }
    }
}

fn open(data_dir: &std::path::Path) -> anyhow::Result<Endpoint> {
    let identity = Identity::load(&Tls::Own, data_dir, vec!["localhost".into()], certs::LEAF_LIFETIME)?;
    // Strangers and members are the same to it: limits of the relay that it would run into are lifted.
    let limits = Limits::default();
    let config = quic::server_config(tls::server_config(identity.certificate)?, &limits);
    let reset = ResetKey::load_or_create(data_dir)?;
    let socket = quic::probe((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(quic::endpoint(socket.into(), &Networks::default(), &reset, config)?)
}

async fn serve(endpoint: &Endpoint) {
    let (room, _) = broadcast::channel(QUEUE);
    while let Some(incoming) = endpoint.accept().await {
        let room = room.clone();
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok((send, recv)) = connection.accept_bi().await {
                // Ends with its stream.
                tokio::spawn(talk(room.clone(), send, recv));
            }
        });
    }
}

async fn talk(
    room: broadcast::Sender<Bytes>,
    mut send: SendStream,
    mut recv: RecvStream,
) -> anyhow::Result<()> {
    let mut reader = FrameReader::new(MAX_COMMIT_FRAME);
    let mut log = room.subscribe();
    let mut seq = 0;
    loop {
        tokio::select! {
            frame = log.recv() => send.write_chunk(frame?).await?,
            frame = next(&mut reader, &mut recv) => match frame? {
                client_frame::Frame::Join(_) => send.write_all(&frame_of(Frame::Joined(Joined::default()))).await?,
                client_frame::Frame::Publish(publish) => {
                    seq += 1;
                    let published = Published { id: publish.id, seq, at_ms: 0 };
                    send.write_all(&frame_of(Frame::Published(published))).await?;
                    let entry = Deliver { seq, envelope: publish.envelope, ..Deliver::default() };
                    // There is at least the sender itself.
                    let _ = room.send(frame_of(Frame::Deliver(entry)).into());
                }
                _ => {}
            },
        }
    }
}

/// Loses nothing when dropped half-way.
async fn next(reader: &mut FrameReader, recv: &mut RecvStream) -> anyhow::Result<client_frame::Frame> {
    loop {
        if let Some(frame) = reader.next_frame::<ClientFrame>()? {
            return frame.frame.context("an unknown frame");
        }
        let chunk = recv.read_chunk(reader.wanted()?, true).await?.context("the end")?;
        reader.push(&chunk.bytes);
    }
}

fn frame_of(frame: Frame) -> Vec<u8> {
    encode_frame(&RelayFrame { frame: Some(frame) })
}
