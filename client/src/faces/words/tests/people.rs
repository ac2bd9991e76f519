//! How people and invites are called and found.

use shared::{
    identity::Fingerprint,
    room::{GroupView, Invited, Member, Person},
};

use crate::{
    faces::words::{Among, duration, find, find_invite, happening, name, namesake},
    runtime::Namesake,
    store::RoomLogItem,
    text::namesakes::Namesakes,
};

fn view(names: &[(&str, u8)]) -> GroupView {
    let person = |(name, byte): &(&str, u8)| Person {
        name: (*name).to_owned(),
        fingerprint: Fingerprint([*byte; 32]),
    };
    let member = |pair| Member {
        person: person(pair),
        leaf: 0,
        me: false,
        heard: true,
        status: String::new(),
        glyph: String::new(),
        avatar: None,
        is_moderator: false,
        device: shared::room::Device { id: shared::identity::DeviceId([1; 16]), name: "laptop".to_owned() },
        since: 0,
        invite: None,
        replaces: None,
    };
    GroupView {
        room: "team".into(),
        open: false,
        epoch: 1,
        authenticator: vec![],
        members: names.iter().map(member).collect(),
        topic: String::new(),
        disappear_s: 0,
        past_lines: 0,
        invites: Vec::new(),
        moderators_invite: false,
        seats: 5,
        own_devices: false,
    }
}

#[test]
fn invite_is_found_by_what_it_alone_begins_with() {
    let by = Person { name: "ann".into(), fingerprint: Fingerprint([1; 32]) };
    let invite = |first: u8, second: u8| {
        let mut id = [0; 16];
        (id[0], id[1]) = (first, second);
        Invited { id, by: by.clone(), ours: false, for_device: false, expires_ms: 0, max_uses: 0, used: 0 }
    };
    let view = GroupView { invites: vec![invite(0xab, 1), invite(0xab, 2), invite(0xcd, 3)], ..view(&[]) };
    assert_eq!(find_invite(&view, "CD").unwrap()[1], 3);
    assert_eq!(find_invite(&view, "ab02").unwrap()[1], 2);
    assert_eq!(find_invite(&view, "ab").unwrap_err().code, "usage");
    assert_eq!(find_invite(&view, "ef").unwrap_err().code, "not_found");
}

#[test]
fn person_with_the_same_name_is_told_apart() {
    let view = view(&[("bob", 1), ("Bob", 2), ("eve", 3)]);
    assert_eq!(name(&view.members[0].person, Some(&view)), "bob#0101");
    assert_eq!(name(&view.members[2].person, Some(&view)), "eve");
}

#[test]
fn key_that_begins_like_another_and_name_that_looks_like_its_digits_fool_nobody() {
    let mut view = view(&[("bob", 1), ("bob", 1), ("cafe\u{301}", 3), ("caf\u{e9}", 4), ("bob#0101", 5)]);
    view.members[1].person.fingerprint.0[2] = 9;
    let shown = |at: usize| name(&view.members[at].person, Some(&view));
    assert_eq!([shown(0), shown(1)], ["bob#01010101", "bob#01010901"]);
    assert!(shown(2).ends_with("#0303") && shown(3).ends_with("#0404"));
    assert_eq!(shown(4), "bob#0101#0505");
}

#[test]
fn namesakes_are_told_apart_with_a_hint() {
    let view = view(&[("guest", 1), ("guest", 2)]);
    let [me, other] = [0, 1].map(|at: usize| view.members[at].person.clone());
    let told = namesake(&Namesake { who: other.clone(), owner: me.clone(), is_me: true }, Some(&view));
    assert!(told.contains("guest#0101") && told.contains("guest#0202") && told.contains("/nick"), "{told}");
    let told = namesake(&Namesake { who: other, owner: me, is_me: false }, Some(&view));
    assert!(told.contains("guest#0101") && told.contains("guest#0202"), "{told}");
}

#[test]
fn people_of_one_name_in_one_sentence_are_told_apart_though_nobody_else_is_known() {
    let [one, other] =
        [1, 2].map(|byte| Person { name: "guest".into(), fingerprint: Fingerprint([byte; 32]) });
    let joined = RoomLogItem::Joined { who: one.clone(), by: Some(other.clone()) };
    assert_eq!(happening(&joined, None, None), "guest#0101 joined by an invite of guest#0202.");
    let removed = RoomLogItem::Left { who: one.clone(), by: other.clone() };
    assert_eq!(happening(&removed, None, None), "guest#0101 was removed by guest#0202.");
    let own = RoomLogItem::Joined { who: one.clone(), by: Some(one) };
    assert_eq!(happening(&own, None, None), "guest joined by an invite of guest.", "a second device");
}

