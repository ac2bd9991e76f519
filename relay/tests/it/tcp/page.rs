//! Pages in browsers: from where they may connect, and what binds their Joins.

use ed25519_dalek::SigningKey;
use proto::{
    CHANNEL_BINDING_LABEL, CloseCode,
    relay::{Join, refused::Code, relay_frame::Frame},
    web_socket_binding, web_transport_binding,
};
use relay::{Fallback, Limits, Web, ops::metrics::Carrier};
use tunnel::{End, Tunnel};

use super::{
    client::{TcpClient, join_frame, lavish, secured},
    http::ask,
};
use crate::common::*;

/// A relay that takes pages, its own and those of one other origin.
pub(crate) async fn server() -> Server {
    Server::configured(|config| {
        config.fallback = Fallback::Required;
        let origins = vec!["http://localhost:8080".parse().unwrap()];
        config.web = Web::On { directory: None, origins };
    })
    .await
}

/// The relay as a page calls it.
pub(crate) fn authority(server: &Server) -> String {
    server.address.to_string()
}

pub(crate) struct Page {
    pub(crate) tcp: TcpClient,
    pub(crate) nonce: [u8; 32],
    /// TLS' exporter of its connection, which no page has.
    exporter: [u8; 32],
}

impl Page {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::from(server, &format!("https://{}", authority(server))).await
    }

    pub(crate) async fn from(server: &Server, origin: &str) -> Self {
        let secured = secured(server.address, server.directory.path(), b"http/1.1").await;
        let exporter =
            secured.get_ref().1.export_keying_material([0; 32], CHANNEL_BINDING_LABEL, Some(b"")).unwrap();
        let authority = authority(server);
        let (tunnel, nonce) = Tunnel::page(secured, &authority, origin, lavish()).await.unwrap();
        let binding = web_socket_binding(&nonce, &authority);
        Self { tcp: TcpClient { tunnel, binding }, nonce, exporter }
    }

    async fn refused_with(&self, binding: [u8; 32], key: &SigningKey) {
        let join: Join = join_frame(binding, room(1), key, None);
        assert_eq!(self.tcp.refused(join).await, Code::NotAllowed);
    }
}

