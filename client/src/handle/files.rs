//! Files that are sent and fetched, wherever the rooms are.

use super::Runtime;
use crate::{
    ask,
    reason::Reason,
    runtime::{Outgoing, Steer, Transfer, Wanted},
    store::{FileLocation, PictureKey},
};

impl Runtime {
    /// Sends a file; how it goes comes as events. One that is on its way to the room already goes on, and is not sent twice.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or file, or it cannot be saved.
    pub async fn send_file(&self, room: &str, file: Outgoing) -> Result<Transfer, Reason> {
        self.ask(ask::SendFile { room: room.to_owned(), file }).await
    }

    /// Fetches the file of a message; how it goes comes as events.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or message, it has no file, or it cannot be saved.
    pub async fn get_file(&self, room: &str, wanted: Wanted) -> Result<Transfer, Reason> {
        self.ask(ask::GetFile { room: room.to_owned(), wanted }).await
    }

    /// The same for a command that somebody may end: then it ends as well, and what is there of it stays for the next one.
    ///
    /// # Errors
    /// As of [`Runtime::get_file`].
    pub async fn get_passing(&self, room: &str, wanted: Wanted) -> Result<Transfer, Reason> {
        self.ask(ask::GetPassing { room: room.to_owned(), wanted }).await
    }

    /// Files under way, of one room or of all, oldest first, with the labels of their rooms.
    ///
    /// # Errors
    /// [`Reason`] when a daemon does not answer.
    pub async fn transfers(&self, room: Option<&str>) -> Result<Vec<(String, Transfer)>, Reason> {
        self.ask(ask::Transfers(room.map(str::to_owned))).await
    }

    /// Lets a file go on, wait or end.
    ///
    /// # Errors
    /// [`Reason`] when none of that number is under way.
    pub async fn steer_file(&self, number: i64, steer: Steer) -> Result<(), Reason> {
        self.ask(ask::SteerFile { number, steer }).await
    }

    /// Where a file is on this device that was sent or fetched; none where it was not.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, or what is stored cannot be read.
    pub async fn file_place(&self, room: &str, picture: PictureKey) -> Result<Option<FileLocation>, Reason> {
        self.ask(ask::FilePlace { room: room.to_owned(), picture }).await
    }
}
