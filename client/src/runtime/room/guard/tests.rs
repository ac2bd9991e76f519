use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    room::{AlarmKind, Invited, Member},
};
use tempfile::TempDir;

use super::*;
use crate::{
    faces::words::Among,
    store::{Batch, FileKey, KeySource as _, Store},
};

const ME: u8 = 1;

const ROOM: RoomId = RoomId([7; 32]);

fn person(name: &str, byte: u8) -> Person {
    Person { name: name.to_owned(), fingerprint: Fingerprint([byte; 32]) }
}

fn view(people: &[(&str, u8)]) -> GroupView {
    let member = |(leaf, (name, byte)): (usize, &(&str, u8))| Member {
        person: person(name, *byte),
        leaf: u32::try_from(leaf).unwrap(),
        me: *byte == ME,
        heard: true,
        status: String::new(),
        glyph: String::new(),
        avatar: None,
        is_moderator: false,
        device: Device { id: shared::identity::DeviceId([1; 16]), name: "laptop".to_owned() },
        since: 0,
        invite: None,
        replaces: None,
    };
    let members = people.iter().enumerate().map(member).collect();
    GroupView {
        room: "team".into(),
        open: false,
        epoch: 1,
        authenticator: vec![],
        members,
        topic: String::new(),
        disappear_s: 0,
        past_lines: 0,
        invites: Vec::new(),
        moderators_invite: false,
        seats: 5,
        own_devices: false,
    }
}

/// What is told of somebody.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Alarm(AlarmKind),
    /// No alarm: nobody need have done anything wrong.
    Stranger,
}

const IMPOSTOR: Told = Told::Alarm(AlarmKind::Impostor);

const DEVICE: Told = Told::Alarm(AlarmKind::Device);

/// A profile, and one room of it.
struct World {
    store: Store,
    guard: Guard,
    now: Millis,
    /// Told so far, whoever has whose name.
    namesakes: Vec<(u8, u8, bool)>,
    /// Who we were before.
    was: Option<Fingerprint>,
    /// Who we are by the profile.
    now_as: Fingerprint,
    _dir: TempDir,
}

impl World {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let random = Random::new(UnwrapErr(getrandom::SysRng));
        let key = FileKey.key(dir.path(), &random).unwrap();
        let store = Store::open(dir.path(), &key, random).unwrap();
        let now_as = Fingerprint([ME; 32]);
        Self { store, guard: Guard::default(), now: 1, namesakes: Vec::new(), was: None, now_as, _dir: dir }
    }

    /// One step of the room, stored. Returns what is told, by kind and text.
    fn step(&mut self, events: &[Event]) -> Vec<(Told, String)> {
        let told = |event| match event {
            Event::Alarm(alarm) => (Told::Alarm(alarm.kind()), crate::faces::words::alarm(&alarm)),
            Event::Stranger(told) => {
                (Told::Stranger, crate::faces::words::stranger(&told, None, Among::default()))
            }
            other => panic!("{other:?}"),
        };
        self.raw(events).into_iter().map(told).collect()
    }

    fn raw(&mut self, events: &[Event]) -> Vec<Event> {
        let people = self.store.people();
        self.now += 1;
        let mut look = Look {
            room: ROOM,
            people: &people,
            me: person("me", ME),
            was: self.was,
            now_as: self.now_as,
            now: self.now,
            met: Vec::new(),
            namesakes: Vec::new(),
            replaced: Vec::new(),
        };
        let mut alarms = Vec::new();
        for event in events {
            alarms.extend(self.guard.look(&mut look, event));
        }
        alarms.extend(self.guard.rest());
        alarms.extend(self.guard.still_here(&look));
        let key = |who: &Person| who.fingerprint.0[0];
        self.namesakes.extend(look.namesakes.iter().map(|one| (key(&one.who), key(&one.owner), one.is_me)));
        let replacements = look.replaced;
        let meetings = look.met.into_iter().map(|(_, met)| met).collect();
        self.store.commit(ROOM, None, &Batch { meetings, replacements, ..Batch::default() }).unwrap();
        alarms
    }

    fn verify(&mut self, name: &str, byte: u8) {
        self.store.set_verified(&person(name, byte), Some(5), 5).unwrap();
    }

    fn kinds(&mut self, events: &[Event]) -> Vec<Told> {
        self.step(events).into_iter().map(|(kind, _)| kind).collect()
    }
}

