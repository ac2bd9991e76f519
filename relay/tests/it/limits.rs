//! Quotas, space and retention as a client meets them.

use std::time::Duration;

use proto::relay::{
    CommitPart, Create, Ephemeral, GetSlot, Publish, Slot,
    client_frame::Frame as ToRelay,
    refused::{Code, Limit as Named},
};
use relay::{Limits, Rate, Retention, ops::metrics::Limit};

use crate::common::*;

/// So many, and then none for a day.
pub(crate) fn only(burst: u32) -> Rate {
    Rate { burst, interval: Duration::from_secs(24 * 3600) }
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_over_the_quota_is_refused_and_a_resend_is_not() {
    let publish = only(2);
    let server = Server::with(Limits { publish, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    for id in [1, 2] {
        a.publish([id; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, u64::from(id));
    }
    a.publish([3; 16], b"x", None).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), &*refused.id), (Code::RateLimited, [3; 16].as_slice()));
    assert!(refused.retry_after_ms > 0);
    assert_eq!((refused.limit(), server.hits(Limit::MemberRate)), (Named::MemberRate, 1));
    for id in [1, 2] {
        a.publish([id; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, u64::from(id), "resends are free");
    }
    let (mut b, _) = client.join(room(1), &key(2), 2).await;
    b.publish([4; 16], b"x", None).await;
    assert_eq!(b.published().await.seq, 3, "one member's quota is not another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_opened_by_one_address_are_limited() {
    let create = only(2);
    let server = Server::with(Limits { create, ..Limits::default() }).await;
    let client = server.client().await;
    for number in [1, 2] {
        client.create(room(number), &key(1), vec![]).await;
    }
    let join = client.join_frame(room(3), &key(1), 0, Some(opening(&key(1), vec![])));
    let refused = client.refusal(join).await;
    assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::RoomsOpened));
    assert!(refused.retry_after_ms > 0);
    assert_eq!(server.hits(Limit::Rooms), 1);
    // Nobody is shown out for it, as a guesser is after 32.
    for _ in 0..40 {
        let join = client.join_frame(room(3), &key(1), 0, Some(opening(&key(1), vec![])));
        assert_eq!(client.refused(join).await, Code::RateLimited);
    }
    client.create(room(1), &key(1), vec![]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_with_many_first_keys_counts_as_several() {
    let server = Server::with(Limits { create: only(4), ..Limits::default() }).await;
    let client = server.client().await;
    // With the founder's key three times 32.
    let invites = || (0..95_u8).map(|n| invite(&key(100 + n), 0, 0)).collect::<Vec<_>>();
    client.create(room(1), &key(1), invites()).await;
    let join = client.join_frame(room(2), &key(1), 0, Some(opening(&key(1), invites())));
    let refused = client.refusal(join).await;
    assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::RoomsOpened));
    client.create(room(2), &key(1), vec![]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_refuses_appends_and_serves_reads() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"kept", None).await;
    a.published().await;
    server.restart(Limits { free_space_reserve: u64::MAX, ..Limits::default() }).await;

    let client = server.client().await;
    let (mut a, _) = client.join(room(1), &key(1), 0).await;
    assert_eq!(&*a.delivered().await.envelope, b"kept");
    a.publish([2; 16], b"x", None).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::NoSpace, Named::Disk));
    assert_eq!((server.hits(Limit::FreeSpace), server.hits(Limit::Disk)), (1, 0));
    a.publish([1; 16], b"kept", None).await;
    assert_eq!(a.published().await.seq, 1, "what is stored is acknowledged");
    let join = client.join_frame(room(2), &key(1), 0, Some(opening(&key(1), vec![])));
    assert_eq!(client.refused(join).await, Code::NoSpace);
}

