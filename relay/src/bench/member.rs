//! Members of a room as a benchmark sees them, whatever server carries what they say.

use proto::relay::relay_frame::Frame;

use super::{
    attack::stalled::PER_ADDRESS,
    client::{Ear, Ground, Mouth, join},
    room::Room,
    wire::{Heard, mqtt, nats},
};

/// One who says and hears; each on a connection of its own.
pub(super) type Member = (Speaker, Listener);

/// Says things.
pub(super) enum Speaker {
    /// To a relay.
    Relay(Mouth),
    /// To nats-server.
    Nats(nats::Speaker),
    /// To a broker of MQTT.
    Mqtt(mqtt::Speaker),
}

/// Hears what is said.
pub(super) enum Listener {
    /// From a relay.
    Relay(Ear),
    /// From nats-server.
    Nats(nats::Listener),
    /// From a broker of MQTT.
    Mqtt(mqtt::Listener),
}

impl Speaker {
    /// Says it.
    pub(super) async fn publish(&mut self, envelope: Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Relay(mouth) => mouth.publish(envelope).await,
            Self::Nats(speaker) => speaker.publish(&envelope).await,
            Self::Mqtt(speaker) => speaker.publish(&envelope).await,
        }
    }
}

impl Listener {
    /// The next thing; `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Heard>> {
        let ear = match self {
            Self::Relay(ear) => ear,
            Self::Nats(listener) => return listener.next().await,
            Self::Mqtt(listener) => return listener.next().await,
        };
        Ok(match ear.next().await? {
            None => None,
            Some(Frame::Deliver(entry)) => Some(Heard::Delivery(entry.envelope)),
            Some(Frame::Published(_)) => Some(Heard::Taken),
            Some(Frame::Refused(refused)) => {
                anyhow::bail!("an honest member was refused: {:?}", refused.code())
            }
            Some(_) => Some(Heard::Other),
        })
    }

    /// Waits until the server has taken one thing more.
    pub(super) async fn taken(&mut self) -> anyhow::Result<()> {
        loop {
            match self.next().await? {
                Some(Heard::Taken) => return Ok(()),
                Some(_) => {}
                None => anyhow::bail!("the stream ended"),
            }
        }
    }
}

/// Opens a room on a relay with so many members. They share addresses that no attacker uses: the first of them alone
/// `from`, the others from the one after it on.
pub(super) async fn gather(ground: &Ground, members: usize, from: usize) -> anyhow::Result<Vec<Member>> {
    let connection = ground.connect(&ground.endpoint(from)?).await?;
    let (room, first) = Room::open(&connection, members).await?;
    let mut all = vec![relay(first)];
    enter(ground, &room, members, from, &mut all).await?;
    Ok(all)
}

/// Lets all join but the first.
pub(super) async fn enter(
    ground: &Ground,
    room: &Room,
    members: usize,
    from: usize,
    all: &mut Vec<Member>,
) -> anyhow::Result<()> {
    let mut endpoint = ground.endpoint(from)?;
    for (index, key) in room.keys.iter().take(members).enumerate().skip(1) {
        if index % PER_ADDRESS == 0 {
            endpoint = ground.endpoint(from + index / PER_ADDRESS)?;
        }
        let connection = ground.connect(&endpoint).await?;
        all.push(relay(join(&connection, room.id, key, 0, None).await?));
    }
    Ok(())
}

/// A member of a subject of nats-server; what `confirmed` members say is confirmed.
pub(super) async fn of_nats(ground: &Ground, confirmed: bool) -> anyhow::Result<Member> {
    let (speaker, listener) = nats::join(ground, confirmed).await?;
    Ok((Speaker::Nats(speaker), Listener::Nats(listener)))
}

/// A member of a topic of an MQTT broker; what `confirmed` members say is confirmed.
pub(super) async fn of_mqtt(ground: &Ground, confirmed: bool) -> anyhow::Result<Member> {
    let (speaker, listener) = mqtt::join(ground, confirmed).await?;
    Ok((Speaker::Mqtt(speaker), Listener::Mqtt(listener)))
}

/// A member of a relay's room.
pub(super) fn relay((mouth, ear): (Mouth, Ear)) -> Member {
    (Speaker::Relay(mouth), Listener::Relay(ear))
}
