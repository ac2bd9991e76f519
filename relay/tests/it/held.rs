//! Rooms and openers that the operator froze, and rooms that were dropped: whatever clients do.

use proto::relay::{Ballot, Ephemeral, Publish, Refused, client_frame, refused::Code, relay_frame::Frame};
use relay::{
    Limits, Rate,
    log::{Hold, redb::OpenerName},
    policy::{reason::Notice, token::TokenHash},
};

use crate::{
    common::*,
    token::{FREE, backend, create, guarded, is_joined, revoke, token},
};

const WORDS: &str = "paused by a court until Friday";

/// Later than any clock of a test: what is dropped long ago is forgotten.
const NOW_MS: u64 = 1 << 44;

/// What the operator says now.
fn notice(words: &str) -> Notice {
    Notice::new(NOW_MS, words.parse().unwrap())
}

fn patient() -> Limits {
    Limits { publish: Rate::per_minute(60_000, 1000), ..Limits::default() }
}

async fn freeze(server: &Server, byte: u8) {
    let hold = Hold::Freeze(notice(WORDS));
    assert_eq!(backend(server).hold_room(room(byte), hold).await, Ok(true));
}

async fn thaw(server: &Server, byte: u8) {
    assert_eq!(backend(server).hold_room(room(byte), Hold::Thaw(0)).await, Ok(true));
}

/// The relay tells a member to come back at once.
async fn called_back(stream: &mut Stream) {
    assert_eq!(stream.refusal().await.code(), Code::ShuttingDown);
    stream.ended().await;
}

