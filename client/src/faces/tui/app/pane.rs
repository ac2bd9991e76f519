//! One room as it is shown: a window on its log, and what is said beside it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use shared::{
    identity::Fingerprint,
    room::{GroupView, MessageId, Person},
};

use super::{Row, ShownLine};
use crate::{
    faces::words::Among,
    store::{Happening, Over, RoomLogItem},
    text::namesakes::Namesakes,
};

/// Rows kept in memory per room: many screens. What is older is fetched from the disk again; while somebody reads
/// there, the newest go instead and are fetched when they come back.
const ROWS: usize = 5_000;

/// Bytes of the rows kept in memory per room, about: fewer rows than [`ROWS`] when somebody floods it with long lines.
const BYTES: usize = 64 << 20;

/// People whose typing is shown; more are only a crowd.
const TYPISTS: usize = 16;

/// People of whom is remembered how far they have read. More: those who have read least are forgotten.
const READERS: usize = 256;

/// One room as it is shown.
#[derive(Debug, Default)]
pub(crate) struct Pane {
    /// The room.
    pub label: String,
    /// What was said, oldest first.
    pub rows: VecDeque<Row>,
    /// What `rows` take, about.
    bytes: usize,
    /// Messages since the room was looked at.
    pub unread: usize,
    /// How many of them name us.
    pub mentions: usize,
    /// What comes after this was not read when somebody looked away: a line is drawn there.
    pub fresh_after: Option<u64>,
    /// It is shown from there on, once that is known; until somebody presses a key.
    pub seeks_fresh: bool,
    /// What was said before is here: until then nobody has looked at what comes.
    pub has_begun: bool,
    /// The newest message that was on the screen.
    pub shown_upto: u64,
    /// The newest message that was counted, or looked at.
    pub latest: u64,
    /// Up to here it was read, and that is kept.
    pub read: u64,
    /// Up to here it was read at another device: what comes of that is no news.
    pub read_there: u64,
    /// When the last message was said, Unix milliseconds.
    pub last_at: u64,
    /// The group.
    pub view: Option<Arc<GroupView>>,
    /// Who was named here, in what is shown or was.
    pub(super) named: Namesakes,
    /// Why it is over.
    pub over: Option<Over>,
    /// Entries read of those there are.
    pub catching_up: Option<(u64, u64)>,
    /// Lines of the screen between the end of the room and the bottom of what is shown.
    pub scroll: usize,
    /// Rows at the end that came since it was drawn, while somebody had scrolled up: their lines are not in `scroll` yet.
    pub unmeasured: usize,
    /// The oldest stored line is here.
    pub is_whole: bool,
    /// The newest lines are not here: somebody reads far above. What comes is not kept.
    pub is_behind: bool,
    /// What was typed and not sent.
    pub draft: String,
    /// Nobody wants to be told of it.
    pub is_muted: bool,
    /// It stands above the others.
    pub is_pinned: bool,
    /// Fingerprints of members who were verified.
    pub verified: BTreeSet<[u8; 32]>,
    /// Who types, and until when that is shown, Unix milliseconds.
    pub typing: Vec<(Person, u64)>,
    /// How far others have read.
    pub seen: BTreeMap<[u8; 32], u64>,
    /// How far we told the others that we have read.
    pub told_seen: u64,
    /// When we may tell them again, Unix milliseconds.
    pub tell_seen_at: u64,
}

impl Pane {
    pub(super) fn new(label: &str) -> Self {
        Self { label: label.to_owned(), ..Self::default() }
    }

