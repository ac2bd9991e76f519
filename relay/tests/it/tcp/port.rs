//! One port number for both.

use relay::{Config, Fallback, Relay, StartError};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// A TCP port that somebody has, and that is free for UDP.
async fn taken() -> (TcpListener, std::net::SocketAddr) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if UdpSocket::bind(address).await.is_ok() {
            return (listener, address);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_free_port_is_free_for_both() {
    let dir = TempDir::new().unwrap();
    let config = Config::new(([127, 0, 0, 1], 0).into(), dir.path());
    let relay = Relay::start(Config { fallback: Fallback::Required, ..config }).await.unwrap();
    TcpStream::connect(relay.addresses()[0]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_relay_listens_on_no_tcp_port_unless_asked() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(Config::new(([127, 0, 0, 1], 0).into(), dir.path())).await.unwrap();
    assert!(TcpListener::bind(relay.addresses()[0]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_tcp_port_is_an_error_only_when_it_was_asked_for() {
    let (_taken, address) = taken().await;
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let config = |fallback, dir: &TempDir| Config { fallback, ..Config::new(address, dir.path()) };
    let error = Relay::start(config(Fallback::Required, &one)).await.err().expect("it does not start");
    assert!(matches!(error, StartError::Fallback { .. }), "{error}");
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("--tcp=false"), "{error}");
    let relay = Relay::start(config(Fallback::WhereFree, &other)).await.unwrap();
    assert_eq!(relay.addresses(), [address]);
}
