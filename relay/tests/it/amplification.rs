//! What somebody gets who is sent what he never asked for: packets that carry his address as their sender's make
//! the relay answer him. RFC 9000, 8.1: never more than three times what came.

use std::time::Duration;

use relay::{Limits, ops::metrics::Limit};

use crate::{
    common::*,
    tap::{Rules, Tap},
};

/// Where strangers are answered before they have proved their address, for long enough that the relay repeats its
/// answer: quinn begins to after a second.
fn limits() -> Limits {
    Limits { join_time: Duration::from_secs(3), retry_above: 64, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_packet_is_never_answered_with_more_than_three_times_its_bytes() {
    for packets in [1, 2] {
        let server = Server::with(limits()).await;
        let tap = Tap::to(server.address, Rules { up: packets, down: 0 }).await;
        let endpoint = endpoint(server.directory.path(), proto::ALPN);
        let _connecting = endpoint.connect(tap.address, "localhost").unwrap();
        // To the end of the handshake: what is repeated counts as well.
        let over = || server.hits(Limit::JoinTime) == 1 && server.metrics().handshakes.get() == 0;
        eventually("the relay gives up", over).await;
        let ((came, up), (_, down)) = (tap.up(), tap.down());
        assert_eq!(came, packets);
        assert!(down > 0, "it did answer");
        assert!(down <= 3 * up, "{down} bytes for {up}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_as_installed_sends_no_stranger_more_than_it_got() {
    let server = Server::start().await;
    let tap = Tap::to(server.address, Rules { up: 2, down: 0 }).await;
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    let _connecting = endpoint.connect(tap.address, "localhost").unwrap();
    eventually("both packets and an answer", || tap.up().0 == 2 && tap.down().0 > 0).await;
    assert_eq!(server.metrics().connections.get(), 0, "nothing is kept");
    let ((_, up), (_, down)) = (tap.up(), tap.down());
    assert!(down <= up, "{down} bytes for {up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_and_refusal_are_smaller_than_what_they_answer() {
    for limits in [
        Limits { retry_above: 0, ..limits() },
        Limits { connections: 0, ..limits() },
        Limits { max_handshakes: 0, ..limits() },
    ] {
        let server = Server::with(limits).await;
        let tap = Tap::to(server.address, Rules { up: 1, down: 0 }).await;
        let endpoint = endpoint(server.directory.path(), proto::ALPN);
        let _connecting = endpoint.connect(tap.address, "localhost").unwrap();
        eventually("an answer", || tap.down().0 > 0).await;
        assert_eq!(server.metrics().connections.get(), 0, "nothing is kept");
        let ((_, up), (packets, down)) = (tap.up(), tap.down());
        assert!(packets == 1 && down <= up, "{packets} packets, {down} bytes for {up}");
    }
}
