mod crash;
pub(super) mod devices;
mod hidden;
mod in_step;
mod left;
mod offered;
mod old;
mod open_room;
mod out;
mod owner;
mod strangers;

use rand_core::UnwrapErr;
use relay::Relay;
use shared::{crypto::random::Random, room as engine};
use tempfile::TempDir;

use super::*;
use crate::{
    handle::Runtime,
    store::{Happening, Notice, ProfileDir, RoomLogItem},
    transport::Transport,
};

const ROOM: &str = "team";

async fn relay(dir: &TempDir) -> Relay {
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    Relay::start(config).await.unwrap()
}

async fn enter(dir: &TempDir, name: &str, relay: &Relay) -> (Runtime, mpsc::Receiver<Event>, Vault) {
    enter_with(dir, name, relay, Past::Nothing).await
}

async fn enter_with(
    dir: &TempDir,
    name: &str,
    relay: &Relay,
    past: Past,
) -> (Runtime, mpsc::Receiver<Event>, Vault) {
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let chosen = ProfileDir::choose(Some(dir.path().join(name))).unwrap();
    let profile = OpenProfile::open(chosen, Some(name), random).unwrap();
    let vault = profile.vault.clone();
    let dial = RelayAddress::new("127.0.0.1", relay.addresses()[0].port()).unwrap();
    let own = Some(OwnRelay { dial: dial.clone(), pin: relay.pin(), advertise: dial });
    let transport = Transport::new(None).unwrap();
    let config = Config {
        transport,
        relay: None,
        own,
        past,
        only: None,
        downloads: None,
        keeps_metadata: false,
        fetches_images: false,
        tells_drafts: false,
        tap: None,
    };
    let (runtime, events) = Runtime::start(profile, config).await.unwrap();
    (runtime, events, vault)
}

async fn until(events: &mut mpsc::Receiver<Event>, mut found: impl FnMut(RoomEvent) -> bool) {
    loop {
        let event = events.recv().await.expect("the runtime goes on");
        if let Event::Room { event, .. } = event
            && found(event)
        {
            return;
        }
    }
}

fn send(text: &str) -> Command {
    Command::Send { token: text.to_owned(), text: text.to_owned() }
}

fn is_message(event: &RoomEvent, text: &str) -> bool {
    matches!(event, RoomEvent::Engine(engine::Event::Message(message)) if message.text == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_neither_sent_nor_shown() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (runtime, mut events, vault) = enter(&dir, "ann", &relay).await;
    runtime.create_own(ROOM).await.unwrap();
    until(&mut events, |event| matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))).await;

    vault.now(|store| store.starve(true)).unwrap();
    let long = "not stored ".repeat(2000);
    let failure = runtime.tell(ROOM, send(&long)).await.unwrap_err();
    assert_eq!((failure.code(), failure.exit()), ("storage", crate::failure::Exit::Local));
    until(&mut events, |event| {
        assert!(!is_message(&event, &long));
        matches!(event, RoomEvent::Failed(_))
    })
    .await;

    // The room goes on from what was stored last, as if that had never been said.
    vault.now(|store| store.starve(false)).unwrap();
    while runtime.tell(ROOM, send("stored")).await.is_err() {
        tokio::task::yield_now().await;
    }
    until(&mut events, |event| {
        assert!(!is_message(&event, &long));
        is_message(&event, "stored")
    })
    .await;
    assert_eq!(runtime.history(ROOM, 0, 10).await.unwrap().len(), 1);
}

/// A face asks for the members with each line that it shows: it gets those that are there, and no copy of a thousand.
#[tokio::test(flavor = "multi_thread")]
async fn members_are_not_copied_for_each_line_and_who_looked_before_sees_no_change() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (runtime, mut events, _) = enter(&dir, "ann", &relay).await;
    runtime.create_own(ROOM).await.unwrap();
    until(&mut events, |event| matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))).await;
    let before = runtime.view(ROOM).unwrap();
    runtime.tell(ROOM, send("hello")).await.unwrap();
    until(&mut events, |event| is_message(&event, "hello")).await;
    assert!(Arc::ptr_eq(&before, &runtime.view(ROOM).unwrap()));
    assert!(Arc::ptr_eq(&before, &runtime.room(ROOM).unwrap().view.unwrap()));
    runtime.tell(ROOM, Command::Topic("soup".to_owned())).await.unwrap();
    until(&mut events, |event| matches!(event, RoomEvent::Engine(engine::Event::Topic { .. }))).await;
    assert_eq!((before.topic.as_str(), runtime.view(ROOM).unwrap().topic.as_str()), ("", "soup"));
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_is_away_does_not_stop_what_is_said() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), &home);
    let relay = Relay::start(config).await.unwrap();
    let (runtime, mut events, _) = enter(&dir, "ann", &relay).await;
    runtime.create_own(ROOM).await.unwrap();
    until(&mut events, |event| matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))).await;
    relay.shutdown().await;
    while !matches!(events.recv().await.unwrap(), Event::Relay { state: RelayState::Lost { .. }, .. }) {}
    runtime.tell(ROOM, send("kept")).await.unwrap();
    assert_eq!(runtime.why().map(|why| why.exit()), Some(crate::failure::Exit::Network));
    assert!(!runtime.is_stuck() && !runtime.is_empty());
    runtime.shutdown().await;
}

