//! Honest members who chat, and how long their messages take.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use proto::{RoomId, relay::relay_frame::Frame};
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use super::{
    attack::stalled::PER_ADDRESS,
    client::{Ear, Ground, Mouth, PATIENCE, join},
    figures::percentile,
    room::Room,
};

/// Marks the envelopes that are timed; others in the room are not.
const MARK: &[u8; 8] = b"relaytst";

/// Bytes of an envelope: a chat line in its smallest bucket.
const ENVELOPE: usize = 293;

/// The addresses of more honest members than share one.
const CROWD: usize = 2000;

/// Members of one room, each on a connection of its own.
pub(super) struct Chat {
    /// Their room.
    pub room: RoomId,
    mouths: Vec<Mouth>,
    begun: Instant,
    heard: Arc<Heard>,
    count: watch::Receiver<u64>,
    readers: JoinSet<anyhow::Result<()>>,
    said: u64,
}

/// What the members heard since the last phase.
#[derive(Default)]
struct Heard {
    times: Mutex<Vec<Duration>>,
    count: watch::Sender<u64>,
}

/// How long publish-to-deliver took in one phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delays {
    /// Half of the deliveries took less.
    pub p50: Duration,
    /// 99 of 100 deliveries took less.
    pub p99: Duration,
}

impl Chat {
    /// Opens a room with so many honest members, and keys for so many others.
    pub async fn open(
        ground: &Ground,
        honest: usize,
        others: usize,
    ) -> anyhow::Result<(Self, Vec<SigningKey>)> {
        // They share an address that no attacker uses, or several if they are many.
        let mut endpoint = ground.endpoint(0)?;
        let connection = ground.connect(&endpoint).await?;
        let (Room { id: room, mut keys }, first) = Room::open(&connection, honest + others).await?;
        let others = keys.split_off(honest);
        let heard = Arc::new(Heard::default());
        let mut chat = Self {
            room,
            mouths: Vec::new(),
            begun: Instant::now(),
            count: heard.count.subscribe(),
            heard,
            readers: JoinSet::new(),
            said: 0,
        };
        chat.add(first);
        for (index, key) in keys.iter().enumerate().skip(1) {
            if index % PER_ADDRESS == 0 {
                endpoint = ground.endpoint(CROWD + index / PER_ADDRESS)?;
            }
            let connection = ground.connect(&endpoint).await?;
            chat.add(join(&connection, room, key, 0, None).await?);
        }
        Ok((chat, others))
    }

    /// Messages that were published, times those who hear them.
    pub fn said(&self) -> u64 {
        self.said
    }

    fn add(&mut self, (mouth, ear): (Mouth, Ear)) {
        self.mouths.push(mouth);
        self.readers.spawn(listen(ear, self.begun, self.heard.clone()));
    }

    /// Talks for a while, one message per `pace`, members in turn, and waits until everybody heard all.
    pub async fn talk(&mut self, time: Duration, pace: Duration) -> anyhow::Result<Delays> {
        let mut tick = tokio::time::interval(pace);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + time;
        let members = self.mouths.len();
        for turn in (0..members).cycle() {
            tick.tick().await;
            if Instant::now() >= end {
                break;
            }
            let envelope = stamp(self.begun.elapsed());
            self.mouths.get_mut(turn).context("no such member")?.publish(envelope).await?;
            self.said += members as u64;
        }
        self.heard_all().await?;
        let mut times = std::mem::take(&mut *self.heard.times.lock().unwrap_or_else(PoisonError::into_inner));
        times.sort_unstable();
        Ok(Delays { p50: percentile(&times, 0.5), p99: percentile(&times, 0.99) })
    }

    async fn heard_all(&mut self) -> anyhow::Result<()> {
        let said = self.said;
        tokio::select! {
            all = tokio::time::timeout(PATIENCE, self.count.wait_for(|count| *count >= said)) => {
                all.context("honest members did not hear everything in time")??;
                Ok(())
            }
            Some(ended) = self.readers.join_next() => {
                ended??;
                anyhow::bail!("an honest member's stream ended")
            }
        }
    }
}

async fn listen(mut ear: Ear, begun: Instant, heard: Arc<Heard>) -> anyhow::Result<()> {
    while let Some(frame) = ear.next().await? {
        match frame {
            Frame::Deliver(entry) => {
                let Some(sent) = read(&entry.envelope) else { continue };
                let took = begun.elapsed().saturating_sub(sent);
                heard.times.lock().unwrap_or_else(PoisonError::into_inner).push(took);
                heard.count.send_modify(|count| *count += 1);
            }
            Frame::Refused(refused) => anyhow::bail!("an honest member was refused: {:?}", refused.code()),
            _ => {}
        }
    }
    Ok(())
}

fn stamp(now: Duration) -> Vec<u8> {
    let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let mut envelope = [MARK.as_slice(), &nanos.to_be_bytes()].concat();
    envelope.resize(ENVELOPE, 0);
    envelope
}

fn read(envelope: &[u8]) -> Option<Duration> {
    let nanos = envelope.strip_prefix(MARK)?.first_chunk()?;
    Some(Duration::from_nanos(u64::from_be_bytes(*nanos)))
}
