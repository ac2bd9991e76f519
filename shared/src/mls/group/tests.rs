//! The authority, the base and the return, without an engine around them.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use proto::PublicKey;

use super::*;
use crate::{
    identity::Identity,
    identity::credential::certify,
    invite::{InviteSecret, list},
    mls::rules::{ROOM_VERSION, SEATS_PER_ACCOUNT, Violation},
};

const NOW: u64 = 1_700_000_000_000;
const ROOM: RoomId = RoomId([9; 32]);

struct Person {
    random: Random,
    signer: Signer,
    account: Identity,
    device: [u8; 16],
    key: u8,
}

impl Person {
    fn new(n: u8) -> Self {
        let random = Random::new(ChaCha20Rng::seed_from_u64(n.into()));
        let signer = Signer::generate(Suite::Classic, &random).unwrap();
        Self { random, signer, account: Identity::without_recovery(&[n; 32]), device: [n; 16], key: n }
    }

    fn identity(&self) -> SigningIdentity {
        certify(&self.account, &ROOM, "somebody", "test", self.device, &self.signer.public)
    }

    fn leaf(&self, invite_id: &[u8]) -> content::Leaf {
        content::Leaf {
            access_key: vec![self.key; 32].into(),
            invite_id: invite_id.to_vec().into(),
            ..content::Leaf::default()
        }
    }

    fn rejoin(
        &self,
        (info, tree): &Entrance,
        old: u32,
        leaf: &content::Leaf,
    ) -> Result<(Group, Prepared), GroupError> {
        let suite = (Suite::Classic, &self.random);
        Group::rejoin(suite, (&self.signer, self.identity()), &ROOM, (info, tree), (old, leaf))
    }
}

fn invite() -> InviteSecret {
    InviteSecret::from_bytes([5; 20])
}

/// GroupInfo and tree.
type Entrance = (Vec<u8>, Tree);

fn two() -> ((Person, Group), (Person, Group), Entrance) {
    let (ann, bob) = (Person::new(1), Person::new(2));
    let room = content::Room {
        name: "team".to_owned(),
        version: ROOM_VERSION,
        invites: vec![list(&invite(), &ROOM, (0, 0), &ann.account).unwrap()],
        moderators: vec![ann.account.fingerprint().0.to_vec().into()],
        seats_per_account: SEATS_PER_ACCOUNT,
        ..content::Room::default()
    };
    let (mut anns, info) = Group::create(
        (Suite::Classic, &ann.random),
        (&ann.signer, ann.identity()),
        &ROOM,
        &room,
        &ann.leaf(&[]),
    )
    .unwrap();
    let (bobs, join) = Group::join(
        (Suite::Classic, &bob.random),
        (&bob.signer, bob.identity()),
        &ROOM,
        (&info, &anns.tree().unwrap()),
        (&invite(), &PublicKey([bob.key; 32])),
        NOW,
    )
    .unwrap();
    anns.process(&join.message, NOW).unwrap();
    anns.check_authority(&join.next.authority).unwrap();
    anns.keep().unwrap();
    ((ann, anns), (bob, bobs), (join.group_info, join.tree))
}

fn rows(group: &Group) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    group.storage.rows()
}

#[test]
fn authority_that_was_announced_and_another_one_are_told_apart() {
    let ((_, mut anns), (_, mut bobs), _) = two();
    let old = bobs.authority().unwrap().public();
    let prepared = anns.prepare(Plan::default()).unwrap();
    assert_eq!(anns.authority().unwrap().public(), old, "nothing has begun yet");
    bobs.process(&prepared.message, NOW).unwrap();
    bobs.check_authority(&prepared.next.authority).unwrap();
    assert_eq!(bobs.slot_key().unwrap(), prepared.next.slot_key);
    let refused = bobs.check_authority(&old);
    assert!(matches!(refused, Err(GroupError::Rule(Violation::FalseAuthority))));
    anns.apply(&prepared.secrets).unwrap();
    anns.check_authority(&prepared.next.authority).unwrap();
}

