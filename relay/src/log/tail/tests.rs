use std::sync::Arc;

use proto::{
    FrameReader, MAX_COMMIT_FRAME, Message, PublishId, RoomId, encode_frame,
    relay::{Deliver, RelayFrame, relay_frame::Frame},
};

use super::*;
use crate::{
    log::Feeds,
    policy::limits::{LARGE_FRAME, LOSSES, READ_BYTES},
};

const ROOM: RoomId = RoomId([1; 32]);
const ALICE: PublicKey = PublicKey([0xa; 32]);
const BOB: PublicKey = PublicKey([0xb; 32]);
const PLENTY: usize = 1 << 30;

fn entry(seq: u64, bytes: usize) -> Deliver {
    Deliver { seq, at_ms: 7, envelope: vec![9; bytes].into(), ..Deliver::default() }
}

fn write(news: &mut News, seq: u64, bytes: usize) {
    let (id, entry) = (PublishId([3; 16]), entry(seq, bytes).encode_to_vec());
    let row = [id.as_bytes(), entry.as_slice()].concat();
    news.wrote(&ROOM, seq, (row, PublishId::LEN), bytes);
}

fn push(ring: &mut Ring, feeds: &Feeds, seqs: std::ops::RangeInclusive<u64>) {
    let mut news = News::default();
    seqs.for_each(|seq| write(&mut news, seq, 100));
    ring.push(feeds, news, PLENTY);
}

fn lose(ring: &mut Ring, feeds: &Feeds, loss: Loss) {
    let mut news = News::default();
    news.lost(&ROOM, loss);
    ring.push(feeds, news, PLENTY);
}

fn permit(key: PublicKey) -> ReadPermit {
    let permit = ReadPermit::new(key);
    permit.found(0);
    permit
}

/// The entries of what there is for a reader.
fn seqs(next: Next) -> Vec<u64> {
    let Next::Frames(frames) = next else { panic!("expected frames, found {next:?}") };
    let mut reader = FrameReader::new(MAX_COMMIT_FRAME);
    reader.push(&frames.bytes);
    let mut seqs = Vec::new();
    while let Some(frame) = reader.next_frame::<RelayFrame>().unwrap() {
        let Some(Frame::Deliver(entry)) = frame.frame else { panic!() };
        seqs.push(entry.seq);
    }
    assert_eq!((frames.entries, Some(&frames.last)), (seqs.len() as u64, seqs.last()));
    seqs
}

#[test]
fn frame_out_of_a_row_is_the_frame_that_the_schema_makes() {
    for bytes in [0, 1, 100, 127, 128, 20_000, LARGE_FRAME - 100] {
        let (feeds, mut ring, mut news) = (Feeds::default(), Ring::default(), News::default());
        let feed = feeds.follow(ROOM);
        write(&mut news, 1, bytes);
        ring.push(&feeds, news, PLENTY);
        let Next::Frames(frames) = feed.next(0, &permit(ALICE)) else { panic!("{bytes}") };
        let frame = RelayFrame { frame: Some(Frame::Deliver(entry(1, bytes))) };
        assert_eq!(frames.bytes, encode_frame(&frame), "{bytes}");
        assert_eq!(frames.envelopes, bytes as u64);
    }
}

#[test]
fn every_cursor_goes_on_with_the_next_entry_or_is_sent_to_the_disk() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, permit) = (feeds.follow(ROOM), permit(ALICE));
    assert!(matches!(feed.next(4, &permit), Next::Nothing), "nothing came by yet");
    push(&mut ring, &feeds, 5..=7);
    push(&mut ring, &feeds, 8..=8);
    push(&mut ring, &feeds, 9..=12);
    assert!(matches!(feed.next(3, &permit), Next::Behind));
    for cursor in 4..12 {
        assert_eq!(seqs(feed.next(cursor, &permit)), (cursor + 1..=12).collect::<Vec<_>>());
    }
    assert!(matches!(feed.next(12, &permit), Next::Nothing));
    assert!(matches!(feed.next(13, &permit), Next::Nothing), "the disk may be ahead");
}

#[test]
fn entries_that_never_came_by_are_left_to_the_disk() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, permit) = (feeds.follow(ROOM), permit(ALICE));
    push(&mut ring, &feeds, 1..=2);
    // A disk failed over 3, and has it all the same.
    push(&mut ring, &feeds, 4..=5);
    for cursor in 0..3 {
        assert!(matches!(feed.next(cursor, &permit), Next::Behind), "{cursor}");
    }
    assert_eq!(seqs(feed.next(3, &permit)), [4, 5]);
}

#[test]
fn large_entry_is_left_to_the_disk_and_what_follows_is_not() {
    let (feeds, mut ring, mut news) = (Feeds::default(), Ring::default(), News::default());
    let (feed, permit) = (feeds.follow(ROOM), permit(ALICE));
    write(&mut news, 1, 10);
    write(&mut news, 2, LARGE_FRAME);
    write(&mut news, 3, 10);
    write(&mut news, 4, 10);
    ring.push(&feeds, news, PLENTY);
    assert!(matches!(feed.next(0, &permit), Next::Behind));
    assert!(matches!(feed.next(1, &permit), Next::Behind));
    assert_eq!(seqs(feed.next(2, &permit)), [3, 4]);
}

#[test]
fn what_is_taken_at_once_is_bounded() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, permit) = (feeds.follow(ROOM), permit(ALICE));
    for start in [1, 1001] {
        push(&mut ring, &feeds, start..=start + 999);
    }
    let mut cursor = 0;
    while cursor < 2000 {
        let Next::Frames(frames) = feed.next(cursor, &permit) else { panic!("{cursor}") };
        assert!(frames.bytes.len() <= READ_BYTES, "{}", frames.bytes.len());
        cursor = frames.last;
    }
}

