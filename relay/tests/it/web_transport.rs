//! Pages in browsers over QUIC: WebTransport on the relay's own port, with a leaf that is known by its hash.

use std::time::Duration;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use hyper::header::{HeaderValue, ORIGIN};
use proto::{
    CHANNEL_BINDING_LABEL, FrameReader, MAX_COMMIT_FRAME, encode_frame,
    relay::{
        ClientFrame, Create, Join, Publish, RelayFrame, client_frame, refused::Code, relay_frame::Frame,
    },
    web_socket_binding, web_transport_binding,
};
use relay::{Fallback, Limits, Web, ops::metrics::Carrier};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use web_transport_quinn::{RecvStream, SendStream, Session, proto::ConnectRequest};

use crate::{
    common::*,
    tcp::{client::join_frame, http::ask},
};

async fn server() -> Server {
    with(Limits::default()).await
}

async fn with(limits: Limits) -> Server {
    Server::configured(|config| {
        config.limits = limits;
        config.fallback = Fallback::Required;
        config.web = Web::On { directory: None, origins: vec![] };
    })
    .await
}

/// A connection as a browser makes it, before anything is said on it.
async fn connection(server: &Server) -> quinn::Connection {
    let endpoint = endpoint(server.directory.path(), b"h3");
    endpoint.connect(server.address, "localhost").unwrap().await.unwrap()
}

fn leaf(connection: &quinn::Connection) -> CertificateDer<'static> {
    let chain = connection.peer_identity().unwrap().downcast::<Vec<CertificateDer<'static>>>().unwrap();
    chain[0].clone()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// A session, asked for at this path by a page of this origin.
async fn visit(server: &Server, path: &str, origins: &[&str]) -> Result<(Session, quinn::Connection), u16> {
    let connection = connection(server).await;
    let url: url::Url = format!("https://{}{path}", server.address).parse().unwrap();
    let mut request = ConnectRequest::new(url);
    for origin in origins {
        request = request.with_header(ORIGIN, HeaderValue::from_str(origin).unwrap());
    }
    match Session::connect(connection.clone(), request).await {
        Ok(session) => Ok((session, connection)),
        Err(error) => {
            let error = error.to_string();
            let code = error.rsplit(|c: char| !c.is_ascii_digit()).find_map(|code| code.parse().ok());
            Err(code.unwrap_or_else(|| panic!("no status: {error}")))
        }
    }
}

struct Page {
    session: Session,
    connection: quinn::Connection,
    nonce: [u8; 32],
    binding: [u8; 32],
}

impl Page {
    async fn connect(server: &Server) -> Self {
        let own = format!("https://{}", server.address);
        let (session, connection) = visit(server, "/schat", &[&own]).await.unwrap();
        let mut first = session.accept_uni().await.unwrap();
        let nonce: [u8; 32] = first.read_to_end(100).await.unwrap().try_into().unwrap();
        let binding = web_transport_binding(&nonce, &hash(&leaf(&connection)));
        Self { session, connection, nonce, binding }
    }

    async fn open(&self) -> PageRoom {
        let (send, recv) = self.session.open_bi().await.unwrap();
        PageRoom { send, recv, reader: FrameReader::new(MAX_COMMIT_FRAME) }
    }

    async fn ask(&self, join: Join) -> (PageRoom, Frame) {
        let mut stream = self.open().await;
        stream.frame(client_frame::Frame::Join(join)).await;
        let answer = stream.next().await;
        (stream, answer)
    }

    async fn join(&self, byte: u8, key: &SigningKey, create: Option<Create>) -> PageRoom {
        match self.ask(join_frame(self.binding, room(byte), key, create)).await {
            (stream, Frame::Joined(_)) => stream,
            (_, other) => panic!("not joined: {other:?}"),
        }
    }

    async fn refused_with(&self, binding: [u8; 32], key: &SigningKey) {
        let (_, answer) = self.ask(join_frame(binding, room(1), key, None)).await;
        assert_eq!(code(&answer), Code::NotAllowed);
    }
}

struct PageRoom {
    send: SendStream,
    recv: RecvStream,
    reader: FrameReader,
}

impl PageRoom {
    async fn frame(&mut self, frame: client_frame::Frame) {
        self.send.write_all(&encode_frame(&ClientFrame { frame: Some(frame) })).await.unwrap();
    }

    async fn publish(&mut self, id: u8, envelope: &[u8]) {
        let (id, envelope) = (vec![id; 16].into(), envelope.to_vec().into());
        self.frame(client_frame::Frame::Publish(Publish { id, envelope, ..Publish::default() })).await;
    }

