//! A profile with a long past, and no relay.

use client::store::{Batch, LineOrAct, OpenProfile, ProfileDir, RoomRecord, Where};
use proto::RoomId;
use shared::{
    identity::Fingerprint,
    message::timeline::Line,
    room::{Message, Person},
};
use tempfile::TempDir;

use super::support::random;

/// More than a page of lines: `line 1` to `line 2500`, and one of eve's with an escape in it.
pub(crate) fn profile() -> TempDir {
    let dir = TempDir::new().unwrap();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let profile = OpenProfile::open(home, Some("ann"), random()).unwrap();
    let line = |seq: u64, name: &str, text: String| {
        let from = Person { name: name.to_owned(), fingerprint: Fingerprint([1; 32]) };
        let id = [u8::try_from(seq % 251).unwrap(); 16];
        let at = 1_700_000_000_000 + seq;
        Line::from(Message {
            seq,
            id,
            at,
            from,
            text,
            mine: false,
            reply_to: None,
            disappears: None,
            file: None,
        })
    };
    let mut entries: Vec<_> =
        (1..=2_500).map(|seq| LineOrAct::Line(line(seq, "bob", format!("line {seq}")))).collect();
    entries.push(LineOrAct::Line(line(2_501, "eve", "Über \u{1b}[2J lunch".to_owned())));
    let id = RoomId([7; 32]);
    let record = RoomRecord {
        id,
        label: "team".to_owned(),
        place: Where::Own,
        acked: 0,
        closed: None,
        kind: Default::default(),
    };
    let batch = Batch { entries, ..Batch::default() };
    profile.vault.now(|store| store.commit(id, Some(&record), &batch)).unwrap();
    dir
}
