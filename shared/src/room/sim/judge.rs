//! What must hold at the end of a life, when the relay is honest again and everybody has come:
//!
//! - *Nobody speaks for another.* What is shown as somebody's, they said; and nothing is shown twice.
//! - *One log.* What two devices took at one position is the same, or one of them has raised an alarm.
//! - *Nobody is stranded in silence.* Whoever is not in the room says so; where the relay was honest, only those are out
//!   who were removed or left, whatever a member did; or one whom a hostile member put out when nobody else was left.
//! - *Who is in, is in the same epoch,* and hears the others. Not promised to a device that a lying relay led past the end of
//!   its log: what was skipped may have been anything, so it stands still there, and is told so at each Join. Nor to one that
//!   was shown something else where a commit is, and was alarmed by that: it knows nothing of that commit until others
//!   confirm it.
//! - *Nothing is lost in silence.* What its author was told is missing is said again, so after a lie it may be there twice.
//! - *Nobody holds for settled what the rules do not.* A device's books are its ledger's, where that is open.
//! - Without anybody hostile there is no alarm at all.

use std::collections::BTreeMap;

use super::{hostile::EVE, life::Life, world::World};
use crate::{
    identity::credential::Holder,
    room::{AlarmKind, Command, Engine, Event, Problem, Stream, roles::moderates, state::Phase},
};

/// How often everybody comes anew: the relay may have lied to them when they came last.
const ROUNDS: usize = 3;

impl Life {
    pub(crate) fn finish(&mut self) {
        let rounds = if self.cast.is_plain() { 1 } else { ROUNDS };
        for _ in 0..rounds {
            self.everybody_comes();
            self.world.settle();
        }
        self.everybody_speaks();
        self.nobody_spoke_for_another();
        self.one_log();
        self.nobody_is_stranded();
        self.nothing_is_lost();
        self.books_are_the_ledgers();
        if self.cast.is_plain() {
            self.nobody_was_alarmed();
        }
        let is_quiet = self.honest().all(|i| !self.noticed(i));
        if is_quiet && !self.cast.insider && !self.cast.lively {
            self.everything_arrived_once();
        }
        let is_deceived = |i: usize| self.cast.liar && self.noticed(i);
        // Not promised where nobody but a hostile member moderates: it removes somebody, takes that back by rubbish, and
        // nobody honest may remove them anew.
        let is_silenced = |i: usize| {
            let engine = self.world.devices[i].engine.as_ref();
            self.cast.insider
                && engine.is_some_and(|engine| engine.is_haunted() && !self.has_moderator(engine))
        };
        let inside: Vec<usize> = self
            .honest()
            .filter(|i| is_in(&self.world, *i) && !is_deceived(*i) && !is_silenced(*i))
            .collect();
        if let Some(first) = inside.first() {
            let agreed = self.world.authenticator(*first);
            for i in &inside {
                assert_eq!(self.world.authenticator(*i), agreed, "device {i}: {}", self.world.story(*i));
                if !self.cast.liar {
                    self.world.assert_ledger(*i);
                }
            }
            self.world.assert_talks(&inside);
        }
    }

    fn honest(&self) -> impl Iterator<Item = usize> + use<> {
        let insider = self.cast.insider;
        (0..self.world.devices.len()).filter(move |i| *i != EVE || !insider)
    }

    /// Whether an honest account moderates the room, as this device has it, that is not itself one of those to be removed anew.
    fn has_moderator(&self, engine: &Engine) -> bool {
        let eve = self.world.devices[EVE].profile.identity.fingerprint();
        let Some(group) = &engine.group else { return false };
        let (Ok(room), Ok(members)) = (group.room(), group.members()) else { return false };
        let is_one = |who: &Holder| moderates(&room, &who.fingerprint) && who.fingerprint != eve;
        members.iter().any(|(_, who)| is_one(who) && !engine.books.again.contains(&who.unique()))
    }

    fn everybody_comes(&mut self) {
        for i in 0..self.world.devices.len() {
            self.online(i);
            if !self.cast.is_plain() && self.world.devices[i].engine.is_some() {
                self.world.connect(i);
            }
        }
        self.world.settle();
        for i in 0..self.world.devices.len() {
            // People agree to go on with a relay that says it was restored.
            let waits = |engine: &Engine| engine.back.restored.is_some();
            if self.world.devices[i].engine.as_ref().is_some_and(waits) {
                self.world.command(i, Command::Accept);
            }
        }
    }

    /// What a lying relay kept back, or put something else in the place of, shows in what is said next.
    fn everybody_speaks(&mut self) {
        for i in self.honest().filter(|i| self.cast.liar && is_in(&self.world, *i)).collect::<Vec<_>>() {
            let text = format!("{i}:last");
            self.world.say(i, &text);
            self.said.push((i, text));
            self.world.settle();
        }
    }