#[test]
fn people_who_had_one_name_are_told_apart_in_what_was_and_we_are_you() {
    let person = |name: &str, byte| Person { name: name.into(), fingerprint: Fingerprint([byte; 32]) };
    let renamed = RoomLogItem::Renamed { who: person("Bob", 2), was: "guest".into() };
    let mut past = Namesakes::default();
    assert!(!past.add_all(&[person("guest", 2), person("Bob", 2), person("guest", 2)]));
    let among = Among { past: Some(&past), ..Among::default() };
    assert_eq!(happening(&renamed, None, among), "guest is called Bob from now on.");
    assert!(past.add(&person("Guest", 3)), "from now on there are two");
    let among = Among { past: Some(&past), ..Among::default() };
    assert_eq!(happening(&renamed, None, among), "guest#0202 is called Bob from now on.");
    assert_eq!(name(&person("guest", 2), among), "guest#0202");
    assert_eq!(name(&person("Guest", 3), among), "Guest#0303");
    let ours = Among { me: Some(Fingerprint([2; 32])), ..among };
    assert_eq!(happening(&renamed, None, ours), "You are Bob from now on.");
}

#[test]
fn more_names_than_are_kept_still_leave_members_told_apart() {
    let view = view(&[("bob", 1), ("bob", 2)]);
    let mut past = Namesakes::default();
    let many = (0..10_000_u32)
        .map(|number| Person { name: format!("flood{number}"), fingerprint: Fingerprint([9; 32]) });
    past.add_all(&many.collect::<Vec<_>>());
    assert!(!past.is_whole());
    let among = Among { view: Some(&view), past: Some(&past), ..Among::default() };
    assert_eq!(name(&view.members[0].person, among), "bob#0101");
}

#[test]
fn length_of_time_is_said_in_its_largest_whole_unit() {
    for (seconds, text) in [(1, "1 second"), (90, "90 seconds"), (3_600, "1 hour"), (1_209_600, "2 weeks")] {
        assert_eq!(duration(seconds), text);
    }
}

#[test]
fn ambiguous_name_kicks_nobody() {
    let view = view(&[("bob", 1), ("bob", 2), ("eve", 3)]);
    let failure = find(&view, "bob").unwrap_err();
    assert!(failure.remedy.contains("bob#0101") && failure.remedy.contains("bob#0202"), "{failure:?}");
    assert_eq!(find(&view, "bob#0202").unwrap().fingerprint.0[0], 2);
    assert_eq!(find(&view, "01010101").unwrap().fingerprint.0[0], 1);
    // As it stands where another eve, who has gone, was named as well; and not of somebody else.
    assert_eq!(find(&view, "eve#0303").unwrap().fingerprint.0[0], 3);
    assert_eq!(find(&view, "eve#0202").unwrap_err().code, "not_found");
    assert_eq!(find(&view, "eve").unwrap().fingerprint.0[0], 3);
    assert_eq!(find(&view, "mallory").unwrap_err().code, "not_found");
}

#[test]
fn fingerprint_of_one_never_means_a_namesake_of_it() {
    // Somebody took another one's fingerprint as a display name.
    let view = view(&[("0202020202020202", 1), ("victim", 2)]);
    assert_eq!(find(&view, "0202020202020202").unwrap().fingerprint.0[0], 2);
}

#[test]
fn device_that_is_to_be_kicked_is_told_from_a_person() {
    let mut view = view(&[("bob", 1), ("eve", 3)]);
    view.members[0].device =
        shared::room::Device { id: shared::identity::DeviceId([7; 16]), name: "vm".to_owned() };
    for wanted in ["vm", "VM", &"07".repeat(16), &"07".repeat(4)] {
        let failure = find(&view, wanted).unwrap_err();
        assert!(failure.message.contains("is a device of bob"), "{failure:?}");
        assert!(
            failure.remedy.contains("Name the person") && failure.remedy.contains(": bob."),
            "{failure:?}"
        );
        assert_eq!(failure.code, "not_found");
    }
    let failure = find(&view, "mallory").unwrap_err();
    assert!(failure.message.contains("Nobody here is called mallory") && failure.remedy.contains("/members"));
}
