//! A person with several devices in a room that everybody may enter: nobody else goes from there with one of them.

use shared::identity::DeviceId;

use super::{
    devices::{Device, two, until_so},
    *,
};
use crate::reason::Reason;

const LOBBY: &str = "lobby";

async fn enter_lobby(device: &Device) -> RoomId {
    device.local.open(LOBBY, None).unwrap();
    device.local.entered(LOBBY).await.unwrap();
    device.local.id(LOBBY).unwrap()
}

fn members(device: &Device) -> usize {
    device.local.view(LOBBY).map_or(0, |view| view.members.len())
}

/// How they are called in the lobby who are others.
fn others(device: &Device) -> Vec<DeviceId> {
    let view = device.local.view(LOBBY).unwrap();
    view.others().map(|member| member.device.id).collect()
}

/// The other device's id in the room of own devices.
fn other(one: &Device) -> String {
    let view = one.local.own_devices().unwrap().view.unwrap();
    view.members.iter().find(|member| !member.me).unwrap().device.id.to_string()
}

fn problem(device: &Device) -> Option<Reason> {
    device.local.why().filter(|why| matches!(why, Reason::Notice(Notice::Problem(_))))
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_taken_out_takes_nobody_else_with_it_from_an_open_room() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let bob = Device::of(&dir, ("bob", "bob"), &server).await;
    let room = enter_lobby(&one).await;
    enter_lobby(&bob).await;
    // As the linking of a device hands it over.
    let link = one.local.invite_device(LOBBY, [7; 16]).await.unwrap();
    one.vault.now(|store| store.keep_invites(&[(room, link.link.secret.id())])).unwrap();
    enter_lobby(&two).await;
    until_so("all are in", || members(&one) == 3 && members(&bob) == 3).await;
    let bobs = others(&one);
    one.local.remove_device(&other(&one)).await.unwrap();
    until_so("it is out", || members(&one) == 2 && members(&bob) == 2).await;
    one.local.take_out_strangers().await;
    let out = one.vault.now(|store| store.device_removals(room)).unwrap();
    assert!(bobs.iter().all(|device| !out.contains(device)), "{out:?}");
    let ways = || one.vault.now(|store| store.device_ways()).unwrap();
    until_so("nothing of the way is left", || ways().iter().all(|way| way.room != room)).await;
    assert_eq!((members(&bob), problem(&one)), (2, None));
}

/// Whoever is written down for it all the same is no device of this person.
#[tokio::test(flavor = "multi_thread")]
async fn only_own_devices_are_taken_out_by_what_is_written_down() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let bob = Device::of(&dir, ("bob", "bob"), &server).await;
    let room = enter_lobby(&one).await;
    enter_lobby(&bob).await;
    until_so("bob is in", || members(&one) == 2).await;
    let out: Vec<_> = others(&one).into_iter().map(|device| (room, device)).collect();
    one.vault.now(|store| store.want_devices_removed(&out)).unwrap();
    // The room looks at it with each change.
    enter_lobby(&two).await;
    until_so("two is in", || members(&one) == 3).await;
    let is_forgotten = || one.vault.now(|store| store.device_removals(room)).unwrap().is_empty();
    until_so("it is forgotten", is_forgotten).await;
    enter_lobby(&Device::of(&dir, ("cara", "cara"), &server).await).await;
    until_so("cara is in", || members(&one) == 4).await;
    until_so("bob sees them all", || members(&bob) == 4).await;
}

/// A removal ends all invites of a room, and the room asks for it more often than once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_already_is_no_error_where_nobody_typed_it() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, _two) = two(&dir, &server).await;
    let (me, device) = (one.local.me().1, DeviceId([5; 16]));
    let commands = [Command::RemoveDevice { who: me, device }, Command::Revoke([5; 16])];
    for command in commands.clone() {
        one.local.ensure(ROOM, command).await.unwrap();
        assert_eq!(problem(&one), None);
    }
    for command in commands {
        one.local.tell(ROOM, command.clone()).await.unwrap();
        let told = problem(&one);
        assert!(told.is_some(), "{command:?}");
    }
}
