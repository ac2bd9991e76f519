//! Rings for a device of this account of which no device of this person says, for a while, that it is this one: whoever has the
//! account's key, and a way into a room, needs no linking.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use proto::RoomId;
use shared::{identity::DeviceId, room::Member};

use super::Local;

/// So long this device must have been with the others without hearing it: a device says where it is a few seconds after it came.
const WAIT: Duration = Duration::from_secs(300);

/// Since when nobody says so, by room and device. With a connection that ends it begins anew.
#[derive(Default)]
pub(super) struct Unclaimed(HashMap<(RoomId, DeviceId), Instant>);

impl Unclaimed {
    /// Those of `found` that were so long enough. Others begin, and who is not found any more is forgotten.
    fn ripe(&mut self, found: Vec<(RoomId, DeviceId)>, now: Instant) -> Vec<(RoomId, DeviceId)> {
        let since = |one: (RoomId, DeviceId)| (one, self.0.get(&one).copied().unwrap_or(now));
        self.0 = found.into_iter().map(since).collect();
        let is_ripe = |since: &Instant| now.saturating_duration_since(*since) >= WAIT;
        self.0.iter().filter(|(_, since)| is_ripe(since)).map(|(one, _)| *one).collect()
    }

    /// When to look again.
    pub(super) fn next(&self) -> Option<Duration> {
        (!self.0.is_empty()).then_some(WAIT)
    }
}

impl Local {
    /// Looks which leaves of this account nobody claims, and rings for those that stay so.
    pub(super) async fn ring_for_unclaimed(&self, unclaimed: &mut Unclaimed, now: Instant) {
        let found = self.unclaimed().await.unwrap_or_default();
        for (room, device) in unclaimed.ripe(found, now) {
            if self.ring(room, device).await == Ok(true) {
                unclaimed.0.remove(&(room, device));
            }
        }
    }

    /// None: it cannot be known now.
    async fn unclaimed(&self) -> Option<Vec<(RoomId, DeviceId)>> {
        let (claims, me) = (self.claims().await?, self.me().1);
        let mut found = Vec::new();
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            let Some(view) = status.view.filter(|view| !view.own_devices) else { continue };
            // Whoever was there before this one came is known to it by the linking, or by nothing.
            let is_new = |member: &&Member| member.person.fingerprint == me && !member.me && member.since > 0;
            let leaves = view.members.iter().filter(is_new).map(|member| member.device.id);
            let of_nobody = leaves.filter(|leaf| !claims.have(status.id, *leaf));
            for leaf in of_nobody {
                let room = status.id;
                if !self.0.vault.run(move |store| store.has_rung(room, leaf)).await.ok()? {
                    found.push((room, leaf));
                }
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_for_long_enough_is_ripe_and_a_break_begins_it_anew() {
        let (mut unclaimed, begin) = (Unclaimed::default(), Instant::now());
        let one = (RoomId([1; 32]), DeviceId([2; 16]));
        assert!(unclaimed.ripe(vec![one], begin).is_empty() && unclaimed.next().is_some());
        assert!(unclaimed.ripe(vec![one], begin + WAIT / 2).is_empty());
        assert_eq!(unclaimed.ripe(vec![one], begin + WAIT), [one]);
        assert!(unclaimed.ripe(Vec::new(), begin + WAIT).is_empty() && unclaimed.next().is_none());
        assert!(unclaimed.ripe(vec![one], begin + WAIT * 2).is_empty());
    }
}
