//! A device was stolen, with the key of the account: the one that is left gives the account another key, at a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{path::Path, time::Duration};

use client::{
    runtime::{Entropy, Event, KeyRoom, Past, Replaced, RoomEvent},
    store::{OpenProfile, ProfileDir},
};
use shared::{
    identity::{
        Fingerprint, Identity,
        recovery::{RecoveryKey, seed_of},
    },
    invite::link::InviteLink,
    room::{self as engine, CloseReason, Policy},
};
use support::{
    Person,
    devices::{ROOM, device_event, enter, linked, three},
    random, relay,
};
use tempfile::TempDir;

/// What the words say that somebody gets with the new key.
const FRESH: Entropy = Entropy([9; 16]);

/// Opens a profile that nobody runs.
fn opened(dir: &Path, profile: &str) -> OpenProfile {
    OpenProfile::open(ProfileDir::choose(Some(dir.join(profile))).unwrap(), None, random()).unwrap()
}

/// What bob's phrase says. He has written it down.
fn phrase(dir: &Path) -> Entropy {
    let kept = opened(dir, "bob").vault.now(|store| store.phrase_entropy()).unwrap();
    Entropy(*kept.expect("a new profile keeps its phrase until somebody was shown it"))
}

fn done(replaced: Replaced) -> Vec<KeyRoom> {
    match replaced {
        Replaced::Done(rooms) => rooms,
        other => panic!("{other:?}"),
    }
}

async fn key_changed(person: &mut Person) -> (Fingerprint, Fingerprint) {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::KeyChanged { who, was }), .. } => {
                Some((who.fingerprint, was))
            }
            _ => None,
        })
        .await
}

async fn closed(person: &mut Person) -> CloseReason {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Closed { reason, .. }), .. } => {
                Some(reason)
            }
            _ => None,
        })
        .await
}

/// Until somebody is told such an alarm.
async fn alarm(person: &mut Person, is_it: fn(&engine::Alarm) -> bool) {
    person
        .until(|event| match event {
            Event::Room {
                event: RoomEvent::Notice { notice: client::store::Notice::Alarm(alarm), .. },
                ..
            } => is_it(&alarm).then_some(()),
            _ => None,
        })
        .await;
}

/// Until all rooms of somebody have the present key.
async fn all_taken(person: &mut Person) {
    let all = async {
        while person.runtime.key_rooms().await.unwrap().iter().any(|room| !room.is_done) {
            // It is kept a moment after it is told.
            let told = tokio::time::timeout(Duration::from_millis(200), person.events.recv()).await;
            assert!(!matches!(told, Ok(None)), "the runtime goes on");
        }
    };
    tokio::time::timeout(support::PATIENCE, all).await.expect("all rooms have taken the key");
}

/// Waits until that is what this person's program knows of the room.
async fn sees(person: &mut Person, is_so: impl Fn(&engine::GroupView) -> bool) {
    let seen = async {
        while !is_so(&person.runtime.view(ROOM).unwrap()) {
            let told = tokio::time::timeout(Duration::from_millis(200), person.events.recv()).await;
            assert!(!matches!(told, Ok(None)), "the runtime goes on");
        }
    };
    tokio::time::timeout(support::PATIENCE, seen).await.expect("it never sees the room so");
}

