//! Whoever keeps no rule is refused, and nothing of it stays.

use std::time::Duration;

use proto::{
    CloseCode,
    relay::{BlobGet, BlobOpen, BlobPart, BlobProof, client_frame, refused::Code, relay_frame::Frame},
};
use relay::{Limits, ops::metrics::Limit};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn strangers_invites_and_borrowed_proofs_get_one_answer() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    ann.sent(1, 9, &key(1), 7).await;
    let eve = server.client().await;
    drop(eve.create(room(2), &key(6), vec![]).await);
    let with = |proof: BlobProof| BlobGet { proof: Some(proof), ..BlobGet::default() };
    let mine = binding(&eve);
    let good = proof(&mine, 1, 9, &key(1));
    let bad = [
        ("a stranger with the id", with(proof(&mine, 1, 9, &key(3)))),
        ("a member of another room", with(proof(&mine, 1, 9, &key(6)))),
        ("an invite", with(proof(&mine, 1, 9, &key(7)))),
        ("no such room", with(proof(&mine, 5, 9, &key(1)))),
        ("signed for another connection", with(proof(&binding(&ann), 1, 9, &key(1)))),
        ("signed for another file", {
            let signature = proof(&mine, 1, 8, &key(1)).signature;
            with(BlobProof { signature, ..good.clone() })
        }),
        ("signed as a Join", {
            let signature = eve.join_frame(room(1), &key(1), 0, None).signature;
            with(BlobProof { signature, ..good.clone() })
        }),
    ];
    for (who, get) in bad {
        let no = eve.no(client_frame::Frame::BlobGet(get.clone())).await;
        assert_eq!((no.code(), no.limit), (Code::NotAllowed, 0), "{who}");
        let open = BlobOpen { proof: get.proof, size: 5, ..BlobOpen::default() };
        assert_eq!(eve.no(client_frame::Frame::BlobOpen(open)).await.code(), Code::NotAllowed, "{who}");
    }
    // In her own room it is not there, and hers of the same id is another.
    let get = || client_frame::Frame::BlobGet(eve.blob_get(2, 9, &key(6)));
    assert_eq!(eve.no(get()).await.code(), Code::NoBlob);
    eve.sent(2, 9, &key(6), 3).await;
    let (_, found) = ann.fetched(ann.blob_get(1, 9, &key(2))).await;
    assert_parts(7, 0, &found);
    assert!(server.metrics().refused_joins.get() >= 14, "they count as refused joins");
}

