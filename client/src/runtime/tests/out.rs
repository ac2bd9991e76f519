//! A device of a person is stolen and taken out by one that is not in all its rooms; and one that was linked by the thief, in the place of
//! another one.

use shared::{
    identity::DeviceId,
    room::{DeviceHere, MessageBody, Policy},
};

use super::{
    devices::{Device, next, two, until_so},
    *,
};

/// A room that the first device is not in.
const MODS: &str = "mods";

/// Who this device is in a room.
fn me(device: &Device, room: &str) -> DeviceId {
    let view = device.local.view(room).unwrap();
    view.members.iter().find(|member| member.me).unwrap().device.id
}

fn members(device: &Device, room: &str) -> usize {
    device.local.view(room).map_or(0, |view| view.members.len())
}

fn own(device: &Device) -> String {
    device.local.own_devices().unwrap().label
}

/// That device says, where all hear it, that it is in these rooms.
fn says(hearer: &Device, device: DeviceId, is: impl Fn(&DeviceHere) -> bool) -> bool {
    let said = hearer.vault.now(|store| store.devices_here()).unwrap();
    said.iter().any(|(one, here)| *one == device && is(here))
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_taken_out_goes_from_rooms_that_only_another_one_is_in() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let thief = next(&one, "three", &dir, &server).await;
    two.local.create(MODS, None, Policy::default()).unwrap();
    two.local.entered(MODS).await.unwrap();
    let link = two.local.invite_device(MODS, [7; 16]).await.unwrap();
    let label = thief.local.join(&link).await.unwrap();
    thief.local.entered(&label).await.unwrap();
    until_so("it is in", || members(&two, MODS) == 2).await;
    let (room, leaf, stolen) = (two.local.id(MODS).unwrap(), me(&thief, MODS), me(&thief, &own(&thief)));
    let is_there = |here: &DeviceHere| here.rooms.contains(&(room, leaf));
    until_so("all have heard where it is", || {
        says(&one, stolen, is_there)
            && says(&two, stolen, is_there)
            && says(&one, me(&two, &own(&two)), |here| here.rooms.len() == 2)
    })
    .await;
    let named = stolen.to_string();
    assert_eq!(one.local.rooms_beyond(Some(&named)).await, Ok(RoomsBeyond { rooms: 1, reached: 1 }));
    assert_eq!(one.local.rooms_beyond(None).await, Ok(RoomsBeyond { rooms: 1, reached: 0 }));
    // It takes that back before it goes.
    let nowhere = MessageBody::Here(Box::new(DeviceHere { name: "x".to_owned(), ..DeviceHere::default() }));
    let said = Command::Say { token: String::new(), body: nowhere };
    thief.local.tell(&own(&thief), said).await.unwrap();
    until_so("it is heard", || says(&two, stolen, |here| here.rooms.is_empty())).await;
    one.local.remove_device(&named).await.unwrap();
    // The first device, which is not in there, may be let in by then.
    let is_in = || two.local.view(MODS).unwrap().members.iter().any(|member| member.device.id == leaf);
    until_so("it is out of that one as well", || !is_in()).await;
    until_so("and of that which all are in", || members(&two, ROOM) == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_a_thief_links_rings_although_as_many_were_there_before() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir).await;
    let (one, two) = two(&dir, &server).await;
    let thief = next(&one, "three", &dir, &server).await;
    let rings = || {
        let told = one.vault.now(|store| store.unseen_notices(None)).unwrap();
        let is_it = |notice: &Notice| matches!(notice, Notice::Alarm(engine::Alarm::OwnDeviceLinked { .. }));
        told.iter().filter(|one| is_it(&one.notice)).count()
    };
    until_so("all three are there", || members(&one, &own(&one)) == 3 && members(&one, ROOM) == 3).await;
    let before = rings();
    // In the other room it stays, so that some room counts three all the time.
    let (place, device) = (own(&thief), me(&two, &own(&two)));
    let who = thief.local.me().1;
    thief.local.tell(&place, Command::RemoveDevice { who, device }).await.unwrap();
    until_so("it is out", || members(&thief, &place) == 2).await;
    // Ways in that were made before end then.
    let has_noticed = |one: &Device| {
        let told = one.vault.now(|store| store.device_told()).unwrap();
        told.is_some_and(|told| !told.heard.contains(&device))
    };
    until_so("all have noticed", || has_noticed(&one) && has_noticed(&thief)).await;
    let _fourth = next(&thief, "four", &dir, &server).await;
    until_so("the owner is told", || rings() > before).await;
}