/// A program with the account of somebody's choice tries a link. Returns it once it is in or knows that it is not.
async fn tries(
    dir: &Path,
    relay: &::relay::Relay,
    (name, account): (&str, &Identity),
    link: &InviteLink,
) -> Option<Person> {
    opened(dir, name).vault.now(|store| store.set_account(account, None)).unwrap();
    let mut thief = enter(dir, name, relay).await;
    let is_in = match thief.runtime.join(link).await {
        // The relay lets nobody look at the card.
        Err(_) => false,
        Ok(_) => {
            let is_in = |event| match event {
                Event::Room { event: RoomEvent::Engine(event), .. } => match event {
                    engine::Event::Joined(_) => Some(true),
                    engine::Event::Closed { .. } => Some(false),
                    _ => None,
                },
                _ => None,
            };
            thief.until(is_in).await
        }
    };
    if is_in {
        return Some(thief);
    }
    thief.runtime.shutdown().await;
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn survivor_replaces_the_key_and_the_thief_gets_nothing_but_an_alarm() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob, phone) = three(&dir, &relay).await;
    let him = ann.runtime.view(ROOM).unwrap().others().next().unwrap().person.clone();
    ann.runtime.compare(&him.fingerprint);
    ann.runtime.verify(&him).await.unwrap();
    // The thief has an invite of bob's, which is live.
    let invite = bob.link(ROOM).await;
    bob.runtime.shutdown().await;
    phone.runtime.shutdown().await;
    let (words, old) = (phrase(dir.path()), opened(dir.path(), "bob").engine.identity.clone());
    assert_eq!(old.fingerprint(), him.fingerprint);
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    let policy = Policy { own_devices: true, ..Policy::default() };
    bob.runtime.create("own devices", None, policy).await.unwrap();
    let rooms = done(bob.runtime.replace_key(words.clone(), Some(FRESH)).await.unwrap());
    assert_eq!(rooms.iter().filter(|room| room.room == ROOM).count(), 1, "{rooms:?}");
    // Everybody follows, loudly where he was verified, and the mark stays.
    let (new, was) = key_changed(&mut ann).await;
    assert_eq!((was, new == was, bob.runtime.me().1), (old.fingerprint(), false, new));
    alarm(&mut ann, |alarm| matches!(alarm, engine::Alarm::KeyReplaced { .. })).await;
    let known = ann.runtime.person(&new).await.unwrap().unwrap();
    assert!(known.verified_at.is_some() && known.replaced_at.is_some(), "{known:?}");
    assert!(!ann.runtime.is_verified(&was));
    all_taken(&mut bob).await;
    // Bob may have heard of it before ann has.
    sees(&mut ann, |view| view.members.len() == 2 && view.invites.is_empty()).await;
    // The phone is out: it says nothing more, and learns why.
    let mut phone = enter(dir.path(), "bob's phone", &relay).await;
    let said = engine::Command::Send { token: String::new(), text: "still me".into() };
    let _ = phone.runtime.tell(ROOM, said).await;
    if phone.runtime.room(ROOM).unwrap().over.is_none() {
        let reason = closed(&mut phone).await;
        let is_out = matches!(reason, CloseReason::RemovedByOwn | CloseReason::RemovedByOwnUnseen { .. });
        assert!(is_out, "{reason:?}");
    }
    phone.runtime.shutdown().await;
    // It does not come back by the invite of the account, nor by one that is live.
    let live = ann.link(ROOM).await;
    assert!(tries(dir.path(), &relay, ("thief 1", &old), &invite).await.is_none());
    assert!(tries(dir.path(), &relay, ("thief 2", &old), &live).await.is_none());
    ann.say(ROOM, "", "who was that?").await;
    bob.hears("who was that?").await;
    let view = ann.runtime.view(ROOM).unwrap();
    let accounts: Vec<_> = view.members.iter().map(|member| member.person.fingerprint).collect();
    assert!(accounts.len() == 2 && !accounts.contains(&was), "{accounts:?}");
    // Where the change was never shown, it is an alarm for everybody who knows of it.
    ann.runtime.create_own("club").await.unwrap();
    let club = ann.link("club").await;
    let thief = tries(dir.path(), &relay, ("thief 3", &old), &club).await.expect("nobody there knows");
    alarm(&mut ann, |alarm| matches!(alarm, engine::Alarm::ReplacedKeyUsed { .. })).await;
    thief.runtime.shutdown().await;
    // A change of its own is that of a stranger: an alarm, and no mark.
    let mine = RecoveryKey::from_seed(&[77; 32]);
    let forged = || Identity::new(&[78; 32], mine.next());
    assert!(mine.sign_change(&old, &forged()).is_none(), "the recovery key is not bob's");
    let secret: [u8; 32] = old.to_bytes()[..32].try_into().unwrap();
    let change = mine.sign_change(&Identity::new(&secret, mine.next()), &forged()).unwrap();
    let forged = forged().with_change(change).unwrap();
    let thief = tries(dir.path(), &relay, ("thief 4", &forged), &live).await.expect("a stranger, by a link");
    alarm(&mut ann, |alarm| matches!(alarm, engine::Alarm::Impostor(_))).await;
    assert!(!ann.runtime.is_verified(&forged.fingerprint()) && ann.runtime.is_verified(&new));
    thief.runtime.shutdown().await;
    // Both go on, after a restart as well, and bob wants nothing more of the room.
    bob.runtime.shutdown().await;
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.say(ROOM, "", "not me").await;
    assert!(!ann.hears("not me").await.mine);
    assert!(bob.runtime.key_rooms().await.unwrap().iter().all(|room| room.is_done));
    // The old words are of no use any more, the new ones are.
    assert_eq!(bob.runtime.replace_key(words, Some(Entropy([8; 16]))).await.unwrap(), Replaced::WrongPhrase);
    done(bob.runtime.replace_key(FRESH, Some(Entropy([8; 16]))).await.unwrap());
    assert_eq!(key_changed(&mut ann).await.1, new);
    bob.runtime.shutdown().await;
    ann.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_devices_that_were_off_do_not_undo_the_change_of_the_key() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let others = ["tablet", "phone"];
    for other in others {
        linked(dir.path(), "bob", other, other);
    }
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.create_own(ROOM).await.unwrap();
    let link = bob.link(ROOM).await;
    let mut tablet = enter(dir.path(), "tablet", &relay).await;
    tablet.runtime.join(&link).await.unwrap();
    tablet.joined().await;
    device_event(&mut bob).await;
    let mut phone = enter(dir.path(), "phone", &relay).await;
    phone.runtime.join(&link).await.unwrap();
    phone.joined().await;
    device_event(&mut bob).await;
    device_event(&mut tablet).await;
    // Each has heard of the others: their joins are taken.
    bob.say(ROOM, "", "welcome").await;
    tablet.hears("welcome").await;
    phone.hears("welcome").await;
    tablet.say(ROOM, "", "hello").await;
    bob.hears("hello").await;
    phone.hears("hello").await;
    tablet.runtime.shutdown().await;
    phone.runtime.shutdown().await;
    bob.runtime.shutdown().await;
    let words = phrase(dir.path());
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    done(bob.runtime.replace_key(words, Some(FRESH)).await.unwrap());
    all_taken(&mut bob).await;
    bob.runtime.shutdown().await;
    // Two of three: they have the relay's word alone.
    for other in others {
        let mut other = enter(dir.path(), other, &relay).await;
        let reason = closed(&mut other).await;
        assert!(matches!(reason, CloseReason::RemovedByOwnUnseen { .. }), "{reason:?}");
        other.runtime.shutdown().await;
    }
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    let view = bob.joined().await;
    let accounts: Vec<_> = view.members.iter().map(|member| member.person.fingerprint).collect();
    assert_eq!(accounts, [bob.runtime.me().1]);
    bob.say(ROOM, "", "as I am now").await;
    bob.hears("as I am now").await;
    assert!(bob.runtime.room(ROOM).unwrap().over.is_none());
    bob.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_phrase_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.create_own(ROOM).await.unwrap();
    let me = bob.runtime.me().1;
    let wrong = bob.runtime.replace_key(Entropy([3; 16]), Some(FRESH)).await.unwrap();
    assert_eq!((wrong, bob.runtime.me().1), (Replaced::WrongPhrase, me));
    bob.runtime.shutdown().await;
    assert_eq!(opened(dir.path(), "bob").engine.identity.fingerprint(), me);
    // The words that were right are so still, and the same ones again are no other ones.
    let words = phrase(dir.path());
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    assert_eq!(
        bob.runtime.replace_key(words.clone(), Some(words.clone())).await.unwrap(),
        Replaced::WrongPhrase
    );
    done(bob.runtime.replace_key(words, Some(FRESH)).await.unwrap());
    bob.runtime.shutdown().await;
    let account = opened(dir.path(), "bob").engine.identity.clone();
    assert_eq!(account.next(), RecoveryKey::from_seed(&seed_of(&FRESH.0)).next());
    assert_eq!(account.change().map(shared::identity::KeyChange::old), Some(me));
}

