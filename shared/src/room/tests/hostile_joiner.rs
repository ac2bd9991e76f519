//! Joiners whose program keeps no rule, and relays that let in whom they should not.

use mls_rs::ExtensionList;
use mls_rs_core::{
    extension::ExtensionType,
    identity::{Credential, CustomCredential, SigningIdentity},
};
use prost::Message as _;
use proto::relay::AccessChange;

use super::{
    hostile::{ANN, BOB, EVE, adds, extensions, member_key, three},
    world::World,
};
use crate::{
    content,
    crypto::random::Random,
    crypto::suite::Suite,
    identity::Identity,
    identity::credential::{CREDENTIAL_TYPE, account_of, certify},
    invite::link::Link,
    invite::{AccessSecret, InviteSecret, join_statement, slot},
    mls::group::{LEAF_EXTENSION, ROOM_EXTENSION, Signer, hostile::Hostile},
    mls::rules::Violation,
    room::{AlarmKind, Breach, Command, Event, Problem},
};

/// Somebody with a link and a program of their own.
pub(super) struct Stranger {
    pub(super) signer: Signer,
    pub(super) identity: SigningIdentity,
    pub(super) access: AccessSecret,
    psks: Vec<([u8; 16], [u8; 32])>,
    remove: Option<u32>,
    leaf: Option<ExtensionList>,
    pub(super) invite_id: Vec<u8>,
    /// What is signed by the joining key instead of what should be.
    pub(super) signs: Option<Vec<u8>>,
    pub(super) secret: InviteSecret,
    abilities: Vec<ExtensionType>,
    group_info: Vec<u8>,
    slot_key: [u8; 32],
}

impl Stranger {
    /// An honest one, to be spoiled.
    pub(super) fn with(world: &World, link: &Link) -> Self {
        let (slot_key, _) = slot::open(&world.room_id(ANN), &link.secret, &world.relay.slot).unwrap();
        Self::new(world, &link.secret, (world.group_info(ANN), *slot_key))
    }

    /// One whom a member helps in.
    fn helped(world: &World, secret: &InviteSecret, by: usize) -> Self {
        Self::new(world, secret, (world.group_info(by), world.slot_key(by)))
    }

    fn new(world: &World, secret: &InviteSecret, (group_info, slot_key): (Vec<u8>, [u8; 32])) -> Self {
        let random = &randomness(world);
        let signer = Signer::generate(Suite::Classic, random).unwrap();
        let identity = certify(
            &Identity::without_recovery(&[8; 32]),
            &world.room_id(0),
            "mallory",
            "x",
            [8; 16],
            &signer.public,
        );
        Self {
            identity,
            access: AccessSecret::generate(random),
            psks: Vec::new(),
            remove: None,
            leaf: None,
            invite_id: secret.id().to_vec(),
            signs: None,
            secret: secret.clone(),
            abilities: vec![LEAF_EXTENSION, ROOM_EXTENSION],
            group_info,
            slot_key,
            signer,
        }
    }

    /// What an honest program would have the joining key sign.
    pub(super) fn statement(&self, world: &World, epoch: u64) -> Vec<u8> {
        let account = account_of(&self.identity).unwrap().key;
        let (room, access) = (world.room_id(ANN), self.access.public());
        join_statement(
            room.as_bytes(),
            epoch,
            self.identity.signature_key.as_bytes(),
            &account,
            access.as_bytes(),
        )
    }

    fn leaf(&self, world: &World) -> ExtensionList {
        extensions(LEAF_EXTENSION, &self.shown(world))
    }

    fn shown(&self, world: &World) -> content::Leaf {
        let statement = self.signs.clone().unwrap_or_else(|| self.statement(world, world.epoch(ANN)));
        content::Leaf {
            access_key: self.access.public().as_bytes().to_vec().into(),
            invite_id: self.invite_id.clone().into(),
            join_signature: self.secret.join_key().sign(&statement).to_vec().into(),
            ..content::Leaf::default()
        }
    }

