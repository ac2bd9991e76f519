//! `relay clock`.

use std::time::Duration;

use clap::Subcommand;

use crate::{
    admin::{client, clock::Accepted},
    config::Loaded,
    ops::{human::span, print},
};

/// The running relay's own clock.
///
/// What it writes into logs, and what retention, invites and tokens go by. It follows the system's clock, but not when that
/// jumps: a false clock would empty rooms. `relay status` says so.
#[derive(Clone, Debug, Subcommand)]
pub enum ClockCommand {
    /// Take the system's clock as it is now: it is right, and the jump was its being set.
    ///
    /// Look at `date` first. Retention still catches up slowly.
    Accept,
}

impl ClockCommand {
    /// Asks, and prints what came of it.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        match self {
            Self::Accept => {
                let data_dir = loaded.config.data_dir()?;
                let accepted: Accepted = client::post(&data_dir, "/v1/clock/accept", &()).await?;
                print::all(text(&accepted))?;
                Ok(())
            }
        }
    }
}

fn text(accepted: &Accepted) -> String {
    let by = span(Duration::from_millis(accepted.by_ms.unsigned_abs()));
    let behind = accepted.retention_behind_s;
    let mut text = match accepted.by_ms {
        -999..1000 => {
            "The system's clock and the relay's agree already: there was nothing to accept.\n".to_owned()
        }
        ..=-1000 => format!("The relay's clock went back by {by}.\n"),
        _ => format!("The relay's clock went forward by {by}.\n"),
    };
    if behind > 0 {
        text += &format!("Retention is {} behind, and catches up.\n", span(Duration::from_secs(behind)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_says_which_way_it_went() {
        let said = |by_ms, retention_behind_s| text(&Accepted { v: 1, by_ms, retention_behind_s });
        assert_eq!(said(-7_200_000, 0), "The relay's clock went back by 2 h 0 min.\n");
        for by_ms in [-999, -5, 0, 5, 999] {
            let agreed = "The system's clock and the relay's agree already: there was nothing to accept.\n";
            assert_eq!(said(by_ms, 0), agreed, "{by_ms}");
        }
        assert_eq!(said(-1000, 0), "The relay's clock went back by 1 s.\n");
        assert_eq!(said(1000, 0), "The relay's clock went forward by 1 s.\n");
        assert_eq!(
            said(864_000_000, 86_400),
            "The relay's clock went forward by 10 d 0 h.\nRetention is 1 d 0 h behind, and catches up.\n"
        );
        assert!(said(i64::MIN, u64::MAX).contains("back by"));
    }
}