#[test]
fn removed_key_gets_no_entry_that_comes_with_its_removal_or_later() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, alice, bob) = (feeds.follow(ROOM), permit(ALICE), permit(BOB));
    push(&mut ring, &feeds, 1..=1);
    let mut news = News::default();
    write(&mut news, 2, 10);
    news.lost(&ROOM, Loss::Keys(vec![BOB]));
    write(&mut news, 3, 10);
    ring.push(&feeds, news, PLENTY);
    assert!(matches!(feed.next(0, &bob), Next::Behind));
    assert!(!feed.allows(&bob));
    assert_eq!(seqs(feed.next(0, &alice)), [1, 2, 3], "whom it does not concern reads on");
    push(&mut ring, &feeds, 4..=4);
    assert!(matches!(feed.next(3, &bob), Next::Behind));
    // Let in again, and looked up.
    bob.found(feed.generation());
    assert_eq!(seqs(feed.next(3, &bob)), [4]);
}

#[test]
fn key_found_before_a_loss_is_looked_up_again() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, bob) = (feeds.follow(ROOM), ReadPermit::new(BOB));
    assert!(!feed.allows(&bob), "nobody has looked it up");
    let generation = feed.generation();
    // The database was asked here, and the transaction came after.
    lose(&mut ring, &feeds, Loss::Keys(vec![BOB]));
    bob.found(generation);
    assert!(!feed.allows(&bob));
}

#[test]
fn loss_that_names_nobody_is_everybodys() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, alice) = (feeds.follow(ROOM), permit(ALICE));
    lose(&mut ring, &feeds, Loss::Anybody);
    assert!(!feed.allows(&alice));
    alice.found(feed.generation());
    let many = (0..200).map(|byte| PublicKey([byte; 32])).filter(|key| *key != ALICE).collect();
    lose(&mut ring, &feeds, Loss::Keys(many));
    assert!(!feed.allows(&alice), "too many to remember");
}

#[test]
fn reader_who_slept_through_too_many_losses_is_looked_up() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, alice, sleeper) = (feeds.follow(ROOM), permit(ALICE), permit(ALICE));
    for _ in 0..LOSSES {
        lose(&mut ring, &feeds, Loss::Keys(vec![BOB]));
    }
    assert!(feed.allows(&alice));
    lose(&mut ring, &feeds, Loss::Keys(vec![BOB]));
    assert!(feed.allows(&alice), "it was here a moment ago");
    assert!(!feed.allows(&sleeper));
}

#[test]
fn failed_transaction_sends_everybody_to_the_database() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, alice) = (feeds.follow(ROOM), permit(ALICE));
    ring.push(&feeds, News::unsure(feeds.rooms()), PLENTY);
    assert!(!feed.allows(&alice));
}

#[test]
fn dropped_room_is_over_for_its_readers_and_a_new_one_is_not_theirs() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    let (feed, alice) = (feeds.follow(ROOM), permit(ALICE));
    let mut news = News::default();
    news.ended(&ROOM);
    ring.push(&feeds, news, PLENTY);
    let _other = feeds.follow(ROOM);
    push(&mut ring, &feeds, 1..=3);
    assert!(matches!(feed.next(0, &alice), Next::Ended));
}

#[test]
fn tails_of_all_rooms_together_are_bounded() {
    let (feeds, mut ring, limit) = (Feeds::default(), Ring::default(), 10_000);
    let (feed, permit) = (feeds.follow(ROOM), permit(ALICE));
    for seq in 1..=200 {
        let mut news = News::default();
        write(&mut news, seq, 100);
        ring.push(&feeds, news, limit);
    }
    assert!(ring.len() * 100 < limit && ring.len() > 10, "{}", ring.len());
    assert!(matches!(feed.next(100, &permit), Next::Behind));
    assert_eq!(seqs(feed.next(199, &permit)), [200]);
}

#[test]
fn rooms_that_come_and_go_do_not_make_the_queue_grow() {
    let (feeds, mut ring) = (Feeds::default(), Ring::default());
    for _ in 0..1000 {
        let _feed = feeds.follow(ROOM);
        let mut news = News::default();
        write(&mut news, 1, 1);
        ring.push(&feeds, news, 10_000);
    }
    assert!(ring.len() < 40, "{}", ring.len());
}

#[test]
fn tail_of_nothing_sends_everybody_to_the_disk() {
    let (feeds, mut ring, mut news) = (Feeds::default(), Ring::default(), News::default());
    let feed = feeds.follow(ROOM);
    write(&mut news, 1, 1);
    ring.push(&feeds, news, 0);
    assert!(matches!(feed.next(0, &permit(ALICE)), Next::Behind));
}

#[test]
fn receiver_who_sleeps_loses_the_oldest_signals_and_the_sender_is_not_kept() {
    let (feeds, sender) = (Feeds::default(), ALICE);
    let feed = feeds.follow(ROOM);
    let mut signals = feed.signals();
    let tail: Arc<Tail> = feed.tail();
    for number in 0..100u8 {
        tail.signal(Signal { from: sender, frame: vec![number].into() });
    }
    assert!(matches!(signals.try_recv(), Err(broadcast::error::TryRecvError::Lagged(_))));
    assert_eq!(&*signals.try_recv().unwrap().frame, [100 - u8::try_from(EPHEMERAL_QUEUE).unwrap()]);
}
