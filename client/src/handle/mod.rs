//! The handle that all faces use: of rooms in this process, or of those that a daemon runs.

mod devices;
mod files;
mod linking;
mod people;
mod rooms;
mod stored;

use std::sync::Arc;

use shared::{
    identity::Fingerprint,
    room::{Command, GroupView},
};
use tokio::sync::mpsc;

use crate::{
    ask::{self, Request},
    daemon::{Attachable, Options, Remote},
    reason::Reason,
    runtime::{ChosenRelay, Config, EVENTS, Event, Local, OwnRelay, RoomStatus, Sink, no_room},
    store::{Cursor, OpenProfile, PictureKey, ProfileDir},
};

/// The handle of a running client. Clones share it; [`Runtime::shutdown`] ends it.
#[derive(Clone)]
pub struct Runtime(Heart);

#[derive(Clone)]
enum Heart {
    Local(Local),
    Remote(Arc<Remote>),
}

use Heart::{Local as Here, Remote as There};

impl Runtime {
    /// Starts all rooms of the profile in this process. Events come out of the receiver.
    ///
    /// # Errors
    /// [`Reason`] when the profile cannot be read or `config.only` names no room.
    pub async fn start(
        profile: OpenProfile,
        config: Config,
    ) -> Result<(Self, mpsc::Receiver<Event>), Reason> {
        let (sender, events) = mpsc::channel(EVENTS);
        let local = Local::start(profile, config, Sink::Face(sender)).await?;
        Ok((Self(Here(local)), events))
    }

    /// Attaches to the daemon of a profile. `face` is a random number. The daemon is kept to: when it restarts, and when
    /// this face was cut off because it did not read, events go on behind the last one that was taken.
    ///
    /// # Errors
    /// [`Reason`] when it refuses, or `options.only` names no room.
    pub async fn attach(
        dir: ProfileDir,
        daemon: Attachable,
        face: u64,
        options: Options,
    ) -> Result<(Self, mpsc::Receiver<Event>), Reason> {
        let (remote, events) = Remote::attach(dir, daemon, face, options).await?;
        Ok((Self(There(Arc::new(remote))), events))
    }

    /// The one way to ask: here, or at the daemon.
    async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, Reason> {
        match &self.0 {
            Here(local) => request.answer(local, None).await,
            There(remote) => remote.ask(request).await,
        }
    }

    /// Asks something of a room; returns when that is saved.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved. What the room itself refuses comes as an
    /// event.
    pub async fn tell(&self, room: &str, command: Command) -> Result<(), Reason> {
        self.ask(ask::Tell { room: room.to_owned(), command }).await
    }

    /// Changes the display name, here and in all rooms.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or not be saved.
    pub async fn rename(&self, name: &str) -> Result<(), Reason> {
        self.ask(ask::Rename(name.to_owned())).await
    }

    /// Changes what we say of ourselves, here and in all rooms.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be shown or not be saved.
    pub async fn describe(&self, status: &str, glyph: &str) -> Result<(), Reason> {
        self.ask(ask::Describe { status: status.to_owned(), glyph: glyph.to_owned() }).await
    }

    /// Changes our picture, here and in all rooms; none: there is none any more.
    ///
    /// # Errors
    /// [`Reason`] when it is too large or cannot be saved.
    pub async fn set_avatar(&self, picture: Option<Vec<u8>>) -> Result<(), Reason> {
        self.ask(ask::SetAvatar(picture)).await
    }

    /// The picture of a member, if it is here; else it is fetched, and an event tells when it is.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, or what is stored cannot be read.
    pub async fn avatar(&self, room: &str, picture: PictureKey) -> Result<Option<Vec<u8>>, Reason> {
        self.ask(ask::AvatarOf { room: room.to_owned(), picture }).await
    }

    /// Status and sign, as rooms are told.
    pub fn description(&self) -> (String, String) {
        match &self.0 {
            Here(local) => local.description(),
            There(remote) => remote.description(),
        }
    }

    /// A program has dealt with the messages of a room up to `seq`.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn ack(&self, room: &str, seq: u64) -> Result<(), Reason> {
        self.ack_at(room, &Cursor::default(), seq).await
    }

    /// The same, at a cursor.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn ack_at(&self, room: &str, cursor: &Cursor, seq: u64) -> Result<(), Reason> {
        self.ask(ask::Ack { room: room.to_owned(), cursor: cursor.clone(), seq }).await
    }

    /// How far a room's messages were acknowledged at a cursor.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn acked(&self, room: &str, cursor: &Cursor) -> Result<u64, Reason> {
        self.ask(ask::Acked { room: room.to_owned(), cursor: cursor.clone() }).await
    }

    /// A face has shown a notice: it does not come again.
    ///
    /// # Errors
    /// [`Reason`] when that cannot be saved; then it comes again at the next start.
    pub async fn seen(&self, notice: i64) -> Result<(), Reason> {
        self.ask(ask::Seen(notice)).await
    }

    /// All rooms, by label.
    pub fn rooms(&self) -> Vec<RoomStatus> {
        match &self.0 {
            Here(local) => local.rooms(),
            There(remote) => remote.rooms(),
        }
    }

    /// One room.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room.
    pub fn room(&self, room: &str) -> Result<RoomStatus, Reason> {
        match &self.0 {
            Here(local) => local.room(room),
            There(remote) => remote.room(room).ok_or_else(|| no_room(room)),
        }
    }

    /// The group of a room, as far as it is known. Quick: faces ask for each line that they show.
    pub fn view(&self, room: &str) -> Option<Arc<GroupView>> {
        match &self.0 {
            Here(local) => local.view(room),
            There(remote) => remote.view(room),
        }
    }

    /// Who we are.
    pub fn me(&self) -> (String, Fingerprint) {
        match &self.0 {
            Here(local) => local.me(),
            There(remote) => remote.me(),
        }
    }

    /// A relay's certificate was refused and no other relay is of use: nothing goes on before somebody decides.
    pub fn is_stuck(&self) -> bool {
        match &self.0 {
            Here(local) => local.is_stuck(),
            There(remote) => remote.is_stuck(),
        }
    }

    /// A relay can be reached now; with a daemon, as far as it has told.
    pub fn is_connected(&self) -> bool {
        match &self.0 {
            Here(local) => local.is_connected(),
            There(remote) => remote.rooms().iter().any(|room| remote.round_trip(&room.label).is_some()),
        }
    }

    /// There is no room that is not over.
    pub fn is_empty(&self) -> bool {
        self.rooms().iter().all(|room| room.over.is_some())
    }

    /// What went wrong last.
    pub fn why(&self) -> Option<Reason> {
        match &self.0 {
            Here(local) => local.why(),
            There(remote) => remote.why(),
        }
    }

    /// A daemon has the rooms, and with them the paths of files.
    pub fn is_daemons(&self) -> bool {
        matches!(&self.0, There(_))
    }

    /// The daemon is gone, and was waited for in vain.
    pub fn lost(&self) -> Option<Reason> {
        match &self.0 {
            Here(_) => None,
            There(remote) => remote.lost(),
        }
    }

    /// Moves all connections to a fresh socket, as after a change of network. A daemon sees to that itself.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn rebind(&self) -> std::io::Result<()> {
        match &self.0 {
            Here(local) => local.rebind(),
            There(_) => Ok(()),
        }
    }

    /// Says goodbye and ends all tasks, or detaches from the daemon.
    pub async fn shutdown(self) {
        match self.0 {
            Here(local) => local.shutdown().await,
            There(remote) => remote.detach(),
        }
    }
}
