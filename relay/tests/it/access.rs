//! Who may do what: joins, invites, removal, takeover.

use proto::relay::{Ephemeral, GetSlot, client_frame, refused::Code, relay_frame::Frame};

use crate::common::*;

#[tokio::test(flavor = "multi_thread")]
async fn no_room_wrong_key_and_bad_signature_are_one_answer() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
    let no_room = client.join_frame(room(9), &key(1), 0, None);
    let wrong_key = client.join_frame(room(1), &key(9), 0, None);
    let mut bad_signature = client.join_frame(room(1), &key(1), 0, None);
    bad_signature.signature = key(9).to_bytes().repeat(2).into();
    for join in [no_room, wrong_key, bad_signature] {
        let (mut stream, answer) = client.try_join(join).await;
        let Frame::Refused(refused) = answer else { panic!("joined: {answer:?}") };
        let nothing_more = proto::relay::Refused { code: Code::NotAllowed.into(), ..Default::default() };
        assert_eq!(refused, nothing_more);
        stream.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_signed_for_another_connection_is_refused() {
    let server = Server::start().await;
    let (one, two) = (server.client().await, server.client().await);
    one.create(room(1), &key(1), vec![]).await;
    let join = one.join_frame(room(1), &key(1), 0, None);
    assert_eq!(two.refused(join).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_signed_for_another_room_is_refused() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![]).await;
    client.create(room(2), &key(1), vec![]).await;
    let mut join = client.join_frame(room(1), &key(1), 0, None);
    join.room_id = room(2).0.to_vec().into();
    assert_eq!(client.refused(join).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn create_with_a_bad_signature_makes_no_room() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut join = client.join_frame(room(1), &key(1), 0, Some(opening(&key(1), vec![])));
    join.signature = vec![0; 64].into();
    assert_eq!(client.refused(join).await, Code::NotAllowed);
    assert_eq!(client.refused(client.join_frame(room(1), &key(1), 0, None)).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_created_once_and_its_member_may_ask_again() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![invite(&key(3), 0, 0)]).await;
    // The answer was lost: the same again.
    client.create(room(1), &key(1), vec![]).await;
    for stranger in [key(2), key(3)] {
        let join = client.join_frame(room(1), &stranger, 0, Some(opening(&stranger, vec![])));
        assert_eq!(client.refused(join).await, Code::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_without_its_own_member_key_is_malformed() {
    let server = Server::start().await;
    let client = server.client().await;
    let without = opening(&key(2), vec![]);
    let as_invite = proto::relay::Create { keys: vec![invite(&key(1), 0, 0)], ..opening(&key(1), vec![]) };
    let without_slot = proto::relay::Create { slot: None, ..opening(&key(1), vec![]) };
    let twice = opening(&key(1), vec![member(&key(1))]);
    for create in [without, as_invite, without_slot, twice] {
        let join = client.join_frame(room(1), &key(1), 0, Some(create));
        assert_eq!(client.refused(join).await, Code::Malformed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_stream_supersedes_and_the_older_one_publishes_nothing() {
    let server = Server::start().await;
    let (phone, laptop) = (server.client().await, server.client().await);
    let mut old = phone.create(room(1), &key(1), vec![]).await;
    let (mut new, _) = laptop.join(room(1), &key(1), 0).await;
    // Sent before the old stream can know; it may be cut off, so errors do not matter.
    let frame = proto::relay::Publish { id: vec![1; 16].into(), ..Default::default() };
    let frame = proto::relay::ClientFrame { frame: Some(client_frame::Frame::Publish(frame)) };
    let _ = old.send.write_all(&proto::encode_frame(&frame)).await;
    assert_eq!(old.refusal().await.code(), Code::Superseded);
    old.ended().await;
    new.publish([2; 16], b"new", None).await;
    assert_eq!(new.published().await.seq, 1, "the old stream's publish took no position");
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_member_reads_up_to_its_removal_and_no_further() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), member(&key(3))]).await;
    let (mut removed, _) = client.join(room(1), &key(2), 0).await;
    a.publish([1; 16], b"before", None).await;
    a.publish([2; 16], b"removal", Some(commit(0, vec![], vec![&key(2)]))).await;
    a.publish([3; 16], b"after", None).await;
    assert_eq!(removed.delivered().await.seq, 1);
    let last = removed.delivered().await;
    assert_eq!((last.seq, last.is_commit), (2, true));
    assert_eq!(last.access.unwrap().removed, [key(2).verifying_key().to_bytes().to_vec()]);
    let Frame::Refused(refused) = removed.next().await else { panic!("something after the removal") };
    assert_eq!(refused.code(), Code::NotAllowed);
    removed.ended().await;
    let (mut barred, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!((joined.suspended_by, joined.last_commit, joined.confirmed), (2, 2, 0));
    // It reads nothing, and the next that comes is the answer to what it may not say.
    barred.publish([4; 16], b"still here?", None).await;
    let Frame::Refused(refused) = barred.next().await else { panic!("something was read") };
    assert_eq!(refused.code(), Code::NotAllowed);
    client.join(room(1), &key(3), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_member_publishes_nothing_even_if_it_reads_nothing() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut removed, _) = client.join(room(1), &key(2), 0).await;
    a.publish([1; 16], b"removal", Some(commit(0, vec![], vec![&key(2)]))).await;
    assert_eq!(a.published().await.seq, 1);
    let frame = proto::relay::Publish { id: vec![2; 16].into(), ..Default::default() };
    let frame = proto::relay::ClientFrame { frame: Some(client_frame::Frame::Publish(frame)) };
    let _ = removed.send.write_all(&proto::encode_frame(&frame)).await;
    a.publish([3; 16], b"next", None).await;
    assert_eq!(a.published().await.seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_by_invite_needs_nobody_online() {
    let server = Server::start().await;
    let client = server.client().await;
    drop(client.create(room(1), &key(1), vec![invite(&key(7), 0, 1)]).await);

    let (mut guest, joined) = client.join(room(1), &key(7), 0).await;
    let slot = joined.slot.expect("a guest gets the slot");
    assert_eq!((slot.last_commit, &*slot.sealed), (0, b"slot 0".as_slice()));
    guest.publish([1; 16], b"external commit", Some(commit(0, vec![member(&key(2))], vec![]))).await;
    assert_eq!(guest.published().await.seq, 1);
    // The answer was lost: the same again, though the invite is used up and the commit in conflict.
    guest.publish([1; 16], b"external commit", Some(commit(0, vec![member(&key(2))], vec![]))).await;
    assert_eq!(guest.published().await.seq, 1);

    let (mut b, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!(joined.last_commit, 1);
    let entry = b.delivered().await;
    assert!(entry.is_commit);
    assert_eq!(entry.access.unwrap().added, [member(&key(2))]);
}

/// A room with an invite, a stream that joined with it, and the member's stream.
async fn guest(server: &Server, client: &Client, expires_ms: u64, max_uses: u32) -> (Stream, Stream) {
    let a = client.create(room(1), &key(1), vec![invite(&key(7), expires_ms, max_uses)]).await;
    let guest = server.client().await.join(room(1), &key(7), 0).await.0;
    (a, guest)
}

macro_rules! invite_may_not {
    ($($name:ident: $commit:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let server = Server::start().await;
            let client = server.client().await;
            let (mut a, mut guest) = guest(&server, &client, 0, 0).await;
            assert_eq!(guest.publish_refused([1; 16], $commit).await, Code::NotAllowed);
            // The stream goes on, and nothing was appended.
            a.publish([2; 16], b"first", None).await;
            assert_eq!(a.published().await.seq, 1);
        }
    )*};
}

invite_may_not! {
    invite_may_not_publish_a_message: None;
    invite_may_not_commit_without_adding: Some(commit(0, vec![], vec![]));
    invite_may_not_add_two: Some(commit(0, vec![member(&key(2)), member(&key(3))], vec![]));
    invite_may_not_add_an_invite: Some(commit(0, vec![invite(&key(2), 0, 0)], vec![]));
    invite_may_not_add_a_member_and_an_invite:
        Some(commit(0, vec![member(&key(2)), invite(&key(3), 0, 0)], vec![]));
    invite_may_not_remove: Some(commit(0, vec![member(&key(2))], vec![&key(1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_may_not_make_itself_a_member() {
    let server = Server::start().await;
    let client = server.client().await;
    let (_a, mut guest) = guest(&server, &client, 0, 0).await;
    let itself = Some(commit(0, vec![member(&key(7))], vec![]));
    assert_eq!(guest.publish_refused([1; 16], itself).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_may_not_signal() {
    let server = Server::start().await;
    let client = server.client().await;
    let (_a, mut guest) = guest(&server, &client, 0, 0).await;
    guest.frame(client_frame::Frame::Ephemeral(Ephemeral::default())).await;
    assert_eq!(guest.refusal().await.code(), Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_reads_no_log() {
    let server = Server::start().await;
    let client = server.client().await;
    let (mut a, mut guest) = guest(&server, &client, 0, 0).await;
    a.publish([1; 16], b"secret", Some(commit(0, vec![], vec![]))).await;
    a.published().await;
    guest.frame(client_frame::Frame::GetSlot(GetSlot::default())).await;
    let Frame::Slot(slot) = guest.next().await else { panic!("something before the slot") };
    assert_eq!((slot.last_commit, &*slot.sealed), (1, b"slot after 0".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_invite_is_refused_everywhere() {
    let server = Server::start().await;
    let client = server.client().await;
    let (_a, mut guest) = guest(&server, &client, 0, 1).await;
    guest.publish([1; 16], b"join", Some(commit(0, vec![member(&key(2))], vec![]))).await;
    assert_eq!(guest.published().await.seq, 1);
    let again = Some(commit(1, vec![member(&key(3))], vec![]));
    assert_eq!(guest.publish_refused([2; 16], again).await, Code::NotAllowed);
    guest.frame(client_frame::Frame::GetSlot(GetSlot::default())).await;
    assert_eq!(guest.refusal().await.code(), Code::NotAllowed);
    assert_eq!(client.refused(client.join_frame(room(1), &key(7), 0, None)).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_race_does_not_use_up_an_invite() {
    let server = Server::start().await;
    let client = server.client().await;
    let (mut a, mut guest) = guest(&server, &client, 0, 1).await;
    a.publish([1; 16], b"commit", Some(commit(0, vec![], vec![]))).await;
    a.published().await;
    guest.publish([2; 16], b"join", Some(commit(0, vec![member(&key(2))], vec![]))).await;
    let refused = guest.refusal().await;
    assert_eq!((refused.code(), refused.last_commit), (Code::Conflict, 1));
    guest.publish([3; 16], b"join", Some(commit(1, vec![member(&key(2))], vec![]))).await;
    assert_eq!(guest.published().await.seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_invite_is_refused() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create(room(1), &key(1), vec![invite(&key(7), 1, 0)]).await;
    assert_eq!(client.refused(client.join_frame(room(1), &key(7), 0, None)).await, Code::NotAllowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_invite_is_shown_out() {
    let server = Server::start().await;
    let client = server.client().await;
    let (mut a, mut guest) = guest(&server, &client, 0, 0).await;
    a.publish([1; 16], b"revoke", Some(commit(0, vec![], vec![&key(7)]))).await;
    assert_eq!(guest.refusal().await.code(), Code::NotAllowed);
    guest.ended().await;
    assert_eq!(client.refused(client.join_frame(room(1), &key(7), 0, None)).await, Code::NotAllowed);
}
