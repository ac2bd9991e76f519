//! What a person does at one device comes to the other, wherever the program of either ends meanwhile: at each call of the store in turn,
//! just before it and just after it.

use std::time::Duration;

use super::*;
use crate::{
    ask::{self, Request as _},
    runtime::event::Sink,
    store::{AccountHere, Item, crash_point::CrashPoint},
};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

pub(in crate::runtime) struct Device {
    name: &'static str,
    pub(in crate::runtime) local: Local,
    pub(super) vault: Vault,
}

impl Device {
    fn profile(dir: &TempDir, (name, person): (&str, &str)) -> OpenProfile {
        let random = Random::new(UnwrapErr(getrandom::SysRng));
        let chosen = ProfileDir::choose(Some(dir.path().join(name))).unwrap();
        OpenProfile::open(chosen, Some(person), random).unwrap()
    }

    pub(super) async fn start(dir: &TempDir, name: &'static str, relay: &Relay) -> Self {
        Self::of(dir, (name, "ann"), relay).await
    }

    /// One of somebody else's.
    pub(super) async fn of(dir: &TempDir, (name, person): (&'static str, &str), relay: &Relay) -> Self {
        let profile = Self::profile(dir, (name, person));
        let vault = profile.vault.clone();
        let dial = RelayAddress::new("127.0.0.1", relay.addresses()[0].port()).unwrap();
        let config = Config {
            transport: Transport::new(None).unwrap().trusting_first_use(),
            relay: None,
            own: Some(OwnRelay { dial: dial.clone(), pin: relay.pin(), advertise: dial }),
            past: Past::Nothing,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: true,
            tap: None,
        };
        let (sender, mut events) = mpsc::channel(EVENTS);
        let local = Local::start(profile, config, Sink::Face(sender)).await.unwrap();
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        Self { name, local, vault }
    }

    /// As if killed: what is not stored is gone.
    pub(super) async fn again(self, dir: &TempDir, relay: &Relay) -> Self {
        self.local.clone().shutdown().await;
        let Self { name, local, vault } = self;
        drop((local, vault));
        Self::start(dir, name, relay).await
    }

    fn set(&self, point: CrashPoint) {
        self.vault
            .now(|store| {
                store.crash_point = point;
                Ok(())
            })
            .unwrap();
    }

    fn has_ended(&self) -> bool {
        self.vault.now(|store| Ok(store.crash_point.calls == Some(0))).unwrap()
    }

    pub(super) fn is_muted(&self) -> bool {
        self.vault.now(|store| store.muted()).unwrap().contains(ROOM)
    }

    fn typed(&self) -> String {
        let id = self.local.id(ROOM).unwrap();
        self.vault.now(|store| store.draft(id)).unwrap().map(|text| text.to_string()).unwrap_or_default()
    }

    /// What it has of a room, where it is in it.
    pub(super) fn is_in(&self, room: &str) -> bool {
        self.local.room(room).is_ok_and(|room| room.view.is_some())
    }

    /// How often it was told in a room of a device that it did not link.
    pub(super) fn own_device_alarms(&self, room: &str) -> usize {
        let room = self.local.id(room).unwrap();
        let rings = |item: &Item| {
            matches!(
                item,
                Item::Happening(Happening {
                    what: RoomLogItem::Alarm(engine::Alarm::OwnDeviceLinked { .. }),
                    ..
                })
            )
        };
        let told = self.vault.now(|store| store.past_after(room, 0, 100)).unwrap();
        told.iter().filter(|item| rings(item)).count()
    }

    pub(super) fn waits(&self) -> usize {
        self.vault.now(|store| store.unsynced()).unwrap().len()
    }
}

pub(super) async fn until_so(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// Two devices of one person, in one room and in the one of the devices.
pub(super) async fn two(dir: &TempDir, relay: &Relay) -> (Device, Device) {
    let one = one(dir, relay).await;
    let two = second(&one, dir, relay).await;
    (one, two)
}

/// The first of them.
pub(in crate::runtime) async fn one(dir: &TempDir, relay: &Relay) -> Device {
    let one = Device::start(dir, "one", relay).await;
    one.local.create(ROOM, None, shared::room::Policy::default()).unwrap();
    one.local.entered(ROOM).await.unwrap();
    let policy = shared::room::Policy { own_devices: true, ..Default::default() };
    let own = one.local.create("devices", None, policy).unwrap();
    one.local.entered(&own).await.unwrap();
    one
}

/// Another one with that account, which is in no room.
pub(super) async fn alike(one: &Device, dir: &TempDir, name: &'static str, relay: &Relay) -> Device {
    let account = one.vault.now(|store| store.account()).unwrap().unwrap();
    {
        let profile = Device::profile(dir, (name, "ann"));
        let here = AccountHere { identity: &account, backup_key: None };
        profile.vault.now(|store| store.become_device(RoomId([9; 32]), &here, &[])).unwrap();
    }
    Device::start(dir, name, relay).await
}

/// The other one.
pub(super) async fn second(one: &Device, dir: &TempDir, relay: &Relay) -> Device {
    next(one, "two", dir, relay).await
}

/// One more, which is let in by `one`.
pub(super) async fn next(one: &Device, name: &'static str, dir: &TempDir, relay: &Relay) -> Device {
    let own = one.local.own_devices().unwrap().label;
    let two = alike(one, dir, name, relay).await;
    let link = one.local.invite_device(&own, [7; 16]).await.unwrap();
    let label = two.local.join_own_devices(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    let link = one.local.invite_device(ROOM, [7; 16]).await.unwrap();
    let label = two.local.join(&link).await.unwrap();
    two.local.entered(&label).await.unwrap();
    two
}

fn points() -> impl Iterator<Item = CrashPoint> {
    (1..).flat_map(|calls| {
        [true, false].map(|is_carried_out| CrashPoint { calls: Some(calls), is_carried_out })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn mark_comes_to_the_other_device_wherever_that_ends() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (one, mut two) = two(&dir, &relay).await;
    let (mut is_muted, mut ends) = (false, 0);
    for point in points() {
        is_muted = !is_muted;
        two.set(point);
        one.local.mute(ROOM, is_muted).await.unwrap();
        until_so("it is there, or has ended", || two.has_ended() || two.is_muted() == is_muted).await;
        let has_ended = two.has_ended();
        two = two.again(&dir, &relay).await;
        until_so(&format!("{point:?}: it is there"), || two.is_muted() == is_muted).await;
        if !has_ended {
            break;
        }
        ends += 1;
    }
    assert!(ends > 1, "only {ends} times it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn mark_is_told_or_not_made_wherever_the_device_ends() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (mut one, two) = two(&dir, &relay).await;
    let mut ends = 0;
    for (number, point) in points().step_by(3).enumerate() {
        let (is_muted, text) = (!one.is_muted(), format!("typed {number}"));
        one.set(point);
        let done = async {
            one.local.mute(ROOM, is_muted).await?;
            one.local.set_draft(ROOM, &text).await
        };
        let is_done = done.await.is_ok();
        let is_told = || two.is_muted() == is_muted && two.typed() == text;
        until_so("it is told, or has ended", || one.has_ended() || (is_done && is_told())).await;
        let has_ended = one.has_ended();
        one = one.again(&dir, &relay).await;
        let agree = || one.is_muted() == two.is_muted() && one.typed() == two.typed() && one.waits() == 0;
        until_so(&format!("{point:?}: both show the same"), agree).await;
        if !has_ended {
            break;
        }
        ends += 1;
    }
    assert!(ends > 2, "only {ends} times it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_made_comes_to_the_other_device_wherever_the_first_ends() {
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let (mut one, two) = two(&dir, &relay).await;
    // What follows is the same for each room that is made: where its making ends counts.
    for (number, point) in points().take(10).enumerate() {
        let room = format!("room {number}");
        one.set(point);
        let create = ask::Create { name: room.clone(), relay: None, policy: shared::room::Policy::default() };
        // It may have ended before there was anything to be made.
        let _ = create.answer(&one.local, None).await;
        until_so("it is there, or has ended", || one.has_ended() || two.is_in(&room)).await;
        one = one.again(&dir, &relay).await;
        if one.local.room(&room).is_ok() {
            until_so(&format!("{point:?}: {room} is at the other"), || two.is_in(&room)).await;
        }
    }
}
