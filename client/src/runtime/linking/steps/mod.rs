//! What follows from what happens in a linking room. No socket and no disk: values in, values out.

use shared::{
    crypto::random::Random,
    identity::Fingerprint,
    linking::{EndReason, Handshake, LinkFault, LinkMessage, Role, Taken},
    room::{Command, Engine, Event, MessageBody, Millis, Private},
};

use super::{
    HandedPast,
    record::{Record, Step},
};
use crate::{
    reason::Reason,
    runtime::{LinkEnd, LinkNews},
};

/// How long a person has to compare and confirm, in milliseconds.
pub(super) const CONFIRM_MS: u64 = 10 * 60 * 1_000;

/// How long what was handed over waits for the new device, in milliseconds: a week, as an invite lives.
pub(super) const WAIT_MS: u64 = 7 * 24 * 3_600 * 1_000;

/// How long a goodbye may take, in milliseconds.
const GOODBYE_MS: u64 = 3_000;

/// How long the new device tries to say that it has everything, in milliseconds. Unless it does, the old one waits for it for a
/// week, and takes it for lost then.
const TELL_MS: u64 = 60_000;

/// Devices in the room.
const DEVICES: usize = 2;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Do {
    /// Ask this of the room.
    Tell(Command),
    /// Show this.
    Show(LinkNews),
    /// Put together what is handed over.
    Gather,
    /// This device gets the account.
    Become,
    /// Nothing is kept of it any more.
    Forget,
}

/// Tokens of what is said, to know when the relay has it.
const PART: &str = "part";
const DONE: &str = "done";
const END: &str = "end";

impl Record {
    /// Something happened in the room; `engine` is as it is after that.
    pub(super) fn happened(&mut self, event: Event, engine: &Engine, now: Millis) -> Vec<Do> {
        match event {
            Event::Joined(view)
                if self.is_maker && self.step == Step::Open && view.members.len() < DEVICES =>
            {
                vec![Do::Tell(Command::INVITE)]
            }
            Event::Device { mine: false, who, .. }
                if Some(who.fingerprint.0) != self.peer && !self.is_over() =>
            {
                self.end(LinkEnd::Another, engine, now)
            }
            Event::Device { mine: false, body, .. } => self.said(&body, now),
            Event::Sent { token, .. } => self.sent(&token, now),
            Event::MemberJoined { .. } if self.step != Step::Open => self.end(LinkEnd::Another, engine, now),
            Event::MemberLeft { .. } if !self.is_over() => {
                self.peer = None;
                self.end(LinkEnd::Gone, engine, now)
            }
            // Before a person has compared anything, nothing odd is lived with.
            Event::Alarm(_) if matches!(self.step, Step::Open | Step::Shaking | Step::Agreed) => {
                self.end(LinkEnd::Odd, engine, now)
            }
            // The other one was taken out of the room.
            Event::Epoch(view) if self.is_parting() && view.members.len() < DEVICES => {
                vec![Do::Tell(Command::Leave)]
            }
            Event::Closed { .. } if self.step == Step::Done => vec![Do::Forget],
            // All is here, or all but the past: what the room was for is done.
            Event::Closed { .. } if matches!(self.step, Step::Fetching | Step::Received) => {
                self.step = Step::Received;
                vec![Do::Become]
            }
            Event::Closed { reason, .. } => {
                let why = Reason::Closed(reason);
                let why = if self.is_maker || self.step != Step::Open { why } else { super::of_code(why) };
                let end = self.end.take().unwrap_or(LinkEnd::Failed(why));
                self.over(end)
            }
            _ => Vec::new(),
        }
    }

    /// Both devices are in the room for the first time: what the phrase is made of begins here, in this epoch.
    pub(super) fn look(&mut self, engine: &Engine, device: &str, random: &Random, now: Millis) -> Vec<Do> {
        if self.step != Step::Open {
            return Vec::new();
        }
        let (Some(peer), Some(secret)) = (other(engine), engine.linking_secret()) else { return Vec::new() };
        self.peer = Some(peer.0);
        let (handshake, first) = Handshake::begin(self.role, &secret, device, random);
        self.set_handshake(&handshake.to_bytes());
        self.step = Step::Shaking;
        self.ends_ms = now.saturating_add(CONFIRM_MS);
        let mut todo = vec![Do::Show(LinkNews::Found)];
        if self.role == Role::New && self.is_maker {
            // The old device is the last one there: it takes this one out of the room then.
            todo.push(Do::Tell(Command::Moderator { who: peer, is_moderator: true }));
        }
        todo.extend(first.map(|message| say("", &message)));
        todo
    }

