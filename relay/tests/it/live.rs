//! What members who are online get, and from where: memory, not the disk; and nothing once their key is gone.

use std::collections::BTreeSet;

use proto::relay::{Ephemeral, client_frame, refused::Code, relay_frame::Frame};
use relay::{Limits, Rate};
use tokio::task::JoinSet;

use crate::common::*;

/// Chatting faster than people do.
fn fast(tail: usize) -> Limits {
    let rate = Rate::per_minute(1_000_000, 1_000_000);
    Limits { publish: rate, room_publish: rate, tail, ..Limits::default() }
}

/// A room of members 1 to `members`, each on a stream of its own, all of whom have seen entry 1.
async fn room_of(client: &Client, members: u8) -> Vec<Stream> {
    let keys = (2..=members).map(|byte| member(&key(byte))).collect();
    let mut streams = vec![client.create(room(1), &key(1), keys).await];
    for byte in 2..=members {
        streams.push(client.join(room(1), &key(byte), 0).await.0);
    }
    streams[0].publish([0; 16], b"one", None).await;
    streams[0].published().await;
    for stream in &mut streams {
        assert_eq!(stream.delivered().await.seq, 1);
    }
    streams
}

fn id(number: u64) -> [u8; 16] {
    u128::from(number + 1000).to_be_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_online_costs_the_disk_no_read() {
    let server = Server::with(fast(32 << 20)).await;
    let client = server.client().await;
    let mut streams = room_of(&client, 8).await;
    let reads = || server.relay.as_ref().unwrap().database_reads();
    let before = reads();
    for number in 0..20 {
        streams[0].publish(id(number), b"line", None).await;
        for stream in &mut streams {
            assert_eq!(stream.delivered().await.seq, number + 2);
        }
    }
    assert_eq!(reads(), before, "entries");

    streams[0]
        .frame(client_frame::Frame::Ephemeral(Ephemeral { envelope: b"typing".as_slice().into() }))
        .await;
    for stream in &mut streams[1..] {
        assert!(matches!(stream.next().await, Frame::Ephemeral(_)));
    }
    assert_eq!(reads(), before, "signals");

    let removal = commit(0, vec![], vec![&key(8)]);
    streams[0].publish(id(99), b"removal", Some(removal)).await;
    for stream in &mut streams {
        assert_eq!(stream.delivered().await.seq, 22);
    }
    let mut removed = streams.pop().unwrap();
    assert_eq!(removed.refusal().await.code(), Code::NotAllowed);
    streams[0].publish(id(100), b"after", None).await;
    for stream in &mut streams {
        assert_eq!(stream.delivered().await.seq, 23);
    }
    assert_eq!(reads(), before + 1, "only whom a removal concerns is looked up");
}

/// Everything that comes until an entry or the end, and why it ended.
async fn until(mut stream: Stream, last: u64) -> (Vec<u64>, Option<Code>) {
    let (mut seqs, mut code) = (Vec::new(), None);
    while seqs.last() != Some(&last) {
        match stream.try_next().await {
            Some(Frame::Deliver(entry)) => seqs.push(entry.seq),
            Some(Frame::Refused(refused)) => code = Some(refused.code()),
            Some(_) => {}
            None => break,
        }
    }
    (seqs, code)
}

/// Writers talk at once; in the middle a commit removes half of the readers. `tail`: bytes of memory for entries, so
/// that readers are at the tail, on the disk, or change between them.
async fn removal_in_the_middle(tail: usize) {
    const READERS: u8 = 12;
    const LINES: u64 = 60;
    let server = Server::with(fast(tail)).await;
    let client = server.client().await;
    let readers: Vec<_> = (10..10 + READERS).map(|byte| member(&key(byte))).collect();
    let talkers: Vec<_> = (2..5).map(|byte| member(&key(byte))).collect();
    let last = 3 * LINES + 1;
    let mut remover = client.create(room(1), &key(1), [readers, talkers].concat()).await;
    let mut reading = JoinSet::new();
    for byte in 10..10 + READERS {
        let (stream, _) = server.client().await.join(room(1), &key(byte), 0).await;
        reading.spawn(async move { (byte, until(stream, last).await) });
    }
    let mut talking = JoinSet::new();
    for talker in 2..5u8 {
        let (mut stream, _) = client.join(room(1), &key(talker), u64::MAX >> 1).await;
        talking.spawn(async move {
            for number in 0..LINES {
                stream.publish(id(u64::from(talker) << 32 | number), &[talker; 300], None).await;
                stream.published().await;
            }
        });
    }
    // In the middle of it.
    while remover.delivered().await.seq < LINES {}
    let gone: Vec<_> = (10..10 + READERS / 2).map(key).collect();
    remover.publish(id(1), b"removal", Some(commit(0, vec![], gone.iter().collect()))).await;
    let removal = remover.published().await.seq;
    while talking.join_next().await.transpose().unwrap().is_some() {}
    while remover.delivered().await.seq < last {}

    for _ in 0..READERS {
        let ended = tokio::time::timeout(PATIENCE, reading.join_next()).await.expect("readers end");
        let (byte, (seqs, code)) = ended.unwrap().unwrap();
        if byte < 10 + READERS / 2 {
            assert_eq!(code, Some(Code::NotAllowed), "tail {tail}");
            assert_eq!(seqs, (1..=removal).collect::<Vec<_>>(), "tail {tail}, removal at {removal}");
        } else {
            assert_eq!(seqs, (1..=last).collect::<Vec<_>>(), "tail {tail}: without a gap, and everything");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_key_gets_nothing_that_was_appended_after_its_removal() {
    for tail in [32 << 20, 4 << 10, 0] {
        removal_in_the_middle(tail).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_behind_changes_over_without_a_gap() {
    let server = Server::with(fast(32 << 10)).await;
    let client = server.client().await;
    let mut streams = room_of(&client, 2).await;
    let mut writer = streams.swap_remove(0);
    let (last, large) = (400, 200);
    let (mut late, mut lates) = (1, JoinSet::new());
    for seq in 2..=last {
        // One of them is too large for the memory that all share.
        let bytes = if seq == large { 300 << 10 } else { 200 };
        writer.publish(id(seq), &vec![7; bytes], None).await;
        assert_eq!(writer.published().await.seq, seq);
        if seq % 50 == 0 {
            let (mut stream, _) = server.client().await.join(room(1), &key(2), late).await;
            late = seq;
            lates.spawn(async move {
                // Superseded by the next one, but for the last.
                let mut seqs = BTreeSet::new();
                while seqs.last() != Some(&last) {
                    match stream.try_next().await {
                        Some(Frame::Deliver(entry)) => assert!(seqs.insert(entry.seq)),
                        _ => break,
                    }
                }
                seqs
            });
        }
    }
    let mut complete = 0;
    while let Some(seqs) = lates.join_next().await {
        let seqs = seqs.unwrap();
        let (first, newest) = (seqs.first().copied().unwrap_or(1), seqs.last().copied().unwrap_or(0));
        assert_eq!(seqs.len() as u64, (newest + 1).saturating_sub(first), "a gap or a double: {seqs:?}");
        complete += u64::from(newest == last);
    }
    assert!(complete >= 1, "the one that was not superseded has it all");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_room_ends_its_readers() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut streams = room_of(&client, 3).await;
    assert_eq!(dropped(&server, 1).await, Ok(true));
    for stream in &mut streams {
        assert_eq!(stream.refusal().await.code(), Code::Dropped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_member_neither_hears_nor_sends_signals() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut streams = room_of(&client, 3).await;
    let mut gone = streams.pop().unwrap();
    streams[0].publish(id(1), b"removal", Some(commit(0, vec![], vec![&key(3)]))).await;
    streams[0].published().await;
    let typing = || client_frame::Frame::Ephemeral(Ephemeral { envelope: b"typing".as_slice().into() });
    streams[0].frame(typing()).await;
    while !matches!(streams[1].next().await, Frame::Ephemeral(_)) {}
    while let Some(frame) = gone.try_next().await {
        assert!(!matches!(frame, Frame::Ephemeral(_)), "heard a signal after its removal");
    }
}
