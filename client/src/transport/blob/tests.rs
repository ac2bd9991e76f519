//! A relay that takes nothing of a part, and says one thing after the other meanwhile.

use std::sync::Arc;

use certs::Authority;
use proto::relay::{BlobHave, relay_frame};
use tempfile::TempDir;

use super::*;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Far less than a part: what is on its way does not swallow one.
const WINDOW: u32 = 64 << 10;

/// A stream to such a relay, and its own connection.
async fn hostile(dir: &TempDir, stall: Duration) -> (BlobStream, [quinn::Endpoint; 2]) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let leaf = Authority::load_or_create(dir.path()).unwrap().leaf(&["localhost".to_owned()]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(leaf.chain.last().unwrap().clone()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(leaf.chain, leaf.key)
        .unwrap();
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let mut transport = quinn::TransportConfig::default();
    transport.stream_receive_window(WINDOW.into());
    config.transport_config(Arc::new(transport));
    let relay = quinn::Endpoint::server(config, ([127, 0, 0, 1], 0).into()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let client = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let dial = client.connect_with(config, relay.local_addr().unwrap(), "localhost").unwrap();
    let accepted = relay.accept().await.unwrap().accept().unwrap();
    let (connection, at_relay) = tokio::join!(dial, accepted);
    tokio::spawn(talk(at_relay.unwrap()));
    let mut stream = BlobStream::open(&Connection::Quic(connection.unwrap())).await.unwrap();
    stream.stall = stall;
    (stream, [relay, client])
}

/// Says that nothing is there, for as long as anybody listens.
async fn talk(connection: quinn::Connection) {
    let (mut send, _recv) = connection.accept_bi().await.unwrap();
    let have = relay_frame::Frame::BlobHave(BlobHave::default());
    let frame = encode_frame(&RelayFrame { frame: Some(have) });
    while send.write_all(&frame).await.is_ok() {}
}

fn part() -> Bytes {
    vec![7; 1 << 20].into()
}

#[tokio::test]
async fn what_the_relay_says_is_taken_as_it_comes_and_not_when_the_part_is_sent() {
    let dir = TempDir::new().unwrap();
    let (mut stream, _ends) = hostile(&dir, PATIENCE).await;
    let mut taken = 0;
    let enough = |_| {
        taken += 1;
        if taken < 100 { Ok(()) } else { Err(StreamError::Closed(None)) }
    };
    let sent = tokio::time::timeout(PATIENCE, stream.part(0, part(), enough)).await;
    assert!(matches!(sent, Ok(Err(StreamError::Closed(None)))), "all of it is kept: {sent:?}");
    assert_eq!(taken, 100);
}

#[tokio::test]
async fn relay_that_takes_nothing_is_given_up_however_much_it_says() {
    let dir = TempDir::new().unwrap();
    let (mut stream, _ends) = hostile(&dir, Duration::from_millis(500)).await;
    let take = |_| Ok::<_, StreamError>(());
    let sent = tokio::time::timeout(PATIENCE, stream.part(0, part(), take)).await;
    assert!(matches!(sent, Ok(Err(StreamError::Stuck))), "it is waited for: {sent:?}");
}
