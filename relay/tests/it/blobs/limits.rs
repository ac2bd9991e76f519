//! Each limit, and what is said of it.

use proto::relay::{
    ClientFrame, client_frame,
    refused::{Code, Limit as Named},
};
use relay::{
    Limits, Rate,
    ops::metrics::Limit,
    policy::{
        files::{LEAST_TRANSFER_MIB, TRANSFER_SHARES},
        limits::FileLimits,
    },
};

use super::*;

/// What a BlobOpen of so many bytes is told, and how often the limit was counted.
async fn told(server: &Server, client: &Client, id: u8, size: u64, limit: Limit) -> (Code, Named) {
    told_as(server, client, (id, 1), size, limit).await
}

/// The same of this member.
async fn told_as(
    server: &Server,
    client: &Client,
    (id, member): (u8, u8),
    size: u64,
    limit: Limit,
) -> (Code, Named) {
    let before = server.hits(limit);
    let no = client.no(client_frame::Frame::BlobOpen(client.blob_open(1, id, &key(member), size))).await;
    assert_eq!(server.hits(limit), before + 1, "{limit:?} is counted");
    (no.code(), no.limit())
}

fn files(change: impl FnOnce(&mut FileLimits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits.files);
    limits
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_too_large_is_refused_at_its_first_frame() {
    let (server, ann, mut chat) = with_room(files(|files| files.max_file = 1 << 20)).await;
    let told = told(&server, &ann, 9, (1 << 20) + 1, Limit::FileSize).await;
    assert_eq!(told, (Code::TooLarge, Named::FileSize));
    ann.sent(1, 9, &key(1), 1 << 20).await;
    chat.publish([1; 16], b"the chat goes on", None).await;
    chat.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_may_keep_no_files_at_all() {
    let (server, ann, _room) = with_room(files(|files| files.max_file = 0)).await;
    assert_eq!(told(&server, &ann, 9, 1, Limit::FileSize).await, (Code::TooLarge, Named::FileSize));
}

#[tokio::test(flavor = "multi_thread")]
async fn room_member_opener_and_all_have_their_bounds() {
    let limits = files(|files| {
        files.room_files = 1000 << 10;
        files.files_per_room = 8;
        files.opener_files = 1000 << 10;
        files.max_files = Some(1500 << 10);
    });
    let (server, ann, _room) = with_room(Limits { opener_percent: 100, ..limits }).await;
    ann.sent(1, 1, &key(1), 600 << 10).await;
    let no = told(&server, &ann, 9, 300 << 10, Limit::MemberFiles).await;
    assert_eq!(no, (Code::NoSpace, Named::MemberFiles), "four fifths are hers, and no more");
    let bob = server.client().await;
    let before = server.hits(Limit::RoomFiles);
    let open = client_frame::Frame::BlobOpen(bob.blob_open(1, 9, &key(2), 500 << 10));
    assert_eq!(bob.no(open).await.limit(), Named::RoomFiles);
    assert_eq!(server.hits(Limit::RoomFiles), before + 1);
    bob.sent(1, 2, &key(2), 300 << 10).await;
    // What is dropped makes room in the room, and not in the day.
    ann.drops(ann.blob_drop(1, 1, &key(1), &[])).await;
    let no = ann.no(client_frame::Frame::BlobOpen(ann.blob_open(1, 9, &key(1), 200 << 10))).await;
    assert_eq!((no.code(), no.limit()), (Code::RateLimited, Named::OpenerFiles));
    assert!(no.retry_after_ms > 0 && no.retry_after_ms <= 24 * 3600 * 1000);
    server.relay.as_ref().unwrap().reload(files(|files| files.files_per_room = 2));
    ann.sent(1, 3, &key(1), 1).await;
    assert_eq!(told(&server, &ann, 9, 1, Limit::FilesPerRoom).await, (Code::NoSpace, Named::RoomFiles));
    server.relay.as_ref().unwrap().reload(files(|files| files.max_files = Some(400 << 10)));
    assert_eq!(told(&server, &ann, 9, 90 << 10, Limit::Files).await, (Code::NoSpace, Named::FilesDisk));
}

#[tokio::test(flavor = "multi_thread")]
async fn opener_leaves_a_part_of_the_disk_to_others() {
    let limits = Limits { opener_percent: 50, ..files(|files| files.max_files = Some(1000 << 10)) };
    let (server, ann, _room) = with_room(limits).await;
    ann.sent(1, 1, &key(1), 500 << 10).await;
    assert_eq!(
        told(&server, &ann, 9, 50 << 10, Limit::OpenerShare).await,
        (Code::NoSpace, Named::OpenerShare)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_leave_the_disk_to_messages() {
    let (mut server, ann, _room) = with_room(Limits::default()).await;
    drop(ann);
    let free = fs4::available_space(server.directory.path()).unwrap();
    // Messages have most of a half of what is free above the reserve, files have nothing.
    server.restart(Limits { free_space_reserve: free / 2, ..Limits::default() }).await;
    let ann = server.client().await;
    let (mut chat, _) = ann.join(room(1), &key(1), 0).await;
    let no = told(&server, &ann, 9, 64 << 20, Limit::FilesReserve).await;
    assert_eq!(no, (Code::NoSpace, Named::Disk));
    chat.publish([1; 16], b"the chat goes on", None).await;
    chat.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_at_once_are_bounded_by_connection_and_by_room() {
    let limits = files(|files| {
        files.transfers_per_connection = 2;
        files.transfers_per_room = 3;
    });
    let (server, ann, _room) = with_room(limits).await;
    let mut held = Vec::new();
    for id in 1..=2 {
        held.push(ann.sends(ann.blob_open(1, id, &key(1), P)).await);
    }
    let no = told(&server, &ann, 9, P, Limit::TransfersPerConnection).await;
    assert_eq!(no, (Code::RateLimited, Named::Transfers));
    let other = server.client().await;
    held.push(other.sends(other.blob_open(1, 3, &key(1), P)).await);
    let no = told(&server, &other, 9, P, Limit::TransfersPerRoom).await;
    assert_eq!(no, (Code::RateLimited, Named::Transfers));
    // To delete something takes no place: whoever has too many can make it less.
    assert_eq!(ann.drops(ann.blob_drop(1, 9, &key(1), &[])).await, Frame::BlobDropped(Default::default()));
    // A room is joined all the same, and what ended makes place.
    drop(ann.join(room(1), &key(2), 0).await);
    held.clear();
    eventually("all have ended", || server.metrics().transfers.get() == 0).await;
    other.sent(1, 4, &key(1), 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_deleted_also_where_all_places_of_a_connection_are_taken() {
    let limits = files(|files| files.transfers_per_connection = 1);
    let (server, ann, _room) = with_room(Limits { rooms_per_connection: 1, ..limits }).await;
    ann.sent(1, 9, &key(1), 5).await;
    eventually("it is sent", || server.metrics().transfers.get() == 0).await;
    let _held = ann.sends(ann.blob_open(1, 1, &key(1), P)).await;
    assert_eq!(ann.drops(ann.blob_drop(1, 9, &key(1), &[])).await, Frame::BlobDropped(Default::default()));
    assert_eq!(server.relay.as_ref().unwrap().files().files, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_leaves_transfers_of_the_room_to_others() {
    let limits = files(|files| {
        files.transfers_per_connection = 32;
        files.transfers_per_member = 3;
        files.transfers_per_room = 4;
    });
    let (server, ann, _room) = with_room(limits).await;
    ann.sent(1, 9, &key(1), 4 * P).await;
    let (other, mut held) = (server.client().await, Vec::new());
    held.push(ann.sends(ann.blob_open(1, 1, &key(1), P)).await.0);
    held.push(other.sends(other.blob_open(1, 2, &key(1), P)).await.0);
    let (reader, _) = other.asked(client_frame::Frame::BlobGet(other.blob_get(1, 9, &key(1)))).await;
    held.push(reader);
    let open = client_frame::Frame::BlobOpen(other.blob_open(1, 3, &key(1), P));
    let get = client_frame::Frame::BlobGet(other.blob_get(1, 9, &key(1)));
    for (number, frame) in [open, get].into_iter().enumerate() {
        let no = other.no(frame).await;
        assert_eq!((no.code(), no.limit()), (Code::RateLimited, Named::Transfers));
        assert_eq!(server.hits(Limit::TransfersPerMember), number as u64 + 1);
    }
    let bob = server.client().await;
    bob.sent(1, 4, &key(2), 5).await;
    let (_, found) = bob.fetched(bob.blob_get(1, 9, &key(2))).await;
    assert_parts(4 * P, 0, &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_opens_and_drops_takes_no_day_from_the_openers_rooms() {
    let (server, ann, _room) = with_room(files(|files| files.opener_files = 1 << 30)).await;
    drop(ann.create(room(2), &key(1), vec![]).await);
    let bob = server.client().await;
    for id in 1..=8 {
        drop(bob.sends(bob.blob_open(1, id, &key(2), 800 << 20)).await);
        bob.drops(bob.blob_drop(1, id, &key(2), &[])).await;
    }
    let (_held, have) = ann.sends(ann.blob_open(2, 1, &key(1), 800 << 20)).await;
    assert!(!have.whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_writes_and_drops_pays_for_each_byte_of_it() {
    let (server, ann, _room) = with_room(files(|files| files.opener_files = 10 * P)).await;
    let mut dropped = 0;
    let no = loop {
        let open = client_frame::Frame::BlobOpen(ann.blob_open(1, 9, &key(1), 4 * P));
        let (mut stream, answer) = ann.asked(open).await;
        match answer {
            Frame::BlobHave(_) => {}
            Frame::Refused(no) => break no,
            other => panic!("{other:?}"),
        }
        for number in 0..4 {
            stream.part(number, part(4 * P, number)).await;
        }
        while !stream.have().await.whole {}
        ann.drops(ann.blob_drop(1, 9, &key(1), &[])).await;
        dropped += 1;
        assert!(dropped < 9, "this has no end");
    };
    assert_eq!((dropped, no.code(), no.limit()), (2, Code::RateLimited, Named::OpenerFiles));
    let _ = server;
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_writes_and_drops_all_he_can_leaves_a_part_of_the_openers_day() {
    let (server, ann, _room) = with_room(files(|files| files.opener_files = 10 * P)).await;
    drop(ann.create(room(2), &key(1), vec![]).await);
    let bob = server.client().await;
    for _ in 0..2 {
        bob.sent(1, 9, &key(2), 4 * P).await;
        bob.drops(bob.blob_drop(1, 9, &key(2), &[])).await;
    }
    let no = told_as(&server, &bob, (9, 2), 1, Limit::OpenerFiles).await;
    assert_eq!(no, (Code::RateLimited, Named::OpenerFiles), "four fifths were his, and are gone");
    ann.sent(1, 8, &key(1), P).await;
    // Of what is left each may have as much again, in any of the opener's rooms.
    ann.sent(2, 7, &key(1), P / 2).await;
    assert_eq!(told(&server, &ann, 6, P / 4, Limit::OpenerFiles).await.1, Named::OpenerFiles);
}

/// Those who hold memory with what they never end let others wait, and no longer than they hold it.
#[tokio::test(flavor = "multi_thread")]
async fn transfers_wait_for_each_others_memory_and_all_come_through() {
    let least = LEAST_TRANSFER_MIB << 10;
    let limits = files(|files| {
        files.memory_kib = least;
        files.transfers_per_member = 8;
    });
    let (server, ann, mut chat) = with_room(limits).await;
    let memory = || server.relay.as_ref().unwrap().files_in_memory();
    let mut under_way = Vec::new();
    for id in 1..=5 {
        let (mut stream, _) = ann.sends(ann.blob_open(1, id, &key(1), P)).await;
        let bytes = part(P, 0).into();
        let frame = ClientFrame { frame: Some(client_frame::Frame::BlobPart(BlobPart { number: 0, bytes })) };
        let frame = proto::encode_frame(&frame);
        stream.bytes(&frame[..9]).await;
        under_way.push((stream, frame));
        // Each of the first four has memory for its part; the fifth has to wait.
        let held = u64::from(id.min(4)) * (P.div_ceil(1 << 10) << 10);
        eventually("what is announced has memory", || memory() == held).await;
    }
    chat.publish([1; 16], b"no message waits for it", None).await;
    chat.published().await;
    assert!(memory() <= u64::from(least / TRANSFER_SHARES) << 10, "no more than one address may have");
    for (stream, frame) in &mut under_way {
        stream.bytes(&frame[9..]).await;
    }
    for (stream, _) in &mut under_way {
        while !stream.have().await.whole {}
    }
    eventually("all memory is given back", || memory() == 0).await;
    for id in 1..=5 {
        let (_, found) = ann.fetched(ann.blob_get(1, id, &key(1))).await;
        assert_parts(P, 0, &found);
    }
    eventually("that of readers as well", || memory() == 0).await;
}

/// Many addresses, each with as many files as a connection may have, which announce parts and let little of them come.
#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_that_trickle_hold_no_more_than_there_is_and_no_longer_than_a_part_may_take() {
    let least = LEAST_TRANSFER_MIB << 10;
    let limits = files(|files| {
        files.memory_kib = least;
        files.part_time = std::time::Duration::from_secs(1);
        (files.transfers_per_member, files.transfers_per_room) = (64, 64);
    });
    let (server, ann, mut chat) = with_room(limits).await;
    let memory = || server.relay.as_ref().unwrap().files_in_memory();
    let frame = BlobPart { number: 0, bytes: part(P, 0).into() };
    let frame = proto::encode_frame(&ClientFrame { frame: Some(client_frame::Frame::BlobPart(frame)) });
    let mut trickling = Vec::new();
    for last in 2..8 {
        let connection = server.connect_from(last).await.unwrap();
        let peer = Client { endpoint: ann.endpoint.clone(), connection };
        for nth in 0..8 {
            let (mut stream, _) = peer.sends(peer.blob_open(1, last * 8 + nth, &key(1), P)).await;
            stream.bytes(&frame[..9]).await;
            trickling.push(stream);
            assert!(memory() <= u64::from(least) << 10, "more than there is");
        }
    }
    chat.publish([1; 16], b"no message waits for it", None).await;
    chat.published().await;
    // Who sends a part waits for its turn, and has it.
    let hers = key(1);
    let sent = ann.sent(1, 250, &hers, P);
    tokio::time::timeout(PATIENCE, sent).await.expect("it has its turn");
    eventually("each of them is shown out", || server.hits(Limit::TransferStall) == 48).await;
    eventually("all memory is given back", || memory() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn member_who_sends_nothing_but_tiny_files_leaves_a_fifth_of_them_to_others() {
    let (server, ann, _room) = with_room(files(|files| files.files_per_room = 20)).await;
    for id in 1..=16 {
        ann.sent(1, id, &key(1), 1).await;
    }
    let no = told(&server, &ann, 99, 1, Limit::MemberFiles).await;
    assert_eq!(no, (Code::NoSpace, Named::MemberFiles));
    let bob = server.client().await;
    bob.sent(1, 17, &key(2), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_an_address_are_bounded_and_tiny_files_do_not_hurt() {
    let slow = |burst| Rate { burst, interval: std::time::Duration::from_secs(600) };
    let (server, ann, mut chat) = with_room(files(|files| files.requests = slow(40))).await;
    for id in 1..=40 {
        ann.sent(1, id, &key(1), 1).await;
    }
    let before = server.hits(Limit::FileRequests);
    let no = ann.no(client_frame::Frame::BlobOpen(ann.blob_open(1, 99, &key(1), 1))).await;
    assert_eq!((no.code(), no.limit()), (Code::RateLimited, Named::FileRate));
    assert!(no.retry_after_ms > 0);
    assert_eq!(server.hits(Limit::FileRequests), before + 1);
    let files = server.relay.as_ref().unwrap().files();
    assert_eq!((files.files, files.bytes), (40, 40 << 16), "each counts 64 KiB");
    chat.publish([1; 16], b"the chat goes on", None).await;
    chat.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_of_an_address_waits_and_is_not_refused() {
    let interval = std::time::Duration::from_millis(1);
    let (server, ann, _room) = with_room(files(|files| files.traffic = Rate { burst: 1025, interval })).await;
    ann.sent(1, 1, &key(1), 3 * P).await;
    assert!(server.hits(Limit::FileTraffic) > 0, "it had to wait");
    let (_, found) = ann.fetched(ann.blob_get(1, 1, &key(1))).await;
    assert_parts(3 * P, 0, &found);
}
