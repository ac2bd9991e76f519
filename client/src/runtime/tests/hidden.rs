//! Somebody has the key of an account and a way into one of its rooms, and the relay helps them: it keeps a device of the owner from
//! hearing in the room of own devices whose the new leaf is.

use std::time::{Duration, Instant};

use relay::{
    log::Hold,
    policy::reason::{Notice as OperatorNotice, Reason as OperatorReason},
};
use shared::room::Policy;

use super::{
    devices::{Device, alike, second, two, until_so},
    *,
};

/// Where there are no more devices of the account with the thief's than elsewhere without it: their number tells nothing.
const CLUB: &str = "club";

const HOUR: Duration = Duration::from_secs(3_600);
/// A little more than a day: the device looks by itself as well.
const DAY_MS: u64 = 25 * 3_600 * 1_000;

async fn relay(dir: &TempDir, name: &str) -> Relay {
    Relay::start(relay::Config::new(([127, 0, 0, 1], 0).into(), dir.path().join(name))).await.unwrap()
}

async fn hold(server: &Relay, room: RoomId, hold: impl Fn(OperatorNotice) -> Hold) {
    let notice = OperatorNotice { at_ms: 1, reason: OperatorReason::default() };
    assert!(server.backend().hold_room(room, hold(notice)).await.unwrap());
}

/// The owner makes a room, and the thief comes in.
async fn comes_in(owner: &Device, dir: &TempDir, server: &Relay) -> Device {
    owner.local.create(CLUB, None, Policy::default()).unwrap();
    owner.local.entered(CLUB).await.unwrap();
    let thief = alike(owner, dir, "thief", server).await;
    let link = owner.local.invite_device(CLUB, [7; 16]).await.unwrap();
    let label = thief.local.join(&link).await.unwrap();
    thief.local.entered(&label).await.unwrap();
    let are_two = || owner.local.view(CLUB).is_some_and(|view| view.members.len() == 2);
    until_so("the owner's device sees it", are_two).await;
    thief
}

fn alarms(owner: &Device) -> [usize; 2] {
    [ROOM, CLUB].map(|room| owner.own_device_alarms(room))
}

/// Whose the devices in the first room are is known.
async fn is_known(owner: &Device) {
    let (room, said) =
        (owner.local.id(ROOM).unwrap(), || owner.vault.now(|store| store.devices_here()).unwrap());
    let there = || said().iter().flat_map(|(_, here)| &here.rooms).filter(|(one, _)| *one == room).count();
    until_so("both have said that they are there", || there() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_lets_nothing_into_the_room_of_own_devices_hides_no_device() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, "relay").await;
    let (owner, _other) = two(&dir, &server).await;
    is_known(&owner).await;
    hold(&server, owner.local.own_devices().unwrap().id, Hold::Freeze).await;
    let _thief = comes_in(&owner, &dir, &server).await;
    let (now, mut unclaimed) = ((Instant::now(), now_ms()), Default::default());
    owner.local.look_after_devices(&mut unclaimed, now).await;
    assert_eq!((alarms(&owner), unclaimed.next().is_some()), ([0, 0], true));
    for _ in 0..2 {
        owner.local.look_after_devices(&mut unclaimed, (now.0 + HOUR, now.1)).await;
        assert_eq!(alarms(&owner), [0, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_keeps_a_device_from_the_others_hides_none_for_ever() {
    let dir = TempDir::new().unwrap();
    let (server, others) = (relay(&dir, "relay").await, relay(&dir, "relay of own devices").await);
    let owner = Device::start(&dir, "one", &server).await;
    owner.local.create(ROOM, None, Policy::default()).unwrap();
    owner.local.entered(ROOM).await.unwrap();
    let place = RelayAddress::new("127.0.0.1", others.addresses()[0].port()).unwrap();
    let policy = Policy { own_devices: true, ..Policy::default() };
    let own = owner.local.create("devices", Some(place), policy).unwrap();
    owner.local.entered(&own).await.unwrap();
    let _other = second(&owner, &dir, &server).await;
    is_known(&owner).await;
    let room = owner.local.own_devices().unwrap().id;
    others.shutdown().await;
    until_so("it is kept out", || !owner.local.is_up(room)).await;
    let _thief = comes_in(&owner, &dir, &server).await;
    let (now, mut unclaimed) = ((Instant::now(), now_ms()), Default::default());
    for ahead in [Duration::ZERO, HOUR] {
        owner.local.look_after_devices(&mut unclaimed, (now.0 + ahead, now.1)).await;
        assert_eq!(alarms(&owner), [0, 0], "somebody may have said so whom it did not hear");
    }
    // A program that is started anew each morning comes to it as well.
    let owner = owner.again(&dir, &server).await;
    until_so("it knows its rooms", || owner.is_in(ROOM) && owner.is_in(CLUB)).await;
    let mut unclaimed = Default::default();
    for _ in 0..2 {
        owner.local.look_after_devices(&mut unclaimed, (now.0, now.1 + DAY_MS)).await;
        assert_eq!(alarms(&owner), [0, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_drops_the_room_of_own_devices_hides_no_device_for_ever() {
    let dir = TempDir::new().unwrap();
    let server = relay(&dir, "relay").await;
    let (owner, _other) = two(&dir, &server).await;
    is_known(&owner).await;
    hold(&server, owner.local.own_devices().unwrap().id, Hold::Drop).await;
    until_so("it is gone", || owner.local.own_devices().is_none()).await;
    let _thief = comes_in(&owner, &dir, &server).await;
    let (now, mut unclaimed) = ((Instant::now(), now_ms()), Default::default());
    for (ahead, expected) in [(0, 0), (DAY_MS, 1), (2 * DAY_MS, 1)] {
        owner.local.look_after_devices(&mut unclaimed, (now.0, now.1 + ahead)).await;
        assert_eq!(alarms(&owner), [0, expected], "whoever said it before is not told of");
    }
}
