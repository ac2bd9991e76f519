//! What came since somebody looked at a room last, in whatever face.

use shared::message::timeline::Line;

use super::mention;
use crate::{failure::Failure, handle::Runtime, store::Cursor};

/// Lines that are counted at most: whoever comes back to more reads none of the number.
const MOST: usize = 5_000;

/// What was not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Messages of others.
    pub count: usize,
    /// How many of them name us.
    pub mentions: usize,
    /// Everything up to this sequence number was read.
    pub after: u64,
    /// The newest that was looked at here, ours included.
    pub upto: u64,
}

impl Unread {
    /// Lines that are read at once.
    pub const PAGE: u32 = 200;

    /// Nobody counts further.
    pub fn is_enough(&self) -> bool {
        self.count >= MOST
    }

    /// How it is said; nothing when all was read.
    pub fn words(&self) -> Option<String> {
        Self::told(self.count, self.mentions)
    }

    /// The same of so many messages, of which so many name us.
    pub fn told(count: usize, mentions: usize) -> Option<String> {
        let most = if count >= MOST { " at least" } else { "" };
        match (count, mentions) {
            (0, _) => None,
            (_, 0) => Some(format!("{count} unread{most}")),
            _ => Some(format!("{count} unread{most}, {mentions} for you")),
        }
    }

    /// One more line of the room.
    pub fn add(&mut self, line: &Line, mentions: bool) {
        self.upto = self.upto.max(line.message.seq);
        let is_news = !line.message.mine && !line.deleted;
        self.count += usize::from(is_news);
        self.mentions += usize::from(is_news && mentions);
    }
}

/// What was not read, in each room that is not over.
pub async fn unread_rooms(runtime: &Runtime) -> Vec<(String, Result<Unread, Failure>)> {
    let me = runtime.me().0;
    let mut all = Vec::new();
    for status in runtime.rooms().into_iter().filter(|status| status.over.is_none()) {
        let view = status.view.as_deref();
        let mentions = |line: &Line| mention::names_us(line, &me, view);
        let unread = unread(runtime, &status.label, mentions).await;
        all.push((status.label, unread));
    }
    all
}

async fn unread(runtime: &Runtime, room: &str, mentions: impl Fn(&Line) -> bool) -> Result<Unread, Failure> {
    let after = runtime.acked(room, &Cursor::read()).await?;
    let mut unread = Unread { after, upto: after, ..Unread::default() };
    while !unread.is_enough() {
        let page = runtime.history(room, unread.upto, Unread::PAGE).await?;
        if page.is_empty() {
            break;
        }
        page.iter().for_each(|line| unread.add(line, mentions(line)));
    }
    Ok(unread)
}
