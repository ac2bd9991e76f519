//! `relay top`.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
    time::Duration,
};

use clap::{Args, value_parser};

use crate::{
    admin::{
        client,
        top::{MAX_ROWS, Top, Work},
    },
    config::Loaded,
    ops::{human::bytes, print},
};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Digits of a room's id: as `relay rooms` shows it.
const SHOWN: usize = 16;

/// To the top left, and nothing below: what every terminal knows.
const CLEAR: &str = "\x1b[H\x1b[J";

/// What is going on at the running relay, anew each second: rates, sizes and refusals, by room and by opener.
///
/// An opener is the token or the address that opened a room, by a name that says nothing. Where the output is no terminal it
/// is shown once.
#[derive(Clone, Debug, Args)]
pub struct TopCommand {
    /// Show so many rooms and so many openers.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=MAX_ROWS as u64))]
    rows: u64,
    /// Show it once and end.
    #[arg(long)]
    once: bool,
    /// Print one line of JSON and end.
    #[arg(long)]
    json: bool,
}

impl TopCommand {
    /// Asks and shows, until it is interrupted.
    pub(super) async fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        let path = format!("/v1/top?rows={}", self.rows);
        let stays = !self.once && !self.json && io::stdout().is_terminal();
        let mut before = None;
        loop {
            let top: Top = client::get(&data_dir, &path).await?;
            if self.json {
                print::line(serde_json::to_string(&top)?)?;
                return Ok(());
            }
            let text = text(&top, before.as_ref());
            if !stays {
                print::all(text)?;
                return Ok(());
            }
            if !print::all(format!("{CLEAR}{text}"))? {
                return Ok(());
            }
            before = Some(top);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The tables; `before` is what was shown last, for numbers that only grow.
fn text(top: &Top, before: Option<&Top>) -> String {
    let mut text = String::new();
    let mut line = |said: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", said.trim_end());
    };
    line(format!("{} connections, {} members online", top.connections, top.sessions));
    if let Some(before) = before {
        let seconds = (top.now_ms.saturating_sub(before.now_ms).max(1) as f64) / 1000.0;
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        line(format!(
            "{:.0} messages/s in, {}/s; {:.0}/s out, {}/s",
            rate(top.published, before.published),
            bytes(rate(top.published_bytes, before.published_bytes) as u64),
            rate(top.delivered, before.delivered),
            bytes(rate(top.delivered_bytes, before.delivered_bytes) as u64),
        ));
    }
    if top.transfers > 0 || before.is_some_and(|before| before.file_bytes_in != top.file_bytes_in) {
        let rates = before.map_or(String::new(), |before| {
            let seconds = (top.now_ms.saturating_sub(before.now_ms).max(1) as f64) / 1000.0;
            let rate = |now: u64, then: u64| bytes((now.saturating_sub(then) as f64 / seconds) as u64);
            format!(
                "; {}/s in, {}/s out",
                rate(top.file_bytes_in, before.file_bytes_in),
                rate(top.file_bytes_out, before.file_bytes_out)
            )
        });
        line(format!("{} files under way{rates}", top.transfers));
    }
    for (limit, times) in &top.limited {
        let then = before.and_then(|before| before.limited.get(limit)).copied().unwrap_or(0);
        let more = before.map(|_| times.saturating_sub(then)).filter(|more| *more > 0);
        line(format!(
            "refused by {limit}: {times}{}",
            more.map_or(String::new(), |more| format!(" (+{more})"))
        ));
    }
    line(String::new());
    line(format!(
        "{:<SHOWN$}  {:<10}  {:>6}  {:>8}  {HEAD}  {:>11}",
        "ROOM", "OPENER", "SEATS", "REFUSED", "FILES"
    ));
    let mark = |frozen| if frozen { "  frozen" } else { "" };
    for room in &top.rooms {
        let (id, opener) = (room.id.get(..SHOWN).unwrap_or(&room.id), room.opener.as_deref().unwrap_or("-"));
        let (sessions, refused, frozen) = (room.sessions, room.refused, mark(room.frozen));
        line(format!(
            "{id:<SHOWN$}  {opener:<10}  {sessions:>6}  {refused:>8}  {}  {:>11}{frozen}",
            work(&room.work),
            bytes(room.file_bytes)
        ));
    }
    line(String::new());
    line(format!("{:<10}  {:>6}  {}", "OPENER", "ROOMS", HEAD));
    for opener in &top.openers {
        let frozen = mark(opener.frozen);
        line(format!("{:<10}  {:>6}  {}{frozen}", opener.id, opener.rooms, work(&opener.work)));
    }
    text
}

const HEAD: &str = "MESSAGES/S      BYTES/S         KEPT";

fn work(work: &Work) -> String {
    let (written, kept) = (bytes(work.bytes_per_s as u64), bytes(work.bytes));
    format!("{:>10.1}  {written:>11}  {kept:>11}", work.messages_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::top::{OpenerTop, RoomTop};

    #[test]
    fn table_shows_rates_and_what_was_refused_since() {
        let work = Work { messages_per_s: 2.5, bytes_per_s: 2048.0, bytes: 3 << 20 };
        let mut top = Top {
            v: 1,
            now_ms: 10_000,
            connections: 3,
            sessions: 2,
            published: 100,
            published_bytes: 0,
            delivered: 0,
            delivered_bytes: 0,
            transfers: 0,
            file_bytes_in: 0,
            file_bytes_out: 0,
            limited: [("rate".to_owned(), 7)].into(),
            rooms: vec![RoomTop {
                id: "ab".repeat(32),
                opener: None,
                sessions: 2,
                refused: 9,
                frozen: true,
                file_bytes: 7 << 20,
                work,
            }],
            openers: vec![OpenerTop { id: "0123456789".into(), rooms: 4, frozen: false, work }],
        };
        let before = top.clone();
        let once = text(&top, None);
        assert!(once.contains("refused by rate: 7\n") && !once.contains("/s in"), "{once}");
        assert!(
            once.contains(
                "abababababababab  -                2         9         2.5      2.0 KiB      3.0 MiB      7.0 MiB  frozen\n"
            ),
            "{once}"
        );
        assert!(once.contains("0123456789       4         2.5"), "{once}");
        (top.now_ms, top.published) = (12_000, 120);
        top.limited.insert("rate".into(), 10);
        let again = text(&top, Some(&before));
        assert!(again.contains("10 messages/s in") && again.contains("refused by rate: 10 (+3)"), "{again}");
    }
}
