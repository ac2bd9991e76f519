//! `relay accept-identity`.

use clap::Args;

use super::database;
use crate::{
    config::Loaded,
    identity, log,
    ops::{human::count, print},
    policy::limits::Limits,
    relay::error::StartError,
};

/// Go on with the rooms that are there under the identity that lies beside them, which is another relay's.
///
/// A relay notes under which identity its rooms were opened, and does not start with another one: clients of theirs trust that pin
/// and no other. The relay must be stopped.
#[derive(Clone, Copy, Debug, Args)]
pub struct AcceptIdentityCommand {}

impl AcceptIdentityCommand {
    /// Notes it.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        database::is_there(&data_dir)?;
        if !identity::has_key(&data_dir)? {
            return Err(StartError::NoIdentity { path: data_dir }.into());
        }
        let pin = identity::pin(&data_dir)?;
        let backend = log::open(&data_dir, &Limits::default());
        let backend = backend.map_err(|error| StartError::data(data_dir.clone(), error))?;
        let noted = backend.set_owner(*pin.as_bytes()).await;
        let rooms = backend.overview().await.map_or(0, |overview| overview.rooms);
        backend.close().await;
        noted?;
        print::line(format_args!(
            "{} from now on under {pin}; members need a link with this pin.",
            count(rooms, "room")
        ))?;
        Ok(())
    }
}
