//! Rooms are asked for a way in for the new device, all at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proto::RoomId;
use shared::{
    invite::link::InviteLink,
    room::{Command, Engine, GroupView, Policy},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

use super::{super::steps::WAIT_MS, Gathered};
use crate::{
    reason::{LinkReason, Reason},
    runtime::{Local, RoomStatus, lock, manage::begin_failed, now_ms, room::Ask},
    store::RoomKind,
};

/// How long a room may take to be entered and to make an invite: two commits, and their way to a relay that is slow.
pub(super) const INVITE: Duration = Duration::from_secs(20);

/// What the room of an account's devices is called. Nobody is shown it.
const OWN_DEVICES: &str = "own devices";

/// The room of that label is the one of a person's devices, as far as a label tells: it always has the beginning of its id.
pub fn is_of_own_devices(label: &str) -> bool {
    label.split_once('~').is_some_and(|(name, id)| name == OWN_DEVICES && !id.is_empty())
}

/// What the rooms answered so far.
pub(super) struct Asked<'a> {
    local: &'a Local,
    whose: [u8; 16],
    told: &'a mpsc::Sender<Gathered>,
    /// None for a room that has no way in.
    pub(super) invites: BTreeMap<RoomId, Option<InviteLink>>,
    /// Those, and why.
    pub(super) without: Vec<(String, Reason)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(local: &'a Local, whose: [u8; 16], told: &'a mpsc::Sender<Gathered>) -> Self {
        Self { local, whose, told, invites: BTreeMap::new(), without: Vec::new() }
    }

    /// Asks all rooms that were not asked yet.
    pub(super) async fn ask_rooms(&mut self) {
        // A device that has just gone ends all ways of before: these are not to be among them.
        self.local.tell_here().await;
        let is_new = |room: &RoomStatus| room.over.is_none() && !self.invites.contains_key(&room.id);
        let rooms: Vec<RoomStatus> = self.local.rooms().into_iter().filter(is_new).collect();
        let count = self.invites.len().saturating_add(rooms.len());
        let mut asked = JoinSet::new();
        for room in rooms {
            let (local, whose) = (self.local.clone(), self.whose);
            asked.spawn(async move {
                let invite = timeout(INVITE, local.invite_device(&room.label, whose)).await;
                let invite = invite.unwrap_or_else(|_| Err(no_answer(&room.label)));
                (room, invite)
            });
        }
        while let Some(done) = asked.join_next().await {
            let Ok((room, invite)) = done else { continue };
            let made = invite.as_ref().ok().map(|invite| (room.id, invite.link.secret.id()));
            match invite {
                Ok(invite) => drop(self.invites.insert(room.id, Some(invite))),
                Err(failure) => {
                    self.invites.insert(room.id, None);
                    self.without.push((room.label, failure));
                }
            }
            let ready = self.invites.len().saturating_sub(self.without.len());
            if self.told.send(Gathered::Some(ready, count, made)).await.is_err() {
                self.local.end_invites(made.into_iter().collect());
            }
        }
    }
}

impl Local {
    /// These invites end now where the room is in use; where it is not, once it is.
    pub(in crate::runtime::linking) fn end_invites(&self, those: Vec<(RoomId, [u8; 16])>) {
        for (room, invite) in those {
            lock(&self.0.held).remove(&invite);
            let (local, Some(label)) = (self.clone(), self.label_of(room)) else { continue };
            let is_there = |view: Arc<GroupView>| view.invites.iter().any(|one| one.id == invite);
            // What is not in the group, as the name of an open room, cannot be ended there; the room itself sees to the rest.
            if !self.view(&label).is_some_and(is_there) {
                continue;
            }
            tokio::spawn(async move { local.ensure(&label, Command::Revoke(invite)).await });
        }
    }

    /// A link into a room for one device of ours: the same again for the same one until it is used.
    pub(in crate::runtime) async fn invite_device(
        &self,
        room: &str,
        whose: [u8; 16],
    ) -> Result<InviteLink, Reason> {
        self.entered(room).await?;
        let asks = self.asks(room)?;
        let (reply, answer) = oneshot::channel();
        let expires_ms = now_ms().saturating_add(WAIT_MS);
        asks.send(Ask::InviteDevice { whose, expires_ms, reply }).await.map_err(|_| no_answer(room))?;
        answer.await.map_err(|_| no_answer(room))?
    }

    /// The same into the room of this account's devices, which is made if there is none.
    pub(super) async fn invite_own_device(&self, whose: [u8; 16]) -> Result<InviteLink, Reason> {
        let room = match self.own_devices() {
            Some(room) => room.label,
            None => {
                let place = self.place(None)?;
                let profile = lock(&self.0.profile).engine.clone();
                let policy = Policy { own_devices: true, ..Policy::default() };
                let engine = Engine::create(&profile, OWN_DEVICES, policy, now_ms());
                let engine = engine.map_err(|error| begin_failed(&error))?;
                self.begin_as(engine, place, RoomKind::OwnDevices)?
            }
        };
        self.invite_device(&room, whose).await
    }
}

pub(in crate::runtime) fn no_answer(room: &str) -> Reason {
    LinkReason::NoAnswer(room.to_owned()).into()
}