    /// The other device said something.
    fn said(&mut self, body: &Private, now: Millis) -> Vec<Do> {
        // Given up in the log before this device had said that all is here: then it is as if nothing had come.
        if matches!(self.step, Step::Fetching | Step::Received)
            && let Ok(LinkMessage::End(reason)) = LinkMessage::read(body)
        {
            return self.ends(LinkEnd::Theirs(reason), now);
        }
        if self.is_over() {
            return Vec::new();
        }
        let message = match LinkMessage::read(body) {
            Ok(message) => message,
            Err(fault) => return self.fault(fault, now),
        };
        match (message, &self.step) {
            (LinkMessage::End(reason), _) => self.ends(LinkEnd::Theirs(reason), now),
            (LinkMessage::Done, Step::Posted) if self.role == Role::Old => {
                self.step = Step::Done;
                self.ends_ms = now.saturating_add(GOODBYE_MS);
                vec![Do::Show(LinkNews::Done), Do::Tell(self.part())]
            }
            (LinkMessage::Part { index, count, bytes }, Step::Agreed) if self.role == Role::New => {
                let mut parcel = self.parcel();
                let Ok(is_whole) = parcel.take(index, count, &bytes) else {
                    return self.fault(LinkFault::OutOfOrder, now);
                };
                self.set_parcel(&parcel);
                let (done, of) = parcel.progress();
                let mut todo = vec![Do::Show(LinkNews::Taking { done, of })];
                if is_whole {
                    match super::handed::read(parcel.bytes()) {
                        None => return self.ends(LinkEnd::NoAccount, now),
                        Some(handed) if handed.history.is_some() => {
                            self.step = Step::Fetching;
                            self.ends_ms = now.saturating_add(WAIT_MS);
                        }
                        Some(_) => todo.extend(self.received(now)),
                    }
                }
                todo
            }
            (message, Step::Shaking) => self.shake(message, now),
            _ => self.fault(LinkFault::OutOfOrder, now),
        }
    }

    fn shake(&mut self, message: LinkMessage, now: Millis) -> Vec<Do> {
        let Some(mut handshake) = self.handshake().and_then(Handshake::from_bytes) else {
            return self.ends(LinkEnd::Odd, now);
        };
        let Taken { say: answer, agreed } = match handshake.take(message) {
            Ok(taken) => taken,
            Err(fault) => return self.fault(fault, now),
        };
        self.set_handshake(&handshake.to_bytes());
        let mut todo: Vec<Do> = answer.iter().map(|message| say("", message)).collect();
        if let Some(agreed) = agreed {
            self.step = Step::Agreed;
            let time = if self.role == Role::Old { CONFIRM_MS } else { WAIT_MS };
            self.ends_ms = now.saturating_add(time);
            let is_asked = self.role == Role::Old;
            self.agreed = Some(agreed.clone());
            todo.push(Do::Show(LinkNews::Compare { agreed, is_asked }));
        }
        todo
    }

    /// Nothing is missing.
    pub(super) fn received(&mut self, now: Millis) -> Vec<Do> {
        self.step = Step::Received;
        self.ends_ms = now.saturating_add(TELL_MS);
        vec![say(DONE, &LinkMessage::Done)]
    }

