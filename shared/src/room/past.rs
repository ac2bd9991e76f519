//! What was said before somebody joined, where the room's policy shares it.
//!
//! Nobody can read what was sealed before they joined. So members who are there hand a newcomer the last
//! lines, sealed anew for everybody; one of them does it, by the same kind of election as for commits. The
//! newcomer takes it once, and only lines of before the join; it is shown as handed over, since a member
//! could have made it up.

use prost::Message as _;

use super::{
    Engine, Event, MAX_TEXT, Message, Millis, Person, Stream,
    incoming::Incoming,
    numbering::squeezed,
    state::{HandOver, Phase},
};
use crate::{
    content::{self, content::Body},
    file::Manifest,
    identity::{Fingerprint, clean_speaker},
    message::timeline::Line,
};

/// Lines go into one content up to so many bytes, so that it fits a 64 KiB bucket.
const CHUNK: usize = 48 << 10;

/// Newcomers who are owed the past at once: ten invites of the usual size let in so many.
const MAX_OWED: usize = 200;

/// Whoever sees that somebody joined waits a random time below this, in milliseconds, so that mostly one
/// member hands over.
const ELECTION_MS: u64 = 4_000;

impl Engine {
    /// Somebody joined while the policy shares what was said.
    pub(super) fn owe_past(&mut self, joiner: Vec<u8>, before: u64) {
        let mut owed = HandOver::default();
        (owed.joiner, owed.before) = (joiner, before);
        self.handover.hand_over.push(owed);
        // The oldest have waited longest for somebody who is not there.
        let first = self.handover.hand_over.len().saturating_sub(MAX_OWED);
        self.handover.hand_over.drain(..first);
        self.link.hand_over_at = None;
    }

    /// Asks for the lines when it is our turn.
    pub(super) fn hand_over_due(&mut self, now: Millis) {
        if self.link.state != Stream::Live || !self.is_member() || self.handover.hand_over.is_empty() {
            return;
        }
        let random = &self.profile.random;
        let at = *self.link.hand_over_at.get_or_insert_with(|| now + 1 + random.below(ELECTION_MS));
        let asked = self.link.hand_over_asked;
        let lines = self.group.as_ref().and_then(|group| group.room().ok()).map_or(0, |room| room.past_lines);
        let Some(owed) = self.handover.hand_over.first().filter(|_| now >= at && !asked) else { return };
        let event = Event::HandOver { joiner: owed.joiner.clone(), before: owed.before, lines };
        self.link.hand_over_asked = true;
        self.out.events.push(event);
    }

    pub(super) fn hand_over_wake(&self) -> Option<Millis> {
        let waits = self.link.state == Stream::Live
            && self.phase() == Phase::Member
            && !self.handover.hand_over.is_empty()
            && !self.link.hand_over_asked;
        waits.then_some(self.link.hand_over_at).flatten()
    }

    /// The lines that were asked for, to be sealed for the newcomer.
    pub(super) fn hand_over(&mut self, joiner: &[u8], lines: Vec<Line>) {
        self.link.hand_over_asked = false;
        let Some(owed) = self.handover.hand_over.iter().find(|owed| owed.joiner == joiner) else {
            // Somebody else was faster.
            return;
        };
        let lines = squeezed(lines, owed.before);
        let mut chunk = content::Past { joiner: joiner.to_vec().into(), ..content::Past::default() };
        for line in lines {
            let line = wire(line);
            if chunk.encoded_len() + line.encoded_len() > CHUNK && !chunk.lines.is_empty() {
                let full = std::mem::take(&mut chunk.lines);
                let part = content::Past { joiner: chunk.joiner.clone(), lines: full, last: false };
                self.enqueue(String::new(), Body::Past(part));
            }
            chunk.lines.push(line);
        }
        chunk.last = true;
        self.enqueue(String::new(), Body::Past(chunk));
        self.settled(joiner);
    }

    /// A member hands over. False when it breaks a rule.
    pub(super) fn past(&mut self, saying: &Incoming, past: content::Past) -> bool {
        if past.last {
            self.settled(&past.joiner);
        }
        let ours = self.unique();
        if *past.joiner != *ours || self.handover.past_left == 0 {
            return true;
        }
        let left = self.handover.past_left;
        let before = self.handover.join_seq;
        let lines: Option<Vec<Line>> =
            past.lines.into_iter().map(|line| read(line, before, &saying.from)).collect();
        let Some(lines) = lines.filter(|lines| u32::try_from(lines.len()).is_ok_and(|n| n <= left)) else {
            return false;
        };
        let taken = u32::try_from(lines.len()).unwrap_or(left);
        self.handover.past_left = if past.last { 0 } else { left - taken };
        self.out.events.push(Event::Handed { by: saying.from.clone(), lines });
        true
    }

    fn settled(&mut self, joiner: &[u8]) {
        self.handover.hand_over.retain(|owed| owed.joiner != joiner);
        self.link.hand_over_asked = false;
        self.link.hand_over_at = None;
    }

    pub(super) fn unique(&self) -> Vec<u8> {
        let as_we_come = || [&self.profile.identity.public_key()[..], &self.own.device_id].concat();
        self.own_holder().map_or_else(as_we_come, |holder| holder.unique())
    }
}

fn wire(line: Line) -> content::PastLine {
    let Line { message, edited, .. } = line;
    let seconds = message.disappears.map_or(0, |end| end.saturating_sub(message.at).div_ceil(1_000));
    content::PastLine {
        seq: message.seq,
        id: message.id.to_vec().into(),
        at_ms: message.at,
        author: message.from.fingerprint.0.to_vec().into(),
        name: message.from.name,
        body: message.text,
        reply_to: message.reply_to.map(|id| id.to_vec().into()).unwrap_or_default(),
        disappear_s: u32::try_from(seconds).unwrap_or(u32::MAX),
        edited_ms: edited.unwrap_or(0),
        file: message.file.map(|file| Manifest { preview: Vec::new(), ..*file }.write()),
    }
}

/// None for a line that cannot be one of before `before`.
fn read(line: content::PastLine, before: u64, by: &Person) -> Option<Line> {
    let least = usize::from(line.file.is_none());
    let fits = line.seq > 0 && line.seq < before && (least..=MAX_TEXT).contains(&line.body.len());
    let disappears = u64::from(line.disappear_s) * 1_000;
    fits.then_some(())?;
    let name = clean_speaker(&line.name).ok()?;
    let message = Message {
        seq: line.seq,
        id: (&*line.id).try_into().ok()?,
        at: line.at_ms,
        from: Person { name, fingerprint: Fingerprint((&*line.author).try_into().ok()?) },
        text: line.body,
        mine: false,
        reply_to: match line.reply_to.len() {
            0 => None,
            _ => Some((&*line.reply_to).try_into().ok()?),
        },
        disappears: (disappears > 0).then(|| line.at_ms.saturating_add(disappears)),
        file: match line.file {
            Some(file) => Some(Box::new(Manifest::read(&file).ok()?)),
            None => None,
        },
    };
    let edited = (line.edited_ms > 0).then_some(line.edited_ms);
    Some(Line { edited, handed_by: Some(by.clone()), ..Line::from(message) })
}
