//! Two devices of one person come to the same: what is told while a relay is away, and to a device that is new.

use super::{
    devices::{Device, one, second, two, until_so},
    *,
};
use crate::reason::Reason;

async fn relay(dir: &TempDir, port: u16) -> Relay {
    let config = relay::Config::new(([127, 0, 0, 1], port).into(), dir.path().join("relay"));
    Relay::start(config).await.unwrap()
}

/// What a device is called in a room, by its own group.
fn called(device: &Device, room: &str) -> Option<String> {
    let view = device.local.view(room)?;
    view.members.iter().find(|member| member.me).map(|me| me.person.name.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_other_devices_is_not_queued_while_the_relay_is_away_and_told_once_it_is_back() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let port = server.addresses()[0].port();
    let (one, two) = two(&dir, &server).await;
    until_so("all was told", || one.waits() == 0 && two.waits() == 0).await;
    let own = one.local.own_devices().unwrap();
    server.shutdown().await;
    until_so("the relay is gone", || !one.local.is_up(own.id)).await;
    let queued = || {
        let rows = one.vault.now(|store| store.rows(own.id)).unwrap();
        rows.iter().filter(|(key, _)| key.starts_with("outbox/")).count()
    };
    let before = queued();
    one.local.mute(ROOM, true).await.unwrap();
    for _ in 0..3 {
        sync::tell(&one.local).await;
    }
    assert_eq!((queued(), one.waits()), (before, 1));
    let _server = relay(&dir, port).await;
    until_so("it is told", || two.is_muted() && one.waits() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn name_that_is_given_at_one_device_is_the_persons_in_all_rooms_and_at_all_devices() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let (one, two) = two(&dir, &server).await;
    for (by, name) in [(&one, "zoe"), (&two, "anna")] {
        by.local.rename(name).await.unwrap();
        for device in [&one, &two] {
            let is_so = || device.local.me().0 == name && called(device, ROOM).as_deref() == Some(name);
            until_so(&format!("{name} at both"), is_so).await;
        }
    }
    // For rooms to come, and after a restart.
    let stored = |device: &Device| device.vault.now(|store| store.described()).unwrap()[0].clone();
    assert_eq!((stored(&one), stored(&two)), (Some("anna".to_owned()), Some("anna".to_owned())));
    until_so("nothing waits", || one.waits() == 0 && two.waits() == 0).await;
}

/// It was handed the account before that, and reads the log from its own join on.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_a_device_came_is_told_to_it_once_it_is_here() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let one = one(&dir, &server).await;
    one.local.mute(ROOM, true).await.unwrap();
    one.local.rename("zoe").await.unwrap();
    until_so("it is in the log", || one.waits() == 0).await;
    let two = second(&one, &dir, &server).await;
    until_so("it is told", || two.is_muted() && called(&two, ROOM).as_deref() == Some("zoe")).await;
    until_so("once", || one.vault.now(|store| store.newcomers()).unwrap().is_empty()).await;
}

/// The name of an open room is none of its invites either: nothing can be ended there.
#[tokio::test(flavor = "multi_thread")]
async fn invite_that_is_to_end_and_is_in_no_group_is_no_error() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let one = one(&dir, &server).await;
    let room = one.local.id(ROOM).unwrap();
    let gone = (room, [5; 16]);
    one.vault.now(|store| store.want_invites_ended(&[gone])).unwrap();
    one.local.invite_device(ROOM, [7; 16]).await.unwrap();
    let is_told = |why: Option<Reason>| matches!(why, Some(Reason::Notice(Notice::Problem(_))));
    assert!(!is_told(one.local.why()), "{:?}", one.local.why());
    assert!(!one.vault.now(|store| store.invite_endings(room)).unwrap().contains(&gone.1));
}

/// A device that comes after that was let in by somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_comes_after_a_linking_that_ended_without_a_hand_over_is_news() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let one = one(&dir, &server).await;
    one.local.link(None, None).await.unwrap();
    // As it is once all is put together; then the other device is gone.
    one.vault.now(|store| store.await_own_device(true)).unwrap();
    one.local.answer_link(LinkAnswer::Cancel).await.unwrap();
    until_so("the linking is over", || one.vault.now(|store| store.linking()).unwrap().is_none()).await;
    assert!(one.vault.now(|store| store.own_device_came(RoomId([1; 32]), 5, 2)).unwrap());
}
