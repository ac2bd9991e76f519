//! `relay drop-room`.

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use clap::Args;

use super::{
    freeze::said,
    target::{Found, Target},
};
use crate::{
    admin::{
        client,
        openers::{Held, OpenerRow, WhichOpener},
        rooms::{Dropped, RoomRow, Which},
    },
    config::Loaded,
    ops::{
        human::{bytes, count},
        print,
    },
    policy::reason::Reason,
};

/// Drop a room for ever: its log, its slot and its access keys.
///
/// Members are told, with the reason if there is one. What they keep on their devices stays there. Nobody opens a room of
/// this id again for as long as entries are kept, unless it is thawed.
#[derive(Clone, Debug, Args)]
pub struct DropRoomCommand {
    #[command(flatten)]
    target: Target,
    /// What members are told, in your words: one line of at most 256 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: Reason,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl DropRoomCommand {
    /// Finds it, asks, drops it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let (data_dir, reason) = (loaded.config.data_dir()?, self.reason.clone());
        let found = self.target.find(&data_dir).await?;
        if !self.yes && !confirmed(&found)? {
            bail!("nothing was dropped");
        }
        let purged = match found {
            Found::Room(RoomRow { id, .. }) => {
                let which = Which { id, reason };
                let Dropped { purged } = client::post(&data_dir, "/v1/rooms/drop", &which).await?;
                print::line(format_args!("Dropped {}.", which.id))?;
                purged
            }
            Found::Opener(OpenerRow { name, .. }) => {
                let which = WhichOpener { name, reason };
                let Held { id, rooms, .. } = client::post(&data_dir, "/v1/openers/drop", &which).await?;
                print::line(format_args!("Dropped {} of {id}, who may open more.", said(rooms)))?;
                rooms.is_some()
            }
        };
        if !purged {
            print::line("Its space is given back little by little; nobody can read it any more.")?;
        }
        Ok(())
    }
}

fn confirmed(found: &Found) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("dropping a room cannot be undone; say --yes if you are sure");
    }
    let what = match found {
        Found::Room(RoomRow { id, entries, keys, bytes: logged, slot_bytes, key_bytes, .. }) => {
            let size = bytes(logged + slot_bytes + key_bytes);
            format!("{id}\n{}, {size}, {}", count(*entries, "entry"), count(*keys, "access key"))
        }
        Found::Opener(OpenerRow { id, rooms, .. }) => format!("{} of {id}", count(*rooms, "room")),
    };
    print::all(format!("{what}. This cannot be undone. Drop it? [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