fn joined(name: &str, byte: u8) -> Event {
    Event::MemberJoined { who: person(name, byte), by: Some(person("ann", 2)) }
}

#[test]
fn unverified_joiner_in_a_verified_room_is_loud() {
    let mut world = World::new();
    assert_eq!(world.kinds(&[Event::Joined(view(&[("me", ME), ("ann", 2), ("bob", 3)]))]), []);
    world.verify("ann", 2);
    assert_eq!(world.kinds(&[joined("dan", 4)]), [], "bob is not verified, so one more is nothing new");
    let left = Event::MemberLeft { who: person("dan", 4), by: person("ann", 2) };
    assert_eq!(world.kinds(&[left]), []);
    world.verify("bob", 3);
    let alarms = world.step(&[joined("eve", 5)]);
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!(alarms[0].0, Told::Stranger);
    for part in ["NOT VERIFIED: eve,", "invite of ann.", "Everybody else here is verified."] {
        assert!(alarms[0].1.contains(part), "{part}: {}", alarms[0].1);
    }
    assert_eq!(world.kinds(&[joined("dan", 4)]), [], "eve is not verified either");
}

#[test]
fn verified_joiner_and_lonely_room_are_quiet() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME)]))]);
    assert_eq!(world.kinds(&[joined("ann", 2)]), [], "nobody else was here");
    world.verify("ann", 2);
    world.verify("bob", 3);
    assert_eq!(world.kinds(&[joined("bob", 3), joined("bob", 3)]), [], "two devices of somebody verified");
}

#[test]
fn stranger_who_comes_with_others_in_one_step_is_loud() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.verify("ann", 2);
    world.verify("bob", 3);
    assert_eq!(world.kinds(&[joined("bob", 3), joined("eve", 5), joined("dan", 4)]), [Told::Stranger]);
}

#[test]
fn name_that_passes_for_a_known_one_is_an_alarm_that_names_both() {
    // A zero, another alphabet, a capital i.
    for (name, byte) in [("b0b", 12), ("bоb", 14), ("BiII", 15)] {
        let mut world = World::new();
        world.step(&[Event::Joined(view(&[("me", ME), ("bob", 3), ("Bill", 3)]))]);
        let alarms = world.step(&[joined(name, byte)]);
        assert_eq!(alarms.len(), 1, "{name}: {alarms:?}");
        assert_eq!(alarms[0].0, IMPOSTOR);
        for key in [3, byte] {
            let key = Fingerprint([key; 32]).to_string();
            assert!(alarms[0].1.contains(&key), "{name}: {}", alarms[0].1);
        }
        assert!(!alarms[0].1.contains("VERIFIED"));
        assert_eq!(world.kinds(&[joined("bob", 3)]), [], "the same key is the same person");
        assert_eq!(world.namesakes, []);
    }
}

#[test]
fn two_people_of_one_name_are_no_alarm_and_told_once() {
    for (one, other) in
        [("bob", "bob"), ("guest", "guest"), ("bob", "BOB"), ("bob", "ｂｏｂ"), ("zoë", "zoe\u{308}")]
    {
        let mut world = World::new();
        world.step(&[Event::Joined(view(&[("me", ME), (one, 3)]))]);
        assert_eq!(world.kinds(&[joined(other, 10)]), [], "{one} {other}");
        assert_eq!(world.namesakes, [(10, 3, false)], "{one} {other}");
        let both = view(&[("me", ME), (one, 3), (other, 10)]);
        assert_eq!(world.kinds(&[Event::Epoch(both.clone()), Event::Joined(both), joined(other, 10)]), []);
        assert_eq!(world.namesakes.len(), 1, "{one} {other}");
    }
}

#[test]
fn another_of_our_own_name_is_told_once() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    assert_eq!(world.kinds(&[joined("Me", 6)]), []);
    assert_eq!(world.namesakes, [(6, ME, true)]);
    assert_eq!(
        world.kinds(&[joined("me", ME), joined("Me", 6)]),
        [],
        "another device of ours, and they again"
    );
    assert_eq!(world.namesakes.len(), 1);
}

#[test]
fn name_that_passes_for_our_own_is_an_alarm() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    let alarms = world.step(&[joined("mе", 6)]); // a Cyrillic ie
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].1.contains("YOUR name"), "{}", alarms[0].1);
    assert_eq!(world.kinds(&[joined("me", ME)]), [], "another device of ours");
}

