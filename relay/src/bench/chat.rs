//! Honest members who chat, and how long their messages take.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use ed25519_dalek::SigningKey;
use proto::RoomId;
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use super::{
    client::{Ground, PATIENCE},
    figures::percentile,
    member::{self, Listener, Member, Speaker},
    room::Room,
    wire::Heard,
};

/// Marks the envelopes that are timed; others in the room are not.
const MARK: &[u8; 8] = b"relaytst";

/// Bytes of an envelope: a chat line in its smallest bucket.
const ENVELOPE: usize = 293;

/// The first address of honest members who are more than share one; no attacker uses it.
const CROWD: usize = 2000;

/// Members of one room, each on a connection of its own.
pub(super) struct Chat {
    speakers: Vec<Speaker>,
    begun: Instant,
    heard: Arc<Times>,
    count: watch::Receiver<u64>,
    readers: JoinSet<anyhow::Result<()>>,
    said: u64,
}

/// What the members heard since the last phase.
#[derive(Default)]
struct Times {
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
    /// Opens a room on a relay with so many honest members, and keys for so many others.
    pub(super) async fn open(
        ground: &Ground,
        honest: usize,
        others: usize,
    ) -> anyhow::Result<(Self, RoomId, Vec<SigningKey>)> {
        let connection = ground.connect(&ground.endpoint(0)?).await?;
        let (mut room, first) = Room::open(&connection, honest + others).await?;
        let mut members = vec![member::relay(first)];
        member::enter(ground, &room, honest, CROWD, &mut members).await?;
        Ok((Self::of(members), room.id, room.keys.split_off(honest)))
    }

    /// Of these members.
    pub(super) fn of(members: Vec<Member>) -> Self {
        let heard = Arc::new(Times::default());
        let mut chat = Self {
            speakers: Vec::with_capacity(members.len()),
            begun: Instant::now(),
            count: heard.count.subscribe(),
            heard,
            readers: JoinSet::new(),
            said: 0,
        };
        for (speaker, listener) in members {
            chat.speakers.push(speaker);
            chat.readers.spawn(listen(listener, chat.begun, chat.heard.clone()));
        }
        chat
    }

    /// Messages that were published, times those who hear them.
    pub(super) fn said(&self) -> u64 {
        self.said
    }

    /// Talks for a while, one message per `pace`, members in turn, and waits until everybody heard all.
    pub(super) async fn talk(&mut self, time: Duration, pace: Duration) -> anyhow::Result<Delays> {
        let mut tick = tokio::time::interval(pace);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + time;
        let members = self.speakers.len();
        for turn in (0..members).cycle() {
            tick.tick().await;
            if Instant::now() >= end {
                break;
            }
            let envelope = stamp(self.begun.elapsed());
            self.speakers.get_mut(turn).context("no such member")?.publish(envelope).await?;
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

async fn listen(mut listener: Listener, begun: Instant, heard: Arc<Times>) -> anyhow::Result<()> {
    while let Some(thing) = listener.next().await? {
        let Heard::Delivery(envelope) = thing else { continue };
        let Some(sent) = read(&envelope) else { continue };
        let took = begun.elapsed().saturating_sub(sent);
        heard.times.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        heard.count.send_modify(|count| *count += 1);
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
