//! `relay token`: who may open rooms.

mod age;
mod create;
mod desk;
mod list;
mod revoke;

use clap::Subcommand;

use crate::config::Loaded;

/// Make, list and revoke the tokens that open rooms on a relay with --access token.
///
/// Whether the relay is running or not: then the database is opened directly.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once, with a link that carries it.
    Create(create::CreateCommand),
    /// List the tokens: what each is called, has been used for and may be used for; never the token itself.
    List(list::ListCommand),
    /// Revoke a token: it opens no more rooms. Those that it opened stay, unless told otherwise.
    Revoke(revoke::RevokeCommand),
}

impl TokenCommand {
    /// Does it, and prints what there is to say.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        match self {
            Self::Create(command) => command.run(loaded).await,
            Self::List(command) => command.run(loaded).await,
            Self::Revoke(command) => command.run(loaded).await,
        }
    }
}