#[test]
fn impostor_of_somebody_verified_is_louder_and_each_time() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("bob", 3), ("carl", 9)]))]);
    world.verify("bob", 3);
    for _ in 0..2 {
        let alarms = world.step(&[joined("Bob", 10)]);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert!(alarms[0].1.contains("VERIFIED"), "{}", alarms[0].1);
    }
    // The owner of this device knows two of that name.
    world.verify("Bob", 10);
    assert_eq!(world.kinds(&[joined("Bob", 10)]), []);
}

#[test]
fn name_that_a_system_gave_is_no_alarm_even_if_somebody_verified_has_it() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("root", 3), ("carl", 9)]))]);
    world.verify("root", 3);
    assert_eq!(world.kinds(&[joined("root", 10)]), []);
    assert_eq!(world.namesakes, [(10, 3, false)]);
    assert_eq!(world.kinds(&[joined("r00t", 11)]), [IMPOSTOR]);
}

#[test]
fn two_impostors_in_one_step_do_not_hide_each_other() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    assert_eq!(world.kinds(&[joined("bob", 3), joined("b0b", 4)]), [IMPOSTOR]);
}

#[test]
fn taking_a_known_name_by_renaming_is_an_alarm_where_it_is_a_disguise() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("bob", 3), ("eve", 5)]))]);
    let renamed =
        |was: &str, name: &str, byte| Event::ProfileChanged { who: person(name, byte), was: was.into() };
    assert_eq!(world.kinds(&[renamed("eve", "evelyn", 5)]), []);
    let alarms = world.step(&[renamed("evelyn", "b0b", 5)]);
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!(alarms[0].0, IMPOSTOR);
    assert!(alarms[0].1.contains("\"evelyn\""), "{}", alarms[0].1);
    // Told once; the epoch that follows says the same.
    assert_eq!(world.kinds(&[Event::Epoch(view(&[("me", ME), ("bob", 3), ("b0b", 5)]))]), []);
    assert_eq!(world.kinds(&[renamed("bob", "robert", 3), renamed("robert", "bob", 3)]), [], "his own again");
}

#[test]
fn impostor_who_was_here_before_us_is_an_alarm_once() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("bob", 3)]))]);
    let here = Event::Joined(view(&[("me", ME), ("b0b", 10)]));
    assert_eq!(world.kinds(std::slice::from_ref(&here)), [IMPOSTOR]);
    assert_eq!(world.kinds(&[here]), []);
}

#[test]
fn device_of_somebody_verified_is_loud_and_of_others_a_line() {
    let mut world = World::new();
    world.kinds(&[Event::Joined(view(&[("me", ME), ("ann", 2), ("bob", 3)]))]);
    world.verify("ann", 2);
    let linked = |name: &str, byte| Event::DeviceJoined {
        who: person(name, byte),
        device: Device { id: shared::identity::DeviceId([9; 16]), name: "phone".to_owned() },
        by: None,
    };
    assert_eq!(world.kinds(&[linked("ann", 2)]), [DEVICE]);
    assert_eq!(world.kinds(&[linked("bob", 3), linked("me", ME)]), []);
}

/// The same, with one more device of somebody.
fn with_device(people: &[(&str, u8)], of: (&str, u8), device: u8) -> GroupView {
    let mut view = view(people);
    let mut member = view.members[0].clone();
    (member.person, member.me) = (person(of.0, of.1), of.1 == ME);
    member.device.id = shared::identity::DeviceId([device; 16]);
    view.members.push(member);
    view
}

#[test]
fn whoever_came_while_a_relay_kept_this_device_out_is_as_loud_as_whoever_is_seen_to_join() {
    let people = [("me", ME), ("ann", 2), ("bob", 3)];
    let mut world = World::new();
    world.step(&[Event::Joined(view(&people))]);
    world.verify("ann", 2);
    // It comes back: there is one epoch, and nobody was seen to join.
    let back = |of, device| Event::Epoch(with_device(&people, of, device));
    assert_eq!(world.kinds(&[back(("bob", 3), 8)]), [], "bob is not verified");
    let told = world.step(&[back(("ann", 2), 9)]);
    assert!(told.len() == 1 && told[0].0 == DEVICE && told[0].1.contains("ann"), "{told:?}");
    assert_eq!(world.kinds(&[back(("ann", 2), 9)]), [], "once");
    assert_eq!(world.kinds(&[back(("ann", 2), 10)]), [DEVICE], "another one");
    // Somebody new, where all others are verified.
    world.verify("bob", 3);
    assert_eq!(world.kinds(&[back(("eve", 5), 11)]), [Told::Stranger]);
    assert_eq!(world.kinds(&[back(("b0b", 6), 12)]), [IMPOSTOR], "eve was there, and is not verified");
    assert_eq!(world.kinds(&[Event::Epoch(view(&people)), back(("dan", 7), 13)]), [Told::Stranger]);
}