fn words(refused: &Refused) -> (Code, &str) {
    (refused.code(), &refused.words)
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_room_is_read_and_takes_nothing_however_often_it_is_sent() {
    let mut server = Server::with(patient()).await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![member(&key(2)), invite(&key(7), 0, 0)]).await;
    drop(client.create(room(2), &key(1), vec![]).await);
    a.publish([1; 16], b"before", None).await;
    a.published().await;
    let (mut guest, _) = client.join(room(1), &key(7), 0).await;
    freeze(&server, 1).await;
    for stream in [&mut a, &mut guest] {
        called_back(stream).await;
    }

    for restarted in [false, true] {
        if restarted {
            server.restart(patient()).await;
        }
        let client = server.client().await;
        let (mut a, joined) = client.join(room(1), &key(1), 0).await;
        assert_eq!(joined.frozen.unwrap().words, WORDS);
        assert_eq!(&*a.delivered().await.envelope, b"before");
        // A program that does not care.
        for number in 10..60u8 {
            a.publish([number; 16], b"all the same", None).await;
            assert_eq!(words(&a.refusal().await), (Code::Frozen, WORDS));
        }
        assert_eq!(a.publish_refused([2; 16], Some(commit(0, vec![], vec![&key(2)]))).await, Code::Frozen);
        let ballot = Some(Ballot { seq: 1, step: vec![1; 32].into(), signature: vec![1; 64].into() });
        let id = vec![3; 16].into();
        a.frame(client_frame::Frame::Publish(Publish { id, ballot, ..Publish::default() })).await;
        assert_eq!(a.refusal().await.code(), Code::Frozen);
        // What was there before is still answered.
        a.publish([1; 16], b"before", None).await;
        assert_eq!(a.published().await.seq, 1);
        let guest = client.refusal(client.join_frame(room(1), &key(7), 0, None)).await;
        assert_eq!(words(&guest), (Code::Frozen, WORDS), "nobody new");
    }
    let mut other = server.client().await.join(room(2), &key(1), 0).await.0;
    other.publish([1; 16], b"untouched", None).await;
    assert_eq!(other.published().await.seq, 1);

    let client = server.client().await;
    let (mut b, _) = client.join(room(1), &key(2), 1).await;
    thaw(&server, 1).await;
    called_back(&mut b).await;
    let (mut b, joined) = client.join(room(1), &key(2), 1).await;
    assert_eq!((joined.frozen, joined.head), (None, 1), "nothing came in meanwhile");
    b.publish([9; 16], b"after", None).await;
    assert_eq!(b.published().await.seq, 2);
    client.join(room(1), &key(7), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_talks_by_signals_in_a_frozen_room() {
    let server = Server::with(patient()).await;
    let client = server.client().await;
    let mut before = client.create(room(1), &key(1), vec![member(&key(2))]).await;
    let (mut hears, _) = client.join(room(1), &key(2), 0).await;
    freeze(&server, 1).await;
    called_back(&mut before).await;
    called_back(&mut hears).await;
    let (mut sends, _) = client.join(room(1), &key(1), 0).await;
    let (mut hears, _) = client.join(room(1), &key(2), 0).await;
    let signal = || client_frame::Frame::Ephemeral(Ephemeral { envelope: b"psst".as_slice().into() });
    for _ in 0..3 {
        sends.frame(signal()).await;
    }
    // Answered after they were dealt with.
    assert_eq!(sends.publish_refused([1; 16], None).await, Code::Frozen);
    thaw(&server, 1).await;
    match hears.next().await {
        Frame::Refused(refused) => assert_eq!(refused.code(), Code::ShuttingDown),
        other => panic!("heard in a frozen room: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_words_reach_members_as_well() {
    let server = Server::start().await;
    let client = server.client().await;
    drop(client.create(room(1), &key(1), vec![]).await);
    freeze(&server, 1).await;
    let (mut a, _) = client.join(room(1), &key(1), 0).await;
    let other = Hold::Freeze(Notice::new(NOW_MS + 1, "until Monday".parse().unwrap()));
    assert_eq!(backend(&server).hold_room(room(1), other).await, Ok(true));
    called_back(&mut a).await;
    assert_eq!(client.join(room(1), &key(1), 0).await.1.frozen.unwrap().words, "until Monday");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_room_says_why_to_whoever_names_it_and_nobody_opens_it_again() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let mut a = client.create(room(1), &key(1), vec![invite(&key(7), 0, 0)]).await;
    let (mut guest, _) = client.join(room(1), &key(7), 0).await;
    let hold = Hold::Drop(notice("spam"));
    assert_eq!(backend(&server).hold_room(room(1), hold).await, Ok(true));
    for stream in [&mut a, &mut guest] {
        assert_eq!(words(&stream.refusal().await), (Code::Dropped, "spam"));
        stream.ended().await;
    }
    for restarted in [false, true] {
        if restarted {
            server.restart(Limits::default()).await;
        }
        for by in [1, 7, 9] {
            let client = server.client().await;
            let join = client.join_frame(room(1), &key(by), 0, None);
            assert_eq!(words(&client.refusal(join).await), (Code::Dropped, "spam"), "{by}");
            let again = client.join_frame(room(1), &key(by), 0, Some(opening(&key(by), vec![])));
            assert_eq!(words(&client.refusal(again).await), (Code::Dropped, "spam"), "{by} opens it again");
        }
        let client = server.client().await;
        let mut forged = client.join_frame(room(1), &key(1), 0, None);
        forged.signature = vec![1; 64].into();
        assert_eq!(words(&client.refusal(forged).await), (Code::NotAllowed, ""), "without a signature");
        let unknown = client.join_frame(room(2), &key(1), 0, None);
        assert_eq!(words(&client.refusal(unknown).await), (Code::NotAllowed, ""), "another room");
    }
    thaw(&server, 1).await;
    let client = server.client().await;
    let mut anew = client.create(room(1), &key(9), vec![]).await;
    anew.publish([1; 16], b"anew", None).await;
    assert_eq!(anew.published().await.seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_opener_opens_nothing_and_its_rooms_stand_still_though_its_token_is_revoked() {
    let mut server = guarded(Limits::default()).await;
    let (bad, good) = (token(&server, FREE).await, token(&server, FREE).await);
    let client = server.client().await;
    for number in [1, 2] {
        assert!(is_joined(&create(&client, number, bad.as_bytes()).await));
    }
    assert!(is_joined(&create(&client, 3, good.as_bytes()).await));
    // One of them for itself, with other words.
    let own = Hold::Freeze(notice("this one"));
    assert_eq!(backend(&server).hold_room(room(2), own).await, Ok(true));

    let name: OpenerName = TokenHash::of(&bad).id().parse().unwrap();
    let held = backend(&server).hold_opener(name.clone(), Hold::Freeze(notice(WORDS))).await.unwrap();
    assert_eq!((held.changed, held.rooms), (true, 1));
    revoke(&server, &good).await;
    for restarted in [false, true] {
        if restarted {
            server.restart_configured(|config| config.limits.admission = relay::Admission::Token).await;
        }
        let client = server.client().await;
        let Frame::Refused(refused) = create(&client, 4, bad.as_bytes()).await else { panic!("opened") };
        assert_eq!(words(&refused), (Code::Frozen, WORDS));
        let said = |joined: proto::relay::Joined| joined.frozen.map(|frozen| frozen.words);
        assert_eq!(said(client.join(room(1), &key(1), 0).await.1).as_deref(), Some(WORDS));
        assert_eq!(said(client.join(room(2), &key(2), 0).await.1).as_deref(), Some("this one"));
        assert_eq!(said(client.join(room(3), &key(3), 0).await.1), None, "another's");
    }
    let restored = backend(&server).find_opener(name.clone()).await.unwrap();
    assert_eq!((restored.rooms.len(), restored.frozen), (2, Some(notice(WORDS))));

    revoke(&server, &bad).await;
    let client = server.client().await;
    assert!(client.join(room(1), &key(1), 0).await.1.frozen.is_some(), "nobody's now, and frozen");
    let held = backend(&server).hold_opener(name, Hold::Thaw(0)).await.unwrap();
    assert_eq!((held.changed, held.rooms), (true, 1));
    assert!(client.join(room(1), &key(1), 0).await.1.frozen.is_none());
    assert!(client.join(room(2), &key(2), 0).await.1.frozen.is_some(), "it was frozen for itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_that_is_frozen_opens_no_more_rooms() {
    let server = Server::start().await;
    let client = server.client().await;
    assert!(is_joined(&create(&client, 1, b"").await));
    let busiest = backend(&server).busiest(1).await.unwrap();
    let name: OpenerName = busiest.openers[0].0.id().parse().unwrap();
    backend(&server).hold_opener(name.clone(), Hold::Freeze(notice(""))).await.unwrap();
    assert_eq!(code(&create(&client, 2, b"").await), Code::Frozen);
    // Its rooms can be dropped as well, all at once.
    let held = backend(&server).hold_opener(name.clone(), Hold::Drop(notice("gone"))).await.unwrap();
    assert_eq!(held.rooms, 1);
    let join = client.join_frame(room(1), &key(1), 0, None);
    assert_eq!(words(&client.refusal(join).await), (Code::Dropped, "gone"));
    assert_eq!(code(&create(&client, 2, b"").await), Code::Frozen, "it stays frozen without a room");
    backend(&server).hold_opener(name, Hold::Thaw(0)).await.unwrap();
    assert!(is_joined(&create(&client, 2, b"").await));
}
