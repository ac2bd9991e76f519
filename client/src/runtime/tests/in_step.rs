//! Two devices of one person come to the same: what is told while a relay is away, and to a device that is new.

use super::{
    devices::{Device, one, second, two, until_so},
    *,
};
use crate::{
    reason::Reason,
    store::{Came, Item},
};

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
    one.vault.now(|store| store.await_own_device(&[[7; 16]])).unwrap();
    one.local.answer_link(LinkAnswer::Cancel).await.unwrap();
    until_so("the linking is over", || one.vault.now(|store| store.linking()).unwrap().is_none()).await;
    let came = Came { seq: 5, invite: Some([7; 16]), count: 2, is_among: false };
    assert!(one.vault.now(|store| store.own_device_came(RoomId([1; 32]), came)).unwrap());
}

/// A code that was mistyped reads as a host.
#[tokio::test(flavor = "multi_thread")]
async fn relay_that_does_not_answer_is_kept_for_no_linking_and_for_nothing_else() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let one = one(&dir, &server).await;
    let there = RelayAddress::new("127.0.0.1", server.addresses()[0].port()).unwrap();
    let last = || one.vault.now(|store| store.own_texts()).unwrap().relay;
    let before = last();
    let known = crate::store::KnownRelay::FirstUse(server.pin());
    one.vault.now(|store| store.remember_relay(&there, known)).unwrap();
    // Nothing listens there.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let nowhere = RelayAddress::new("127.0.0.1", socket.local_addr().unwrap().port()).unwrap();
    drop(socket);
    assert!(one.local.link(None, Some(nowhere.clone())).await.is_err());
    assert!(one.vault.now(|store| store.linking()).unwrap().is_none(), "nothing is under way");
    assert_eq!(last(), before);
    one.local.link(None, Some(there.clone())).await.unwrap();
    assert_eq!(last(), there.to_string());
    // Nobody is shown the code of another relay than the one that is named.
    let elsewhere = one.local.link(None, Some(nowhere)).await;
    assert_eq!(elsewhere, Err(crate::reason::LinkReason::Busy.into()));
    assert_eq!(one.local.link(None, Some(there)).await, Ok(()));
}

/// `--name` is of a profile, and a person has one name.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_started_with_another_name_than_the_others_have_is_called_as_they_are() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let (one, two) = two(&dir, &server).await;
    one.local.rename("zoe").await.unwrap();
    until_so("both are", || called(&two, ROOM).as_deref() == Some("zoe")).await;
    until_so("nothing waits", || one.waits() == 0 && two.waits() == 0).await;
    // As the harness does: by the name `ann`.
    let two = two.again(&dir, &server).await;
    two.local.entered(ROOM).await.unwrap();
    assert_eq!(two.local.me().0, "zoe");
    until_so("it is in step", || two.waits() == 0).await;
    assert_eq!(called(&two, ROOM).as_deref(), Some("zoe"));
}

/// Each of the person's devices says the name by itself.
#[tokio::test(flavor = "multi_thread")]
async fn change_of_a_name_is_told_once_to_others_whatever_number_of_devices_says_it() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let (one, two) = two(&dir, &server).await;
    let bob = Device::of(&dir, ("bob", "bob"), &server).await;
    for device in [&one, &two, &bob] {
        device.local.open("lobby", None).unwrap();
        device.local.entered("lobby").await.unwrap();
    }
    one.local.rename("zoe").await.unwrap();
    let all_are = || {
        bob.local
            .view("lobby")
            .is_some_and(|view| view.members.iter().filter(|member| member.person.name == "zoe").count() == 2)
    };
    until_so("both are", all_are).await;
    let room = bob.local.id("lobby").unwrap();
    let told = bob.vault.now(|store| store.past_after(room, 0, 100)).unwrap();
    let renamed =
        |item: &&Item| matches!(item, Item::Happening(Happening { what: RoomLogItem::Renamed { .. }, .. }));
    assert_eq!(told.iter().filter(renamed).count(), 1, "{told:?}");
}

/// A backup says of no device where that is.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_comes_back_is_told_again_where_the_others_are() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, 0).await;
    let (one, two) = two(&dir, &server).await;
    let knows = |device: &Device| device.vault.now(|store| store.devices_here()).unwrap().len();
    until_so("both have said it", || knows(&one) > 0 && knows(&two) > 0).await;
    let (place, copy) = (dir.path().join("two"), dir.path().join("copy"));
    stop(two).await;
    copy_files(&place, &copy);
    // What it does now its copy cannot follow.
    let two = Device::start(&dir, "two", &server).await;
    two.local.name_device("other").await.unwrap();
    let is_named = || {
        let view = one.local.own_devices().and_then(|own| own.view);
        view.is_some_and(|view| view.members.iter().any(|member| member.device.name == "other"))
    };
    until_so("it is called otherwise", is_named).await;
    stop(two).await;
    std::fs::remove_dir_all(&place).unwrap();
    copy_files(&copy, &place);
    let two = Device::start(&dir, "two", &server).await;
    two.vault.now(|store| store.keep_devices_here(&[])).unwrap();
    until_so("it is said again", || knows(&two) > 0).await;
}

async fn stop(device: Device) {
    device.local.clone().shutdown().await;
}

fn copy_files(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
