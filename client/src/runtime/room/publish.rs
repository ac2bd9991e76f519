//! What a room tells: events, links, the past, its end.

use std::sync::Arc;

use shared::room::{self as engine, CloseReason, Command, Input, Problem, Right};

use super::{Room, own_leaves};
use crate::{
    reason::Reason,
    runtime::{Event, FaceId, RoomEvent, lock, now_ms},
    store::{Cursor, KnownRelay, Mark, Notice, Over, RoomKind, RoomRecord},
};

impl Room {
    /// `ordinal`: the number under which the next notice was stored.
    pub(super) async fn publish(&mut self, event: engine::Event, ordinal: &mut i64) {
        if let engine::Event::Problem(problem) = &event
            && is_about_invites(problem)
        {
            self.no_device_invite(&Reason::Notice(Notice::Problem(problem.clone())));
        }
        if let Some(notice) = Notice::of(&event) {
            // What is loud is for everybody, whoever brought it up.
            let asker = self.asker.filter(|_| !notice.is_loud());
            let event = RoomEvent::Notice { ordinal: *ordinal, notice, again: false };
            self.answer(asker.as_slice(), event).await;
            *ordinal = ordinal.saturating_add(1);
            return;
        }
        match &event {
            engine::Event::Joined(view) | engine::Event::Epoch(view) => {
                self.settle_kind(view.own_devices).await;
                if view.own_devices && matches!(event, engine::Event::Joined(_)) {
                    // What cannot be written is only asked about where this device is linked.
                    let _ = self.vault.run(|store| store.set_taken_out(false)).await;
                }
                self.settle_removals(view).await;
                self.settle_endings(view).await;
                lock(&self.state).view = Some(Arc::new(view.clone()));
                self.settle_here(view, matches!(event, engine::Event::Joined(_))).await;
                if let (engine::Event::Joined(_), Some(entered)) = (&event, &self.entered) {
                    // Full: it is told after the next start.
                    let _ = entered.try_send(self.label.clone());
                }
            }
            engine::Event::Heard { leaf } => {
                lock(&self.state).view.iter_mut().for_each(|view| Arc::make_mut(view).hear(*leaf));
            }
            // Its place is told before it is read there.
            engine::Event::Sent { seq, .. } => self.has_taken(*seq),
            engine::Event::DeviceHere { device, here } => {
                let (device, here) = (*device, here.clone());
                // What cannot be written is said again, on another day at the latest.
                let _ = self.vault.run(move |store| store.set_device_here(device, &here)).await;
                self.here.notify_one();
            }
            // What was read on another device of ours is read.
            engine::Event::Seen { mine: true, seq, .. } => {
                let (room, seq) = (self.record.id, *seq);
                let _ = self.vault.run(move |store| store.ack_at(room, &Cursor::read(), seq)).await;
            }
            engine::Event::Message(message) => {
                self.will_expire(message.disappears);
                self.unasked.iter().for_each(|unasked| unasked.came(&self.label, message));
            }
            engine::Event::Handed { lines, .. } => {
                lines.iter().for_each(|line| self.will_expire(line.message.disappears));
            }
            engine::Event::Closed { reason, was_member } => {
                if self.record.kind == RoomKind::OwnDevices && is_removal(reason) {
                    // What cannot be written is said again by the relay with the next start.
                    let _ = self.vault.run(|store| store.set_taken_out(true)).await;
                }
                self.over(reason.into(), *was_member).await;
            }
            _ => {}
        }
        match event {
            engine::Event::Invite { link, expires_ms, max_uses } => {
                self.invite(link, expires_ms, max_uses).await;
            }
            engine::Event::DeviceInvite { link } => self.device_invite(link),
            // Told with what it changed; what changed nothing is nothing.
            engine::Event::Act(_) | engine::Event::DeviceHere { .. } => {}
            engine::Event::HandOver { joiner, before, lines } => {
                self.hand_over(joiner, before, lines).await;
            }
            // Nobody's to read; in any other room it is nothing.
            engine::Event::Device { body, mine, .. } if self.record.kind == RoomKind::OwnDevices => {
                // Here, before anything else of the room: whoever shows it may end before.
                let (room, now) = (self.record.id, now_ms());
                let taken = self.vault.run(move |store| store.take_synced(room, &body, mine, now)).await;
                // On a disk that cannot be written it stays as it is here, until it is done again.
                if let Ok(taken) = taken
                    && !taken.is_empty()
                {
                    // Without anybody who takes it, it is a command that ends in a moment.
                    let _ = self.devices.send(taken).await;
                }
            }
            engine::Event::Device { .. } => {}
            other => {
                let has_changed = matches!(other, engine::Event::Joined(_));
                self.show(RoomEvent::Engine(other)).await;
                if has_changed {
                    self.changed.notify_waiters();
                }
            }
        }
    }

