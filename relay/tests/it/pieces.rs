//! The pieces of slots, as clients see them.

use proto::relay::{CommitPart, GetSlot, client_frame, refused::Code, relay_frame::Frame};

use crate::common::*;

impl Stream {
    /// What a joiner would download.
    async fn pieces(&mut self, confirmed: bool) -> Vec<bytes::Bytes> {
        self.frame(client_frame::Frame::GetSlot(GetSlot { confirmed })).await;
        loop {
            match self.next().await {
                Frame::Slot(slot) => return proto::split_pieces(&slot.pieces).unwrap(),
                Frame::Deliver(_) | Frame::Published(_) => {}
                other => panic!("expected Slot, found {other:?}"),
            }
        }
    }

    async fn commits(&mut self, number: u8, part: CommitPart) {
        self.publish([number; 16], &[number], Some(part)).await;
        self.published().await;
    }
}

fn on(expected: u64, named: &[&[u8]], sent: &[&[u8]]) -> CommitPart {
    with_pieces(commit(expected, vec![], vec![]), named, sent)
}

/// A room whose first slot has the pieces `a` and `b`.
async fn two(server: &Server) -> (Stream, Stream) {
    let client = server.client().await;
    let mut create = opening(&key(1), vec![member(&key(2)), invite(&key(7), 0, 9)]);
    let slot = create.slot.take().unwrap();
    create.slot = Some(proto::relay::Slot { pieces: proto::join_pieces([&b"a"[..], b"b"]).into(), ..slot });
    let ann = client.create_with(room(1), &key(1), create).await;
    (ann, client.join(room(1), &key(2), 0).await.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_brings_what_changed_and_a_joiner_gets_all_of_it() {
    let server = Server::start().await;
    let (mut ann, mut bob) = two(&server).await;
    ann.commits(1, on(0, &[b"c", b"b"], &[b"c"])).await;
    assert_eq!(ann.pieces(false).await, [&b"c"[..], b"b"], "in the order of the names");
    assert_eq!(ann.pieces(true).await, [&b"a"[..], b"b"], "the confirmed slot has what it had");
    let (_, joined) = server.client().await.join(room(1), &key(7), 0).await;
    assert_eq!(proto::split_pieces(&joined.slot.unwrap().pieces).unwrap(), [&b"c"[..], b"b"]);
    let entry = bob.delivered().await;
    let names = [proto::piece_name(b"c"), proto::piece_name(b"b")].concat();
    assert_eq!(*entry.slot_hash, proto::slot_hash(b"slot after 0", &names));
}

#[tokio::test(flavor = "multi_thread")]
async fn piece_lives_as_long_as_a_slot_names_it() {
    let server = Server::start().await;
    let (mut ann, mut bob) = two(&server).await;
    ann.commits(1, on(0, &[b"c", b"b"], &[b"c"])).await;
    // Taken: the slot of before goes, and `a` with it.
    let named = proto::access::CommitName::of_entry(&room(1), &bob.delivered().await).unwrap();
    bob.acknowledge([2; 16], 1, named).await;
    bob.published().await;
    let gone = on(1, &[b"a", b"b"], &[]);
    assert_eq!(ann.publish_refused([3; 16], Some(gone)).await, Code::MissingPieces);
    ann.commits(4, on(1, &[b"c", b"b"], &[])).await;
    assert_eq!(ann.pieces(false).await, [&b"c"[..], b"b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_with_pieces_that_nobody_has_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let (mut ann, _bob) = two(&server).await;
    let without = on(0, &[b"c", b"d"], &[b"c"]);
    assert_eq!(ann.publish_refused([1; 16], Some(without)).await, Code::MissingPieces);
    // Nor was the one that came kept.
    assert_eq!(ann.publish_refused([2; 16], Some(on(0, &[b"c"], &[]))).await, Code::MissingPieces);
    ann.commits(3, on(0, &[b"c", b"d"], &[b"c", b"d"])).await;
    assert_eq!(ann.pieces(false).await, [&b"c"[..], b"d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_break_the_form_are_refused() {
    let server = Server::start().await;
    let (mut ann, _bob) = two(&server).await;
    let large = vec![7; proto::MAX_PIECE + 1];
    let cut = CommitPart { piece_names: vec![1; 31].into(), ..on(0, &[], &[]) };
    let no_list = CommitPart { pieces: vec![0, 0, 0, 2, 1].into(), ..on(0, &[], &[]) };
    for (what, part) in [
        ("a piece that the slot does not name", on(0, &[b"b"], &[b"c"])),
        ("a name twice", on(0, &[b"b", b"b"], &[])),
        ("too large a piece", on(0, &[&large], &[&large])),
        ("a name that is cut", cut),
        ("no list", no_list),
    ] {
        assert_eq!(ann.publish_refused([1; 16], Some(part)).await, Code::Malformed, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slot_that_no_frame_can_carry_is_refused_though_its_pieces_come_one_by_one() {
    let server = Server::start().await;
    let (mut ann, _bob) = two(&server).await;
    let all: Vec<Vec<u8>> = (0..=256u32).map(|n| n.to_be_bytes().repeat(proto::MAX_PIECE / 4)).collect();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    ann.commits(1, on(0, &all[..200], &all[..200])).await;
    let over = on(1, &all, &all[200..]);
    assert_eq!(ann.publish_refused([2; 16], Some(over)).await, Code::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_not_the_same_commit_under_other_names() {
    let server = Server::start().await;
    let (mut ann, _bob) = two(&server).await;
    let signed = ann.sign(b"refused", on(0, &[b"c", b"b"], &[b"c"]));
    // A commit's signature covers what it names.
    let (names, pieces) = {
        let part = on(0, &[b"d", b"b"], &[b"d"]);
        (part.piece_names, part.pieces)
    };
    let other = CommitPart { piece_names: names, pieces, ..signed };
    assert_eq!(ann.publish_refused([1; 16], Some(other)).await, Code::Conflict);
}