    /// Publishes the join, as a relay that refuses nobody would.
    pub(super) fn join(&self, world: &mut World) -> Hostile {
        let (group, envelope) = self.made(world);
        let part = world.part(adds(member_key(&self.access)));
        world.inject(envelope, Some(part));
        world.settle();
        group
    }

    /// The join in its envelope.
    pub(super) fn made(&self, world: &World) -> (Hostile, Vec<u8>) {
        let random = randomness(world);
        let leaf = self.leaf.clone().unwrap_or_else(|| self.leaf(world));
        let (group, (message, _)) = Hostile::join_able(
            (&random, &self.abilities),
            (&self.signer, self.identity.clone()),
            &self.group_info,
            &self.psks,
            self.remove,
            leaf,
        );
        (group, world.join_envelope(ANN, &self.slot_key, message))
    }
}

/// The last device's, of three at most.
fn randomness(world: &World) -> Random {
    world.devices.iter().take(EVE + 1).last().unwrap().profile.random.clone()
}

fn leaf_with(access_key: Vec<u8>, stranger: &Stranger) -> Option<ExtensionList> {
    let (access_key, invite_id) = (access_key.into(), stranger.invite_id.clone().into());
    Some(extensions(
        LEAF_EXTENSION,
        &content::Leaf {
            access_key,
            invite_id,
            join_signature: vec![1; 64].into(),
            ..content::Leaf::default()
        },
    ))
}

/// The join that `spoil` spoils is refused by all, and the relay forgets the stranger's key.
fn join_is_refused(seed: u64, violation: Option<Violation>, spoil: impl Fn(&World, &mut Stranger)) {
    let mut world = three(seed);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    spoil(&world, &mut stranger);
    stranger.join(&mut world);
    is_refused(&mut world, violation);
    let key = member_key(&stranger.access).key;
    assert!(!world.relay.keys.contains_key(&*key), "the stranger kept access");
}

pub(super) fn is_refused(world: &mut World, violation: Option<Violation>) {
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.members(i), 3, "device {i} let the stranger in");
        let told = world.devices[i].events.iter().any(|event| {
            matches!(event, Event::Problem(Problem::InvalidCommit(breach))
                if violation.is_none_or(|violation| *breach == Breach::Rule(violation)))
        });
        assert!(told, "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn honest_stranger_gets_in() {
    let mut world = three(200);
    let link = world.invite(ANN);
    Stranger::with(&world, &link).join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (4, 4));
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn join_signed_by_another_key_than_the_invites_is_refused() {
    join_is_refused(201, Some(Violation::NoInvite), |_, stranger| {
        stranger.secret = InviteSecret::from_bytes([9; 20]);
    });
}

#[test]
fn join_signature_for_something_else_is_refused() {
    type Spoil = fn(&World, &mut Stranger);
    let wrongs: [(&str, Spoil); 4] = [
        ("another epoch", |world, stranger| {
            stranger.signs = Some(stranger.statement(world, world.epoch(ANN) + 1));
        }),
        ("another access key", |world, stranger| {
            stranger.signs = Some(stranger.statement(world, world.epoch(ANN)));
            stranger.access = AccessSecret::from_bytes(&[65; 32]);
        }),
        ("another account", |world, stranger| {
            stranger.signs = Some(stranger.statement(world, world.epoch(ANN)));
            let other = Identity::without_recovery(&[9; 32]);
            stranger.identity =
                certify(&other, &world.room_id(0), "mallory", "x", [8; 16], &stranger.signer.public);
        }),
        ("another leaf key", |world, stranger| {
            stranger.signs = Some(stranger.statement(world, world.epoch(ANN)));
            let random = &world.devices[EVE].profile.random;
            stranger.signer = Signer::generate(Suite::Classic, random).unwrap();
            let account = Identity::without_recovery(&[8; 32]);
            stranger.identity =
                certify(&account, &world.room_id(0), "mallory", "x", [8; 16], &stranger.signer.public);
        }),
    ];
    for (n, (what, wrong)) in wrongs.into_iter().enumerate() {
        println!("{what}");
        join_is_refused(230 + n as u64, Some(Violation::NoInvite), wrong);
    }
}

