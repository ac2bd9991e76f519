//! `relay drop-room`.

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use clap::Args;

use crate::{
    admin::{
        client,
        rooms::{Dropped, RoomRow, Which},
    },
    config::Loaded,
    ops::{
        human::{bytes, count},
        print,
    },
};

/// Drop a room for ever: its log, its slot and its access keys.
///
/// Members are told that they have no access any more. What they keep on their devices stays there.
#[derive(Clone, Debug, Args)]
pub struct DropRoomCommand {
    /// The room, or as much of its id as no other room begins with.
    room: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl DropRoomCommand {
    /// Finds it, asks, drops it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        if !self.room.bytes().all(|byte| byte.is_ascii_alphanumeric()) || self.room.is_empty() {
            bail!(crate::admin::rooms::PrefixError);
        }
        let room: RoomRow = client::get(&data_dir, &format!("/v1/rooms/{}", self.room)).await?;
        if !self.yes && !confirmed(&room)? {
            bail!("nothing was dropped");
        }
        let Dropped { purged } =
            client::post(&data_dir, "/v1/rooms/drop", &Which { id: room.id.clone() }).await?;
        print::line(format_args!("Dropped {}.", room.id))?;
        if !purged {
            print::line("Its space is given back little by little; nobody can read it any more.")?;
        }
        Ok(())
    }
}

fn confirmed(room: &RoomRow) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("dropping a room cannot be undone; say --yes if you are sure");
    }
    let RoomRow { id, entries, keys, .. } = room;
    let size = bytes(room.bytes + room.slot_bytes);
    let (entries, keys) = (count(*entries, "entry"), count(*keys, "access key"));
    print::all(format!("{id}\n{entries}, {size}, {keys}. This cannot be undone. Drop it? [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
