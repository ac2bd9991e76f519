//! `relay freeze` and `relay thaw`.

use clap::Args;

use super::target::{Found, Target};
use crate::{
    admin::{
        client,
        openers::{Held, WhichOpener},
        rooms::{Thawed, Which},
    },
    config::Loaded,
    ops::{human::count, print},
    policy::reason::Reason,
};

/// Freeze a room: its members read it as before, and nothing is added to it until it is thawed.
///
/// No message, no change of its members, nobody new. With --opener all rooms of that opener, who opens no further
/// ones either. Members are told, with the reason if there is one.
#[derive(Clone, Debug, Args)]
pub struct FreezeCommand {
    #[command(flatten)]
    target: Target,
    /// What members are told, in your words: one line of at most 256 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: Reason,
}

/// Thaw a frozen room: it goes on where it stood.
///
/// With --opener all rooms that were frozen with it; those that were frozen by themselves stay so. A room that was dropped
/// may be opened again.
#[derive(Clone, Debug, Args)]
pub struct ThawCommand {
    #[command(flatten)]
    target: Target,
}

impl FreezeCommand {
    /// Finds it, and freezes it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let (data_dir, reason) = (loaded.config.data_dir()?, self.reason.clone());
        match self.target.find(&data_dir).await? {
            Found::Room(room) => {
                let which = Which { id: room.id, reason };
                client::post::<()>(&data_dir, "/v1/rooms/freeze", &which).await?;
                print::line(format_args!("Froze {}.", which.id))?;
            }
            Found::Opener(opener) => {
                let which = WhichOpener { name: opener.name, reason };
                let Held { id, rooms, .. } = client::post(&data_dir, "/v1/openers/freeze", &which).await?;
                print::line(format_args!("Froze {} of {id}, who opens no more.", said(rooms)))?;
            }
        }
        Ok(())
    }
}

impl ThawCommand {
    /// Finds it, and thaws it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        if let Some(room) = self.target.room()? {
            let which = Which { id: room.to_owned(), reason: Reason::default() };
            let Thawed { id, was_dropped } = client::post(&data_dir, "/v1/rooms/thaw", &which).await?;
            let what = if was_dropped { "It may be opened again" } else { "Thawed" };
            print::line(format_args!("{what}: {id}."))?;
        } else if let Some(name) = self.target.opener() {
            let which = WhichOpener { name: name.to_string(), reason: Reason::default() };
            let Held { id, rooms, .. } = client::post(&data_dir, "/v1/openers/thaw", &which).await?;
            print::line(format_args!("Thawed {} of {id}, who may open more.", said(rooms)))?;
        }
        Ok(())
    }
}

/// How many rooms it was.
pub(super) fn said(rooms: Option<u64>) -> String {
    rooms.map_or("the rooms, which goes on,".into(), |rooms| count(rooms, "room"))
}