    /// No link for a device of ours can be made.
    pub(super) fn no_device_invite(&mut self, why: &Reason) {
        while let Some(waiting) = self.device.pop_front() {
            // Whoever asked may be gone.
            if waiting.send(Err(why.clone())).is_ok() {
                break;
            }
        }
    }

    /// What a room is for, its group says. Whoever meant the room of their own devices and is in another leaves it.
    async fn settle_kind(&mut self, own_devices: bool) {
        let kind = if own_devices { RoomKind::OwnDevices } else { RoomKind::Chat };
        if self.record.kind == kind {
            return;
        }
        if self.record.kind == RoomKind::OwnDevices {
            self.is_leaving = true;
            self.follow_ups.push(Input::Command(Command::Leave));
            return;
        }
        self.record.kind = kind;
        lock(&self.state).kind = kind;
        let room = self.record.id;
        // On a disk that cannot be written it is said again with the next start.
        let _ = self.vault.run(move |store| store.set_kind(room, kind)).await;
    }

    /// Devices of ours that are to go from here: those that are gone need nothing more, and for the others it is asked again.
    async fn settle_removals(&mut self, view: &engine::GroupView) {
        let room = self.record.id;
        // What cannot be read now is with what comes next.
        let Ok(wanted) = self.vault.run(move |store| store.device_removals(room)).await else { return };
        for device in wanted {
            // Its account may be the one that ours was.
            match view.members.iter().find(|member| member.device.id == device) {
                Some(member) => {
                    let who = member.person.fingerprint;
                    self.follow_ups.push(Input::Command(Command::RemoveDevice { who, device }));
                }
                None => drop(self.vault.run(move |store| store.device_is_removed(room, device)).await),
            }
        }
    }

    /// Our other devices are told where we are; of devices that are gone nothing is kept.
    async fn settle_here(&mut self, view: &engine::GroupView, is_new: bool) {
        if is_new || view.own_devices {
            self.here.notify_one();
        }
        if is_new {
            let count = view
                .members
                .iter()
                .find(|member| member.me)
                .map_or(0, |me| own_leaves(Some(view), &me.person.fingerprint));
            // What cannot be kept rings once too often.
            let _ = self.vault.run(move |store| store.own_devices_are(count)).await;
        }
        if view.own_devices {
            let there: Vec<_> = view.members.iter().map(|member| member.device.id).collect();
            // What stays is of a device that nobody shows.
            let _ = self.vault.run(move |store| store.keep_devices_here(&there)).await;
        }
    }

    /// Invites that are to end: those that are gone need nothing more, and for the others it is asked again.
    async fn settle_endings(&mut self, view: &engine::GroupView) {
        let room = self.record.id;
        for id in self.endings().await {
            match view.invites.iter().any(|invite| invite.id == id) {
                true => self.follow_ups.push(Input::Command(Command::Revoke(id))),
                false => drop(self.vault.run(move |store| store.invite_is_ended(room, id)).await),
            }
        }
    }

    /// What cannot be read now is with what comes next.
    pub(super) async fn endings(&self) -> Vec<[u8; 16]> {
        let room = self.record.id;
        self.vault.run(move |store| store.invite_endings(room)).await.unwrap_or_default()
    }

    async fn invite(&mut self, link: shared::invite::link::Link, expires_ms: u64, max_uses: u32) {
        let Some((address, _)) = self.advertise.clone() else { return };
        let link = shared::invite::link::InviteLink { host: address.host, port: address.port, link };
        let askers = std::mem::take(&mut self.invited);
        self.answer(&askers, RoomEvent::Invite { link, expires_ms, max_uses }).await;
    }