#[test]
fn device_of_ours_that_came_while_this_one_was_out_is_told_as_one_that_is_seen_to_join() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    let view = with_device(&[("me", ME), ("ann", 2)], ("me", ME), 9);
    let told = world.raw(&[Event::Epoch(view)]);
    assert!(matches!(&*told, [Event::DeviceJoined { who, .. }] if who.fingerprint.0 == [ME; 32]), "{told:?}");
}

#[test]
fn whoever_was_seen_to_join_is_not_told_again_with_the_epoch() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.verify("ann", 2);
    world.verify("bob", 3);
    let three = [("me", ME), ("ann", 2), ("bob", 3)];
    assert_eq!(world.kinds(&[joined("bob", 3), Event::Epoch(view(&three))]), []);
    let device = Device { id: shared::identity::DeviceId([9; 16]), name: "phone".to_owned() };
    let linked = Event::DeviceJoined { who: person("ann", 2), device, by: None };
    let both = Event::Epoch(with_device(&three, ("ann", 2), 9));
    assert_eq!(world.kinds(&[linked, both]), [DEVICE]);
}

#[test]
fn mark_moves_with_the_account_and_the_old_one_is_an_alarm() {
    let mut world = World::new();
    world.kinds(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.verify("ann", 2);
    let mut after = view(&[("me", ME), ("ann", 7)]);
    after.members[1].replaces = Some(Fingerprint([2; 32]));
    let changed = Event::KeyChanged { who: person("ann", 7), was: Fingerprint([2; 32]) };
    let told = world.kinds(&[Event::Epoch(after.clone()), changed, Event::Epoch(after.clone())]);
    assert_eq!(told, [DEVICE], "once, and no impostor");
    let people = world.store.people();
    let [old, new] = [2, 7].map(|byte| people.get(&Fingerprint([byte; 32])).unwrap());
    assert_eq!((old.verified_at, new.verified_at, new.replaced_at.is_some()), (None, Some(5), true));
    assert!(old.is_replaced_by(&new.fingerprint));
    // In another room, and after a restart, it is nothing new.
    world.guard = Guard::default();
    assert_eq!(world.kinds(&[Event::Joined(after.clone())]), []);
    // The old account is an alarm, wherever it comes.
    let alarms = world.step(&[joined("ann", 2)]);
    assert!(alarms.iter().any(|(kind, text)| *kind == DEVICE && text.contains("replaced")), "{alarms:?}");
    // Another account that says that it took the place of the same one is not believed.
    after.members[1] = Member { person: person("ann", 8), ..after.members[1].clone() };
    let alarms = world.step(&[Event::Epoch(after)]);
    assert!(alarms.iter().any(|(kind, _)| *kind == DEVICE), "{alarms:?}");
    assert!(!world.store.people().is_verified(&Fingerprint([8; 32])));
}

#[test]
fn account_that_was_ours_is_an_alarm_once_the_room_has_the_new_one() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.was = Some(Fingerprint([7; 32]));
    let alarms = world.step(&[joined("me", 7)]);
    let is_told = |(kind, text): &(Told, String)| *kind == DEVICE && text.contains("replaced");
    assert!(alarms.iter().any(is_told), "{alarms:?}");
}