#[test]
fn joiner_does_not_pass_for_somebody_elses_guest() {
    let mut world = three(202);
    let link = world.invite(ANN);
    let bobs = world.invite(BOB);
    world.command(BOB, Command::Invite { uses: Some(5), expires_ms: None });
    world.settle();
    let mut stranger = Stranger::with(&world, &link);
    let listed = world.room(ANN).invites;
    let own = listed.iter().find(|invite| *invite.maker == world.devices[BOB].profile.identity.public_key());
    stranger.invite_id = own.unwrap().id.to_vec();
    assert_ne!(bobs.secret, link.secret);
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::NoInvite));
}

#[test]
fn joiner_that_names_no_listed_invite_is_refused() {
    join_is_refused(210, Some(Violation::DeadInvite), |_, stranger| stranger.invite_id = vec![9; 16]);
    join_is_refused(220, Some(Violation::DeadInvite), |_, stranger| stranger.invite_id = Vec::new());
}

#[test]
fn external_commit_with_a_psk_is_refused() {
    join_is_refused(203, None, |_, stranger| stranger.psks = vec![([1; 16], [2; 32])]);
}

#[test]
fn revoked_invite_is_refused_even_with_a_members_help() {
    let mut world = three(204);
    let link = world.invite(ANN);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    world.invite(ANN);
    Stranger::helped(&world, &link.secret, BOB).join(&mut world);
    let reason = Event::Problem(Problem::InvalidCommit(Breach::Rule(Violation::DeadInvite)));
    for i in [ANN, BOB] {
        assert_eq!(world.members(i), 2);
        assert!(world.devices[i].events.contains(&reason), "{}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn expired_invite_is_refused() {
    let mut world = three(205);
    let link = world.invite(ANN);
    let stranger = Stranger::with(&world, &link);
    world.now += crate::invite::INVITE_LIFETIME_MS;
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::DeadInvite));
}

#[test]
fn relay_whose_clock_stands_still_does_not_keep_an_invite_alive() {
    let mut world = three(218);
    let ends = world.now + 2 * 3_600_000;
    world.command(ANN, Command::Invite { uses: None, expires_ms: Some(ends) });
    world.settle();
    let link = world.invite(ANN);
    // The relay stamps every entry with the same time from now on; for everybody else the invite's time is over.
    world.relay.frozen = Some(world.now);
    world.now = ends + 120_000;
    world.input(ANN, crate::room::Input::Tick);
    world.settle();
    let is_it = |invite: &content::Invite| *invite.id == link.secret.id();
    assert!(!world.room(BOB).invites.iter().any(is_it), "nobody noticed");
    let dan = world.newcomer("dan", 906);
    world.join(dan, &link);
    assert!(world.closed(dan) && world.members(ANN) == 3, "{}", world.story(dan));
    Stranger::helped(&world, &link.secret, BOB).join(&mut world);
    is_refused(&mut world, Some(Violation::DeadInvite));
}

#[test]
fn used_up_invite_is_refused() {
    let mut world = three(206);
    let secret = InviteSecret::from_bytes([7; 20]);
    let invites = vec![world.listed(EVE, &secret, (0, 1))];
    let key = crate::invite::access_key_of(&invites[0]);
    let room = content::Room { invites: [world.room(ANN).invites, invites].concat(), ..world.room(ANN) };
    let list = extensions(ROOM_EXTENSION, &room);
    let mut eve = world.hostile(EVE);
    let (message, _) = eve.commit(|b| b.set_group_context_ext(list).unwrap());
    eve.0.apply_pending_commit().unwrap();
    world.disconnect(EVE);
    world.inject_commit(EVE, message, adds(key));
    world.settle();
    for (n, members) in [(1, 4), (2, 4)] {
        let mut stranger = Stranger::helped(&world, &secret, BOB);
        let account = Identity::without_recovery(&[40 + n; 32]);
        stranger.identity = certify(&account, &world.room_id(0), "x", "x", [n; 16], &stranger.signer.public);
        stranger.join(&mut world);
        assert_eq!((world.members(ANN), world.members(BOB)), (members, members), "joiner {n}");
    }
    assert!(world.story(BOB).contains("Rule(UsedUpInvite)"));
}

