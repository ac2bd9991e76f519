//! Pictures of people: ours in all rooms, those of members when a face shows them.

use std::sync::{Arc, Weak};

use proto::{BlobId, RoomId};
use shared::{identity::MAX_AVATAR, room::Command};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Inner, Local, lock};
use crate::{
    reason::{PersonReason, Reason},
    store::{PictureKey, Store},
};

/// Rooms that were entered and wait to be told of our picture. Full: they are told after the next start.
const ENTERED: usize = 1_000;

/// Where rooms say that they were entered.
pub(super) type Entered = mpsc::Sender<Arc<str>>;

/// A picture of a person that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quiet {
    /// Ours, by its name here.
    Ours([u8; 16]),
    /// That of a member.
    Theirs(PictureKey),
}

/// Tells rooms of our picture as they are entered.
pub(super) fn channel() -> (Entered, mpsc::Receiver<Arc<str>>) {
    mpsc::channel(ENTERED)
}

/// Until nobody has the rooms any more.
pub(super) async fn run(rooms: Weak<Inner>, mut entered: mpsc::Receiver<Arc<str>>) {
    while let Some(room) = entered.recv().await {
        let Some(local) = rooms.upgrade().map(Local) else { return };
        // What cannot be read now is tried again after the next start.
        let _ = local.settle_avatar(&room).await;
    }
}

impl Local {
    /// Changes our picture, in all rooms; none: there is none any more.
    ///
    /// # Errors
    /// [`Reason`] when it is too large or cannot be saved.
    pub(crate) async fn set_avatar(&self, picture: Option<Vec<u8>>) -> Result<(), Reason> {
        let is_allowed = |bytes: &Vec<u8>| (1..=MAX_AVATAR as usize).contains(&bytes.len());
        if picture.as_ref().is_some_and(|bytes| !is_allowed(bytes)) {
            return Err(PersonReason::LargePicture.into());
        }
        let random = lock(&self.0.profile).engine.random.clone();
        let own = picture.map(|bytes| (random.bytes(), Zeroizing::new(bytes)));
        let is_gone = own.is_none();
        let _one = self.0.files.own_picture().await;
        self.0.vault.run(move |store| store.set_own_avatar(own.as_ref())).await?;
        let mut done = Ok(());
        // Those that have not caught up yet are told when they have.
        for room in self.rooms().into_iter().filter(|room| room.view.is_some()) {
            let told = match is_gone {
                true => self.take_avatar_away(&room.label).await,
                false => self.bring_avatar(&room.label).await,
            };
            // One room that is over keeps nothing from the others.
            done = done.and(told);
        }
        done
    }

    /// A room was entered, or has caught up: it gets our picture, or loses one that there is not any more.
    async fn settle_avatar(&self, room: &str) -> Result<(), Reason> {
        let _one = self.0.files.own_picture().await;
        let has_own = self.0.vault.run(|store: &mut Store| store.own_avatar()).await?.is_some();
        match (has_own, self.avatar_before(room)) {
            (true, _) => self.bring_avatar(room).await,
            (false, Some(_)) => self.take_avatar_away(room).await,
            (false, None) => Ok(()),
        }
    }

    async fn take_avatar_away(&self, room: &str) -> Result<(), Reason> {
        let before = self.avatar_before(room);
        self.tell(room, Command::Picture(None)).await?;
        self.drop_avatar(self.id(room)?, before).await;
        Ok(())
    }

    /// The picture of a member, if it is here; else it is fetched, and faces are told when it is.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, or what is stored cannot be read.
    pub(crate) async fn avatar(&self, room: &str, picture: PictureKey) -> Result<Option<Vec<u8>>, Reason> {
        let id = self.id(room)?;
        let here = self.0.vault.run(move |store: &mut Store| store.avatar(id, picture)).await?;
        if here.is_some() {
            return Ok(here);
        }
        // Only what a member shows now: nobody else has anything fetched.
        let view = self.view(room);
        let avatars = view.iter().flat_map(|view| &view.members).filter_map(|member| member.avatar.as_ref());
        let wanted = avatars.into_iter().find(|avatar| PictureKey::of_avatar(avatar) == picture).cloned();
        if let Some(avatar) = wanted
            && self.0.files.begin_quietly(id, Quiet::Theirs(picture))
        {
            self.start_fetching_avatar(room, id, &avatar);
        }
        Ok(None)
    }

    /// What our picture is called at the relay, as the room has it now.
    pub(super) fn avatar_before(&self, room: &str) -> Option<[u8; 16]> {
        let view = self.view(room)?;
        Some(view.members.iter().find(|member| member.me)?.avatar.as_ref()?.id)
    }

    /// The relay needs it no more.
    pub(super) async fn drop_avatar(&self, room: RoomId, before: Option<[u8; 16]>) {
        let Some(before) = before else { return };
        // What cannot be stored goes with the relay's own time.
        let _ = self.0.vault.run(move |store: &mut Store| store.drop_blob(room, BlobId(before))).await;
        self.0.files.drop_soon();
    }

    /// Brings our picture to a room that does not have it yet.
    async fn bring_avatar(&self, room: &str) -> Result<(), Reason> {
        let id = self.id(room)?;
        let own = move |store: &mut Store| {
            let Some(own) = store.own_avatar()? else { return Ok(None) };
            let is_there = store.is_brought(id, own.0)?;
            Ok((!is_there).then_some(own))
        };
        if let Some((name, bytes)) = self.0.vault.run(own).await?
            && self.0.files.begin_quietly(id, Quiet::Ours(name))
        {
            self.start_avatar(room, id, name, bytes);
        }
        Ok(())
    }
}
