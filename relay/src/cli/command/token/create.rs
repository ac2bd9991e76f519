//! `relay token create`.

use anyhow::bail;
use clap::Args;
use proto::Token;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{age::Age, desk};
use crate::{
    admin::tokens::{Added, NewToken, Revocation},
    clock::unix_ms,
    config::Loaded,
    ops::print,
    policy::token::{Allowance, TokenRecord},
};

/// Makes a token.
#[derive(Clone, Debug, Args)]
pub struct CreateCommand {
    /// Rooms that may exist at once by it, 0 for no limit; dropping one frees its place.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rooms: u32,
    /// Rooms that may be opened with it over its life, 0 for no limit.
    #[arg(long, value_name = "N", default_value_t = 0)]
    uses: u32,
    /// How long it opens rooms, like 30d, 12h or `never`.
    #[arg(long, value_name = "AGE", default_value = "30d")]
    expires: Age,
    /// What you call it, to find it again.
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

/// What is printed. The only place where the token is shown.
#[derive(Serialize)]
struct Made<'a> {
    v: u32,
    id: &'a str,
    label: &'a str,
    token: &'a str,
    links: Vec<&'a str>,
    rooms: u32,
    uses: u32,
    expires_ms: u64,
    open: bool,
}

impl CreateCommand {
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let expires_ms = self.expires.after(unix_ms());
        let allowance = Allowance { rooms: self.rooms, uses: self.uses, expires_ms };
        let (token, record) = TokenRecord::generate(self.label.clone(), allowance, unix_ms())
            .map_err(|_| anyhow::anyhow!("the system gives no randomness; try again later"))?;
        let wish = NewToken {
            hash: record.hash.0,
            label: self.label.clone(),
            rooms: self.rooms,
            uses: self.uses,
            expires_ms,
        };
        let added = desk::add(loaded, &wish).await?;
        let Err(unseen) = print::seen(&self.text(&record, &token, &added)?) else {
            self.explain(&added);
            return Ok(());
        };
        // Nobody can use it, and nobody would know what the id in the list stands for.
        let id = record.hash.id();
        let back = desk::revoke(loaded, Revocation { id: id.clone(), drop_rooms: false }).await;
        match back {
            Ok(_) => bail!("{unseen}. Nobody has seen the token, and it was taken back"),
            Err(error) => bail!(
                "{unseen}. Nobody has seen the token {id}, and it could not be taken back ({error}): `relay token revoke {id}`"
            ),
        }
    }

    fn text(
        &self,
        record: &TokenRecord,
        token: &Token,
        added: &Added,
    ) -> serde_json::Result<Zeroizing<String>> {
        let (id, text) = (record.hash.id(), token.to_text());
        let links: Vec<_> = added.links.iter().map(|link| carry(link, &text)).collect();
        if self.json {
            let mut line = Zeroizing::new(serde_json::to_string(&Made {
                v: 1,
                id: &id,
                label: &record.label,
                token: &text,
                links: links.iter().map(|link| &***link).collect(),
                rooms: self.rooms,
                uses: self.uses,
                expires_ms: record.allowance.expires_ms,
                open: added.open,
            })?);
            line.push('\n');
            return Ok(line);
        }
        let mut lines = Zeroizing::new(format!("Id     {id}\nToken  {}\n", *text));
        for link in &links {
            lines.push_str("Link   ");
            lines.push_str(link);
            lines.push('\n');
        }
        Ok(lines)
    }

    fn explain(&self, added: &Added) {
        if !self.json {
            print::note(
                "This is shown once: the relay keeps only a hash of it. Anybody with the link can open rooms; \
                 joining a room by an invite needs no token.",
            );
        }
        if added.open {
            print::note("The relay is open and asks nobody for a token: set --access token to change that.");
        }
    }
}

/// A relay's link with a token in it.
fn carry(link: &str, token: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{link}&token={token}"))
}
