//! What a room tells: events, links, the past, its end.

use std::sync::Arc;

use shared::room::{self as engine, CloseReason, Command, Input, Problem, Right};

use super::{Room, own_account, own_leaves};
use crate::{
    reason::Reason,
    runtime::{Event, FaceId, RoomEvent, lock, now_ms},
    store::{KnownRelay, Mark, Notice, Over, RoomKind, Store},
};

impl Room {
    /// `ordinal`: the number under which the next notice was stored.
    pub(super) async fn publish(&mut self, event: engine::Event, ordinal: &mut i64) {
        if let engine::Event::Problem(problem) = &event {
            if is_about_invites(problem) {
                self.no_device_invite(&Reason::Notice(Notice::Problem(problem.clone())));
            }
            // Whoever may not leave stays: what ends the room later is something else.
            self.is_leaving &= !matches!(problem, Problem::LastModeratorStays | Problem::OwnDevicesStay);
            if matches!(problem, Problem::LastModeratorStays) {
                self.stay().await;
            }
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
                self.notice_ended(view);
                if matches!(event, engine::Event::Joined(_)) {
                    self.settle_names(view).await;
                    let (room, now) = (self.record.id, now_ms());
                    let taken = self.vault.run(move |store| store.take_later(room, now)).await;
                    // What cannot be written is written with the next one.
                    let _ = self.vault.run(move |store| store.set_shut_out(room, None)).await;
                    if let Some(taken) = taken.ok().filter(|taken| !taken.is_empty()) {
                        self.tell_taken(taken).await;
                    }
                }
                self.settle_kind(view.own_devices).await;
                if view.own_devices && matches!(event, engine::Event::Joined(_)) {
                    // What cannot be written is only asked about where this device is linked.
                    let _ = self.vault.run(Store::is_in_again).await;
                    self.synced.notify_one();
                }
                self.settle_removals(view).await;
                let ends = self.settled_endings(view).await;
                self.follow_ups.extend(ends);
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
            // It may have come back from a backup, and know of no device where it is.
            engine::Event::DeviceBack(_) if self.record.kind == RoomKind::OwnDevices => {
                // What cannot be written is said with the next day.
                let _ = self.vault.run(Store::say_device_again).await;
                self.here.notify_one();
            }
            engine::Event::DeviceHere { .. } => {
                self.here.notify_one();
                // One that is new is told what was done before it came.
                self.synced.notify_one();
            }
            engine::Event::Message(message) => {
                self.will_expire(message.disappears);
                self.unasked.iter().for_each(|unasked| unasked.came(&self.label, message));
            }
            engine::Event::Handed { lines, .. } => {
                lines.iter().for_each(|line| self.will_expire(line.message.disappears));
            }
            engine::Event::Closed { reason, was_member } => {
                let of = self.engine.as_ref().map(|engine| own_account(&self.profile, engine));
                if let Some(of) =
                    of.filter(|_| self.record.kind == RoomKind::OwnDevices && is_removal(reason))
                {
                    // What cannot be written is said again by the relay with the next start.
                    let _ = self.vault.run(move |store| store.was_taken_out(&of)).await;
                }
                self.over(reason.into(), *was_member).await;
            }
            _ => {}
        }
        match event {
            engine::Event::Invite { link, expires_ms, max_uses } => {
                self.invite(link, expires_ms, max_uses).await;
            }
            engine::Event::DeviceInvite { whose, link } => self.device_invite(&whose, link),
            // Told with what it changed; what changed nothing is nothing.
            engine::Event::Act(_) | engine::Event::DeviceHere { .. } => {}
            engine::Event::HandOver { joiner, before, lines } => {
                self.hand_over(joiner, before, lines).await;
            }
            // It was stored, and is shown by whoever takes what devices say.
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
        while let Some((_, waiting)) = self.device.pop_front() {
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
            // Its account may be the one that ours was. Whoever else is written down there is not ours to take out.
            match view.members.iter().find(|member| member.device.id == device && view.is_ours(member)) {
                Some(member) => {
                    let who = member.person.fingerprint;
                    self.follow_ups.push(Input::Command(Command::RemoveDevice { who, device }));
                }
                None => {
                    drop(self.vault.run(move |store| store.device_is_removed(room, device)).await);
                    // It may deserve another way in.
                    self.here.notify_one();
                }
            }
        }
    }

    /// What we are called may have changed while the room was entered: it does not hear of that before.
    async fn settle_names(&mut self, view: &engine::GroupView) {
        let read = self.vault.run(|store| Ok((store.described()?, store.device_name()?))).await;
        // What cannot be read now is with the next start.
        let (Ok(([name, status, glyph], device)), Some(me)) =
            (read, view.members.iter().find(|member| member.me))
        else {
            return;
        };
        let (status, glyph) = (status.unwrap_or_default(), glyph.unwrap_or_default());
        let is_described = (&me.status, &me.glyph) == (&status, &glyph);
        let name = name.filter(|name| *name != me.person.name).map(Command::Rename);
        let device = device.filter(|name| *name != me.device.name).map(Command::NameDevice);
        let described = (!is_described).then_some(Command::Describe { status, glyph });
        self.follow_ups.extend([name, device, described].into_iter().flatten().map(Input::Command));
    }

    /// The relay is back: what could not be told to our other devices, or done for them, may work now.
    pub(super) fn tell_devices_again(&self) {
        self.here.notify_one();
        if self.record.kind == RoomKind::OwnDevices {
            self.synced.notify_one();
        }
    }

    /// Our other devices are told where we are, those as well that came just now; of devices that are gone nothing is kept.
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
            let is_among = view.own_devices;
            // What cannot be kept rings once too often.
            let _ = self.vault.run(move |store| store.own_devices_are(count, is_among)).await;
        }
        if view.own_devices {
            let there: Vec<_> = view.members.iter().map(|member| member.device.id).collect();
            // What stays is of a device that nobody shows.
            let _ = self.vault.run(move |store| store.keep_devices_here(&there)).await;
        }
    }

    /// What other devices did has changed something here.
    async fn tell_taken(&self, taken: Vec<Mark>) {
        // Without anybody who takes it, it is a command that ends in a moment.
        let _ = self.devices.send(taken).await;
    }

    /// A way in for another device of ours is used up, or over: then it may need another one.
    fn notice_ended(&self, view: &engine::GroupView) {
        let ways = |view: &engine::GroupView| view.invites.iter().filter(|invite| invite.for_device).count();
        if lock(&self.state).view.as_deref().is_some_and(|before| ways(view) < ways(before)) {
            self.here.notify_one();
        }
    }

    /// Invites that are to end: those that are gone, as the name of an open room is none, need nothing more, and for the others it is
    /// asked again by what this returns.
    pub(super) async fn settled_endings(&self, view: &engine::GroupView) -> Vec<Input> {
        let (room, mut ends) = (self.record.id, Vec::new());
        for id in self.endings().await {
            match view.invites.iter().any(|invite| invite.id == id) {
                true => ends.push(Input::Command(Command::Revoke(id))),
                false => drop(self.vault.run(move |store| store.invite_is_ended(room, id)).await),
            }
        }
        ends
    }

    /// What cannot be read now is with what comes next.
    async fn endings(&self) -> Vec<[u8; 16]> {
        let room = self.record.id;
        let mut endings = self.vault.run(move |store| store.invite_endings(room)).await.unwrap_or_default();
        let held = lock(&self.held);
        endings.retain(|id| !held.contains(id));
        endings
    }

    async fn invite(&mut self, link: shared::invite::link::Link, expires_ms: u64, max_uses: u32) {
        let Some((address, _)) = self.advertise.clone() else { return };
        let link = shared::invite::link::InviteLink { host: address.host, port: address.port, link };
        let askers = std::mem::take(&mut self.invited);
        self.answer(&askers, RoomEvent::Invite { link, expires_ms, max_uses }).await;
    }

    fn device_invite(&mut self, whose: &[u8; 16], link: shared::invite::link::Link) {
        let Some((address, _)) = self.advertise.clone() else { return };
        let link = shared::invite::link::InviteLink { host: address.host, port: address.port, link };
        let mut is_taken = false;
        while let Some(at) = self.device.iter().position(|(other, _)| other == whose) {
            let Some((_, waiting)) = self.device.remove(at) else { break };
            // Whoever asked may be gone.
            is_taken |= waiting.send(Ok(link.clone())).is_ok();
        }
        if is_taken {
            return;
        }
        // It is with nobody.
        let is_open = lock(&self.state).view.as_ref().is_some_and(|view| view.open);
        let id = link.link.secret.id();
        if lock(&self.held).remove(&id) && !is_open {
            self.follow_ups.push(Input::Command(Command::Revoke(id)));
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
        // It may have been said in an earlier run.
        self.is_leaving |= reason == Over::Left;
        let is_leaving = self.is_leaving;
        // A refusal by the relay leaves the engine a member: it is tried again at the next start.
        let is_final = self.engine.as_ref().is_none_or(|engine| engine.view().is_none());
        let why = reason.clone();
        let under_way = self.under_way.clone();
        // In one go: what another device says of it comes before, or after.
        let saved = self.vault.run(move |store| {
            // At another device, which took this one out.
            let is_left = store.take_left(room)?;
            let leave = is_leaving || is_left;
            // Where that cannot be kept, it is only not called so there.
            let is_told = leave && was_member && !is_left && store.tell_left(room).unwrap_or(false);
            if forget || leave || is_final {
                under_way.remove_parts(store, room);
            }
            match () {
                () if forget => store.forget_room(room),
                () if leave => store.leave_room(room),
                () if is_final => store.close_room(room, &why),
                () => Ok(()),
            }?;
            let is_out =
                !(forget || leave || is_final) && matches!(&why, Over::Closed(why) if is_removal(why));
            store.set_shut_out(room, is_out.then_some(&why))?;
            Ok((leave, is_told))
        });
        let (leave, is_told) = match saved.await {
            Ok(saved) => saved,
            Err(error) => {
                self.show(RoomEvent::Failed(error.into())).await;
                (is_leaving, false)
            }
        };
        if is_told {
            self.synced.notify_one();
        }
        // Whoever was on their way out has left, whoever was faster.
        let reason = if leave && was_member { Over::Left } else { reason };
        lock(&self.state).is_forgotten = forget;
        self.end(reason);
        // Behind what is stored, by which they see that.
        self.under_way.wake(room);
    }

    /// The person was on the way out and stays: the other devices, which went first, are let in again.
    async fn stay(&self) {
        let room = self.record.id;
        // What cannot be kept stays here alone.
        if self.vault.run(move |store| store.person_enters(room)).await.is_ok() {
            self.here.notify_one();
        }
    }

    pub(super) fn end(&mut self, why: Over) {
        self.is_over = true;
        self.people.devices_are(self.record.id, std::collections::BTreeMap::new());
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
            | CloseReason::RemovedByOwnUnseen { .. }
            | CloseReason::ChangeUndone { .. }
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
