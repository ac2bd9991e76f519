//! Rooms first: no file, however many and however slow, holds a message up on the same connection.

use std::{sync::Arc, time::Duration};

use proto::relay::client_frame;
use quinn::{TransportConfig, VarInt};
use relay::{Limits, Rate};

use super::*;

/// As clients should be: no stream takes more than the relay has for each transfer.
async fn careful(server: &Server) -> Client {
    with_window(server, 1 << 20).await
}

/// A client each of whose streams takes so many bytes that nobody reads.
pub(super) async fn with_window(server: &Server, bytes: u32) -> Client {
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(bytes));
    let mut config = client_config(server.directory.path(), proto::ALPN);
    config.transport_config(Arc::new(transport));
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(config);
    let connection = endpoint.connect(server.address, "localhost").unwrap().await.unwrap();
    Client { endpoint, connection }
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_goes_on_beside_files_that_are_fetched_and_not_read() {
    let mut limits = Limits::default();
    limits.files.transfers_per_member = 8;
    let (server, ann, _room) = with_room(limits).await;
    ann.sent(1, 9, &key(1), 20 * P).await;
    let bob = careful(&server).await;
    let (mut chat, _) = bob.join(room(1), &key(2), 0).await;
    let mut unread = Vec::new();
    for _ in 0..8 {
        let mut stream = bob.stream().await;
        stream.frame(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
        unread.push(stream);
    }
    let sent = || server.metrics().transfers.get() == 8;
    eventually("all are under way", sent).await;
    // Each has filled its window by now, or does so while these go.
    for number in 0..50 {
        chat.publish([number; 16], &[7; 30_000], None).await;
        chat.published().await;
        chat.delivered().await;
    }
    assert_eq!(server.metrics().transfers.get(), 8, "and none has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_goes_on_beside_files_that_are_sent_faster_than_the_relay_takes_them() {
    let mut limits = Limits::default();
    limits.files.transfers_per_member = 8;
    // One part, and then nothing for as long as this test may take.
    limits.files.traffic = Rate { burst: 1025, interval: Duration::from_secs(600) };
    let (server, ann, mut chat) = with_room(limits).await;
    let mut senders = tokio::task::JoinSet::new();
    for id in 1..=8 {
        let (mut stream, _) = ann.sends(ann.blob_open(1, id, &key(1), 20 * P)).await;
        senders.spawn(async move {
            for number in 0..20 {
                stream.part(number, part(20 * P, number)).await;
            }
        });
    }
    eventually("the relay makes them wait", || server.hits(relay::ops::metrics::Limit::FileTraffic) >= 7)
        .await;
    for number in 0..50 {
        let said = tokio::time::timeout(PATIENCE, chat.publish([number; 16], &[7; 30_000], None)).await;
        said.expect("no window of the connection is full of files");
        chat.published().await;
    }
    assert!(senders.try_join_next().is_none(), "they wait");
}
