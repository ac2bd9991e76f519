//! A way into a room that was made for one device of a person is known to all of them, also to one that is taken out.

use std::time::{Duration, Instant};

use shared::{
    identity::DeviceId,
    invite::link::InviteLink,
    room::{DeviceHere, MAX_HERE, MessageBody, Policy},
};

use super::{
    devices::{Device, two, until_so},
    *,
};

const CLUB: &str = "club";

/// A room, and a way into it that was made for a device of which nothing is known yet.
async fn way(one: &Device) -> (RoomId, InviteLink) {
    one.local.create(CLUB, None, Policy::default()).unwrap();
    one.local.entered(CLUB).await.unwrap();
    let (room, link) = (one.local.id(CLUB).unwrap(), one.local.invite_device(CLUB, [7; 16]).await.unwrap());
    let id = link.link.secret.id();
    one.vault.now(|store| store.keep_invites(&[(room, id)])).unwrap();
    (room, link)
}

fn members(device: &Device) -> usize {
    device.local.view(CLUB).map_or(0, |view| view.members.len())
}

/// How many of the account are in the room of own devices.
fn own_devices(one: &Device) -> usize {
    one.local.own_devices().and_then(|own| own.view).map_or(0, |view| view.members.len())
}

/// The other device says which leaf of the room it is.
fn is_claimed(one: &Device, room: RoomId) -> bool {
    let Some(view) = one.local.view(CLUB) else { return false };
    let Some(leaf) = view.members.iter().find(|member| !member.me).map(|member| member.device.id) else {
        return false;
    };
    let said = one.vault.now(|store| store.devices_here()).unwrap();
    said.iter().any(|(_, here)| here.rooms.contains(&(room, leaf)))
}

