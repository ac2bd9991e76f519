//! What members see of a room, over real QUIC.

use crate::common::*;
use proto::relay::{Ephemeral, client_frame, refused::Code, relay_frame::Frame};

#[tokio::test(flavor = "multi_thread")]
async fn members_see_one_order_live_and_afterwards() {
    let server = Server::start().await;
    let (alice, bob) = (server.client().await, server.client().await);
    let mut a = alice.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut b, joined) = bob.join(room(1), &key(2), 0).await;
    assert_eq!((joined.head, joined.oldest, joined.last_commit), (0, 1, 0));
    assert!(joined.slot.is_none(), "a member does not need the slot");

    a.publish([1; 16], b"one", None).await;
    let first = a.published().await;
    b.publish([2; 16], b"two", None).await;
    let second = b.published().await;
    assert_eq!((first.seq, second.seq), (1, 2));
    assert!(second.at_ms >= first.at_ms);

    let (mut later, joined) = server.client().await.join(room(1), &key(2), 1).await;
    assert_eq!((joined.head, joined.oldest), (2, 1));
    let entry = later.delivered().await;
    assert_eq!((entry.seq, entry.at_ms, &*entry.envelope), (2, second.at_ms, b"two".as_slice()));
    // The answer may overtake the entry or not.
    while a.delivered().await.seq != 2 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_delivered_to_its_publisher_too() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    for id in 1..=3 {
        a.publish([id; 16], &[id], None).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 3 {
        if let Frame::Deliver(entry) = a.next().await {
            seen.push((entry.seq, entry.envelope[0]));
        }
    }
    assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resent_publish_is_answered_with_its_first_position() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"one", None).await;
    let first = a.published().await;
    drop(a);
    let (mut again, _) = client.join(room(1), &key(1), 1).await;
    again.publish([1; 16], b"one", None).await;
    assert_eq!(again.published().await, first);
    assert_eq!(again.publish_refused([1; 16], None).await, Code::Malformed, "the same id, other bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_reaches_the_others_and_is_not_kept() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut b, _) = client.join(room(1), &key(2), 0).await;
    a.frame(client_frame::Frame::Ephemeral(Ephemeral { envelope: b"typing".as_slice().into() })).await;
    let Frame::Ephemeral(signal) = b.next().await else { panic!("expected a signal") };
    assert_eq!(&*signal.envelope, b"typing");
    a.publish([1; 16], b"one", None).await;
    assert_eq!(a.published().await.seq, 1, "the signal took no position");
    assert_eq!(a.delivered().await.seq, 1, "and did not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_ends_its_half_still_gets_its_answers() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    for id in 0..10 {
        a.publish([id; 16], b"x", None).await;
    }
    a.send.finish().unwrap();
    for seq in 1..=10 {
        assert_eq!(a.published().await.seq, seq);
    }
    while a.try_next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_changes_its_address_keeps_its_rooms() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let before = client.endpoint.local_addr().unwrap();
    client.endpoint.rebind(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    assert_ne!(client.endpoint.local_addr().unwrap(), before);
    a.publish([1; 16], b"from elsewhere", None).await;
    assert_eq!(a.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_commit_and_large_slot_pass() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), invite(&key(7), 0, 0)]).await;
    let slot = bytes::Bytes::from(vec![5; 7 << 20]);
    let large = proto::relay::CommitPart { slot: slot.clone(), ..commit(0, vec![], vec![]) };
    a.publish([1; 16], &vec![6; 3 << 20], Some(large)).await;
    assert_eq!(a.published().await.seq, 1);
    let (_guest, joined) = client.join(room(1), &key(7), 0).await;
    assert_eq!(joined.slot.unwrap().sealed, slot);
    let (mut b, _) = client.join(room(1), &key(2), 0).await;
    assert_eq!(b.delivered().await.envelope.len(), 3 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_room_ends_the_streams_of_members_and_guests() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), invite(&key(7), 0, 0)]).await;
    let (mut b, _) = client.join(room(1), &key(2), 0).await;
    let (mut guest, _) = client.join(room(1), &key(7), 0).await;
    let mut other = client.create(room(2), &key(1), vec![]).await;
    assert_eq!(dropped(&server, 1).await, Ok(true));
    for stream in [&mut a, &mut b, &mut guest] {
        assert_eq!(stream.refusal().await.code(), Code::Dropped);
        stream.ended().await;
    }
    let again = client.join_frame(room(1), &key(1), 0, None);
    assert_eq!(client.refused(again).await, Code::Dropped);
    other.publish([1; 16], b"untouched", None).await;
    assert_eq!(other.published().await.seq, 1);
}
