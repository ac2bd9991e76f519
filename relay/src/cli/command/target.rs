//! What an operator's command is about: one room, or all rooms of whoever opened them.

use std::path::Path;

use anyhow::bail;
use clap::Args;

use crate::{
    admin::{
        client,
        openers::OpenerRow,
        rooms::{PrefixError, RoomRow},
    },
    log::redb::OpenerName,
};

/// One of the two.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Target {
    /// The room, or as much of its id as no other room begins with.
    room: Option<String>,
    /// All rooms of this opener: a token or an address, by the name that `relay top` shows.
    #[arg(long, value_name = "NAME")]
    opener: Option<OpenerName>,
}

/// What was found.
pub(super) enum Found {
    Room(RoomRow),
    Opener(OpenerRow),
}

impl Target {
    /// The room as it was named, if one was.
    pub(super) fn room(&self) -> anyhow::Result<Option<&str>> {
        let Some(room) = &self.room else { return Ok(None) };
        if !room.bytes().all(|byte| byte.is_ascii_alphanumeric()) || room.is_empty() {
            bail!(PrefixError);
        }
        Ok(Some(room))
    }

    /// The opener as it was named, if one was.
    pub(super) fn opener(&self) -> Option<&OpenerName> {
        self.opener.as_ref()
    }

    /// Finds it.
    pub(super) async fn find(&self, data_dir: &Path) -> anyhow::Result<Found> {
        match (self.room()?, &self.opener) {
            (Some(room), _) => Ok(Found::Room(client::get(data_dir, &format!("/v1/rooms/{room}")).await?)),
            (None, Some(name)) => {
                Ok(Found::Opener(client::get(data_dir, &format!("/v1/openers/{name}")).await?))
            }
            // The parser lets neither pass.
            (None, None) => bail!(PrefixError),
        }
    }
}
