//! A proxy in front of the relay: clients are counted by their own addresses, and only a named proxy is believed.

use std::net::{Ipv4Addr, SocketAddr};

use quinn::{Connection, ConnectionError};
use relay::{Fallback, Limits, net::networks::Networks, ops::metrics::Limit};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, UdpSocket},
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

use crate::common::*;

/// Where the proxy speaks from.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// A relay that believes a proxy and lets one connection of each address in.
async fn server(proxy: &str) -> Server {
    Server::configured(|config| {
        config.limits = Limits { connections_per_address: 1, ..Limits::default() };
        config.proxies = Networks::new(&[proxy.parse().unwrap()]);
        config.fallback = Fallback::Required;
    })
    .await
}

/// The header, by the specification (2.2): signature, version and command, family and protocol, length, addresses, ports.
fn header(client: SocketAddr, stream: bool) -> Vec<u8> {
    let SocketAddr::V4(client) = client else { panic!("IPv4 only") };
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
    bytes.push(if stream { 0x11 } else { 0x12 });
    bytes.extend(12u16.to_be_bytes());
    bytes.extend(client.ip().octets());
    bytes.extend(PROXY.octets());
    bytes.extend(client.port().to_be_bytes());
    bytes.extend(443u16.to_be_bytes());
    bytes
}

/// A proxy for one client over UDP, which puts `head` in front of its datagrams.
struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    async fn to(relay: SocketAddr, head: Vec<u8>) -> Self {
        let client_side = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let relay_side = UdpSocket::bind((PROXY, 0)).await.unwrap();
        relay_side.connect(relay).await.unwrap();
        let address = client_side.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (mut up, mut down) = ([0; 2048], [0; 2048]);
            let mut client = None;
            loop {
                tokio::select! {
                    Ok((length, from)) = client_side.recv_from(&mut up) => {
                        client = Some(from);
                        let _ = relay_side.send(&[&head, &up[..length]].concat()).await;
                    }
                    Ok(length) = relay_side.recv(&mut down) => {
                        let _ = client_side.send_to(&down[..length], client.unwrap()).await;
                    }
                }
            }
        });
        Self { address, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn claimed(last: u8) -> SocketAddr {
    ([203, 0, 113, last], 4000 + u16::from(last)).into()
}

async fn connect(server: &Server, proxy: &Proxy) -> Result<Connection, ConnectionError> {
    endpoint(server.directory.path(), proto::ALPN).connect(proxy.address, "localhost").unwrap().await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_a_proxy_are_counted_by_their_own_addresses() {
    let server = server("127.0.0.77").await;
    let one = Proxy::to(server.address, header(claimed(1), false)).await;
    let two = Proxy::to(server.address, header(claimed(2), false)).await;
    let again = Proxy::to(server.address, header(claimed(1), false)).await;
    let first = Client::connect(one.address, server.directory.path()).await;
    let _second = connect(&server, &two).await.expect("another client of the same proxy");
    assert!(is_refused(connect(&server, &again).await), "the same client once more");
    // Or more: one that hears the no late has asked again.
    assert!(server.hits(Limit::ConnectionsPerAddress) >= 1);
    // More than a datagram each way.
    let mut room = first.create(room(1), &key(1), vec![]).await;
    room.publish([1; 16], &[7; 60_000], None).await;
    assert_eq!(room.delivered().await.envelope.len(), 60_000);
    // Who has no proxy comes as before.
    assert!(server.connect_from(3).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn header_of_whoever_is_not_named_is_not_believed() {
    let server = server("10.0.0.0/8").await;
    let proxy = Proxy::to(server.address, header(claimed(1), false)).await;
    let connected = tokio::time::timeout(std::time::Duration::from_secs(2), connect(&server, &proxy)).await;
    assert!(!matches!(connected, Ok(Ok(_))), "a header is no QUIC");
    assert_eq!(server.metrics().connections.get(), 0);
    assert!(by_tcp(&server, claimed(1)).await.is_err(), "and no TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn named_proxy_that_says_nothing_of_its_client_is_not_let_in() {
    let server = server("127.0.0.77").await;
    let proxy = Proxy::to(server.address, Vec::new()).await;
    let connected = tokio::time::timeout(std::time::Duration::from_secs(2), connect(&server, &proxy)).await;
    assert!(!matches!(connected, Ok(Ok(_))));
    assert_eq!(server.metrics().connections.get(), 0);
}

/// A TLS handshake through a proxy over TCP; the connection stays open as long as what is returned.
async fn by_tcp(
    server: &Server,
    client: SocketAddr,
) -> std::io::Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, relay) = (listener.local_addr()?, server.address);
    tokio::spawn(async move {
        let (mut down, _) = listener.accept().await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((PROXY, 0).into()).unwrap();
        let mut up = socket.connect(relay).await.unwrap();
        up.write_all(&header(client, true)).await.unwrap();
        let _ = copy_bidirectional(&mut down, &mut up).await;
    });
    let tls = TlsConnector::from(std::sync::Arc::new(tls(server.directory.path(), b"http/1.1")));
    let socket = tokio::net::TcpStream::connect(address).await?;
    tls.connect("localhost".try_into().unwrap(), socket).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_a_proxy_over_tcp_are_counted_by_their_own_addresses() {
    let server = server("127.0.0.0/8").await;
    let _one = by_tcp(&server, claimed(1)).await.unwrap();
    let _two = by_tcp(&server, claimed(2)).await.expect("another client of the same proxy");
    assert!(by_tcp(&server, claimed(1)).await.is_err(), "the same client once more");
    assert_eq!(server.hits(Limit::ConnectionsPerAddress), 1);
}