/// The first line of the answer to a page that asks for a WebSocket.
async fn first_line(server: &Server, headers: &str) -> String {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let answer = ask(server, format!("GET /schat HTTP/1.1\r\n{upgrade}{headers}\r\n").as_bytes()).await;
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_programs_are_in_one_room_and_counted_apart() {
    let server = server().await;
    let (quic, page) = (server.client().await, Page::connect(&server).await);
    let other = Page::from(&server, "http://localhost:8080").await;
    let metrics = server.relay.as_ref().unwrap().metrics();
    let carried = [Carrier::Quic, Carrier::Tcp, Carrier::WebSocket].map(|carrier| metrics.carries(carrier));
    assert_eq!(carried, [1, 0, 2]);
    assert_ne!(page.nonce, other.nonce);
    let mut a = quic.create(room(1), &key(1), vec![member(&key(2)), member(&key(3))]).await;
    let (mut b, mut c) = (page.tcp.join(room(1), &key(2)).await, other.tcp.join(room(1), &key(3)).await);
    b.publish([1; 16], b"from a page").await;
    for envelope in [a.delivered().await.envelope, b.delivered().await.envelope, c.delivered().await.envelope]
    {
        assert_eq!(&*envelope, b"from a page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_that_is_bound_to_anything_else_is_refused() {
    let server = server().await;
    let _founder = server.client().await.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (page, other) = (Page::connect(&server).await, Page::connect(&server).await);
    let own = authority(&server);
    for binding in [
        // No number, and the number of another connection.
        [0; 32],
        web_socket_binding(&[0; 32], &own),
        web_socket_binding(&other.nonce, &own),
        other.tcp.binding,
        // Whom the page wanted to reach was somebody else, who passes on what it hears.
        web_socket_binding(&page.nonce, "evil.example"),
        web_socket_binding(&page.nonce, ""),
        // Another way.
        page.exporter,
        page.nonce,
        web_transport_binding(&page.nonce, &[0; 32]),
    ] {
        page.refused_with(binding, &key(2)).await;
    }
    let _it_works = page.tcp.join(room(1), &key(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn program_cannot_join_by_a_number_that_it_was_not_given() {
    let server = server().await;
    let program = TcpClient::connect(&server).await;
    let join = join_frame(web_socket_binding(&[0; 32], &authority(&server)), room(1), &key(1), None);
    assert_eq!(program.refused(join).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_page_is_shown_out() {
    let server = server().await;
    let page = Page::connect(&server).await;
    for _ in 0..32 {
        page.refused_with([7; 32], &key(2)).await;
    }
    assert_eq!(page.tcp.tunnel.closed().await, End::Peer(Some(CloseCode::RefusedJoins)));
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_are_refused() {
    let server = server().await;
    let own = authority(&server);
    let page = "Sec-WebSocket-Protocol: schat.web.1\r\n";
    let port = server.address.port();
    for (headers, code) in [
        (format!("Host: {own}\r\nOrigin: https://evil.example\r\n{page}"), 403),
        (format!("Host: {own}\r\nOrigin: null\r\n{page}"), 403),
        (format!("Host: {own}\r\nOrigin: http://{own}\r\n{page}"), 403),
        (format!("Host: {own}\r\nOrigin: https://127.0.0.1\r\n{page}"), 403),
        (format!("Host: {own}\r\nOrigin: https://{own}.evil.example\r\n{page}"), 403),
        (format!("Host: {own}\r\nOrigin: http://localhost:8081\r\n{page}"), 403),
        // By a name that is bent to this address.
        (format!("Host: evil.example:{port}\r\nOrigin: https://evil.example:{port}\r\n{page}"), 421),
        (format!("Host: evil.example\r\nOrigin: http://localhost:8080\r\n{page}"), 421),
        // Two, of which somebody else might look at the other.
        (format!("Host: {own}\r\nOrigin: https://{own}\r\nOrigin: https://evil.example\r\n{page}"), 400),
        (format!("Host: {own}\r\nHost: evil.example\r\nOrigin: https://{own}\r\n{page}"), 400),
        (format!("Origin: https://{own}\r\n{page}"), 400),
        // A page that poses as a program, and a program as a page.
        (format!("Host: {own}\r\nOrigin: https://{own}\r\nSec-WebSocket-Protocol: schat.1\r\n"), 400),
        (format!("Host: {own}\r\nOrigin: https://evil.example\r\nSec-WebSocket-Protocol: schat.1\r\n"), 403),
        (format!("Host: {own}\r\n{page}"), 400),
    ] {
        let line = first_line(&server, &headers).await;
        assert!(line.contains(&format!(" {code} ")), "{headers}: {line}");
    }
    let absolute =
        format!("GET https://evil.example/schat HTTP/1.1\r\nHost: {own}\r\nOrigin: https://{own}\r\n\r\n");
    assert!(ask(&server, absolute.as_bytes()).await.contains(" 400 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_takes_no_pages_says_so() {
    let server = super::client::server(Limits::default()).await;
    let own = authority(&server);
    let headers = format!("Host: {own}\r\nOrigin: https://{own}\r\nSec-WebSocket-Protocol: schat.web.1\r\n");
    assert!(first_line(&server, &headers).await.contains(" 403 "));
    let _programs = TcpClient::connect(&server).await.create(room(1), &key(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_named_superseded_as_a_program_is() {
    let server = server().await;
    let (page, other) = (Page::connect(&server).await, Page::connect(&server).await);
    let mut old = page.tcp.create(room(1), &key(1)).await;
    let _new = other.tcp.join(room(1), &key(1)).await;
    let Frame::Refused(refused) = old.next().await else { panic!("it goes on") };
    assert_eq!(refused.code(), Code::Superseded);
}