/// Ann took another key somewhere else, and this room has her account as it was.
fn replaced_elsewhere() -> World {
    let mut world = World::new();
    world.kinds(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.verify("ann", 2);
    let here = std::mem::take(&mut world.guard);
    let mut after = view(&[("me", ME), ("ann", 7)]);
    after.members[1].replaces = Some(Fingerprint([2; 32]));
    assert_eq!(world.kinds(&[Event::Joined(after)]), [DEVICE]);
    world.guard = here;
    world.guard.look_again();
    world
}

const FIVE_MINUTES: Millis = 300_000;

#[test]
fn replaced_account_that_is_here_already_is_an_alarm_as_soon_as_it_does_something() {
    let said = Event::Typing { who: person("ann", 2), stopped: false };
    for used in [said, Event::DeviceBack(person("ann", 2))] {
        let mut world = replaced_elsewhere();
        let others = Event::DeviceBack(person("bob", 3));
        assert_eq!(world.kinds(&[others]), [], "the change may be on its way");
        let alarms = world.step(std::slice::from_ref(&used));
        assert!(
            matches!(&*alarms, [(kind, text)] if *kind == DEVICE && text.contains("replaced")),
            "{alarms:?}"
        );
        world.now += FIVE_MINUTES;
        assert_eq!(world.kinds(&[used]), [], "it was told");
        // After a restart it is told once more.
        world.guard = Guard::of(Some(&view(&[("me", ME), ("ann", 2)])));
        assert_eq!(world.kinds(&[Event::DeviceBack(person("ann", 2))]), [DEVICE]);
    }
}

#[test]
fn replaced_account_that_says_nothing_is_an_alarm_after_a_while() {
    let mut world = replaced_elsewhere();
    assert_eq!(world.kinds(&[]), []);
    let at = world.guard.next().expect("it is looked at again");
    assert_eq!(at, world.now + FIVE_MINUTES);
    world.now = at;
    let alarms = world.step(&[]);
    assert!(matches!(&*alarms, [(kind, text)] if *kind == DEVICE && text.contains("replaced")), "{alarms:?}");
    assert_eq!((world.kinds(&[]), world.guard.next()), (vec![], None));
    // Where the change comes in time nothing is told.
    let mut world = replaced_elsewhere();
    world.kinds(&[]);
    let mut after = view(&[("me", ME), ("ann", 7)]);
    after.members[1].replaces = Some(Fingerprint([2; 32]));
    world.now += FIVE_MINUTES;
    assert_eq!(world.kinds(&[Event::Epoch(after)]), []);
}

/// The step in which a room takes another key for our account has begun as whom we were.
#[test]
fn account_that_the_room_takes_as_ours_in_this_step_is_no_namesake() {
    let mut world = World::new();
    world.step(&[Event::Joined(view(&[("me", ME), ("ann", 2)]))]);
    world.now_as = Fingerprint([7; 32]);
    let mut taken = view(&[("me", 7), ("ann", 2)]);
    taken.members[0].replaces = Some(Fingerprint([ME; 32]));
    assert_eq!(world.kinds(&[Event::Epoch(taken)]), []);
    assert_eq!(world.namesakes, []);
    assert!(world.store.people().get(&Fingerprint([7; 32])).is_none(), "we are not met");
}

/// A new room of ann's, into which her other device follows her.
#[test]
fn device_that_is_known_from_another_room_is_no_alarm_where_one_of_the_persons_lets_it_in() {
    let people = [("me", ME), ("ann", 2)];
    let came = |world: &mut World, is_by_own: bool| {
        world.guard = Guard::default();
        let mut before = view(&people);
        before.invites.push(Invited {
            id: [4; 16],
            by: person("ann", 2),
            ours: false,
            for_device: is_by_own,
            expires_ms: 0,
            max_uses: 1,
            used: 0,
        });
        let mut after = with_device(&people, ("ann", 2), 9);
        after.members[2].invite = Some([4; 16]);
        let device = after.members[2].device.clone();
        let linked = Event::DeviceJoined { who: person("ann", 2), device, by: Some(person("ann", 2)) };
        world.step(&[Event::Joined(before)]);
        world.kinds(&[linked, Event::Epoch(after)])
    };
    let mut world = World::new();
    world.verify("ann", 2);
    assert_eq!(came(&mut world, true), [DEVICE], "she has one more than anywhere");
    let elsewhere = |world: &World, count| {
        let counts = [(Fingerprint([2; 32]), count)].into_iter().collect();
        world.store.people().devices_are(RoomId([8; 32]), counts);
    };
    elsewhere(&world, 2);
    assert_eq!(came(&mut world, true), []);
    assert_eq!(came(&mut world, false), [DEVICE], "whoever has the account's key comes by any link");
    elsewhere(&world, 1);
    assert_eq!(came(&mut world, true), [DEVICE]);
    // Without a group that shows it nothing is known of it.
    elsewhere(&world, 2);
    let device = Device { id: shared::identity::DeviceId([9; 16]), name: "phone".to_owned() };
    let linked = Event::DeviceJoined { who: person("ann", 2), device, by: None };
    assert_eq!(world.kinds(&[linked]), [DEVICE]);
}