#[test]
fn one_account_does_not_take_more_seats_than_the_room_gives() {
    let mut world = three(219);
    world.command(ANN, Command::Policy { moderators_invite: None, seats: Some(2) });
    world.settle();
    let link = world.invite(ANN);
    for n in 1..=3 {
        let mut stranger = Stranger::helped(&world, &link.secret, BOB);
        let account = Identity::without_recovery(&[8; 32]);
        stranger.identity =
            certify(&account, &world.room_id(0), "mallory", "x", [n; 16], &stranger.signer.public);
        stranger.join(&mut world);
    }
    assert_eq!((world.members(ANN), world.members(BOB)), (5, 5));
    assert!(world.story(BOB).contains("Rule(NoSeat)"), "{}", world.story(BOB));
}

#[test]
fn joiner_that_removes_somebody_is_refused() {
    let mut world = three(207);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    // MLS lets a joiner remove an older leaf of its own; here nobody but a member removes.
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    (stranger.signer, stranger.identity) = (engine.signer(), engine.identity());
    stranger.remove = Some(world.leaf(EVE));
    world.disconnect(EVE);
    stranger.join(&mut world);
    world.connect(EVE);
    world.settle();
    assert!(world.story(ANN).contains("Rule(NotItsReturn)"), "{}", world.story(ANN));
    assert_eq!((world.members(ANN), world.members(BOB)), (3, 3));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn joiner_with_somebody_elses_account_key_is_refused() {
    join_is_refused(208, None, |world, stranger| {
        let old = stranger.identity.credential.as_custom().unwrap();
        let mut credential = content::Credential::decode(&*old.data).unwrap();
        let ann = world.devices[ANN].profile.identity.public_key();
        credential.account_key = ann.to_vec().into();
        let custom = CustomCredential::new(CREDENTIAL_TYPE, credential.encode_to_vec());
        stranger.identity =
            SigningIdentity::new(Credential::Custom(custom), stranger.identity.signature_key.clone());
    });
}

#[test]
fn joiner_with_a_certificate_of_another_room_is_refused() {
    join_is_refused(221, None, |world, stranger| {
        // Who stole the leaf key and the credential of ann's other room.
        let ann = &world.devices[ANN].profile.identity;
        let elsewhere = proto::RoomId([77; 32]);
        stranger.identity = certify(ann, &elsewhere, "ann", "laptop", [9; 16], &stranger.signer.public);
    });
}

#[test]
fn joiner_with_a_credential_that_carries_more_than_it_should_is_refused() {
    join_is_refused(222, None, |_, stranger| {
        let mut data = stranger.identity.credential.as_custom().unwrap().data.clone();
        // An unknown field of some kilobytes, in every device's state from then on.
        data.extend([0x42, 0x80, 0x20]);
        data.extend([0; 4096]);
        let custom = CustomCredential::new(CREDENTIAL_TYPE, data);
        stranger.identity =
            SigningIdentity::new(Credential::Custom(custom), stranger.identity.signature_key.clone());
    });
}

#[test]
fn joiner_with_a_members_access_key_is_refused() {
    let mut world = three(209);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    let own = std::mem::replace(
        &mut stranger.access,
        AccessSecret::from_bytes(&world.devices[BOB].engine.as_ref().unwrap().access.to_bytes()),
    );
    let leaf = stranger.leaf(&world);
    stranger.leaf = Some(leaf);
    stranger.access = own;
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::Leaf));
}

#[test]
fn joiner_with_an_access_key_of_before_is_refused() {
    let mut world = three(218);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    let second = AccessSecret::generate(&randomness(&world));
    let former_access_key = second.public().as_bytes().to_vec().into();
    let leaf = content::Leaf { former_access_key, ..stranger.shown(&world) };
    stranger.leaf = Some(extensions(LEAF_EXTENSION, &leaf));
    let (_, envelope) = stranger.made(&world);
    let added = vec![member_key(&stranger.access), member_key(&second)];
    let part = world.part(AccessChange { added, removed: Vec::new() });
    world.inject(envelope, Some(part));
    world.settle();
    is_refused(&mut world, Some(Violation::Leaf));
}