#[tokio::test(flavor = "multi_thread")]
async fn trimmed_log_says_where_it_begins() {
    let retention = Retention { entries: 2, ..Retention::default() };
    let server = Server::with(Limits { retention, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    for id in 1..=5 {
        a.publish([id; 16], &[id], None).await;
        a.published().await;
    }
    let (mut b, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!((joined.head, joined.oldest), (5, 4));
    assert_eq!(b.delivered().await.seq, 4);
    assert_eq!(b.delivered().await.seq, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn room_over_its_rate_refuses_all_its_members_and_no_other_room() {
    let server = Server::with(Limits { room_publish: only(2), publish: only(2), ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut b, _) = client.join(room(1), &key(2), 0).await;
    for stream in [&mut a, &mut b] {
        let id = [u8::try_from(stream.send.id().index()).unwrap(); 16];
        stream.publish(id, b"x", None).await;
        stream.published().await;
    }
    for _ in 0..3 {
        b.publish([9; 16], b"x", None).await;
        let refused = b.refusal().await;
        // Always the room's limit: what the room refuses costs the member nothing of its own.
        assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::RoomRate));
        assert!(refused.retry_after_ms > 0);
    }
    assert_eq!(server.hits(Limit::RoomRate), 3);
    let mut elsewhere = client.create(room(2), &key(2), vec![]).await;
    elsewhere.publish([9; 16], b"x", None).await;
    elsewhere.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_over_its_rate_is_refused() {
    let server = Server::with(Limits { invite: only(2), ..Limits::default() }).await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![invite(&key(2), 0, 0)]).await;
    let (mut guest, _) = client.join(room(1), &key(2), 0).await;
    for _ in 0..2 {
        guest.frame(ToRelay::GetSlot(GetSlot::default())).await;
        assert!(matches!(guest.next().await, proto::relay::relay_frame::Frame::Slot(_)));
    }
    guest.frame(ToRelay::GetSlot(GetSlot::default())).await;
    let refused = guest.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::InviteRate));
    assert_eq!(server.hits(Limit::InviteRate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_over_their_rate_are_dropped_and_counted() {
    let server = Server::with(Limits { ephemeral: only(2), ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    for _ in 0..5 {
        a.frame(ToRelay::Ephemeral(Ephemeral { envelope: b"typing".as_slice().into() })).await;
    }
    // What comes after them on the stream is answered after them.
    a.publish([1; 16], b"x", None).await;
    a.published().await;
    assert_eq!(server.hits(Limit::EphemeralRate), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn message_over_its_size_is_refused_and_a_commit_of_that_size_is_not() {
    let server = Server::with(Limits { max_message: 1024, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], &[0; 1025], None).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::TooLarge, Named::MessageSize));
    assert_eq!((&*refused.id, server.hits(Limit::MessageSize)), ([1; 16].as_slice(), 1));
    a.publish([2; 16], &[0; 1024], None).await;
    a.published().await;
    a.publish([3; 16], &[0; 1025], Some(commit(0, vec![], vec![]))).await;
    a.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_slot_over_its_size_is_refused_and_a_later_one_is_not() {
    let server = Server::start().await;
    let client = server.client().await;
    let with = |sealed: usize, pieces: &[&[u8]]| {
        let pieces = proto::join_pieces(pieces.iter().copied()).into();
        let slot = Slot { last_commit: 0, sealed: vec![5; sealed].into(), pieces };
        Create { slot: Some(slot), ..opening(&key(1), vec![]) }
    };
    let piece = vec![7; 30 << 10];
    for over in [with((64 << 10) + 1, &[]), with(40 << 10, &[&piece])] {
        let refused = client.refusal(client.join_frame(room(1), &key(1), 0, Some(over))).await;
        assert_eq!((refused.code(), refused.limit()), (Code::TooLarge, Named::MessageSize));
    }
    assert_eq!(server.hits(Limit::FirstSlot), 2);
    let mut a = client.create_with(room(1), &key(1), with(64 << 10, &[])).await;
    let large = CommitPart { slot: vec![6; 1 << 20].into(), ..commit(0, vec![], vec![]) };
    a.publish([1; 16], b"x", Some(large)).await;
    a.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_key_too_many_is_refused() {
    let server = Server::with(Limits { keys_per_room: 2, ..Limits::default() }).await;
    let client = server.client().await;
    let three = opening(&key(1), vec![member(&key(2)), member(&key(3))]);
    let refused = client.refusal(client.join_frame(room(1), &key(1), 0, Some(three))).await;
    assert_eq!((refused.code(), refused.limit()), (Code::TooLarge, Named::AccessKeys));
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    a.publish([1; 16], b"x", Some(commit(0, vec![member(&key(3))], vec![]))).await;
    let refused = a.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::TooLarge, Named::AccessKeys));
    assert_eq!(server.hits(Limit::KeysPerRoom), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_refused_without_end_end_the_stream_and_others_go_on() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut b, _) = client.join(room(1), &key(2), 0).await;
    let mut answered = 0;
    let last = loop {
        a.frame(ToRelay::Publish(Publish { id: vec![1; 15].into(), ..Publish::default() })).await;
        let refused = a.refusal().await;
        if refused.code() != Code::Malformed {
            break refused;
        }
        answered += 1;
        assert!(answered < 1000, "it goes on for ever");
    };
    assert_eq!((last.code(), last.limit()), (Code::RateLimited, Named::Unspecified));
    assert!(last.retry_after_ms > 0 && answered >= 128);
    a.ended().await;
    assert_eq!(server.hits(Limit::RefusedFrames), 1);
    b.publish([2; 16], b"x", None).await;
    b.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_one_address_are_limited_over_all_its_rooms() {
    let address_publish = Rate { burst: 100, interval: Duration::from_secs(24 * 3600) };
    let server = Server::with(Limits { address_publish, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    let mut b = client.create(room(2), &key(1), vec![]).await;
    a.publish([1; 16], &[0; 60 << 10], None).await;
    a.published().await;
    b.publish([2; 16], &[0; 60 << 10], None).await;
    let refused = b.refusal().await;
    assert_eq!((refused.code(), refused.limit()), (Code::RateLimited, Named::MemberRate));
    assert_eq!((server.hits(Limit::AddressRate), server.hits(Limit::MemberRate)), (1, 0));
    assert!(refused.retry_after_ms > 0);
    b.publish([3; 16], &[0; 30 << 10], None).await;
    b.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resends_do_not_use_up_the_quota() {
    let publish = only(2);
    let server = Server::with(Limits { publish, ..Limits::default() }).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    for _ in 0..5 {
        a.publish([1; 16], b"x", None).await;
        assert_eq!(a.published().await.seq, 1);
    }
    a.publish([2; 16], b"x", None).await;
    assert_eq!(a.published().await.seq, 2);
}
