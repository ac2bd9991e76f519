//! Commits that are offered, confirmed, dropped and undone, as clients see it.

use proto::access::CommitName;
use proto::relay::{GetSlot, Publish, client_frame, refused::Code, relay_frame::Frame};

use crate::common::*;

impl Stream {
    pub(crate) async fn acknowledge(&mut self, id: [u8; 16], seq: u64, name: CommitName) {
        let (room, key, _) = self.who.clone().unwrap();
        let ack = Some(ack(&room, &key, seq, name));
        let (id, envelope) = (id.to_vec().into(), b"taken".as_slice().into());
        self.frame(client_frame::Frame::Publish(Publish { id, envelope, ack, ..Publish::default() })).await;
    }

    pub(crate) async fn vote(&mut self, id: [u8; 16], generation: &[u8], against: (u64, CommitName)) {
        let (room, key, _) = self.who.clone().unwrap();
        let ballot = Some(ballot(&room, generation, &key, against));
        let id = id.to_vec().into();
        self.frame(client_frame::Frame::Publish(Publish { id, ballot, ..Publish::default() })).await;
    }

    async fn slot(&mut self, confirmed: bool) -> proto::relay::Slot {
        self.frame(client_frame::Frame::GetSlot(GetSlot { confirmed })).await;
        loop {
            match self.next().await {
                Frame::Slot(slot) => return slot,
                Frame::Deliver(_) | Frame::Published(_) => {}
                other => panic!("expected Slot, found {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holder_of_an_invite_key_takes_nobodys_access_away() {
    let server = Server::start().await;
    let (ann, stranger) = (server.client().await, server.client().await);
    let mut a = ann.create(room(1), &key(1), vec![member(&key(2)), invite(&key(9), 0, 100)]).await;
    let (mut guest, joined) = stranger.join(room(1), &key(9), 0).await;
    let join = commit(joined.last_commit, vec![member(&key(66))], vec![]);
    guest.publish([1; 16], b"rubbish", Some(join)).await;
    let seq = guest.published().await.seq;
    let (mut newcomer, _) = stranger.join(room(1), &key(66), 0).await;
    let all = vec![&key(1), &key(2), &key(9)].into_iter().cloned().collect::<Vec<_>>();
    let removal = commit(seq, vec![], all.iter().collect());
    assert_eq!(newcomer.publish_refused([2; 16], Some(removal)).await, Code::NotAllowed);
    // And one member puts it out again.
    a.publish([3; 16], b"in its place", Some(in_place(seq))).await;
    assert_eq!(a.published().await.seq, 2);
    assert_eq!(newcomer.refusal().await.code(), Code::NotAllowed);
    newcomer.ended().await;
    ann.join(room(1), &key(2), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_that_its_epochs_authority_did_not_sign_is_a_conflict() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let part = |added| commit(0, added, vec![]);
    let by = |signer: &ed25519_dalek::SigningKey, envelope: &[u8], part| {
        sign_part(&room(1), &public(&key(1)), signer, envelope, part)
    };
    for (what, wrong) in [
        ("by the access key", by(&key(1), b"refused", part(vec![member(&key(3))]))),
        ("for another envelope", by(&authority(), b"other", part(vec![]))),
        (
            "with another slot",
            proto::relay::CommitPart {
                slot: b"other".as_slice().into(),
                ..by(&authority(), b"refused", part(vec![]))
            },
        ),
        (
            "with another change",
            proto::relay::CommitPart {
                access: part(vec![member(&key(66))]).access,
                ..by(&authority(), b"refused", part(vec![]))
            },
        ),
    ] {
        assert_eq!(a.publish_refused([1; 16], Some(wrong)).await, Code::Conflict, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offered_commit_is_told_with_all_that_members_check() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut b, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!((joined.confirmed, joined.generation.len(), joined.suspended_by), (0, 16, 0));
    let part = a.sign(b"commit", commit(0, vec![member(&key(3))], vec![]));
    a.publish([1; 16], b"commit", Some(part.clone())).await;
    let entry = b.delivered().await;
    assert_eq!((entry.base, &entry.authority, &entry.signature), (0, &part.authority, &part.signature));
    assert_eq!(entry.key, public(&key(1)).0.to_vec());
    assert_eq!((b.slot(false).await.last_commit, b.slot(true).await.last_commit), (1, 0));
    // Who builds on it in another's name learns where both commits are.
    let early = Some(in_place(1));
    b.publish([2; 16], b"too early", early).await;
    let refused = b.refusal().await;
    assert_eq!((refused.code(), refused.last_commit, refused.confirmed), (Code::Conflict, 1, 0));

    assert_eq!(*entry.slot_hash, proto::slot_hash(&part.slot, &part.piece_names));
    b.acknowledge([3; 16], 1, name(&room(1), &key(1), b"commit", &part)).await;
    assert_eq!(b.published().await.seq, 2);
    let entry = loop {
        let entry = a.delivered().await;
        if entry.seq == 2 {
            break entry;
        }
    };
    assert_eq!((entry.ack.unwrap().seq, entry.key), (1, public(&key(2)).0.to_vec().into()));
    let (_, joined) = client.join(room(1), &key(2), 2).await;
    assert_eq!((joined.last_commit, joined.confirmed), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn line_does_not_say_whose_it_is() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"line", None).await;
    assert!(a.delivered().await.key.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_majority_votes_itself_back_and_reads_on() {
    let server = Server::start().await;
    let client = server.client().await;
    let others = (2..=5).map(|n| member(&key(n))).collect();
    let mut a = client.create(room(1), &key(1), others).await;
    let removed = [key(2), key(3), key(4)];
    let takeover = commit(0, vec![], removed.iter().collect());
    let named = name(&room(1), &key(1), b"takeover", &takeover);
    a.publish([1; 16], b"takeover", Some(takeover)).await;
    assert_eq!(a.published().await.seq, 1);
    let (mut accomplice, _) = client.join(room(1), &key(5), 0).await;
    accomplice.acknowledge([2; 16], 1, named).await;
    accomplice.published().await;

    let mut streams = Vec::new();
    for (n, key) in removed.iter().enumerate() {
        let (mut barred, joined) = client.join(room(1), key, 0).await;
        assert_eq!((joined.suspended_by, &*joined.suspended_step), (1, &named.0[..]));
        // Whose doing it was, so that nobody votes a device of its own down.
        assert_eq!(*joined.suspended_key, public(&self::key(1)).0);
        assert_eq!(joined.suspended_with, removed.each_ref().map(|key| public(key).0.to_vec()));
        barred.vote([10 + n as u8; 16], &joined.generation, (1, named)).await;
        assert_eq!(barred.published().await.seq, 3 + n as u64);
        streams.push(barred);
    }
    // Their streams end, and new ones read everything.
    for mut stream in streams {
        assert_eq!(stream.refusal().await.code(), Code::ShuttingDown);
        stream.ended().await;
    }
    let (mut back, joined) = client.join(room(1), &key(2), 0).await;
    assert_eq!((joined.suspended_by, joined.last_commit, joined.confirmed), (0, 0, 0));
    let mut last = back.delivered().await;
    while last.seq < 5 {
        last = back.delivered().await;
    }
    assert_eq!((last.ballot.unwrap().seq, last.undone), (1, 1));
    assert!(back.slot(false).await.sealed.is_empty(), "none until the next commit");
    let (_, joined) = client.join(room(1), &key(1), 0).await;
    assert_eq!(joined.suspended_by, 1, "the author");
    back.publish([20; 16], b"goes on", Some(commit(0, vec![], vec![]))).await;
    assert_eq!(back.published().await.seq, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_key_signals_nothing_and_gets_no_slot() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), member(&key(3))]).await;
    a.publish([1; 16], b"removal", Some(commit(0, vec![], vec![&key(2)]))).await;
    a.published().await;
    let (mut barred, _) = client.join(room(1), &key(2), 0).await;
    barred.frame(client_frame::Frame::GetSlot(GetSlot::default())).await;
    assert_eq!(barred.refusal().await.code(), Code::NotAllowed);
    let signal = proto::relay::Ephemeral { envelope: b"still here".as_slice().into() };
    barred.frame(client_frame::Frame::Ephemeral(signal)).await;
    a.publish([2; 16], b"line", None).await;
    loop {
        match a.next().await {
            Frame::Ephemeral(_) => panic!("a suspended key was heard"),
            Frame::Deliver(entry) if entry.seq == 2 => break,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn link_alone_leads_to_room_and_card() {
    let server = Server::start().await;
    let client = server.client().await;
    let card = bytes::Bytes::from_static(b"a sealed card");
    let with_card = proto::relay::AccessKey { card: card.clone(), ..invite(&key(7), 0, 0) };
    client.create(room(1), &key(1), vec![with_card]).await;
    let nowhere = proto::RoomId([0; 32]);
    let nameless = |key| {
        let mut join = client.join_frame(nowhere, &key, 0, None);
        join.room_id = bytes::Bytes::new();
        join
    };
    let (_, answer) = client.try_join(nameless(key(7))).await;
    let Frame::Joined(joined) = answer else { panic!("not joined: {answer:?}") };
    assert_eq!((&joined.room_id[..], &joined.card), (&room(1).0[..], &card));
    assert_eq!(&*joined.slot.unwrap().sealed, b"slot 0");
    // A member's key names its room, and nobody learns from this whose it is.
    assert_eq!(client.refused(nameless(key(1))).await, Code::NotAllowed);
    assert_eq!(client.refused(nameless(key(8))).await, Code::NotAllowed);
    let (_, joined) = client.join(room(1), &key(7), 0).await;
    assert!(joined.room_id.is_empty(), "who names the room need not be told");
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_that_another_room_claims_still_leads_to_its_own() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create(room(2), &key(1), vec![invite(&key(7), 0, 0)]).await;
    client.create(room(1), &key(66), vec![invite(&key(7), 0, 0)]).await;
    let mut join = client.join_frame(proto::RoomId([0; 32]), &key(7), 0, None);
    join.room_id = bytes::Bytes::new();
    let (_, answer) = client.try_join(join).await;
    let Frame::Joined(joined) = answer else { panic!("not joined: {answer:?}") };
    assert_eq!(&joined.room_id[..], &room(2).0[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_that_says_two_things_at_once_is_refused() {
    let server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let none = CommitName::default();
    let (vote, taken) = (ballot(&room(1), &[0; 16], &key(1), (1, none)), ack(&room(1), &key(1), 1, none));
    let envelope = || b"line".as_slice().into();
    let resync = || bytes::Bytes::from_static(b"let me in");
    let short = proto::relay::Ack { key_signature: vec![1; 63].into(), ..taken.clone() };
    let nameless = proto::relay::Ballot { step: vec![1; 31].into(), ..vote.clone() };
    for (what, wrong, code) in [
        (
            "a vote and a line",
            Publish { ballot: Some(vote.clone()), envelope: envelope(), ..Publish::default() },
            Code::Malformed,
        ),
        (
            "a vote and an ack",
            Publish { ballot: Some(vote.clone()), ack: Some(taken), ..Publish::default() },
            Code::Malformed,
        ),
        (
            "a vote and a resync",
            Publish { ballot: Some(vote), resync: resync(), ..Publish::default() },
            Code::Malformed,
        ),
        (
            "a resync and a line",
            Publish { resync: resync(), envelope: envelope(), ..Publish::default() },
            Code::Malformed,
        ),
        (
            "a cut signature",
            Publish { ack: Some(short), envelope: envelope(), ..Publish::default() },
            Code::Malformed,
        ),
        ("a vote with a cut name", Publish { ballot: Some(nameless), ..Publish::default() }, Code::Malformed),
        (
            "a long resync",
            Publish { resync: vec![0; (8 << 10) + 1].into(), ..Publish::default() },
            Code::TooLarge,
        ),
    ] {
        let wrong = Publish { id: vec![9; 16].into(), ..wrong };
        a.frame(client_frame::Frame::Publish(wrong)).await;
        assert_eq!(a.refusal().await.code(), code, "{what}");
    }
    let right = Publish { id: vec![9; 16].into(), resync: resync(), ..Publish::default() };
    a.frame(client_frame::Frame::Publish(right)).await;
    let entry = a.delivered().await;
    assert_eq!((entry.resync, entry.key.len()), (resync(), 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn member_that_asks_is_told_who_may_do_what_and_nobody_else_is() {
    let server = Server::start().await;
    let client = server.client().await;
    let others = vec![member(&key(2)), member(&key(3)), invite(&key(9), 0, 0)];
    let mut a = client.create(room(1), &key(1), others).await;
    a.publish([1; 16], b"removal", Some(commit(0, vec![], vec![&key(2)]))).await;
    a.published().await;
    a.publish([2; 16], b"line", None).await;
    a.published().await;
    let ask = async |key: ed25519_dalek::SigningKey, wants_access| {
        let join = proto::relay::Join { wants_access, ..client.join_frame(room(1), &key, 0, None) };
        match client.try_join(join).await.1 {
            Frame::Joined(joined) => joined,
            other => panic!("not joined: {other:?}"),
        }
    };
    let joined = ask(key(3), true).await;
    let (position, state) = proto::access::Memory::from_snapshot(&joined.access).unwrap();
    assert_eq!((position, state.head.tip().position, state.head.members), (2, 1, 3));
    let barred = |state: &proto::access::Memory, n| state.row(&public(&key(n))).unwrap().removed;
    assert_eq!((barred(&state, 2), barred(&state, 3)), (1, 0));
    assert_eq!(ask(key(3), false).await.access.len(), 0, "nobody asked");
    assert_eq!(ask(key(2), true).await.access.len(), 0, "suspended");
    assert_eq!(ask(key(9), true).await.access.len(), 0, "a link");
}
