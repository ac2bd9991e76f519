//! What must work: sending, going on, fetching, dropping, expiring.

use std::time::Duration;

use proto::{
    blob::DropHash,
    relay::{BlobDropped, BlobGet, BlobOpen, client_frame, refused::Code, relay_frame::Frame},
};
use relay::Limits;

use super::*;
use crate::tap::{Rules, Tap};

#[tokio::test(flavor = "multi_thread")]
async fn file_is_sent_in_any_order_and_fetched_whole_and_in_part() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    let size = 3 * P + 77;
    let (mut stream, have) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
    assert_eq!((have.size, have.whole, parts(&have).count()), (size, false, 0));
    for number in [3, 0, 2, 1] {
        stream.part(number, part(size, number)).await;
    }
    let expires_ms = loop {
        let have = stream.have().await;
        if have.whole {
            break have.expires_ms;
        }
    };
    stream.ended().await;

    let bob = server.client().await;
    let (have, found) = bob.fetched(bob.blob_get(1, 9, &key(2))).await;
    assert_eq!((have.size, have.whole, have.expires_ms, found.len()), (size, true, expires_ms, 4));
    assert_parts(size, 0, &found);
    let (_, found) = bob.fetched(BlobGet { from: 1, count: 2, ..bob.blob_get(1, 9, &key(2)) }).await;
    assert_eq!(found.len(), 2);
    assert_parts(size, 1, &found);
    // Sent again by whoever sent it, it is there.
    let (mut again, have) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
    assert!(have.whole);
    again.ended().await;
    let metrics = server.metrics();
    assert_eq!((metrics.file_bytes_in.get(), metrics.file_bytes_out.get()), (size, size + 2 * P));
    eventually("no transfer is left", || metrics.transfers.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_goes_on_where_it_was_interrupted_and_after_a_restart() {
    let (mut server, ann, _room) = with_room(Limits::default()).await;
    let size = 4 * P;
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
    stream.part(2, part(size, 2)).await;
    let have = stream.have().await;
    assert!(parts(&have).has(2), "acknowledged after a second at the latest");
    ann.connection.close(0u32.into(), b"");

    let again = server.client().await;
    let (mut stream, have) = again.sends(again.blob_open(1, 9, &key(1), size)).await;
    assert_eq!(parts(&have).missing().collect::<Vec<_>>(), [0, 1, 3]);
    stream.part(0, part(size, 0)).await;
    // What came before an orderly end is kept, and told.
    stream.send.finish().unwrap();
    assert!(parts(&stream.have().await).has(0));
    stream.ended().await;

    server.restart(Limits::default()).await;
    let again = server.client().await;
    let (mut stream, have) = again.sends(again.blob_open(1, 9, &key(1), size)).await;
    assert_eq!(parts(&have).missing().collect::<Vec<_>>(), [1, 3]);
    for number in [1, 3] {
        stream.part(number, part(size, number)).await;
    }
    while !stream.have().await.whole {}
    let (_, found) = again.fetched(again.blob_get(1, 9, &key(2))).await;
    assert_parts(size, 0, &found);
    assert_eq!(found.len(), 4);
}

/// What a relay that is killed has of a file is marked, and found as long as the file's row is there: one without parts goes soon.
#[tokio::test(flavor = "multi_thread")]
async fn first_part_of_a_file_waits_for_no_others_to_be_kept() {
    let (_server, ann, _room) = with_room(Limits::default()).await;
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), 6 * P)).await;
    for number in 0..4 {
        stream.part(number, part(6 * P, number)).await;
    }
    let have = stream.have().await;
    assert_eq!(parts(&have).missing().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    while parts(&stream.have().await).count() < 4 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_sender_takes_the_place_of_the_older_one() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    let (mut old, _) = ann.sends(ann.blob_open(1, 9, &key(1), 2 * P)).await;
    old.part(1, part(2 * P, 1)).await;
    assert!(parts(&old.have().await).has(1));
    let other = server.client().await;
    let (mut new, have) = other.sends(other.blob_open(1, 9, &key(1), 2 * P)).await;
    assert_eq!(old.refusal().await.code(), Code::Superseded);
    old.ended().await;
    assert_eq!(parts(&have).missing().collect::<Vec<_>>(), [0]);
    new.part(0, part(2 * P, 0)).await;
    assert!(new.have().await.whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_file_is_gone_from_the_disk_and_from_under_its_readers() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    let secret = [5; 32];
    let size = 8 * P;
    let open =
        BlobOpen { drop_hash: DropHash::of(&secret).0.to_vec().into(), ..ann.blob_open(1, 9, &key(1), size) };
    let (mut stream, have) = ann.sends(open).await;
    for number in parts(&have).missing() {
        stream.part(number, part(size, number)).await;
    }
    while !stream.have().await.whole {}
    let bob = server.client().await;
    for secret in [&[][..], &[6; 32]] {
        let no = bob.no(client_frame::Frame::BlobDrop(bob.blob_drop(1, 9, &key(2), secret))).await;
        assert_eq!(no.code(), Code::NotAllowed, "neither the sender nor the secret");
    }
    // One who reads a part and then nothing more.
    let (mut reader, answer) = bob.asked(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
    assert!(matches!(answer, Frame::BlobHave(_)));
    assert_eq!(bob.drops(bob.blob_drop(1, 9, &key(2), &secret)).await, Frame::BlobDropped(BlobDropped {}));
    assert!(on_disk(server.directory.path()).is_empty(), "the space is back at once");
    while let Some(frame) = reader.try_next().await {
        match frame {
            Frame::BlobPart(_) => {}
            other => assert_eq!(code(&other), Code::NoBlob),
        }
    }
    let no = bob.no(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
    assert_eq!(no.code(), Code::NoBlob);
    // A drop can be repeated, and by the sender needs no secret.
    assert_eq!(bob.drops(bob.blob_drop(1, 9, &key(2), &[])).await, Frame::BlobDropped(BlobDropped {}));
    ann.sent(1, 9, &key(1), 5).await;
    assert_eq!(ann.drops(ann.blob_drop(1, 9, &key(1), &[])).await, Frame::BlobDropped(BlobDropped {}));
    assert_eq!(server.relay.as_ref().unwrap().files().files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_when_their_time_is_over_whole_or_not() {
    let mut limits = Limits::default();
    limits.files.unfinished_age = Duration::from_secs(1);
    let (server, ann, _room) = with_room(limits).await;
    let open = BlobOpen { keep_s: 1, ..ann.blob_open(1, 9, &key(1), 10) };
    let (mut stream, _) = ann.sends(open).await;
    stream.part(0, part(10, 0)).await;
    while !stream.have().await.whole {}
    ann.sent(1, 8, &key(1), 10).await;
    let (_begun, _) = ann.sends(ann.blob_open(1, 7, &key(1), 2 * P)).await;
    let relay = server.relay.as_ref().unwrap();
    eventually("what is over its time is gone", || relay.files().files == 1).await;
    let directory = server.directory.path();
    eventually("but the one that is whole and has time", || on_disk(directory).len() == 1).await;
    let (_, found) = ann.fetched(ann.blob_get(1, 8, &key(1))).await;
    assert_parts(10, 0, &found);
}

/// What is on its way when the last part was taken is not thrown away, however long it takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_gets_the_last_part_as_well() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    ann.sent(1, 9, &key(1), P).await;
    let tap = Tap::to(server.address, Rules { up: u64::MAX, down: u64::MAX }).await;
    let bob = Client::connect(tap.address, server.directory.path()).await;
    let (_chat, _) = bob.join(room(1), &key(2), 0).await;
    tap.silence(true);
    let mut stream = bob.stream().await;
    stream.frame(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
    eventually("it is sent", || server.metrics().file_bytes_out.get() == P).await;
    // A relay that ends a stream waits for a second, elsewhere.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(server.metrics().transfers.get(), 1, "the transfer keeps its place");
    tap.silence(false);
    let frames = [stream.next().await, stream.next().await];
    let [Frame::BlobHave(_), Frame::BlobPart(found)] = frames else { panic!("found {frames:?}") };
    assert!(found.bytes == part(P, 0));
    stream.ended().await;
}
