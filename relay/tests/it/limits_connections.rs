//! Who may come in, and what a connection may hold, as clients meet it.

use std::time::Duration;

use futures_util::FutureExt;
use proto::{
    CloseCode,
    relay::refused::{Code, Limit as Named},
};
use quinn::{TransportConfig, VarInt};
use relay::{
    Limits,
    ops::metrics::{Limit, Window},
};

use crate::{common::*, limits::only, tap::Tap};

#[tokio::test(flavor = "multi_thread")]
async fn connection_too_many_is_refused_before_a_handshake() {
    let server = Server::with(Limits { connections: 1, ..Limits::default() }).await;
    let first = server.client().await;
    assert!(is_refused(server.connect_from(2).await));
    assert_eq!(server.hits(Limit::Connections), 1);
    first.connection.close(VarInt::from_u32(0), b"");
    eventually("the place is free", || server.metrics().connections.get() == 0).await;
    assert!(server.connect_from(2).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited_and_leave_room_for_others() {
    let limits = Limits { connections_per_address: 2, retry_above: 64, ..Limits::default() };
    let server = Server::with(limits).await;
    let _both = (server.client().await, server.client().await);
    assert!(is_refused(server.connect_from(1).await));
    assert_eq!(server.hits(Limit::ConnectionsPerAddress), 1);
    // Asked for proof first, as the second one was: the packets might have come from somebody else.
    assert_eq!(server.hits(Limit::RetryAbove), 2);
    assert!(server.connect_from(2).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_over_their_rate_pass_a_retry() {
    let server = Server::with(Limits { handshakes: only(1), retry_above: 64, ..Limits::default() }).await;
    server.client().await;
    assert_eq!(server.hits(Limit::HandshakeRate), 0);
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
    assert_eq!(server.hits(Limit::HandshakeRate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_client_passes_a_retry() {
    let server = Server::with(Limits { retry_above: 1, ..Limits::default() }).await;
    let tap = Tap::to(server.address, Tap::NO_ANSWERS).await;
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    let _half = endpoint.connect(tap.address, "localhost").unwrap();
    eventually("a handshake begins", || server.metrics().handshakes.get() == 1).await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
    assert_eq!(server.hits(Limit::RetryAbove), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_of_a_proven_address_are_limited_and_leave_room_for_others() {
    let limits = Limits { handshakes_per_address: only(1), ..Limits::default() };
    let server = Server::with(limits).await;
    server.client().await;
    assert!(is_refused(server.connect_from(1).await));
    assert_eq!(server.hits(Limit::HandshakesPerAddress), 1);
    assert!(server.connect_from(2).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_never_end_leave_room_for_others() {
    let server = Server::with(Limits { max_handshakes: 4, retry_above: 64, ..Limits::default() }).await;
    let tap = Tap::to(server.address, Tap::NO_ANSWERS).await;
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    let _half = endpoint.connect(tap.address, "localhost").unwrap();
    eventually("a handshake begins", || server.metrics().handshakes.get() == 1).await;
    assert!(is_refused(server.connect_from(1).await), "a quarter of four is one");
    assert_eq!(server.hits(Limit::Handshakes), 1);
    assert!(server.connect_from(2).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn handshake_that_never_ends_is_given_up() {
    let server =
        Server::with(Limits { join_time: Duration::from_millis(200), retry_above: 64, ..Limits::default() })
            .await;
    let tap = Tap::to(server.address, Tap::NO_ANSWERS).await;
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    let _half = endpoint.connect(tap.address, "localhost").unwrap();
    eventually("it is given up", || server.hits(Limit::JoinTime) > 0).await;
    drop(endpoint);
    eventually("its place is free", || server.metrics().connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_too_many_on_a_connection_is_refused_until_another_is_left() {
    let server = Server::with(Limits { rooms_per_connection: 1, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let join = || client.join_frame(room(2), &key(1), 0, Some(opening(&key(1), vec![])));
    let refused = client.refusal(join()).await;
    assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::RoomsPerConnection));
    assert_eq!(server.hits(Limit::RoomsPerConnection), 1);
    a.send.finish().unwrap();
    a.ended().await;
    let joined = async {
        while !matches!(client.try_join(join()).await.1, proto::relay::relay_frame::Frame::Joined(_)) {}
    };
    tokio::time::timeout(PATIENCE, joined).await.expect("the place is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_over_their_rate_end_the_connection() {
    let server = Server::with(Limits { joins_per_connection: only(2), ..Limits::default() }).await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
    client.join(room(1), &key(1), 0).await;
    let mut third = client.stream().await;
    third.bytes(&[0]).await;
    assert_eq!(client.close_code().await, Some(CloseCode::TooMany));
    assert_eq!(server.hits(Limit::Joins), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_has_few_streams_and_a_member_has_its_own() {
    let server = Server::with(Limits { rooms_per_connection: 20, ..Limits::default() }).await;
    let client = server.client().await;
    let mut streams: Vec<_> = std::iter::from_fn(|| client.connection.open_bi().now_or_never()).collect();
    assert_eq!(streams.len(), 8);
    streams.clear();
    let client = server.client().await;
    // More than it is granted at first: the rest comes as they are opened.
    let mut rooms = Vec::new();
    let key = key(1);
    for number in 1..=20 {
        let joined = client.create(room(number), &key, vec![]);
        rooms.push(tokio::time::timeout(PATIENCE, joined).await.expect("room"));
    }
}

/// Bytes that a client can send on one stream before the relay has read anything. The relay runs on this very
/// thread, so it reads nothing while this function runs.
fn credit(client: &Client) -> usize {
    let Some(Ok((mut send, _recv))) = client.connection.open_bi().now_or_never() else { return 0 };
    let mut sent = 0;
    while let Some(Ok(written)) = send.write(&[0; 1024]).now_or_never() {
        sent += written;
    }
    sent
}

#[tokio::test]
async fn stream_window_bounds_what_is_sent_unread() {
    let server = Server::with(Limits { stream_window: 20 << 10, ..Limits::default() }).await;
    assert_eq!(credit(&server.client().await), 20 << 10);
}

#[tokio::test]
async fn connection_window_bounds_what_is_sent_unread() {
    let limits = Limits { stream_window: 20 << 10, connection_window: 50 << 10, ..Limits::default() };
    let server = Server::with(limits).await;
    let client = server.client().await;
    let credits = [credit(&client), credit(&client), credit(&client), credit(&client)];
    assert_eq!(credits, [20 << 10, 20 << 10, 10 << 10, 0]);
}

#[tokio::test]
async fn stranger_cannot_fill_the_memory_of_a_member() {
    let limits = Limits { stream_window: 1 << 20, connection_window: 8 << 20, ..Limits::default() };
    let server = Server::with(limits).await;
    assert_eq!(credit(&server.client().await), 256 << 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_are_not_offered_unless_there_is_a_buffer_for_them() {
    let server = Server::start().await;
    assert_eq!(server.client().await.connection.max_datagram_size(), None);
    let server = Server::with(Limits { datagram_buffer: 4 << 10, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    for _ in 0..100 {
        client.connection.send_datagram(vec![0; 1000].into()).unwrap();
    }
    // Nobody reads them: they push each other out, and nothing else waits.
    a.publish([1; 16], b"x", None).await;
    assert_eq!(a.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_stops_costs_the_send_window_and_delays_nobody() {
    let server = Server::with(Limits { send_window: 16 << 10, ..Limits::default() }).await;
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(1024)).receive_window(VarInt::from_u32(1024));
    let mut config = client_config(server.directory.path(), proto::ALPN);
    config.transport_config(std::sync::Arc::new(transport));
    let endpoint = endpoint(server.directory.path(), proto::ALPN);
    let connection = endpoint.connect_with(config, server.address, "localhost").unwrap().await.unwrap();
    let slow = Client { endpoint, connection };
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let _asleep = slow.join(room(1), &key(2), 0).await;
    for id in 0..50 {
        a.publish([id; 16], &[0; 4096], None).await;
        a.published().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_changes_limits_for_those_who_are_in() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"x", None).await;
    a.published().await;
    let limits = Limits { publish: only(1), connections: 1, max_message: 10, ..Limits::default() };
    server.relay.as_ref().unwrap().reload(limits);
    a.publish([3; 16], b"x", None).await;
    assert_eq!(a.refusal().await.limit(), Named::MemberRate, "what was used stays used");
    a.publish([4; 16], b"eleven bytes", None).await;
    assert_eq!(a.refusal().await.limit(), Named::MessageSize);
    assert!(is_refused(server.connect_from(2).await));
    let full = Limits { free_space_reserve: u64::MAX, ..Limits::default() };
    server.relay.as_ref().unwrap().reload(full);
    assert!(server.connect_from(2).await.is_ok());
    let join = client.join_frame(room(2), &key(1), 0, Some(opening(&key(1), vec![])));
    assert_eq!(client.refusal(join).await.limit(), Named::Disk);
}

#[tokio::test]
async fn reload_changes_the_windows_of_connections_that_come_later() {
    let server = Server::start().await;
    server.relay.as_ref().unwrap().reload(Limits { stream_window: 20 << 10, ..Limits::default() });
    assert_eq!(credit(&server.client().await), 20 << 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_clients_find_full_is_counted() {
    let server = Server::with(Limits { stream_window: 4 << 10, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], &[0; 60_000], None).await;
    a.published().await;
    client.connection.close(VarInt::from_u32(0), b"");
    eventually("it is counted", || server.metrics().times_blocked(Window::Stream) > 0).await;
    assert_eq!(server.metrics().times_blocked(Window::Connection), 0);
}
