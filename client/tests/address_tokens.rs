//! What a relay gives a client for its next time: proof of its address, which saves a round trip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::transport::{Connection, ExpectedRelay, Transport};
use relay::{Limits, Rate, ops::metrics::Limit};
use support::{PATIENCE, address};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn client_that_was_here_is_not_asked_again_for_proof_of_its_address() {
    let dir = TempDir::new().unwrap();
    let hourly = Rate { burst: 1, interval: std::time::Duration::from_secs(3600) };
    let limits = Limits { retry_above: 64, handshakes: hourly, ..Limits::default() };
    let config = relay::Config { limits, ..relay::Config::new(([127, 0, 0, 1], 0).into(), dir.path()) };
    let relay = relay::Relay::start(config).await.unwrap();
    let known = ExpectedRelay::Pinned(relay.pin());
    let asked = || relay.metrics().times_limited(Limit::HandshakeRate);

    // The one that this relay lets in unproven; it brings tokens.
    let first = Transport::new(None).unwrap();
    let one = first.dial_quic(&address(&relay), known).await.unwrap();
    told(&one.connection).await;
    let two = first.dial_quic(&address(&relay), known).await.unwrap();
    assert_eq!(asked(), 0, "it was asked again");

    let stranger = Transport::new(None).unwrap();
    let three = stranger.dial_quic(&address(&relay), known).await.unwrap();
    assert_eq!(asked(), 1, "a stranger would not have been asked either");
    drop((one, two, three));
    relay.shutdown().await;
}

/// Waits until the relay has given this client something for its next time.
async fn told(connection: &Connection) {
    let Connection::Quic(connection) = connection else { panic!("not by QUIC") };
    let told = async {
        while connection.stats().frame_rx.new_token == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the relay gives no tokens");
}