#[test]
fn joiner_without_an_access_key_is_refused() {
    join_is_refused(211, Some(Violation::Leaf), |_, stranger| stranger.leaf = Some(ExtensionList::new()));
    join_is_refused(212, None, |_, stranger| stranger.leaf = leaf_with(vec![1; 31], stranger));
}

#[test]
fn joiner_that_hides_its_abilities_is_refused() {
    join_is_refused(213, None, |_, stranger| stranger.abilities = vec![LEAF_EXTENSION]);
}

#[test]
fn joiner_that_brings_another_key_to_the_relay_is_refused() {
    let mut world = three(214);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    let told = member_key(&stranger.access).key;
    let leaf = stranger.leaf(&world);
    stranger.leaf = Some(leaf);
    stranger.access = AccessSecret::from_bytes(&[66; 32]);
    let brought = member_key(&stranger.access).key;
    stranger.join(&mut world);
    world.assert_alarm(ANN, AlarmKind::Access);
    assert!(!world.relay.keys.contains_key(&*brought) && !world.relay.keys.contains_key(&*told));
}

#[test]
fn groupinfo_that_does_not_list_the_invite_is_refused() {
    let mut world = three(215);
    let old = world.relay.slot.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.command(ANN, Command::Invite { uses: Some(3), expires_ms: None });
    world.settle();
    let link = world.invite(ANN);
    // The state of before the invite was made, sealed for it by somebody who knows both.
    let invites = world.room(ANN).invites;
    let state = slot::open(&world.room_id(ANN), &world.first_link(ANN), &old).unwrap().1;
    let inside = (&[1; 32], &**state.group_info, &state.tree);
    let random = world.devices[ANN].profile.random.clone();
    let slot = slot::seal(&world.room_id(ANN), &invites, inside, None, &random).unwrap();
    world.relay.put_slot(&slot);
    let dan = world.newcomer("dan", 900);
    world.join(dan, &link);
    assert!(world.closed(dan), "{}", world.story(dan));
    assert!(world.story(dan).contains("Rule(DeadInvite)"), "the old state does not list it");
}

#[test]
fn groupinfo_of_before_the_card_is_refused() {
    let mut world = three(221);
    world.command(ANN, Command::Invite { uses: Some(3), expires_ms: None });
    world.settle();
    let (link, epoch) = (world.invite(ANN), world.epoch(ANN));
    let dan = world.newcomer("dan", 921);
    world.devices[dan].engine =
        Some(crate::room::Engine::join(&world.devices[dan].profile, &link, world.now).unwrap());
    world.connect(dan);
    world.deliver_one(dan);
    let row = world.devices[dan].engine.as_mut().unwrap().meta.link.as_mut().unwrap();
    assert_eq!(row.least_epoch, epoch, "the card says so");
    row.least_epoch = epoch + 1;
    world.settle();
    assert!(world.story(dan).contains("Rule(OldGroupInfo)"), "{}", world.story(dan));
}

#[test]
fn joiner_of_a_used_up_invite_does_not_believe_to_be_in() {
    let mut world = three(216);
    world.command(ANN, Command::Invite { uses: Some(1), expires_ms: None });
    world.settle();
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 901);
    world.join(dan, &link);
    assert_eq!(world.members(ANN), 4);
    // A relay that counts nothing.
    world.relay.forget_uses();
    let eli = world.newcomer("eli", 902);
    world.join(eli, &link);
    assert!(world.story(eli).contains("Rule(UsedUpInvite)"), "{}", world.story(eli));
    assert!(world.closed(eli), "{}", world.story(eli));
    assert_eq!(world.members(ANN), 4);
}

#[test]
fn joins_are_judged_by_the_time_of_their_entry_alone() {
    let mut world = three(217);
    let link = world.invite(ANN);
    let stranger = Stranger::with(&world, &link);
    // A newcomer never saw this entry; if its time counted, it would judge otherwise than the others.
    world.relay.now = world.now + crate::invite::INVITE_LIFETIME_MS;
    world.relay.append(vec![0]);
    world.settle();
    world.relay.now = world.now;
    stranger.join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (4, 4));
}
