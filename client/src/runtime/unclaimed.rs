//! Rings for a device of this account of which no device of this person says, for a while, that it is this one: whoever has the
//! account's key, and a way into a room, needs no linking.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use proto::RoomId;
use shared::{
    identity::DeviceId,
    room::{Member, Millis},
};

use super::{Local, claims::Claims};

/// So long this device must have been with the others without hearing it: a device says where it is a few seconds after it came.
const WAIT: Duration = Duration::from_secs(300);

/// So long it may be by this device's clock where it cannot hear the others: a relay that keeps it from them would hide a device for ever.
const WAIT_UNHEARD: Millis = 24 * 60 * 60 * 1_000;

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

/// Leaves of this account that nobody claims.
struct OfNobody {
    leaves: Vec<(RoomId, DeviceId)>,
    /// Rooms of which nothing is known yet.
    unread: Vec<RoomId>,
}

impl Local {
    /// Looks which leaves of this account nobody claims, and rings for those that stay so.
    pub(super) async fn ring_for_unclaimed(
        &self,
        unclaimed: &mut Unclaimed,
        (now, clock): (Instant, Millis),
    ) {
        let found = match self.claims().await {
            Some(claims) => self.of_nobody(&claims).await.map(|found| found.leaves),
            None => None,
        };
        let mut ripe = unclaimed.ripe(found.unwrap_or_default(), now);
        for one in self.unheard(clock).await.unwrap_or_default() {
            if !ripe.contains(&one) {
                ripe.push(one);
            }
        }
        for (room, device) in ripe {
            if self.ring(room, device).await == Ok(true) {
                unclaimed.0.remove(&(room, device));
            }
        }
    }

    /// Those of which nothing was heard for so long that it is told, whoever keeps this device from hearing it. None: it cannot be known
    /// now.
    async fn unheard(&self, clock: Millis) -> Option<Vec<(RoomId, DeviceId)>> {
        let claims = self.claims_heard().await?;
        let OfNobody { leaves, unread } = self.of_nobody(&claims).await?;
        let since =
            self.0.vault.run(move |store| store.unclaimed_since(&leaves, &unread, clock)).await.ok()?;
        let is_ripe = |since: Millis| clock.saturating_sub(since) >= WAIT_UNHEARD;
        Some(since.into_iter().filter(|(_, since)| is_ripe(*since)).map(|(one, _)| one).collect())
    }

    /// None: it cannot be known now.
    async fn of_nobody(&self, claims: &Claims) -> Option<OfNobody> {
        let me = self.me().1;
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            let room = status.id;
            let Some(view) = status.view else {
                unread.push(room);
                continue;
            };
            // Whoever was there before this one came is known to it by the linking, or by nothing.
            let is_new = |member: &&Member| member.person.fingerprint == me && !member.me && member.since > 0;
            // In the room of own devices nobody says who it is there.
            let members = view.members.iter().filter(|_| !view.own_devices);
            let of_nobody = members.filter(is_new).map(|member| member.device.id);
            found.extend(of_nobody.filter(|leaf| !claims.have(room, *leaf)).map(|leaf| (room, leaf)));
        }
        let told = found.clone();
        let has_rung = self.0.vault.run(move |store| store.have_rung(&told)).await.ok()?;
        found.retain(|one| !has_rung.contains(one));
        Some(OfNobody { leaves: found, unread })
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