    fn nobody_spoke_for_another(&self) {
        let by: BTreeMap<_, _> = self
            .world
            .devices
            .iter()
            .enumerate()
            .map(|(i, device)| (device.profile.identity.fingerprint(), i))
            .collect();
        for i in self.honest() {
            for event in &self.world.devices[i].events {
                let (from, text) = match event {
                    Event::Message(message) => (&message.from, message.text.clone()),
                    Event::Act(act) => (&act.from, format!("{:?}", act.change)),
                    _ => continue,
                };
                let speaker = *by.get(&from.fingerprint).expect("a stranger speaks");
                if speaker == EVE && self.cast.insider {
                    continue;
                }
                let said = (speaker, text);
                assert!(self.said.contains(&said), "device {i} was shown {said:?}, which nobody said");
            }
            // Only what Eve says can be the same twice.
            let history = self.world.devices[i].history.iter().map(|(_, text)| text);
            let mut once: Vec<_> =
                history.filter(|text| self.said.iter().any(|(_, said)| said == *text)).collect();
            let is_lied_to = |text: &&String| {
                let by = self.said.iter().find(|(_, said)| said == *text).map(|(by, _)| *by);
                self.cast.liar && by.is_some_and(|by| self.noticed(by))
            };
            once.retain(|text| !is_lied_to(text));
            let all = once.len();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), all, "device {i} stored something twice");
        }
    }

    fn one_log(&self) {
        let mut taken: BTreeMap<u64, (usize, &str)> = BTreeMap::new();
        for i in self.honest() {
            for (seq, text) in &self.world.devices[i].history {
                let (j, other) = taken.entry(*seq).or_insert((i, text));
                let is_same = other == text;
                assert!(
                    is_same || self.noticed(i) || self.noticed(*j),
                    "at {seq} device {j} has {other:?} and device {i} {text:?}, and neither is alarmed"
                );
            }
        }
    }

    fn nobody_is_stranded(&self) {
        for i in self.honest().filter(|i| !is_in(&self.world, *i)) {
            let device = &self.world.devices[i];
            if device.engine.is_none() {
                continue; // a newcomer that died before it had stored anything
            }
            let story = self.world.story(i);
            let alarms = self.world.alarms(i);
            // Of a join that a lying relay had made twice it says each time that it is not shown.
            let is_told = device.says_it_is_out
                || alarms.contains(&AlarmKind::Rollback)
                || (self.cast.liar && alarms.contains(&AlarmKind::Gap));
            assert!(is_told, "device {i} is stranded in silence: {story}");
            let is_gone = self.may_be_gone.contains(&i);
            let log: Vec<_> = self.world.relay.log.iter().map(super::hostile::brief).collect();
            // Beside a hostile member alone there is no majority: a room of two.
            let is_over = |j: usize| {
                let engine = self.world.devices[j].engine.as_ref();
                engine.is_none_or(|engine| engine.phase() == Phase::Closed)
            };
            let of_two = self.cast.insider && self.honest().filter(|j| *j != i).all(is_over);
            assert!(
                is_gone || of_two || self.cast.liar,
                "device {i} is out, and nobody removed it: {story}\n{log:#?}"
            );
        }
    }

    fn nothing_is_lost(&self) {
        let shown = |text: &String| {
            self.honest().any(|i| self.world.devices[i].history.iter().any(|(_, other)| other == text))
        };
        let somebody_noticed = self.honest().any(|i| self.noticed(i));
        for (speaker, text) in &self.said {
            let is_out = self.may_be_gone.contains(speaker) || !is_in(&self.world, *speaker);
            let is_excused = is_out || (self.cast.liar && somebody_noticed);
            assert!(is_excused || shown(text), "nobody was shown {text:?}");
        }
        for i in self.honest().filter(|i| is_in(&self.world, *i) && !self.may_be_gone.contains(i)) {
            let has = |text: &String| self.world.devices[i].history.iter().any(|(_, other)| other == text);
            let missed = self.said.iter().find(|(_, text)| shown(text) && !has(text));
            let is_told = missed.is_none() || self.noticed(i) || i > super::life::DAN;
            assert!(is_told, "device {i} missed {missed:?} in silence: {}", self.world.story(i));
        }
    }

    fn books_are_the_ledgers(&self) {
        for i in self.honest() {
            let Some(engine) = &self.world.devices[i].engine else { continue };
            let Some(confirmed) = engine.ledger.confirmed().filter(|_| engine.is_member()) else { continue };
            assert_eq!(engine.books.confirmed, confirmed, "device {i}: {}", self.world.story(i));
        }
    }

    fn nobody_was_alarmed(&self) {
        for i in self.honest() {
            assert!(!self.noticed(i), "a false alarm at device {i}: {}", self.world.story(i));
        }
    }

    fn everything_arrived_once(&self) {
        for i in self.honest() {
            let (first, history) = (&self.world.devices[0].history, &self.world.devices[i].history);
            assert_eq!(history, first, "device {i} has another history");
        }
        let mut arrived: Vec<_> = self.world.devices[0].history.iter().map(|(_, text)| text).collect();
        let mut said: Vec<_> = self.said.iter().map(|(_, text)| text).collect();
        arrived.sort();
        said.sort();
        assert_eq!(arrived, said, "each message arrives once");
    }

    fn noticed(&self, i: usize) -> bool {
        self.world.devices[i].alarmed || self.world.devices[i].events.iter().any(is_loud)
    }
}

/// It follows the room.
fn is_in(world: &World, i: usize) -> bool {
    let head = world.relay.log.len() as u64;
    world.devices[i].engine.as_ref().is_some_and(|engine| {
        engine.phase() == Phase::Member
            && engine.back.out.is_none()
            && engine.link.state == Stream::Live
            && engine.cursor() <= head
    })
}

pub(crate) fn is_loud(event: &Event) -> bool {
    matches!(event, Event::Alarm(_) | Event::Closed { .. })
        || matches!(event, Event::Problem(problem) if *problem != Problem::NotJoined)
}
