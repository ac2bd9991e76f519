//! A file is its room's: it dies with it, and whoever may not be in the room has nothing of it.

use proto::relay::{client_frame, refused::Code, relay_frame::Frame};
use relay::{Limits, log::Hold, policy::reason::Notice};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_die_with_their_room_at_once_and_after_a_crash_at_the_next_start() {
    let (mut server, ann, _room) = with_room(Limits::default()).await;
    drop(ann.create(room(2), &key(1), vec![]).await);
    ann.sent(1, 9, &key(1), P + 1).await;
    ann.sent(2, 9, &key(1), 7).await;
    let (mut under_way, _) = ann.sends(ann.blob_open(1, 8, &key(1), P)).await;
    assert_eq!(dropped(&server, 1).await, Ok(true));
    assert_eq!(under_way.refusal().await.code(), Code::Dropped);
    let relay = server.relay.as_ref().unwrap();
    eventually("the room's files are gone", || relay.files().files == 1).await;
    let directory = server.directory.path().to_owned();
    eventually("and their space is back", || on_disk(&directory).len() == 1).await;
    let no = ann.no(client_frame::Frame::BlobGet(ann.blob_get(1, 9, &key(1)))).await;
    assert_eq!(no.code(), Code::Dropped, "as a Join is told");

    // As if the relay had been killed between the room and its files.
    let hidden = server.directory.path().join("kept");
    server.relay.take().unwrap().shutdown().await;
    std::fs::rename(server.directory.path().join("blobs"), &hidden).unwrap();
    server.restart(Limits::default()).await;
    assert_eq!(dropped(&server, 2).await, Ok(true));
    server.relay.take().unwrap().shutdown().await;
    std::fs::remove_dir_all(server.directory.path().join("blobs")).unwrap();
    std::fs::rename(&hidden, server.directory.path().join("blobs")).unwrap();
    server.restart(Limits::default()).await;
    let relay = server.relay.as_ref().unwrap();
    eventually("nothing is left", || relay.files().files == 0).await;
    eventually("and no space is taken", || on_disk(&directory).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_room_gives_its_files_and_takes_none() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    ann.sent(1, 9, &key(1), 7).await;
    let (mut under_way, _) = ann.sends(ann.blob_open(1, 8, &key(1), P)).await;
    let hold = Hold::Freeze(Notice::new(1 << 44, "a court".parse().unwrap()));
    assert_eq!(server.relay.as_ref().unwrap().backend().hold_room(room(1), hold).await, Ok(true));
    let no = under_way.refusal().await;
    assert_eq!((no.code(), &*no.words), (Code::Frozen, "a court"));
    for frame in [
        client_frame::Frame::BlobOpen(ann.blob_open(1, 7, &key(1), 5)),
        client_frame::Frame::BlobDrop(ann.blob_drop(1, 9, &key(1), &[])),
    ] {
        assert_eq!(ann.no(frame).await.code(), Code::Frozen);
    }
    let (_, found) = ann.fetched(ann.blob_get(1, 9, &key(2))).await;
    assert_parts(7, 0, &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_is_removed_loses_transfers_that_are_under_way() {
    let (server, ann, mut stream) = with_room(Limits::default()).await;
    ann.sent(1, 9, &key(1), 20 * P).await;
    let bob = server.client().await;
    let (mut sends, _) = bob.sends(bob.blob_open(1, 8, &key(2), 2 * P)).await;
    let (mut reads, answer) = bob.asked(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
    assert!(matches!(answer, Frame::BlobHave(_)));
    stream.publish([1; 16], b"bob goes", Some(commit(0, vec![], vec![&key(2)]))).await;
    stream.published().await;
    assert_eq!(sends.refusal().await.code(), Code::NotAllowed);
    let mut count = 0;
    let last = loop {
        match reads.next().await {
            Frame::BlobPart(_) => count += 1,
            other => break code(&other),
        }
    };
    assert_eq!(last, Code::NotAllowed);
    assert!(count < 20, "not to the end: {count}");
    for frame in [
        client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2))),
        client_frame::Frame::BlobOpen(bob.blob_open(1, 8, &key(2), 2 * P)),
        client_frame::Frame::BlobDrop(bob.blob_drop(1, 8, &key(2), &[])),
    ] {
        assert_eq!(bob.no(frame).await.code(), Code::NotAllowed);
    }
}
