//! A relay with the fallback, and a client that speaks frames over it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use ed25519_dalek::{Signer, SigningKey};
use proto::{
    CHANNEL_BINDING_LABEL, FrameReader, MAX_COMMIT_FRAME, RoomId, encode_frame, join_statement,
    relay::{
        ClientFrame, Create, Deliver, Join, Publish, Published, RelayFrame, client_frame, refused::Code,
        relay_frame::Frame,
    },
};
use relay::{Config, Fallback, Limits, Relay};
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tunnel::{RecvHalf, Rules, SendHalf, Tunnel};

use crate::common::{PATIENCE, Server, code, opening, tls};

pub(crate) async fn server(limits: Limits) -> Server {
    let directory = TempDir::new().unwrap();
    let config = Config::new(([127, 0, 0, 1], 0).into(), directory.path());
    let relay = Relay::start(Config { limits, fallback: Fallback::Required, ..config }).await.unwrap();
    let address = relay.addresses()[0];
    Server { relay: Some(relay), directory, address }
}

pub(crate) async fn secured(address: SocketAddr, data_dir: &Path, alpn: &[u8]) -> TlsStream<TcpStream> {
    try_secured(address, data_dir, alpn).await.unwrap()
}

pub(crate) async fn try_secured(
    address: SocketAddr,
    data_dir: &Path,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(tls(data_dir, alpn))).connect(name, socket).await
}

pub(crate) struct TcpClient {
    pub tunnel: Tunnel,
    pub binding: [u8; 32],
}

impl TcpClient {
    pub(crate) async fn connect(server: &Server) -> Self {
        let secured = secured(server.address, server.directory.path(), b"http/1.1").await;
        let binding =
            secured.get_ref().1.export_keying_material([0; 32], CHANNEL_BINDING_LABEL, Some(b"")).unwrap();
        let rules = Rules {
            // More than a relay lets in: this client obeys nothing.
            streams: 1000,
            unread: 16 << 20,
            unread_by_strangers: 16 << 20,
            known: Arc::new(AtomicBool::new(true)),
            idle: Duration::from_secs(45),
            keep_alive: Duration::from_secs(15),
        };
        let tunnel = Tunnel::client(secured, &server.address.to_string(), rules).await.unwrap();
        Self { tunnel, binding }
    }

    pub(crate) async fn stream(&self) -> TcpRoom {
        let (send, recv) = self.tunnel.open().await.unwrap();
        TcpRoom { send, recv, reader: FrameReader::new(MAX_COMMIT_FRAME) }
    }

    pub(crate) async fn try_join(&self, join: Join) -> (TcpRoom, Frame) {
        let mut stream = self.stream().await;
        stream.frame(client_frame::Frame::Join(join)).await;
        let answer = stream.next().await;
        (stream, answer)
    }

    pub(crate) async fn join(&self, room: RoomId, key: &SigningKey) -> TcpRoom {
        match self.try_join(join_frame(self.binding, room, key, None)).await {
            (stream, Frame::Joined(_)) => stream,
            (_, other) => panic!("not joined: {other:?}"),
        }
    }

    pub(crate) async fn create(&self, room: RoomId, key: &SigningKey) -> TcpRoom {
        let create = opening(key, vec![]);
        match self.try_join(join_frame(self.binding, room, key, Some(create))).await {
            (stream, Frame::Joined(_)) => stream,
            (_, other) => panic!("not created: {other:?}"),
        }
    }

    pub(crate) async fn refused(&self, join: Join) -> Code {
        let (mut stream, answer) = self.try_join(join).await;
        let code = code(&answer);
        assert!(stream.try_next().await.is_none());
        code
    }
}

/// A Join for the connection with this binding.
pub(crate) fn join_frame(binding: [u8; 32], room: RoomId, key: &SigningKey, create: Option<Create>) -> Join {
    Join {
        room_id: room.0.to_vec().into(),
        access_key: key.verifying_key().to_bytes().to_vec().into(),
        signature: key.sign(&join_statement(&room, &binding)).to_bytes().to_vec().into(),
        after: 0,
        create,
        wants_access: false,
    }
}

pub(crate) struct TcpRoom {
    pub send: SendHalf,
    pub recv: RecvHalf,
    reader: FrameReader,
}

impl TcpRoom {
    pub(crate) async fn frame(&mut self, frame: client_frame::Frame) {
        self.send.write_all(&encode_frame(&ClientFrame { frame: Some(frame) })).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, id: [u8; 16], envelope: &[u8]) {
        let (id, envelope) = (id.to_vec().into(), envelope.to_vec().into());
        self.frame(client_frame::Frame::Publish(Publish { id, envelope, ..Publish::default() })).await;
    }

    pub(crate) async fn next(&mut self) -> Frame {
        tokio::time::timeout(PATIENCE, self.try_next()).await.expect("a frame in time").expect("a frame")
    }

    /// The next frame, `None` at the end of the stream, of whatever kind.
    pub(crate) async fn try_next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.reader.next_frame::<RelayFrame>().unwrap() {
                return Some(frame.frame.expect("a known frame"));
            }
            let chunk = self.recv.read_chunk(self.reader.wanted().unwrap()).await.ok().flatten()?;
            self.reader.push(&chunk);
        }
    }

    pub(crate) async fn published(&mut self) -> Published {
        loop {
            match self.next().await {
                Frame::Published(published) => return published,
                Frame::Deliver(_) => {}
                other => panic!("expected Published, found {other:?}"),
            }
        }
    }

    pub(crate) async fn delivered(&mut self) -> Deliver {
        loop {
            match self.next().await {
                Frame::Deliver(entry) => return entry,
                Frame::Published(_) => {}
                other => panic!("expected Deliver, found {other:?}"),
            }
        }
    }
}
