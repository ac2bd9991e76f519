//! What members say, as events.

use proto::relay::Deliver;

use super::{Engine, Event, person};
use crate::{
    content::{self, content::Body},
    identity::{DeviceId, Person, credential::Holder},
    message::{Act, DeviceHere, Message, MessageBody, MessageId, Millis},
};

/// Where and by whom something was said.
pub(super) struct Incoming {
    pub(super) seq: u64,
    pub(super) id: MessageId,
    pub(super) at: Millis,
    pub(super) from: Person,
    pub(super) device: DeviceId,
    pub(super) mine: bool,
}

impl Incoming {
    pub(super) fn new(entry: &Deliver, id: &[u8], at: Millis, from: &Holder, mine: bool) -> Self {
        let id = id.try_into().unwrap_or_default();
        Self { seq: entry.seq, id, at, from: person(from), device: from.device(), mine }
    }
}

impl Engine {
    /// Tells what was said. False when it breaks a limit.
    pub(super) fn tell(&mut self, saying: Incoming, body: Body) -> bool {
        let disappear_s = match &body {
            Body::Text(text) => text.disappear_s,
            _ => 0,
        };
        let Incoming { seq, id, at, from, device, mine } = saying;
        let event = match MessageBody::of(body) {
            Some(Ok(MessageBody::Text { text, reply_to, file })) => {
                let disappears = (disappear_s > 0).then(|| at.saturating_add(u64::from(disappear_s) * 1_000));
                Event::Message(Message { seq, id, at, from, text, mine, reply_to, disappears, file })
            }
            Some(Ok(MessageBody::Act { target, change })) => {
                Event::Act(Act { seq, at, from, mine, target, change })
            }
            // Nobody can have read what was not there.
            Some(Ok(MessageBody::Seen(upto))) if upto < seq => Event::Seen { who: from, seq: upto, mine },
            Some(Ok(MessageBody::Device(body))) => Event::Device { who: from, seq, at, device, body, mine },
            Some(Ok(MessageBody::Seen(_) | MessageBody::Here(_)) | Err(_)) => return false,
            None => return true,
        };
        self.out.events.push(event);
        true
    }

    /// A device of ours tells the others where it is. Nobody says that elsewhere, nor what may not be said.
    pub(super) fn device_here(&mut self, from: &Holder, at: Millis, here: &content::DeviceHere) -> bool {
        let Some(here) = DeviceHere::read(here, at).filter(|_| self.is_own_devices()) else { return false };
        self.out.events.push(Event::DeviceHere { device: from.device(), here: Box::new(here) });
        true
    }
}
