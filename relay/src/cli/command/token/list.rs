//! `relay token list`.

use std::time::Duration;

use clap::Args;

use super::desk;
use crate::{
    admin::tokens::TokenLine,
    clock::unix_ms,
    config::Loaded,
    ops::{human::span, print},
};

/// Lists the tokens.
#[derive(Clone, Debug, Args)]
pub struct ListCommand {
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl ListCommand {
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let list = desk::list(loaded).await?;
        if self.json {
            print::line(serde_json::to_string(&list)?)?;
        } else if list.tokens.is_empty() {
            print::note("There are no tokens. `relay token create` makes one.");
        } else {
            let head = line(["ID", "ROOMS", "USES", "EXPIRES", "LABEL"].map(Into::into));
            let now_ms = unix_ms();
            let rows = list.tokens.iter().map(|token| row(token, now_ms));
            print::line([head].into_iter().chain(rows).collect::<Vec<_>>().join("\n"))?;
        }
        Ok(())
    }
}

fn row(token: &TokenLine, now_ms: u64) -> String {
    let of = |used: u32, most: u32| if most == 0 { format!("{used}/-") } else { format!("{used}/{most}") };
    let expires = match (token.expired, token.expires_ms) {
        (true, _) => "expired".into(),
        (false, 0) => "never".into(),
        (false, at) => format!("in {}", span(Duration::from_millis(at.saturating_sub(now_ms)))),
    };
    let rooms = of(token.rooms, token.max_rooms);
    line([token.id.clone(), rooms, of(token.uses, token.max_uses), expires, token.label.clone()])
}

fn line([id, rooms, uses, expires, label]: [String; 5]) -> String {
    format!("{id:<12}{rooms:<9}{uses:<9}{expires:<15}{label}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_is_used_and_what_is_left() {
        let token = TokenLine {
            id: "0123456789".into(),
            label: "for ann".into(),
            created_ms: 0,
            expires_ms: 86_400_000 * 2,
            expired: false,
            rooms: 1,
            max_rooms: 3,
            uses: 4,
            max_uses: 0,
        };
        assert_eq!(row(&token, 0), "0123456789  1/3      4/-      in 2 d 0 h     for ann");
        let over = TokenLine { expired: true, label: String::new(), ..token };
        assert_eq!(row(&over, 0), "0123456789  1/3      4/-      expired");
    }
}