#[test]
fn epoch_that_is_dropped_leaves_nothing_and_the_base_survives_a_crash() {
    let ((ann, mut anns), (_, mut bobs), _) = two();
    let before = anns.authenticator().unwrap();
    anns.keep_base(7);
    let dropped = bobs.prepare(Plan::default()).unwrap();
    anns.process(&dropped.message, NOW).unwrap();
    anns.keep().unwrap();
    let mut anns = Group::load(&ann.random, &ROOM, rows(&anns)).unwrap();
    assert_ne!(anns.authenticator().unwrap(), before);
    assert_eq!(anns.base(7).unwrap().authenticator().unwrap(), before);
    anns.to_base(7).unwrap();
    let mut anns = Group::load(&ann.random, &ROOM, rows(&anns)).unwrap();
    assert_eq!(anns.authenticator().unwrap(), before);
    let instead = bobs.prepare(Plan::default()).unwrap();
    anns.process(&instead.message, NOW).unwrap();
    bobs.apply(&instead.secrets).unwrap();
    assert_eq!(anns.authenticator().unwrap(), bobs.authenticator().unwrap());
    anns.keep_bases(&[]);
    assert!(!anns.has_base(7) && anns.base(7).is_err());
}

#[test]
fn device_that_comes_back_is_not_another_one() {
    let ((ann, mut anns), (bob, bobs), info) = two();
    let own = bobs.own_leaf().unwrap();
    // In somebody else's place: MLS itself says no.
    assert!(bob.rejoin(&info, anns.leaf(), &own).is_err());
    let mut returns = Vec::new();
    let other_key = content::Leaf { access_key: vec![7; 32].into(), ..own.clone() };
    returns.push(bob.rejoin(&info, bobs.leaf(), &other_key).unwrap().1);
    let other_invite = content::Leaf { invite_id: vec![7; 16].into(), ..own.clone() };
    returns.push(bob.rejoin(&info, bobs.leaf(), &other_invite).unwrap().1);
    for prepared in returns {
        let refused = anns.process(&prepared.message, NOW);
        assert!(matches!(refused, Err(GroupError::Rule(Violation::NotItsReturn))), "{:?}", refused.err());
        anns.undo().unwrap();
    }
    let (back, prepared) = bob.rejoin(&info, bobs.leaf(), &own).unwrap();
    let applied = anns.process(&prepared.message, NOW).unwrap();
    assert_eq!((applied.returned, applied.joined, applied.removed.len()), (Some(bobs.leaf()), None, 0));
    anns.check_authority(&prepared.next.authority).unwrap();
    assert_eq!(anns.authenticator().unwrap(), back.authenticator().unwrap());
    assert_eq!(anns.leaf_of_key(&ann.leaf(&[]).access_key), Some(anns.leaf()));
    assert_eq!(anns.key_of_leaf(back.leaf()).unwrap(), *own.access_key);
}

#[test]
fn epoch_that_no_room_reaches_is_refused_before_anything_counts_on_from_it() {
    let ((ann, anns), (bob, bobs), (info, tree)) = two();
    let leaf = bobs.own_leaf().unwrap();
    let at = |epoch: u64| {
        // Version, wire format, version, suite, the length of the group's id and the id (RFC 9420, 8.1).
        let mut info = info.clone();
        info[41..49].copy_from_slice(&epoch.to_be_bytes());
        let back = bob.rejoin(&(info.clone(), tree.clone()), bobs.leaf(), &leaf);
        let came = Group::join(
            (Suite::Classic, &ann.random),
            (&ann.signer, ann.identity()),
            &ROOM,
            (&info, &tree),
            (&invite(), &PublicKey([9; 32])),
            NOW,
        );
        let is_refused = |error: GroupError| matches!(error, GroupError::Unexpected);
        (back.err().is_some_and(is_refused), came.err().is_some_and(is_refused))
    };
    assert_eq!(at(1 << 48), (true, true));
    assert_eq!(at(u64::MAX), (true, true));
    // This one is refused because its signature does not hold.
    assert_eq!(at((1 << 48) - 1), (false, false));
    assert_eq!(anns.epoch(), 1);
}