/// The notices until the room is there.
async fn notices(events: &mut mpsc::Receiver<Event>) -> Vec<(i64, String, bool)> {
    let mut seen = Vec::new();
    until(events, |event| {
        if let RoomEvent::Notice { ordinal, notice, again } = &event {
            seen.push((*ordinal, crate::failure::Failure::from(notice).message, *again));
        }
        matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))
    })
    .await;
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_between_storing_and_showing_does_not_make_an_alarm_silent() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (runtime, mut events, vault) = enter(&dir, "ann", &relay).await;
    runtime.create_own(ROOM).await.unwrap();
    assert_eq!(notices(&mut events).await, []);
    // The engine's own error is stored when `tell` returns; nobody reads it.
    runtime.tell(ROOM, send(&"x".repeat(engine::MAX_TEXT + 1))).await.unwrap();
    let room = vault.now(|store| store.rooms()).unwrap()[0].id;
    let alarm = engine::Alarm::ViewDiffers { from: "bob".to_owned() };
    let last = crate::faces::words::alarm(&alarm);
    let alarm = Notice::Alarm(alarm);
    let batch = crate::store::Batch { notices: vec![alarm], ..Default::default() };
    vault.now(|store| store.commit(room, None, &batch)).unwrap();
    drop(events);
    runtime.shutdown().await;
    drop(vault);

    let (runtime, mut events, vault) = enter(&dir, "ann", &relay).await;
    assert_eq!(runtime.why().map(|why| crate::failure::Failure::from(why).message), Some(last.clone()));
    let mut shown = Vec::new();
    until(&mut events, |event| {
        if let RoomEvent::Notice { ordinal, notice, again: true } = &event {
            shown.push((*ordinal, notice.clone()));
        }
        shown.len() == 2
    })
    .await;
    assert_eq!(shown[0].1.code(), Some("too_long"), "{shown:?}");
    assert_eq!(shown[1].1.kind(), Some(engine::AlarmKind::Fork), "{shown:?}");
    for (ordinal, _) in shown {
        runtime.seen(ordinal).await.unwrap();
    }
    drop(events);
    runtime.shutdown().await;
    drop(vault);

    let (runtime, mut events, _) = enter(&dir, "ann", &relay).await;
    assert_eq!(notices(&mut events).await, [], "once");
    assert_eq!(runtime.why().map(|why| crate::failure::Failure::from(why).message), Some(last));
}

#[tokio::test(flavor = "multi_thread")]
async fn unseen_alarm_that_the_history_holds_as_well_is_shown_once() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (runtime, mut events, vault) = enter(&dir, "ann", &relay).await;
    runtime.create_own(ROOM).await.unwrap();
    notices(&mut events).await;
    let room = vault.now(|store| store.rooms()).unwrap()[0].id;
    let alarm = |text: &str| engine::Alarm::ViewDiffers { from: text.to_owned() };
    let happening =
        |text| Happening { seq: None, at: 1, expires: None, what: RoomLogItem::Alarm(alarm(text)) };
    let unseen = Notice::Alarm(alarm("unseen"));
    let happenings = vec![happening("seen"), happening("unseen")];
    let batch = crate::store::Batch { notices: vec![unseen], happenings, ..Default::default() };
    vault.now(|store| store.commit(room, None, &batch)).unwrap();
    drop(events);
    runtime.shutdown().await;
    drop(vault);

    let (_runtime, mut events, _) = enter_with(&dir, "ann", &relay, Past::Last(10)).await;
    let (mut alarms, mut past, mut is_in) = (0, Vec::new(), false);
    until(&mut events, |event| {
        match event {
            RoomEvent::Notice { again: true, .. } => alarms += 1,
            RoomEvent::PastHappening(happening) => past.push(happening.what),
            RoomEvent::Engine(engine::Event::Joined(_)) => is_in = true,
            _ => {}
        }
        is_in && alarms > 0
    })
    .await;
    let alarms_of_the_past: Vec<_> = past.into_iter().filter(RoomLogItem::is_alarm).collect();
    assert_eq!((alarms, alarms_of_the_past), (1, vec![RoomLogItem::Alarm(alarm("seen"))]));
}