/// Starts again as one that knows nothing of the room of own devices, and says nothing there.
async fn silent(device: Device, dir: &TempDir, server: &Relay) -> Device {
    let own = device.local.own_devices().unwrap().id;
    device.local.clone().shutdown().await;
    device.vault.now(|store| store.forget_room(own)).unwrap();
    drop(device);
    Device::start(dir, "two", server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_taken_out_keeps_no_place_that_was_for_another() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, thief) = two(&dir, &server).await;
    let (_, link) = way(&one).await;
    let own = one.local.own_devices().unwrap().label;
    let me = one.local.view(&own).unwrap().members.iter().find(|member| member.me).map(|me| me.device.id);
    let its = one
        .local
        .view(&own)
        .unwrap()
        .members
        .iter()
        .map(|member| member.device.id)
        .find(|id| Some(*id) != me);
    // It comes by that, and does not say so.
    let thief = silent(thief, &dir, &server).await;
    let label = thief.local.join(&link).await.unwrap();
    thief.local.entered(&label).await.unwrap();
    until_so("it is in", || members(&one) == 2).await;
    one.local.remove_device(&its.unwrap().to_string()).await.unwrap();
    until_so("it is out", || members(&one) == 1).await;
    let is_over = || {
        let ways = one.vault.now(|store| store.device_ways()).unwrap();
        ways.iter().all(|way| way.invite != link.link.secret.id())
    };
    until_so("nothing of it is left", is_over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_says_where_it_is_stays_there_when_another_one_goes() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let (room, link) = way(&one).await;
    let label = two.local.join(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    until_so("it says so", || is_claimed(&one, room)).await;
    // Also in the room of own devices it came by a way.
    let own = one.local.own_devices().unwrap();
    let members_there = own.view.unwrap().members.clone();
    let by: Vec<_> = members_there.iter().filter_map(|member| Some((own.id, member.invite?))).collect();
    assert!(!by.is_empty());
    one.vault.now(|store| store.add_device_ways(&by)).unwrap();
    one.vault.now(Store::spoil_device_ways).unwrap();
    one.local.take_out_strangers().await;
    for room in [room, own.id] {
        assert!(one.vault.now(|store| store.device_removals(room)).unwrap().is_empty());
    }
    assert_eq!((members(&one), own_devices(&one)), (2, 2));
}

/// It says where it is just after it was decided that it goes, since it had not said so.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_says_where_it_is_too_late_is_let_in_anew() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let (room, link) = way(&one).await;
    let label = two.local.join(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    until_so("it says so", || is_claimed(&one, room)).await;
    // Nobody else is on the way.
    let own = one.local.own_devices().unwrap();
    for invite in own.view.unwrap().invites.iter().filter(|invite| invite.for_device) {
        one.local.tell(&own.label, Command::Revoke(invite.id)).await.unwrap();
    }
    let is_awaited = |view: Arc<GroupView>| view.invites.iter().any(|invite| invite.for_device);
    let awaits = || one.local.own_devices().unwrap().view.is_some_and(is_awaited);
    until_so("nobody is awaited", || !awaits()).await;
    let leaf = |device: &Device| {
        let view = device.local.view(&label)?;
        view.members.iter().find(|member| member.me).map(|member| member.device.id)
    };
    let before = leaf(&two).unwrap();
    one.vault
        .now(|store| {
            store.offer_was_taken(room)?;
            store.want_devices_removed(&[(room, before)])
        })
        .unwrap();
    one.local.offer_rooms().await;
    assert_eq!(one.vault.now(|store| store.entered_rooms()).unwrap().len(), 1, "nobody lets it in again");
    let who = one.local.me().1;
    one.local.tell(CLUB, Command::RemoveDevice { who, device: before }).await.unwrap();
    until_so("it is in anew", || leaf(&two).is_some_and(|now| now != before)).await;
    until_so("that is all", || one.vault.now(|store| store.entered_rooms()).unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_of_which_none_of_ours_speaks_rings_once_and_one_that_says_where_it_is_does_not() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let (room, link) = way(&one).await;
    let (now, mut unclaimed) = ((Instant::now(), now_ms()), Default::default());
    let later = (now.0 + Duration::from_secs(3_600), now.1 + 3_600_000);
    let alarms = || one.own_device_alarms(CLUB);
    // As many devices as there are in another room, so their number says nothing.
    let label = two.local.join(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    until_so("it says so", || is_claimed(&one, room)).await;
    one.local.look_after_devices(&mut unclaimed, later).await;
    assert_eq!((alarms(), unclaimed.next()), (0, None));
    // As if it had never said so.
    let _two = silent(two, &dir, &server).await;
    one.vault.now(|store| store.keep_devices_here(&[])).unwrap();
    one.local.look_after_devices(&mut unclaimed, (Instant::now(), now_ms())).await;
    assert!(alarms() == 0 && unclaimed.next().is_some());
    for _ in 0..2 {
        one.local.look_after_devices(&mut unclaimed, later).await;
        assert_eq!(alarms(), 1);
    }
}

/// Nobody is in so many rooms: whoever says so would speak for every stranger.
#[tokio::test(flavor = "multi_thread")]
async fn device_that_says_as_much_as_it_can_speaks_for_no_leaf_that_it_does_not_name() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let (room, link) = way(&one).await;
    let label = two.local.join(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    until_so("it says so", || is_claimed(&one, room)).await;
    let place = |number: usize| {
        let byte = u8::try_from(number % MAX_HERE).unwrap();
        (RoomId([byte; 32]), DeviceId([byte; 16]))
    };
    let here = DeviceHere {
        name: "x".to_owned(),
        rooms: (0..MAX_HERE).map(place).collect(),
        ..DeviceHere::default()
    };
    let said = Command::Say { token: String::new(), body: MessageBody::Here(Box::new(here)) };
    two.local.tell(&two.local.own_devices().unwrap().label, said).await.unwrap();
    until_so("it is heard", || !is_claimed(&one, room)).await;
    let (now, mut unclaimed) = ((Instant::now(), now_ms()), Default::default());
    one.local.look_after_devices(&mut unclaimed, now).await;
    one.local
        .look_after_devices(&mut unclaimed, (now.0 + Duration::from_secs(3_600), now.1 + 3_600_000))
        .await;
    assert_eq!(one.own_device_alarms(CLUB), 1);
}