#[tokio::test(flavor = "multi_thread")]
async fn id_of_another_member_or_another_size_is_a_conflict() {
    let (_server, ann, _room) = with_room(Limits::default()).await;
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), 2 * P)).await;
    stream.part(0, part(2 * P, 0)).await;
    stream.have().await;
    for open in [ann.blob_open(1, 9, &key(1), 2 * P + 1), ann.blob_open(1, 9, &key(2), 2 * P)] {
        assert_eq!(ann.no(client_frame::Frame::BlobOpen(open)).await.code(), Code::Conflict);
    }
    // Nor has whoever sends it noticed anything.
    stream.part(1, part(2 * P, 1)).await;
    assert!(stream.have().await.whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_not_whole_is_fetched_by_nobody() {
    let (_server, ann, _room) = with_room(Limits::default()).await;
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), 2 * P)).await;
    stream.part(0, part(2 * P, 0)).await;
    stream.have().await;
    let get = BlobGet { count: 1, ..ann.blob_get(1, 9, &key(1)) };
    assert_eq!(ann.no(client_frame::Frame::BlobGet(get)).await.code(), Code::NoBlob, "not even that part");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_lie_end_the_stream_and_are_not_kept() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    let size = 2 * P + 5;
    let bad: [(&str, u32, Vec<u8>); 6] = [
        ("beyond the end", 3, vec![1; 5]),
        ("far beyond", u32::MAX, vec![1; PART]),
        ("short", 0, vec![1; PART - 1]),
        ("empty", 0, vec![]),
        ("a last one that is full", 2, vec![1; PART]),
        ("a last one that is long", 2, vec![1; 6]),
    ];
    for (what, number, bytes) in bad {
        let (mut stream, have) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
        assert_eq!(parts(&have).count(), 0, "{what}");
        stream.part(number, bytes).await;
        assert_eq!(stream.refusal().await.code(), Code::Malformed, "{what}");
        stream.ended().await;
    }
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
    // A frame over its cap is refused from its length alone.
    stream.bytes(&u32::try_from(proto::blob::MAX_BLOB_FRAME + 1).unwrap().to_be_bytes()).await;
    assert_eq!(stream.refusal().await.code(), Code::TooLarge);
    let (mut stream, _) = ann.sends(ann.blob_open(1, 9, &key(1), size)).await;
    let again = client_frame::Frame::BlobOpen(ann.blob_open(1, 9, &key(1), size));
    stream.frame(again).await;
    assert_eq!(stream.refusal().await.code(), Code::Malformed, "it was opened already");
    let _ = server;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_that_is_there_does_not_change_any_more() {
    let (_server, ann, _room) = with_room(Limits::default()).await;
    let size = 2 * P;
    let open = || ann.blob_open(1, 9, &key(1), size);
    let (mut stream, _) = ann.sends(open()).await;
    stream.part(0, part(size, 0)).await;
    stream.part(0, part(size, 0)).await;
    assert!(parts(&stream.have().await).has(0), "the same again is the same");
    let mut other = part(size, 0);
    other[PART / 2] ^= 1;
    stream.part(0, other.clone()).await;
    assert_eq!(stream.refusal().await.code(), Code::Conflict, "once it is acknowledged");
    let (mut stream, _) = ann.sends(open()).await;
    stream.part(0, other.clone()).await;
    assert_eq!(stream.refusal().await.code(), Code::Conflict, "in a later life");
    let (mut stream, _) = ann.sends(ann.blob_open(1, 8, &key(1), size)).await;
    stream.part(0, part(size, 0)).await;
    stream.part(0, other).await;
    loop {
        match stream.next().await {
            Frame::BlobHave(_) => {}
            no => break assert_eq!(code(&no), Code::Conflict, "before it is acknowledged"),
        }
    }
    let (mut stream, _) = ann.sends(open()).await;
    stream.part(1, part(size, 1)).await;
    while !stream.have().await.whole {}
    let (_, found) = ann.fetched(ann.blob_get(1, 9, &key(1))).await;
    assert_parts(size, 0, &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_in_the_wrong_place_and_sizes_that_lie_are_malformed() {
    let (_server, ann, mut chat) = with_room(Limits::default()).await;
    let open = ann.blob_open(1, 9, &key(1), 5);
    for frame in [
        client_frame::Frame::BlobPart(BlobPart { number: 0, bytes: vec![1; 5].into() }),
        client_frame::Frame::BlobOpen(BlobOpen { size: 0, ..open.clone() }),
        client_frame::Frame::BlobOpen(BlobOpen { size: u64::MAX, ..open.clone() }),
        client_frame::Frame::BlobOpen(BlobOpen { size: 65_536 * P + 1, ..open.clone() }),
        // Of 2³² parts and one more: none of these numbers may come round to a small one.
        client_frame::Frame::BlobOpen(BlobOpen { size: (1 << 32) * P, ..open.clone() }),
        client_frame::Frame::BlobOpen(BlobOpen { size: ((1 << 32) + 1) * P, ..open.clone() }),
        client_frame::Frame::BlobOpen(BlobOpen { drop_hash: vec![1; 31].into(), ..open.clone() }),
        client_frame::Frame::BlobOpen(BlobOpen { proof: None, ..open.clone() }),
        client_frame::Frame::BlobDrop(ann.blob_drop(1, 9, &key(1), &[1; 33])),
    ] {
        assert_eq!(ann.no(frame.clone()).await.code(), Code::Malformed, "{frame:?}");
    }
    ann.sent(1, 9, &key(1), P + 5).await;
    for (from, count) in
        [(2, 0), (0, 3), (1, 2), (u32::MAX, 1), (1, u32::MAX), (u32::MAX, u32::MAX), (u32::MAX, 0)]
    {
        let get = BlobGet { from, count, ..ann.blob_get(1, 9, &key(1)) };
        assert_eq!(ann.no(client_frame::Frame::BlobGet(get)).await.code(), Code::Malformed, "{from} {count}");
    }
    chat.frame(client_frame::Frame::BlobOpen(open)).await;
    assert_eq!(chat.refusal().await.code(), Code::Malformed, "on a room's stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_client_becomes_a_path() {
    let (server, ann, _room) = with_room(Limits::default()).await;
    for id in [*b"../../../../etc/", *b"CON\0\0\0\0\0\0\0\0\0\0\0\0\0", [b'/'; 16], [0; 16], [0xff; 16]] {
        let mut proof = proof(&binding(&ann), 1, 9, &key(1));
        let statement = blob_statement(&room(1), &BlobId(id), &binding(&ann));
        proof.blob_id = id.to_vec().into();
        proof.signature = key(1).sign(&statement).to_bytes().to_vec().into();
        let open = BlobOpen { proof: Some(proof), size: 5, ..BlobOpen::default() };
        let (mut stream, _) = ann.sends(open).await;
        stream.part(0, part(5, 0)).await;
        while !stream.have().await.whole {}
    }
    let found = on_disk(server.directory.path());
    assert_eq!(found.len(), 5);
    for (name, _) in found {
        assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stands_still_is_shown_out_and_holds_nothing() {
    let mut limits = Limits::default();
    limits.files.stall = Duration::from_millis(300);
    let (server, ann, mut chat) = with_room(limits).await;
    let size = 40 * P;
    ann.sent(1, 9, &key(1), size).await;
    let (mut silent, _) = ann.sends(ann.blob_open(1, 8, &key(1), P)).await;
    silent.ended().await;
    eventually("a silent sender is counted", || server.hits(Limit::TransferStall) == 1).await;
    // Readers that read nothing, as many as may be.
    let bob = server.client().await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut stream = bob.stream().await;
        stream.frame(client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2)))).await;
        stalled.push(stream);
    }
    eventually("each of them is given up", || server.hits(Limit::TransferStall) == 5).await;
    eventually("none is left", || server.metrics().transfers.get() == 0).await;
    let (_, found) = ann.fetched(ann.blob_get(1, 9, &key(1))).await;
    assert_eq!(found.len(), 40, "others fetch as ever");
    chat.publish([1; 16], b"and talk", None).await;
    chat.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_trickles_is_shown_out_however_steadily() {
    let mut limits = Limits::default();
    limits.files.part_time = Duration::from_millis(700);
    let (server, ann, _room) = with_room(limits).await;
    let (mut sends, _) = ann.sends(ann.blob_open(1, 8, &key(1), P)).await;
    let frame = BlobPart { number: 0, bytes: part(P, 0).into() };
    let frame = proto::relay::ClientFrame { frame: Some(client_frame::Frame::BlobPart(frame)) };
    let bytes = proto::encode_frame(&frame);
    // Until it is told to stop: a byte at a time is always some progress.
    let mut taken = 0;
    while sends.send.write_all(&bytes[taken..=taken]).await.is_ok() {
        taken += 1;
        assert!(taken < 3000, "it is listened to");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eventually("it is counted", || server.hits(Limit::TransferStall) == 1).await;

    ann.sent(1, 9, &key(1), 40 * P).await;
    let mut reads = ann.stream().await;
    reads.frame(client_frame::Frame::BlobGet(ann.blob_get(1, 9, &key(1)))).await;
    let mut bytes = [0; 64];
    while server.hits(Limit::TransferStall) < 2 && matches!(reads.recv.read(&mut bytes).await, Ok(Some(_))) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    eventually("and a reader too", || server.hits(Limit::TransferStall) == 2).await;
    eventually("none is left", || server.metrics().transfers.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_not_even_the_answer_is_shown_out() {
    let mut limits = Limits::default();
    limits.files.stall = Duration::from_millis(300);
    let (server, ann, _room) = with_room(limits).await;
    ann.sent(1, 9, &key(1), 2 * P).await;
    let bob = chat::with_window(&server, 4).await;
    let mut held = Vec::new();
    for frame in [
        client_frame::Frame::BlobGet(bob.blob_get(1, 9, &key(2))),
        client_frame::Frame::BlobOpen(bob.blob_open(1, 8, &key(2), P)),
        client_frame::Frame::BlobDrop(bob.blob_drop(1, 7, &key(2), &[])),
    ] {
        let mut stream = bob.stream().await;
        stream.frame(frame).await;
        held.push(stream);
        let told = held.len() as u64;
        eventually("it is given up", || server.hits(Limit::TransferStall) == told).await;
    }
    eventually("none is left", || server.metrics().transfers.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_behind_a_fetch_or_a_drop_do_nothing() {
    let (_server, ann, _room) = with_room(Limits::default()).await;
    ann.sent(1, 9, &key(1), 2 * P).await;
    let (mut stream, answer) = ann.asked(client_frame::Frame::BlobGet(ann.blob_get(1, 9, &key(2)))).await;
    assert!(matches!(answer, Frame::BlobHave(_)));
    let mut other = part(2 * P, 0);
    other[5] ^= 1;
    let frame = client_frame::Frame::BlobPart(BlobPart { number: 0, bytes: other.into() });
    let frame = proto::relay::ClientFrame { frame: Some(frame) };
    // The relay may have stopped reading already.
    let _ = stream.send.write_all(&proto::encode_frame(&frame)).await;
    while let Some(frame) = stream.try_next().await {
        assert!(matches!(frame, Frame::BlobPart(_)), "{frame:?}");
    }
    let (_, found) = ann.fetched(ann.blob_get(1, 9, &key(1))).await;
    assert_parts(2 * P, 0, &found);
    assert_eq!(found.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesser_of_proofs_is_shown_out_like_a_guesser_of_rooms() {
    let (server, _ann, _room) = with_room(Limits::default()).await;
    let eve = server.client().await;
    while let Ok((mut send, mut recv)) = eve.connection.open_bi().await {
        let frame = client_frame::Frame::BlobGet(eve.blob_get(1, 9, &key(3)));
        let frame = proto::relay::ClientFrame { frame: Some(frame) };
        let _ = send.write_all(&proto::encode_frame(&frame)).await;
        let _ = recv.read_to_end(1000).await;
    }
    assert_eq!(eve.close_code().await, Some(CloseCode::RefusedJoins));
    assert_eq!(server.hits(Limit::RefusedJoins), 1);
}
