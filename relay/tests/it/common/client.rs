//! A client that speaks frames: its connection, and its streams.

use std::{collections::VecDeque, net::SocketAddr, path::Path};

use ed25519_dalek::{Signer, SigningKey};
use proto::{
    CHANNEL_BINDING_LABEL, CloseCode, FrameReader, MAX_COMMIT_FRAME, RoomId, encode_frame, join_statement,
    relay::{
        AccessKey, ClientFrame, CommitPart, Create, Deliver, Join, Joined, Publish, Published, Refused,
        RelayFrame, client_frame, refused::Code, relay_frame::Frame,
    },
};
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};

use super::{PATIENCE, authority, endpoint, opening, public, sign_part};

pub(crate) struct Client {
    pub endpoint: Endpoint,
    pub connection: Connection,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, data_dir: &Path) -> Self {
        let endpoint = endpoint(data_dir, proto::ALPN);
        let connection = endpoint.connect(address, "localhost").unwrap().await.unwrap();
        Self { endpoint, connection }
    }

    pub(crate) async fn stream(&self) -> Stream {
        let (send, recv) = self.connection.open_bi().await.unwrap();
        Stream {
            send,
            recv,
            reader: FrameReader::new(MAX_COMMIT_FRAME),
            entries: VecDeque::new(),
            answers: VecDeque::new(),
            who: None,
        }
    }

    /// A signed Join; tests break it afterwards.
    pub(crate) fn join_frame(
        &self,
        room: RoomId,
        key: &SigningKey,
        after: u64,
        create: Option<Create>,
    ) -> Join {
        let mut binding = [0; 32];
        self.connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"").unwrap();
        Join {
            room_id: room.0.to_vec().into(),
            access_key: key.verifying_key().to_bytes().to_vec().into(),
            signature: key.sign(&join_statement(&room, &binding)).to_bytes().to_vec().into(),
            after,
            create,
            wants_access: false,
        }
    }

    /// Sends a Join and returns the stream and the relay's first answer.
    pub(crate) async fn try_join(&self, join: Join) -> (Stream, Frame) {
        let mut stream = self.stream().await;
        stream.frame(client_frame::Frame::Join(join)).await;
        let answer = stream.next().await;
        (stream, answer)
    }

    pub(crate) async fn join(&self, room: RoomId, key: &SigningKey, after: u64) -> (Stream, Joined) {
        match self.try_join(self.join_frame(room, key, after, None)).await {
            (mut stream, Frame::Joined(joined)) => {
                stream.who = Some((room, key.clone(), joined.slot.is_some()));
                (stream, joined)
            }
            (_, other) => panic!("not joined: {other:?}"),
        }
    }

    /// Opens a room with these keys and joins it.
    pub(crate) async fn create(&self, room: RoomId, key: &SigningKey, others: Vec<AccessKey>) -> Stream {
        self.create_with(room, key, opening(key, others)).await
    }

    pub(crate) async fn create_with(&self, room: RoomId, key: &SigningKey, create: Create) -> Stream {
        match self.try_join(self.join_frame(room, key, 0, Some(create))).await {
            (mut stream, Frame::Joined(_)) => {
                stream.who = Some((room, key.clone(), false));
                stream
            }
            (_, other) => panic!("not created: {other:?}"),
        }
    }

    /// The code with which a Join is refused; the stream must end after it.
    pub(crate) async fn refused(&self, join: Join) -> Code {
        self.refusal(join).await.code()
    }

    /// The same with all that is said.
    pub(crate) async fn refusal(&self, join: Join) -> Refused {
        let (mut stream, answer) = self.try_join(join).await;
        stream.ended().await;
        match answer {
            Frame::Refused(refused) => refused,
            other => panic!("expected Refused, found {other:?}"),
        }
    }

    /// The code with which the relay closes the connection.
    pub(crate) async fn close_code(&self) -> Option<CloseCode> {
        match tokio::time::timeout(PATIENCE, self.connection.closed()).await.expect("closed in time") {
            ConnectionError::ApplicationClosed(close) => CloseCode::from_value(close.error_code.into()),
            other => panic!("not closed by the relay: {other:?}"),
        }
    }
}

pub(crate) struct Stream {
    pub send: SendStream,
    pub recv: RecvStream,
    reader: FrameReader,
    /// Entries that came while a test waited for an answer: either may overtake the other.
    entries: VecDeque<Deliver>,
    /// Answers that came while it waited for an entry.
    answers: VecDeque<Published>,
    /// Where it has joined with which key, and whether that is an invite's.
    pub who: Option<(RoomId, SigningKey, bool)>,
}

impl Stream {
    pub(crate) async fn frame(&mut self, frame: client_frame::Frame) {
        self.bytes(&encode_frame(&ClientFrame { frame: Some(frame) })).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.send.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, id: [u8; 16], envelope: &[u8], commit: Option<CommitPart>) {
        let commit = commit.map(|part| self.sign(envelope, part));
        let (id, envelope) = (id.to_vec().into(), envelope.to_vec().into());
        self.frame(client_frame::Frame::Publish(Publish { id, envelope, commit, ..Publish::default() }))
            .await;
    }

    /// Signs a commit part as members do, or, on an invite's stream, as joiners do.
    pub(crate) fn sign(&self, envelope: &[u8], part: CommitPart) -> CommitPart {
        let Some((room, key, is_invite)) = &self.who else { return part };
        let signer = if *is_invite { key } else { &authority() };
        sign_part(room, &public(key), signer, envelope, part)
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        tokio::time::timeout(PATIENCE, self.try_next()).await.expect("a frame in time").expect("a frame")
    }

    /// The next frame, `None` at the end of the stream.
    pub(crate) async fn try_next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.reader.next_frame::<RelayFrame>().unwrap() {
                return Some(frame.frame.expect("a known frame"));
            }
            let wanted = self.reader.wanted().unwrap();
            let chunk = self.recv.read_chunk(wanted, true).await.ok().flatten()?;
            self.reader.push(&chunk.bytes);
        }
    }

    pub(crate) async fn ended(&mut self) {
        let end = tokio::time::timeout(PATIENCE, self.try_next()).await.expect("the end in time");
        assert!(end.is_none(), "expected the end, found {end:?}");
    }

    pub(crate) async fn ended_with_refusal(&mut self) {
        self.refusal().await;
        self.ended().await;
    }

    pub(crate) async fn published(&mut self) -> Published {
        while self.answers.is_empty() {
            self.sort().await;
        }
        self.answers.pop_front().unwrap()
    }

    pub(crate) async fn delivered(&mut self) -> Deliver {
        while self.entries.is_empty() {
            self.sort().await;
        }
        self.entries.pop_front().unwrap()
    }

    async fn sort(&mut self) {
        match self.next().await {
            Frame::Published(published) => self.answers.push_back(published),
            Frame::Deliver(entry) => self.entries.push_back(entry),
            other => panic!("expected Published or Deliver, found {other:?}"),
        }
    }

    pub(crate) async fn refusal(&mut self) -> Refused {
        loop {
            match self.next().await {
                Frame::Refused(refused) => return refused,
                Frame::Deliver(_) | Frame::Published(_) => {}
                other => panic!("expected Refused, found {other:?}"),
            }
        }
    }

    /// Publishes and expects this no.
    pub(crate) async fn publish_refused(&mut self, id: [u8; 16], commit: Option<CommitPart>) -> Code {
        self.publish(id, b"refused", commit).await;
        let refused = self.refusal().await;
        assert_eq!(*refused.id, id, "the refusal names its publish");
        refused.code()
    }
}
