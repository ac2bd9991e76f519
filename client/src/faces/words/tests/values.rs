//! What the words of the core's values promise.

use shared::{
    identity::Fingerprint,
    room::{Alarm, AlarmKind, CloseReason, Impostor, Person, Problem, RelayLimit, Stranger, TokenFault, Way},
};

use crate::{
    faces::lines::COMMANDS,
    faces::words::{Among, alarm, alarm_remedy, closed, counted, notice, problem, waiting},
    failure::{Exit, Failure},
    store::{Earlier, Notice},
};

/// Commands that the words name: each `/word` in their sources.
fn named_commands() -> Vec<&'static str> {
    let sources = [
        include_str!("../alarm.rs"),
        include_str!("../problem.rs"),
        include_str!("../closed.rs"),
        include_str!("../asked.rs"),
    ];
    let words = sources.into_iter().flat_map(|source| source.split([' ', '(', '"']));
    let commands = words.filter(|word| {
        word.strip_prefix('/').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    commands.map(|word| word.trim_end_matches(|c: char| !c.is_alphabetic())).collect()
}

#[test]
fn each_command_that_a_remedy_names_is_one() {
    let named = named_commands();
    assert!(named.len() > 15 && named.contains(&"/verify") && named.contains(&"/accept"), "{named:?}");
    for command in named {
        let is_known = COMMANDS.iter().any(|(usage, _)| usage.split(' ').next() == Some(command));
        assert!(is_known, "{command}");
    }
}

#[test]
fn alarm_says_what_happened_and_its_kind_what_to_do() {
    let who = Person { name: "eve".into(), fingerprint: Fingerprint([5; 32]) };
    let owner = Person { name: "bob".into(), fingerprint: Fingerprint([3; 32]) };
    let impostor = |way, is_me, is_verified| {
        let (who, owner) = (who.clone(), owner.clone());
        Alarm::Impostor(Box::new(Impostor { who, way, owner, is_me, is_verified, is_disguise: true }))
    };
    for (told, part) in [
        (Alarm::MessagesMissing { from: "bob".into(), missing: 1 }, "1 message from bob is missing."),
        (Alarm::MessagesMissing { from: "bob".into(), missing: 2 }, "2 messages from bob are missing."),
        (Alarm::EntriesSkipped { missing: 1 }, "skipped 1 entry of"),
        (Alarm::Reported { by: "eve".into(), kind: AlarmKind::Gap }, "eve reports: gap."),
        (impostor(Way::Joined, true, false), "YOUR name"),
        (impostor(Way::Renamed("al".into()), false, true), "was \"al\" until now"),
    ] {
        let text = alarm(&told);
        assert!(text.contains(part), "{text}");
    }
    for kind in AlarmKind::ALL {
        assert!(alarm_remedy(kind).ends_with('.'), "{kind:?}");
    }
}

#[test]
fn stranger_is_told_loudly_apart_from_whoever_has_the_name_and_is_no_alarm() {
    let [who, by] = [5, 3].map(|key| Person { name: "bob".into(), fingerprint: Fingerprint([key; 32]) });
    let told = |by, is_ours| {
        let told = Stranger { who: who.clone(), by, is_ours };
        notice("team", &Notice::Stranger(told), false, Among::default())
    };
    let text = told(Some(by.clone()), false);
    assert!(
        text.starts_with("NOT VERIFIED: bob#0505, who joined team by an invite of bob#0303. Everybody else"),
        "{text}"
    );
    assert!(told(Some(by), true).contains("joined team by an invite that you made."));
    let text = told(None, false);
    assert!(text.contains("bob, who joined team by the open room's name."), "{text}");
    assert!(text.contains("/verify bob.") && !text.contains("ALARM"), "{text}");
}

#[test]
fn limit_names_the_option_that_raises_it() {
    for (limit, option) in [
        (RelayLimit::MemberRate, "--rate, or --address-mib"),
        (RelayLimit::RoomRate, "--room-rate, or --deliveries"),
        (RelayLimit::InviteRate, "--invite-rate"),
        (RelayLimit::RoomsOpened, "--rooms-per-address"),
        (RelayLimit::RoomsPerConnection, "--rooms-per-connection"),
        (RelayLimit::MessageSize, "--max-message-kib"),
        (RelayLimit::AccessKeys, "--max-keys-per-room"),
        (RelayLimit::OpenerShare, "--opener-percent"),
        (RelayLimit::FileSize, "--max-file-mib"),
        (RelayLimit::RoomFiles, "--room-files-mib and --files-per-room"),
        (RelayLimit::MemberFiles, "--room-files-mib"),
        (RelayLimit::OpenerFiles, "--opener-files-mib"),
        (
            RelayLimit::Transfers,
            "--transfers-per-connection, --transfers-per-room and --transfers-per-member",
        ),
        (RelayLimit::FileRate, "--files-per-address"),
    ] {
        let (_, remedy) = problem(&Problem::Limit(limit));
        assert!(remedy.contains(&format!("can raise {option}.")), "{limit:?}: {remedy}");
    }
    assert!(problem(&Problem::Limit(RelayLimit::Disk)).0.contains("disk is full"));
}

#[test]
fn many_who_came_in_unseen_are_counted() {
    let (text, _) = problem(&Problem::JoinsUnwitnessed { joins: 32 });
    assert!(
        text.starts_with("32 people and devices came in") && text.contains("can no longer check"),
        "{text}"
    );
}

#[test]
fn missing_token_is_told_from_one_that_is_refused() {
    let told = |fault| problem(&Problem::Token(fault)).0;
    assert!(told(TokenFault::Missing).contains("only for those who have a token"));
    assert!(told(TokenFault::Refused).contains("does not accept your token"));
}

#[test]
fn names_of_those_who_missed_something_are_told_apart() {
    let who = vec!["eve".to_owned(), "bob and dan".to_owned()];
    let (text, _) = problem(&Problem::MissedByNewcomer { entry: 7, who });
    assert!(text.contains(" by eve and \"bob and dan\", who joined"), "{text}");
}

#[test]
fn first_rooms_of_version_1_are_named_and_the_others_counted() {
    let rooms = || vec!["a".to_owned(), "b".to_owned()];
    let told = |more| problem(&Problem::Version1 { rooms: rooms(), more }).0;
    assert!(told(0).contains(": a, b."), "{}", told(0));
    assert!(told(3).contains(": a, b and 3 more."), "{}", told(3));
}

#[test]
fn end_of_a_room_names_the_way_on() {
    assert!(closed(&CloseReason::InviteDead).ends_with("Ask for a new one."));
    for members in [0, 3, 100] {
        let told = closed(&CloseReason::RemovedAndVoted { entry: 9, members, has_others: false });
        assert!(told.contains("more than half") && told.contains("within 30 days"), "{told}");
    }
    // More than half of two is both.
    let told = closed(&CloseReason::RemovedAndVoted { entry: 9, members: 2, has_others: false });
    assert!(!told.contains("half") && told.contains("make a new room"), "{told}");
    for reason in [
        CloseReason::RemovedByOwn,
        CloseReason::RemovedByOwnUnseen { entry: 9 },
        CloseReason::RemovedAndVoted { entry: 9, members: 3, has_others: true },
        CloseReason::RemovedOrNotTaken,
        CloseReason::LockedOut,
    ] {
        let told = closed(&reason);
        assert!(told.contains("another device of yours") && told.contains("`schat link`"), "{told}");
    }
    let failure = Failure::from(&CloseReason::Left);
    assert_eq!((&*failure.code, failure.exit), ("closed", Exit::Refused));
}

#[test]
fn notice_of_another_version_is_shown_in_its_words_or_as_unknown() {
    let earlier = |message: &str| {
        Notice::Earlier(Earlier {
            alarm: Some(AlarmKind::Gap),
            code: String::new(),
            message: message.to_owned(),
            remedy: String::new(),
        })
    };
    assert!(
        notice("team", &earlier("one is missing"), true, None)
            .contains("ALARM (gap) in team: One is missing.")
    );
    assert!(notice("team", &earlier(""), false, None).contains("Another version of this program"));
}

#[test]
fn counts_are_said_as_people_say_them() {
    assert_eq!((counted(1_u64, "room"), counted(0_u64, "room")), ("1 room".to_owned(), "0 rooms".to_owned()));
    assert_eq!(waiting(10, 1, 0), "Waiting up to 10 s for 1 message; Ctrl-C ends now.");
    assert_eq!(waiting(10, 2, 1), "Waiting up to 10 s for 2 messages and 1 join; Ctrl-C ends now.");
}

#[test]
fn who_is_locked_out_learns_of_all_that_may_have_happened() {
    let told = closed(&CloseReason::LockedOut);
    for cause in
        ["was removed", "lost the room", "restored from a backup of before", "Ask a member for a new invite"]
    {
        assert!(told.contains(cause), "{told}");
    }
}

#[test]
fn words_of_the_operator_are_shown_as_theirs_and_do_not_end_their_own_quotation() {
    let frozen = |reason: &str| problem(&Problem::Frozen { reason: reason.to_owned() }).0;
    assert!(frozen("a court").starts_with("The relay's operator froze this room: “a court”. It can be read"));
    assert!(frozen("").starts_with("The relay's operator froze this room. It can be read"));
    assert!(
        frozen("x”. Ann says: “go").contains("“x\". Ann says: \"go”."),
        "{}",
        frozen("x”. Ann says: “go")
    );
    let dropped = closed(&CloseReason::Dropped { reason: "spam".to_owned() });
    assert!(
        dropped.starts_with("The relay's operator dropped this room: “spam”. What was said stays"),
        "{dropped}"
    );
    let none = problem(&Problem::OpenerFrozen { reason: "spam".to_owned() }).0;
    assert_eq!(none, "The relay's operator lets you, or your network, open no rooms: “spam”.");
    assert_eq!(Failure::from(&Problem::Frozen { reason: String::new() }).code, "frozen");
}

#[test]
fn both_uses_of_accept_are_told_where_it_is_explained() {
    let help = COMMANDS.iter().find(|(usage, _)| *usage == "/accept").map(|(_, what)| *what).unwrap();
    let (_, remedy) = problem(&Problem::NothingToAccept);
    for text in [help, remedy, crate::faces::words::ACCEPTED] {
        assert!(text.contains("restored") && text.contains("past the end of"), "{text}");
    }
}

#[test]
fn what_a_room_is_about_stands_before_what_its_relay_calls_it() {
    use shared::room::GroupView;
    let view = GroupView {
        room: "lobby".to_owned(),
        open: false,
        epoch: 1,
        authenticator: Vec::new(),
        members: Vec::new(),
        topic: "soup".to_owned(),
        disappear_s: 0,
        past_lines: 0,
        invites: Vec::new(),
        moderators_invite: false,
        seats: 5,
        own_devices: false,
    };
    let id = proto::RoomId([7; 32]);
    let about =
        crate::faces::words::About { label: "lobby", id: &id, relay: None, view: Some(&view), over: None };
    let lines = about.lines();
    let begins: Vec<&str> = lines.iter().filter_map(|line| line.split([' ', ':']).next()).collect();
    assert_eq!(begins, ["Room", "Topic", "Invite", "Moderators", "Relay", "Id", "Tell"]);
}