#[tokio::test(flavor = "multi_thread")]
async fn room_whose_relay_is_away_takes_the_key_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let server = relay(&home, 0).await;
    let port = support::address(&server).port;
    let (ann, bob, phone) = three(&dir, &server).await;
    for person in [ann, bob, phone] {
        person.runtime.shutdown().await;
    }
    let words = phrase(dir.path());
    let bob = Person::enter(dir.path(), "bob", &server, Past::Nothing).await;
    server.shutdown().await;
    let rooms = done(bob.runtime.replace_key(words, Some(FRESH)).await.unwrap());
    let behind = KeyRoom { room: ROOM.to_owned(), is_hidden: false, is_done: false };
    assert_eq!(rooms, std::slice::from_ref(&behind));
    // Another change now would be one that the room cannot follow.
    let again = bob.runtime.replace_key(FRESH, Some(Entropy([8; 16]))).await.unwrap();
    assert_eq!(again, Replaced::Unfinished(vec![behind]));
    bob.runtime.shutdown().await;
    let server = relay(&home, port).await;
    let mut ann = Person::enter(dir.path(), "ann", &server, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", &server, Past::Nothing).await;
    assert_eq!(key_changed(&mut ann).await.0, bob.runtime.me().1);
    all_taken(&mut bob).await;
    bob.runtime.shutdown().await;
    ann.runtime.shutdown().await;
}