    /// The relay has something that was said.
    fn sent(&mut self, token: &str, now: Millis) -> Vec<Do> {
        match token {
            PART if self.step == Step::Posted => {
                self.unsent = self.unsent.saturating_sub(1);
                match self.unsent {
                    0 => vec![Do::Show(self.posted())],
                    _ => Vec::new(),
                }
            }
            DONE if self.step == Step::Received => vec![Do::Become],
            END => {
                self.ends_ms = now.saturating_add(GOODBYE_MS);
                vec![Do::Tell(self.part())]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn posted(&self) -> LinkNews {
        LinkNews::Posted { rooms: self.rooms, without: self.without.clone() }
    }

    /// The person at the old device has confirmed.
    pub(super) fn confirm(&mut self, past: HandedPast, now: Millis) -> Vec<Do> {
        self.step = Step::Confirmed;
        self.past = past;
        self.ends_ms = now.saturating_add(WAIT_MS);
        vec![Do::Gather]
    }

    /// What is handed over, to be said: once, in one transaction with this step.
    pub(super) fn post(&mut self, parts: &[LinkMessage], engine: &Engine, now: Millis) -> Vec<Do> {
        if self.peer.is_none() || other(engine).map(|other| other.0) != self.peer {
            return self.end(LinkEnd::Another, engine, now);
        }
        self.hand_over(parts)
    }

    /// From here on whoever is at the other device may have the account.
    fn hand_over(&mut self, parts: &[LinkMessage]) -> Vec<Do> {
        self.step = Step::Posted;
        self.is_handed = true;
        self.unsent = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        parts.iter().map(|part| say(PART, part)).collect()
    }

    /// The present step took too long.
    pub(super) fn late(&mut self, engine: &Engine, now: Millis) -> Vec<Do> {
        match self.step {
            // Whoever does not hear the goodbye notices by itself.
            Step::Ending => match self.end.take() {
                Some(end) => self.over(end),
                None => vec![Do::Forget],
            },
            Step::Done => vec![Do::Forget],
            // Without the past, then.
            Step::Fetching => self.received(now),
            // It has everything, whether or not that can be told.
            Step::Received => vec![Do::Become],
            _ => self.end(LinkEnd::Late, engine, now),
        }
    }

    /// It ends here. Where this device is not in the room, there is nobody to be told.
    pub(super) fn end(&mut self, end: LinkEnd, engine: &Engine, now: Millis) -> Vec<Do> {
        match engine.view() {
            Some(_) => self.ends(end, now),
            None => self.over(end),
        }
    }

    fn fault(&mut self, fault: LinkFault, now: Millis) -> Vec<Do> {
        self.ends(LinkEnd::Fault(fault), now)
    }

    fn ends(&mut self, end: LinkEnd, now: Millis) -> Vec<Do> {
        let told = end.reason().map(|reason: EndReason| say(END, &LinkMessage::End(reason)));
        self.step = Step::Ending;
        self.ends_ms = now.saturating_add(GOODBYE_MS);
        self.end = Some(end);
        // What waits is not said any more, to whoever is in the room by now.
        vec![Do::Tell(Command::Unsay), told.unwrap_or_else(|| Do::Tell(self.part()))]
    }

    /// Nothing comes of it, and nobody is to be told any more.
    fn over(&mut self, end: LinkEnd) -> Vec<Do> {
        self.step = Step::Ending;
        vec![Do::Forget, Do::Show(LinkNews::Ended { end, is_handed: self.is_handed })]
    }

    /// How this device goes. The old one takes the other out first, so that no two keys of the room stay at the relay.
    fn part(&self) -> Command {
        match self.peer.filter(|_| self.role == Role::Old) {
            Some(peer) => Command::Remove(Fingerprint(peer)),
            None => Command::Leave,
        }
    }

    fn is_parting(&self) -> bool {
        self.role == Role::Old && matches!(self.step, Step::Ending | Step::Done)
    }

    /// Whatever the other device says now changes nothing.
    fn is_over(&self) -> bool {
        matches!(self.step, Step::Ending | Step::Fetching | Step::Received | Step::Done)
    }
}

/// The other device, where there is one and nobody else.
fn other(engine: &Engine) -> Option<Fingerprint> {
    let view = engine.view().filter(|view| view.members.len() == DEVICES)?;
    view.members.iter().find(|member| !member.me).map(|member| member.person.fingerprint)
}

fn say(token: &str, message: &LinkMessage) -> Do {
    Do::Tell(Command::Say { token: token.to_owned(), body: MessageBody::Device(message.write()) })
}

#[cfg(test)]
mod tests;