    async fn next(&mut self) -> Frame {
        timeout(PATIENCE, async {
            loop {
                if let Some(frame) = self.reader.next_frame::<RelayFrame>().unwrap() {
                    return frame.frame.expect("a known frame");
                }
                let chunk =
                    self.recv.read_chunk(self.reader.wanted().unwrap(), true).await.unwrap().expect("more");
                self.reader.push(&chunk.bytes);
            }
        })
        .await
        .expect("a frame in time")
    }

    async fn delivered(&mut self) -> Vec<u8> {
        loop {
            match self.next().await {
                Frame::Deliver(entry) => return entry.envelope.to_vec(),
                Frame::Published(_) => {}
                other => panic!("expected Deliver, found {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_programs_are_in_one_room_over_one_port() {
    let server = server().await;
    let (quic, page) = (server.client().await, Page::connect(&server).await);
    let metrics = server.relay.as_ref().unwrap().metrics();
    assert_eq!((metrics.carries(Carrier::Quic), metrics.carries(Carrier::WebTransport)), (1, 1));
    let mut a = quic.create(room(1), &key(1), vec![member(&key(2))]).await;
    let mut b = page.join(1, &key(2), None).await;
    let large = vec![7; 1 << 20];
    for (id, envelope) in [(1, b"small".as_slice()), (2, &large)] {
        b.publish(id, envelope).await;
        assert_eq!(a.delivered().await.envelope, envelope);
        assert_eq!(b.delivered().await, envelope);
    }
    // More rooms than a stranger has streams.
    let mut rooms = Vec::new();
    for byte in 10..40 {
        rooms.push(page.join(byte, &key(byte), Some(opening(&key(byte), vec![]))).await);
    }
    assert_eq!(rooms.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_that_is_bound_to_anything_else_is_refused() {
    let server = server().await;
    let _founder = server.client().await.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (page, other) = (Page::connect(&server).await, Page::connect(&server).await);
    assert_ne!(page.nonce, other.nonce);
    let leaf = hash(&leaf(&page.connection));
    let mut exporter = [0; 32];
    page.connection.export_keying_material(&mut exporter, CHANNEL_BINDING_LABEL, b"").unwrap();
    for binding in [
        [0; 32],
        web_transport_binding(&[0; 32], &leaf),
        // The number of another connection, replayed.
        web_transport_binding(&other.nonce, &leaf),
        // Whom the page knew was another, who passes on what it hears.
        web_transport_binding(&page.nonce, &[7; 32]),
        web_socket_binding(&page.nonce, &server.address.to_string()),
        exporter,
        page.nonce,
    ] {
        page.refused_with(binding, &key(2)).await;
    }
    let _it_works = page.join(1, &key(2), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_with_an_exporter_signs_that_and_nothing_weaker() {
    let server = server().await;
    let own = format!("https://{}", server.address);
    let (session, connection) = visit(&server, "/schat/exporter", &[&own]).await.unwrap();
    // draft-ietf-webtrans-http3, 4.9, put together here once more.
    let context = [&[0; 8][..], &[21], b"EXPORTER-schat/2 join", &[0]].concat();
    let mut binding = [0; 32];
    connection.export_keying_material(&mut binding, b"EXPORTER-WebTransport", &context).unwrap();
    let page = Page { session, connection, nonce: [0; 32], binding };
    let _room = page.join(1, &key(1), Some(opening(&key(1), vec![]))).await;
    let mut program = [0; 32];
    page.connection.export_keying_material(&mut program, CHANNEL_BINDING_LABEL, b"").unwrap();
    let leaf = hash(&leaf(&page.connection));
    for binding in [program, web_transport_binding(&[0; 32], &leaf), [0; 32]] {
        page.refused_with(binding, &key(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_are_refused() {
    let server = server().await;
    let own = format!("https://{}", server.address);
    for (path, origins, status) in [
        ("/schat", vec!["https://evil.example"], 403),
        ("/schat", vec!["null"], 403),
        ("/schat", vec!["https://127.0.0.1"], 403),
        ("/schat", vec![], 400),
        ("/schat/exporter", vec!["https://evil.example"], 403),
        ("/", vec![&*own], 404),
        ("/schat/", vec![&*own], 404),
    ] {
        let Err(refused) = visit(&server, path, &origins).await else { panic!("{path} is let in") };
        assert_eq!(refused, status, "{path} {origins:?}");
    }
    eventually("every place is given back", || server.metrics().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_serves_no_browsers_knows_no_such_protocol() {
    let server = Server::start().await;
    let endpoint = endpoint(server.directory.path(), b"h3");
    let error = endpoint.connect(server.address, "localhost").unwrap().await.unwrap_err();
    assert!(error.to_string().contains("the cryptographic handshake failed: error 120"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_shown_a_leaf_that_the_pin_vouches_for_and_programs_another() {
    let server = server().await;
    let answer =
        ask(&server, b"GET /.well-known/schat HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(" 200 ")
            && head.contains("content-type: application/json")
            && head.contains("no-store")
    );
    let said: serde_json::Value = serde_json::from_str(body).unwrap();
    let bytes = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap();
    let mut statement = [b"schat/2 leaves", &said["issued"].as_u64().unwrap().to_be_bytes()[..]].concat();
    for leaf in said["leaves"].as_array().unwrap() {
        statement.extend(bytes(&leaf["sha256"]));
        statement.extend(leaf["not_before"].as_u64().unwrap().to_be_bytes());
        statement.extend(leaf["not_after"].as_u64().unwrap().to_be_bytes());
    }
    let authority = bytes(&said["authority"]);
    assert_eq!(certs::Pin::from(hash(&authority)), server.relay.as_ref().unwrap().pin());
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &authority[authority.len() - 65..]);
    key.verify(&statement, &bytes(&said["signature"])).unwrap();
    let browser = leaf(&connection(&server).await);
    assert_eq!(bytes(&said["leaves"][0]["sha256"]), hash(&browser));
    let (first, last) = certs::validity_unix(&browser).unwrap();
    assert!(last - first <= 14 * 24 * 3600);
    assert_ne!(leaf(&server.client().await.connection), browser);
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_that_says_nothing_is_shown_out_at_each_step() {
    let server = with(Limits { join_time: Duration::from_millis(200), ..Limits::default() }).await;
    let silent = connection(&server).await;
    let half = connection(&server).await;
    // The beginning of HTTP/3's settings.
    let mut control = half.open_uni().await.unwrap();
    control.write_all(&[0, 4, 40]).await.unwrap();
    let own = format!("https://{}", server.address);
    let (_joinless, visitor) = visit(&server, "/schat", &[&own]).await.unwrap();
    for connection in [silent, half, visitor] {
        timeout(PATIENCE, connection.closed()).await.expect("the end in time");
    }
    eventually("every place is given back", || server.metrics().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_instead_of_http_costs_nobody_a_place() {
    let server = server().await;
    for garbage in
        [&[0xff; 5000][..], b"GET / HTTP/1.1\r\n\r\n", &[0, 4, 0x80, 0xff, 0xff, 0xff], &[0, 1, 1, 0]]
    {
        let connection = connection(&server).await;
        let mut control = connection.open_uni().await.unwrap();
        let _ = control.write_all(garbage).await;
        let _ = control.finish();
        timeout(PATIENCE, connection.closed()).await.expect("the end in time");
    }
    eventually("every place is given back", || server.metrics().connections.get() == 0).await;
    let _honest = Page::connect(&server).await.join(1, &key(1), Some(opening(&key(1), vec![]))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_no_session_and_datagrams_disturb_nobody() {
    let server = server().await;
    let page = Page::connect(&server).await;
    let mut room = page.join(1, &key(1), Some(opening(&key(1), vec![]))).await;
    for garbage in [&[0x40, 0x41, 0x04, 1, 2][..], &[0x21, 1, 2, 3], &[0x40]] {
        let (mut send, _recv) = page.connection.open_bi().await.unwrap();
        send.write_all(garbage).await.unwrap();
        send.finish().unwrap();
    }
    for _ in 0..100 {
        page.session.send_datagram(vec![7; 500].into()).unwrap();
    }
    room.publish(1, b"still here").await;
    assert_eq!(room.delivered().await, b"still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_relay_says_so() {
    let mut server = server().await;
    let page = Page::connect(&server).await;
    let mut room = page.join(1, &key(1), Some(opening(&key(1), vec![]))).await;
    let relay = server.relay.take().unwrap();
    let stopping = tokio::spawn(relay.shutdown());
    assert_eq!(code(&room.next().await), Code::ShuttingDown);
    let error = timeout(PATIENCE, page.session.closed()).await.expect("the end in time");
    assert!(error.to_string().contains('1'), "{error}");
    stopping.await.unwrap();
}