    fn device_invite(&mut self, link: shared::invite::link::Link) {
        let Some((address, _)) = self.advertise.clone() else { return };
        let link = shared::invite::link::InviteLink { host: address.host, port: address.port, link };
        while let Some(waiting) = self.device.pop_front() {
            // Whoever asked may be gone; then it is good for the next one who asks.
            if waiting.send(Ok(link.clone())).is_ok() {
                break;
            }
        }
    }

    /// The pin of the relay's own authority, which stands in cards and links, on whatever ground it is trusted: it was
    /// stored before anything was said.
    pub(super) async fn relay_pin(&self) -> Option<[u8; 32]> {
        let (address, pin) = self.advertise.clone()?;
        let pin = match pin {
            Some(pin) => Some(pin),
            None => {
                let known = self.vault.run(move |store| store.known_relay(&address)).await;
                known.ok().flatten().and_then(KnownRelay::pin)
            }
        };
        pin.map(|pin| *pin.as_bytes())
    }

    /// What is known of up to there may be acknowledged.
    pub(super) fn has_taken(&self, seq: u64) {
        let mut state = lock(&self.state);
        state.newest = state.newest.max(seq);
    }

    /// The room is over for this device; what is kept depends on why.
    pub(super) async fn over(&mut self, reason: Over, was_member: bool) {
        let room = self.record.id;
        let forget = !was_member;
        // At another device, which took this one out.
        let is_left = self.vault.run(move |store| store.take_left(room)).await.unwrap_or(false);
        let reason = if is_left { Over::Left } else { reason };
        let leave = self.is_leaving || is_left;
        if self.is_leaving && was_member {
            self.tell_left().await;
        }
        // A refusal by the relay leaves the engine a member: it is tried again at the next start.
        let is_final = self.engine.as_ref().is_none_or(|engine| engine.view().is_none());
        let why = reason.clone();
        let under_way = self.under_way.clone();
        let saved = self.vault.run(move |store| {
            if forget || leave || is_final {
                under_way.remove_parts(store, room);
            }
            match () {
                () if forget => store.forget_room(room),
                () if leave => store.leave_room(room),
                () if is_final => store.close_room(room, &why),
                () => Ok(()),
            }
        });
        if let Err(error) = saved.await {
            self.show(RoomEvent::Failed(error.into())).await;
        }
        lock(&self.state).is_forgotten = forget;
        self.end(reason);
        // Behind what is stored, by which they see that.
        self.under_way.wake(room);
    }

    /// The other devices are told, if there are any, that the person left.
    async fn tell_left(&self) {
        let room = self.record.id;
        let is_told = self.vault.run(move |store| {
            let has_devices = |one: &RoomRecord| one.kind == RoomKind::OwnDevices && one.closed.is_none();
            let is_told = store.rooms()?.iter().any(has_devices);
            if is_told {
                store.add_unsynced(&Mark::Left(room))?;
            }
            Ok(is_told)
        });
        // What cannot be kept is only not called so there.
        if is_told.await.unwrap_or(false) {
            self.synced.notify_one();
        }
    }

    pub(super) fn end(&mut self, why: Over) {
        self.is_over = true;
        let mut state = lock(&self.state);
        state.view = None;
        state.over = Some(why);
        drop(state);
        self.changed.notify_waiters();
        self.here.notify_one();
    }

    async fn answer(&self, askers: &[FaceId], event: RoomEvent) {
        // Of a room that nobody is shown only what somebody has to know is told.
        let is_told = matches!(&event, RoomEvent::Notice { .. } | RoomEvent::Failed(_));
        if self.record.kind.is_hidden() && !is_told {
            return;
        }
        self.outlet.answer(askers, Event::Room { room: self.label.clone(), event }).await;
    }

    pub(super) async fn show(&self, event: RoomEvent) {
        self.answer(&[], event).await;
    }
}

/// Others took this device out; in the room of own devices only one of those can.
fn is_removal(reason: &CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::RemovedByOwn
            | CloseReason::Removed { .. }
            | CloseReason::KeyReplaced
            | CloseReason::RemovedAndVoted { .. }
            | CloseReason::RemovedOrNotTaken
            | CloseReason::LockedOut
    )
}

/// It says that no invite comes.
fn is_about_invites(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::NotModerator(Right::Invite)
            | Problem::TooManyInvites
            | Problem::NoInvite
            | Problem::BadTime
            | Problem::NotJoined
            | Problem::Leaving
    )
}
