//! A profile from version 1: its rooms are archives, and make way for new ones of their names.

use proto::RoomId;
use shared::{
    identity::Fingerprint,
    message::timeline::Line,
    room::{Change, Message, Person},
};

use super::*;
use crate::store::{Batch, LineOrAct, Over, Query, RoomRecord, Where};

/// Stores a room as version 1 did, as far as it can be told from a later one.
fn old_room(vault: &Vault, n: u8, label: &str, open: bool) {
    let id = RoomId([n; 32]);
    let mut meta = [&[0x0a, 32][..], id.as_bytes()].concat();
    meta.extend(if open { [0x18, 1, 0x20, 4].as_slice() } else { &[0x20, 4] });
    let from = Person { name: "bob".to_owned(), fingerprint: Fingerprint([2; 32]) };
    let message = Message {
        seq: 7,
        id: [n; 16],
        at: 1,
        from,
        text: "said long ago".to_owned(),
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    };
    let batch = Batch {
        changes: vec![Change { key: "meta".to_owned(), value: Some(meta.into()) }],
        entries: vec![LineOrAct::Line(Line::from(message))],
        ..Batch::default()
    };
    let record = RoomRecord {
        id,
        label: label.to_owned(),
        place: Where::Own,
        acked: 0,
        closed: None,
        kind: Default::default(),
    };
    vault.now(|store| store.commit(id, Some(&record), &batch)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn room_of_version_1_is_read_and_never_mistaken_for_one_that_goes_on() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (runtime, events, vault) = enter(&dir, "ann", &relay).await;
    old_room(&vault, 1, ROOM, false);
    old_room(&vault, 2, "lobby", true);
    drop(events);
    runtime.shutdown().await;
    drop(vault);

    let (runtime, mut events, _) = enter(&dir, "ann", &relay).await;
    let over = |label: &str| runtime.room(label).unwrap().over;
    assert_eq!([over(ROOM), over("lobby")], [false, true].map(|open| Some(Over::Archive { open })));
    until(&mut events, |event| {
        matches!(event, RoomEvent::Notice { notice: Notice::Problem(engine::Problem::Version1 { .. }), .. })
    })
    .await;
    // It is read.
    assert_eq!(runtime.past_before(ROOM, u64::MAX, 10).await.unwrap().len(), 1);
    assert_eq!(runtime.search(None, &Query::new("long ago", None), 10).await.unwrap().len(), 2);
    // And not written; nor is an open room taken for it.
    let failure = runtime.tell(ROOM, send("hello")).await.unwrap_err();
    let over = Some(Over::Archive { open: false });
    assert_eq!(failure, RoomReason::Over { room: ROOM.to_owned(), why: over }.into());
    let failure = runtime.open(ROOM, None).await.unwrap_err();
    assert_eq!(failure.code(), "version_1", "{failure:?}");

    // A new one takes the name, now and at the next start.
    assert_eq!(runtime.create_own(ROOM).await.unwrap(), ROOM);
    until(&mut events, |event| matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))).await;
    drop(events);
    runtime.shutdown().await;
    let (runtime, _events, _) = enter(&dir, "ann", &relay).await;
    let rooms: Vec<_> = runtime.rooms().into_iter().map(|room| (room.label, room.over.is_some())).collect();
    let name = |label: &str, over| (label.to_owned(), over);
    assert_eq!(rooms, [name("lobby", true), name(ROOM, false), name("team (version 1)", true)]);
    assert_eq!(runtime.history("team (version 1)", 0, 10).await.unwrap().len(), 1);
}
