//! What the people of a room do by their own programs.

use super::{
    choices::Choices,
    hostile::EVE,
    life::{Life, MOST, NAMES},
    world::World,
};
use crate::{
    crypto::suite::Suite,
    invite::link::Link,
    room::{Alteration, Command, Engine, Event, Input, MessageBody},
};

impl Life {
    pub(super) fn speak(&mut self, i: usize, choices: &mut Choices) {
        let text = format!("{i}:{}", self.step);
        match choices.below(6) {
            0 => {
                let change = Alteration::Edit(text);
                let told = format!("{change:?}");
                let said = MessageBody::Act { target: [7; 16], change };
                self.act(
                    i,
                    Input::Command(Command::Say { token: String::new(), body: said }),
                    Some(told),
                    choices,
                );
            }
            1 => {
                let stopped = choices.below(2) == 0;
                self.act(i, Input::Command(Command::Typing { stopped }), None, choices);
            }
            _ => {
                let command = Command::Send { token: text.clone(), text: text.clone() };
                self.act(i, Input::Command(command), Some(text), choices);
            }
        }
    }

    /// What makes commits without making or losing members.
    pub(super) fn change(&mut self, i: usize, choices: &mut Choices) {
        let name = format!("name {}", self.step);
        let command = match choices.below(4) {
            0 => Command::INVITE,
            1 => Command::Describe { status: name, glyph: String::new() },
            _ => Command::Rename(name),
        };
        self.act(i, Input::Command(command), None, choices);
    }

    /// People come and go, and what they may do changes.
    pub(super) fn live_on(&mut self, i: usize, choices: &mut Choices) {
        let other = choices.index(self.world.devices.len());
        let who = self.world.devices[other].profile.identity.fingerprint();
        let command = match choices.below(8) {
            0 | 1 => return self.join(i, choices),
            2 => {
                self.may_be_gone.push(other);
                if self.cast.insider {
                    // Who was removed and Eve may be more than half, and put out whoever did it.
                    self.may_be_gone.push(i);
                }
                Command::Remove(who)
            }
            3 => {
                self.may_be_gone.push(i);
                Command::Leave
            }
            4 => {
                if other == EVE && self.cast.insider {
                    // As a moderator she may remove whom she likes.
                    self.may_be_gone.extend(0..MOST);
                }
                Command::Moderator { who, is_moderator: choices.below(3) > 0 }
            }
            5 => Command::Policy {
                moderators_invite: Some(choices.below(2) == 0),
                seats: Some(1 + choices.below(3) as u32),
            },
            6 => match choices.below(3) {
                2 => Command::Topic(format!("what {i} likes")),
                hours => Command::Disappear(hours as u32 * 3_600),
            },
            _ => Command::Invite { uses: Some(1 + choices.below(2) as u32), expires_ms: None },
        };
        self.act(i, Input::Command(command), None, choices);
    }

    /// Somebody new comes by the last link that device `i` showed.
    fn join(&mut self, i: usize, choices: &mut Choices) {
        let shown = self.world.devices[i].events.iter().rev();
        let link: Option<Link> = shown
            .filter_map(|event| match event {
                Event::Invite { link, .. } => Some(link.clone()),
                _ => None,
            })
            .next();
        let (Some(link), true) = (link, self.world.devices.len() < MOST) else {
            return self.act(i, Input::Command(Command::INVITE), None, choices);
        };
        let new = self.world.devices.len();
        let mut fresh = World::new(&NAMES[new..=new], Suite::Classic, 77 + new as u64);
        let device = fresh.devices.remove(0);
        let engine = Engine::join(&device.profile, &link, self.world.now).unwrap();
        self.world.devices.push(device);
        self.world.devices[new].engine = Some(engine);
        // The link may be used up or over by the time.
        self.may_be_gone.push(new);
        self.world.connect(new);
    }
}
