//! The same rooms under the same rules.

use proto::{CloseCode, MAX_ENVELOPE, relay::refused::Code, relay::relay_frame::Frame};
use relay::{Limits, ops::metrics::Carrier};
use tokio::time::timeout;
use tunnel::End;

use super::client::{TcpClient, join_frame, server};
use crate::common::*;

#[tokio::test(flavor = "multi_thread")]
async fn members_see_one_order_whatever_carries_them() {
    let server = server(Limits::default()).await;
    let (quic, tcp) = (server.client().await, TcpClient::connect(&server).await);
    let metrics = server.relay.as_ref().unwrap().metrics();
    assert_eq!((metrics.carries(Carrier::Quic), metrics.carries(Carrier::Tcp)), (1, 1));
    let mut a = quic.create(room(1), &key(1), vec![member(&key(2))]).await;
    let mut b = tcp.join(room(1), &key(2)).await;
    for i in 0..20u8 {
        match i % 2 {
            0 => a.publish([i; 16], &[i], None).await,
            _ => b.publish([i; 16], &[i]).await,
        }
    }
    for seq in 1..=20 {
        let (one, other) = (a.delivered().await, b.delivered().await);
        assert_eq!((one.seq, &one.envelope), (seq, &other.envelope));
        assert_eq!(other.seq, seq);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_envelopes_pass_both_ways() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut a = tcp.create(room(1), &key(1)).await;
    a.publish([1; 16], &vec![7; MAX_ENVELOPE]).await;
    assert_eq!(a.delivered().await.envelope.len(), MAX_ENVELOPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_signed_for_another_connection_is_refused() {
    let server = server(Limits::default()).await;
    let (one, other) = (TcpClient::connect(&server).await, TcpClient::connect(&server).await);
    let _a = one.create(room(1), &key(1)).await;
    assert_eq!(other.refused(join_frame(one.binding, room(1), &key(1), None)).await, Code::NotAllowed);
    let over_quic = server.client().await.join_frame(room(1), &key(1), 0, None);
    assert_eq!(other.refused(over_quic).await, Code::NotAllowed);
    // The right binding is all that was missing.
    let _b = other.join(room(1), &key(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_joins_over_another_carrier_takes_the_seat() {
    let server = server(Limits::default()).await;
    let (quic, tcp) = (server.client().await, TcpClient::connect(&server).await);
    let mut a = tcp.create(room(1), &key(1)).await;
    let (mut newer, _) = quic.join(room(1), &key(1), 0).await;
    assert_eq!(code(&a.next().await), Code::Superseded);
    assert!(a.try_next().await.is_none());
    newer.publish([1; 16], b"here now", None).await;
    assert_eq!(newer.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_ends_its_half_still_gets_its_answers() {
    let server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut a = tcp.create(room(1), &key(1)).await;
    a.publish([1; 16], b"last words").await;
    a.send.finish().await.unwrap();
    assert_eq!(a.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_relay_says_so_and_loses_no_acknowledgement() {
    let mut server = server(Limits::default()).await;
    let tcp = TcpClient::connect(&server).await;
    let mut a = tcp.create(room(1), &key(1)).await;
    a.publish([1; 16], b"just in time").await;
    a.published().await;
    let stopping = tokio::spawn(server.relay.take().unwrap().shutdown());
    let last = loop {
        match a.next().await {
            Frame::Deliver(_) => {}
            frame => break frame,
        }
    };
    assert_eq!(code(&last), Code::ShuttingDown);
    drop(a);
    let end = timeout(PATIENCE, tcp.tunnel.closed()).await.unwrap();
    assert_eq!(end, End::Peer(Some(CloseCode::ShuttingDown)));
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_not_read_holds_up_no_other_on_its_connection() {
    let server =
        server(Limits { publish: relay::Rate::per_minute(10_000, 10_000), ..Limits::default() }).await;
    let (tcp, quic) = (TcpClient::connect(&server).await, server.client().await);
    let _stuck = tcp.create(room(1), &key(1)).await;
    let mut lively = tcp.create(room(2), &key(2)).await;
    let (mut writer, _) = quic.join(room(1), &key(1), 0).await;
    // More than a stream's window: the log of the first room does not fit into what it may have unread.
    for i in 0..40u8 {
        writer.publish([i; 16], &[7; 60_000], None).await;
        writer.published().await;
    }
    lively.publish([1; 16], b"past it").await;
    assert_eq!(lively.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_one_share_for_both_carriers() {
    let server = server(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let (_quic, _tcp) = (server.client().await, TcpClient::connect(&server).await);
    let error = quinn_error(&server).await;
    assert!(matches!(error, quinn::ConnectionError::ConnectionClosed(_)), "{error:?}");
}

async fn quinn_error(server: &Server) -> quinn::ConnectionError {
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    endpoint.connect(server.address, "localhost").unwrap().await.unwrap_err()
}