    /// Among whom people are named here.
    pub(super) fn among(&self, me: Fingerprint) -> Among<'_> {
        let (view, past) = (self.view.as_deref(), Some(&self.named));
        Among { view, past, me: Some(me), ..Among::default() }
    }

    /// These are named here. Whoever had one of their names for themselves until now is called otherwise in what is shown.
    pub(super) fn name(&mut self, people: &[Person], me: Fingerprint) {
        if self.named.add_all(people) {
            self.rename(me);
        }
    }

    /// These accounts became others, `(was, now)`: in what is shown before and after it is one person.
    pub(super) fn follow(
        &mut self,
        changes: impl IntoIterator<Item = (Fingerprint, Fingerprint)>,
        me: Fingerprint,
    ) {
        if self.named.became_all(changes) {
            self.rename(me);
        }
    }

    fn rename(&mut self, me: Fingerprint) {
        let mut rows = std::mem::take(&mut self.rows);
        let among = self.among(me);
        rows.iter_mut().for_each(|row| row.rename(among));
        self.rows = rows;
        self.measure();
    }

    /// The group is this from now on.
    pub(super) fn regroup(&mut self, view: GroupView, me: Fingerprint) {
        let is_news = self.named.regroup(self.view.as_deref(), &view);
        self.view = Some(Arc::new(view));
        if is_news {
            self.rename(me);
        }
    }

    /// Adds a row at the end. Whoever has scrolled up goes on seeing the same.
    pub(in super::super) fn push(&mut self, row: Row) {
        if let Row::Message(entry) = &row {
            self.last_at = self.last_at.max(entry.at);
            self.latest = self.latest.max(entry.seq.unwrap_or(0));
            if entry.seq.is_some() && self.entries().any(|here| here.seq == entry.seq && here.id == entry.id)
            {
                // It came with a page from the disk. Another of that number is none: a relay that was restored counts
                // again from where it is.
                return;
            }
        }
        if self.is_behind {
            return;
        }
        if self.scroll > 0 {
            self.unmeasured += 1;
        }
        self.bytes += row.bytes();
        self.rows.push_back(row);
        self.drop_oldest();
    }

    /// A page that is here has it: it belongs before the last line, or stands behind it.
    pub(super) fn has_happened(&self, happening: &Happening) -> bool {
        let is_before = happening.seq < self.newest();
        let behind = self.rows.iter().rev().take_while(|row| row.entry().is_none());
        is_before || behind.filter_map(Row::stored).any(|what| *what == happening.what)
    }

    /// Adds older rows in front. Without messages there are no more. What was told live above the first message here and
    /// is among them does not stand here twice.
    pub(super) fn add_older(&mut self, rows: Vec<Row>) {
        self.is_whole = rows.iter().all(|row| row.entry().is_none());
        if !rows.is_empty() {
            let above = self.rows.iter().position(|row| row.entry().is_some()).unwrap_or(self.rows.len());
            let below = self.rows.split_off(above);
            let mut again: Vec<&RoomLogItem> = rows.iter().filter_map(Row::stored).collect();
            self.rows.retain(|row| {
                let place = row.stored().and_then(|what| again.iter().position(|other| *other == what));
                place.map(|place| again.swap_remove(place)).is_none()
            });
            self.rows.extend(below);
        }
        for row in rows.into_iter().rev() {
            self.rows.push_front(row);
        }
        self.measure();
        while self.is_too_much() {
            let Some(row) = self.rows.pop_back() else { return };
            self.bytes = self.bytes.saturating_sub(row.bytes());
            // Whoever reads above goes on seeing the same.
            match self.unmeasured.checked_sub(1) {
                Some(others) => self.unmeasured = others,
                None => self.scroll = self.scroll.saturating_sub(row.lines()),
            }
            self.is_behind = true;
        }
    }

    /// The oldest rows that are too many, or too long, go.
    fn drop_oldest(&mut self) {
        while self.is_too_much() {
            let Some(row) = self.rows.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(row.bytes());
            self.is_whole = false;
        }
    }

    fn is_too_much(&self) -> bool {
        self.rows.len() > ROWS || (self.bytes > BYTES && self.rows.len() > 1)
    }

    fn measure(&mut self) {
        self.bytes = self.rows.iter().map(Row::bytes).sum();
    }

    /// Adds newer messages from the disk; none when there are no more.
    pub(super) fn add_newer(&mut self, rows: Vec<Row>) {
        self.is_behind = rows.iter().any(|row| row.entry().is_some());
        self.rows.extend(rows);
        self.unmeasured = 0;
        self.measure();
        self.drop_oldest();
    }

    /// Shows another part of the log. `is_behind`: it is not the end.
    pub(super) fn replace(&mut self, rows: Vec<Row>, is_behind: bool) {
        self.rows = rows.into();
        (self.is_whole, self.is_behind) = (false, is_behind);
        (self.scroll, self.unmeasured) = (0, 0);
        self.seeks_fresh = false;
        self.measure();
    }

    /// The least sequence number that is here.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.entries().find_map(|entry| entry.seq)
    }

    /// The greatest sequence number that is here.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.entries().rev().find_map(|entry| entry.seq)
    }

    /// The chat lines that are here, oldest first.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &ShownLine> {
        self.rows.iter().filter_map(Row::entry)
    }

    /// The chat line of that id. Of several the first counts, as everywhere: whoever takes another's id later is quoted
    /// in no answer to them.
    pub(crate) fn entry(&self, id: &MessageId) -> Option<&ShownLine> {
        self.entries().find(|entry| entry.id == *id)
    }

    /// The chat line is another than before.
    pub(super) fn change(&mut self, changed: ShownLine) {
        let mut entries = self.rows.iter_mut().rev().filter_map(|row| match row {
            Row::Message(entry) => Some(entry),
            Row::Note { .. } => None,
        });
        if let Some(entry) = entries.find(|entry| entry.seq == changed.seq) {
            let before = entry.bytes();
            **entry = changed;
            self.bytes = (self.bytes + entry.bytes()).saturating_sub(before);
        }
    }

    /// Chat lines whose time is over.
    pub(super) fn forget(&mut self, seqs: &[u64]) {
        self.retain(|row| row.entry().and_then(|entry| entry.seq).is_none_or(|seq| !seqs.contains(&seq)));
        self.measure();
    }

    /// The line that waited is in the log now.
    pub(super) fn arrived(&mut self, id: &MessageId) {
        let waits = |row: &Row| row.entry().is_some_and(|entry| entry.seq.is_none() && entry.id == *id);
        let gone: usize =
            self.rows.iter().take(self.measured()).filter(|row| waits(row)).map(Row::lines).sum();
        if self.scroll > 0 && gone > 0 {
            // It comes again as a row of its own, and whoever has scrolled up goes on seeing the same.
            self.scroll = self.scroll.saturating_sub(gone).max(1);
        }
        self.retain(|row| !waits(row));
        self.measure();
    }

    fn retain(&mut self, is_kept: impl Fn(&Row) -> bool) {
        self.unmeasured = self.rows.iter().skip(self.measured()).filter(|row| is_kept(row)).count();
        self.rows.retain(is_kept);
    }

    /// How many rows are in `scroll` as far as they are below what is shown; those behind them are not.
    pub(crate) fn measured(&self) -> usize {
        self.rows.len().saturating_sub(self.unmeasured)
    }

    /// How many others have read this line.
    pub(crate) fn readers(&self, entry: &ShownLine) -> usize {
        let Some(seq) = entry.seq else { return 0 };
        self.seen.iter().filter(|(who, read)| **who != entry.who.0 && **read >= seq).count()
    }

    /// At another device of ours it was read up to there.
    pub(super) fn read_elsewhere(&mut self, seq: u64) {
        self.read_there = self.read_there.max(seq);
        self.read = self.read.max(seq);
        if seq >= self.latest {
            (self.unread, self.mentions, self.fresh_after) = (0, 0, None);
            return;
        }
        let new = |entry: &&ShownLine| !entry.mine && entry.seq.is_some_and(|of| of > seq);
        let (unread, mentions) = self
            .entries()
            .filter(new)
            .fold((0, 0), |(unread, mentions), entry| (unread + 1, mentions + usize::from(entry.mentions)));
        (self.unread, self.mentions) = (self.unread.min(unread), self.mentions.min(mentions));
    }

    /// Somebody has read up to there.
    pub(super) fn has_read(&mut self, who: &Fingerprint, seq: u64) {
        let read = self.seen.entry(who.0).or_default();
        *read = (*read).max(seq);
        if self.seen.len() > READERS {
            let least = self.seen.iter().min_by_key(|(_, read)| **read).map(|(who, _)| *who);
            if let Some(least) = least {
                self.seen.remove(&least);
            }
        }
    }

    /// Somebody types until then, unless `until` is none.
    pub(super) fn types(&mut self, who: &Person, until: Option<u64>) {
        self.typing.retain(|(person, _)| person.fingerprint != who.fingerprint);
        if let Some(until) = until.filter(|_| self.typing.len() < TYPISTS) {
            self.typing.push((who.clone(), until));
        }
    }
}
