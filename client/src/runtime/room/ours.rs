//! What devices of one person tell each other, and give each other: stored with the step of the room in which it came.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use proto::RoomId;
use shared::{
    identity::DeviceId,
    room::{self as engine, DeviceHere, Millis, Private},
};

use crate::{
    runtime::lock,
    store::{Cursor, Mark, RoomKind, RoomRecord, Store, StoreError, StoredNotice},
};

/// Invites that were made in this run for devices of ours, and are not with them yet: those of the rooms in use.
pub(in crate::runtime) type Held = Arc<Mutex<BTreeSet<[u8; 16]>>>;

/// What of the events of a step is about devices of ours.
#[derive(Default)]
pub(super) struct Ours {
    /// What devices did, which one said it, and whether that is this one. Nobody's to read; in any other room it is nothing.
    done: Vec<(Private, DeviceId, bool)>,
    heres: Vec<(DeviceId, Box<DeviceHere>)>,
    read: Option<u64>,
    invites: Vec<[u8; 16]>,
    /// Who this device is in the room of the devices.
    me: Option<DeviceId>,
    /// The others there.
    others: Vec<DeviceId>,
}

impl Ours {
    pub(super) fn of(
        record: &RoomRecord,
        (events, engine): (&[engine::Event], &engine::Engine),
        held: &Held,
    ) -> Self {
        let mut ours = Self::default();
        if record.kind == RoomKind::OwnDevices {
            for member in engine.view().iter().flat_map(|view| &view.members) {
                match member.me {
                    true => ours.me = Some(member.device.id),
                    false => ours.others.push(member.device.id),
                }
            }
        }
        for event in events {
            match event {
                engine::Event::Device { body, device, mine, .. } if record.kind == RoomKind::OwnDevices => {
                    ours.done.push((body.clone(), *device, *mine));
                }
                engine::Event::DeviceHere { device, here } => ours.heres.push((*device, here.clone())),
                // What was read on another device of ours is read.
                engine::Event::Seen { mine: true, seq, .. } => ours.read = ours.read.max(Some(*seq)),
                engine::Event::DeviceInvite { link, .. } => {
                    ours.invites.push(link.secret.id());
                    lock(held).insert(link.secret.id());
                }
                _ => {}
            }
        }
        ours
    }

    /// Returns what has changed by it.
    pub(super) fn store(self, store: &mut Store, room: RoomId, now: Millis) -> Result<Vec<Mark>, StoreError> {
        let (mut taken, has_done) = (Vec::new(), !self.done.is_empty());
        for (body, device, mine) in self.done {
            taken.extend(store.take_synced(room, &body, (device, mine), now)?);
            if let Some(me) = self.me.filter(|_| !mine) {
                taken.extend(store.take_catch_up(room, &body, (device, me), now)?);
            }
        }
        if has_done {
            store.end_catch_up(&self.others)?;
        }
        for (device, here) in self.heres {
            store.device_is_here(device, &here)?;
        }
        if let Some(seq) = self.read {
            store.ack_at(room, &Cursor::read(), seq)?;
        }
        if !self.invites.is_empty() {
            // Unless somebody keeps them, whoever is killed has made them in vain.
            store.hold_invites(room, &self.invites)?;
        }
        Ok(taken)
    }
}

/// What follows once a step is stored.
pub(super) struct Behind {
    /// The devices that are in the room of own devices.
    there: Option<Vec<DeviceId>>,
    has_lines: bool,
}

impl Behind {
    pub(super) fn of(events: &[engine::Event], has_lines: bool) -> Self {
        let there = events.iter().rev().find_map(|event| match event {
            engine::Event::Joined(view) | engine::Event::Epoch(view) if view.own_devices => {
                Some(view.members.iter().map(|member| member.device.id).collect())
            }
            _ => None,
        });
        Self { there, has_lines }
    }

    /// Returns what was read elsewhere and is here now, and what people are to be told.
    pub(super) fn store(self, store: &mut Store, room: RoomId) -> (Option<Mark>, Vec<StoredNotice>) {
        let read = if self.has_lines { store.read_on(room).ok().flatten() } else { None };
        let told = self.there.and_then(|there| store.forget_devices_without(room, &there).ok());
        (read, told.unwrap_or_default())
    }
}
