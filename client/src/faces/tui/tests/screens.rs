//! What rooms look like.

use super::*;

#[test]
fn first_run_is_never_an_empty_pane() {
    for (width, height) in [(80, 24), (40, 15), (200, 50)] {
        let text = text(&mut app(), width, height);
        for way in ["Join a room", "Host a room", "Watch the demo", "F1"] {
            assert!(text.contains(way), "{way} at {width}x{height}:\n{text}");
        }
    }
}

#[test]
fn room_looks_like_this() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "hello ann, how are you?"));
    happens(&mut app, "lobby", message(2, person("ann", 1), "fine\nand you?"));
    happens(&mut app, "team", engine::Event::Joined(view("team", true)));
    happens(&mut app, "team", message(9, person("eve", 3), "psst"));
    let expected = [
        " lobby",
        "1 team 1             │",
        "2 lobby              │",
        "                     │",
        "                     │",
        "                     │- You are in lobby: 3 members, epoch 7.",
        "                     │---------- Saturday, 14 November 2026 ----------",
        "                     │12:01 bob* hello ann, how are you?",
        "                     │12:02 ann: fine",
        "                     │           and you?                            ✓",
        " Not connected · epoch 7 · 3 members · not verified · 1 new elsewhere…",
        ">",
    ];
    assert_eq!(screen(&mut app, 70, 12), expected);
}

#[test]
fn narrow_terminal_shows_the_chat_alone() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "the quick brown fox jumps over the lazy dog"));
    let rows = screen(&mut app, 40, 8);
    assert_eq!(rows[4], "12:01 bob: the quick brown fox jumps");
    assert_eq!(rows[5], "           over the lazy dog");
}

#[test]
fn wide_terminal_shows_who_is_here_and_what_they_say_of_themselves() {
    let mut app = in_lobby();
    let mut changed = view("lobby", false);
    changed.members[1].status = "on the train".into();
    changed.members[1].glyph = "🚆".into();
    changed.disappear_s = 3_600;
    happens(&mut app, "lobby", engine::Event::Epoch(changed));
    app.set_verified(|who| who.0 == [3; 32]);
    let rows = screen(&mut app, 200, 50);
    assert!(rows[0].contains("⏱ 1 hour"), "{}", rows[0]);
    let text = rows.join("\n");
    for part in [" 3 here", " ann (you)", " 🚆 bob", "   on the train", " eve ✓", "not verified"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn any_size_can_be_drawn() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("日本語の名前がとても長い人", 2), "👨‍👩‍👧 שלום e\u{301}"));
    for overlay in [KeyCode::F(2), KeyCode::F(1)] {
        key(&mut app, overlay);
        for (width, height) in [(1, 1), (2, 2), (5, 3), (40, 15), (61, 1), (80, 24), (200, 50)] {
            screen(&mut app, width, height);
        }
    }
}

#[test]
fn open_room_wears_its_label() {
    let mut app = app();
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", true)));
    assert!(screen(&mut app, 80, 10)[0].contains("OPEN"));
}

#[test]
fn status_line_says_what_goes_on() {
    let mut app = in_lobby();
    let state = crate::runtime::RelayState::Connected {
        trust: crate::transport::Trust::WebPki,
        carrier: crate::transport::Carrier::Quic,
    };
    app.event(Event::Relay { relay: "relay.example:4443".into(), state }, &Pending::default());
    app.round_trip = Some(Duration::from_millis(23));
    happens(&mut app, "lobby", engine::Event::CatchingUp { done: 240, total: 1_900 });
    let bar = |app: &mut App| screen(app, 80, 24)[22].clone();
    assert_eq!(bar(&mut app), " quic 23 ms · catching up 240/1,900 · relay.example:4443");
    happens(&mut app, "lobby", engine::Event::CatchingUp { done: 1_900, total: 1_900 });
    app.set_verified(|_| true);
    assert_eq!(bar(&mut app), " quic 23 ms · epoch 7 · 3 members · verified · relay.example:4443");
    // Another one that is not there is told of for as long as it is needed.
    let other = |app: &mut App, state| {
        app.event(Event::Relay { relay: "zzzz:443".into(), state }, &Pending::default());
    };
    let reason = crate::reason::LinkReason::NoRelay.into();
    other(&mut app, crate::runtime::RelayState::Lost { reason, retry: None });
    assert!(bar(&mut app).starts_with(" No connection to zzzz:443"), "{}", bar(&mut app));
    other(&mut app, crate::runtime::RelayState::Ended);
    assert_eq!(bar(&mut app), " quic 23 ms · epoch 7 · 3 members · verified · relay.example:4443");
}

#[test]
fn reply_edit_deletion_and_signs_are_seen() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "lunch?"));
    let reply = Message { reply_to: Some(id(1)), ..plain(2, person("ann", 1), "yes") };
    happens(&mut app, "lobby", engine::Event::Message(reply));
    happens(&mut app, "lobby", message(3, person("eve", 3), "oops"));
    let mut first = shared::message::timeline::Line::from(plain(1, person("bob", 2), "lunch at one?"));
    first.edited = Some(NOON);
    let people = vec![person("eve", 3), person("ann", 1)];
    first.reactions.push(shared::message::timeline::Reaction { emoji: "👍".into(), people });
    let mut last = shared::message::timeline::Line::from(plain(3, person("eve", 3), ""));
    last.deleted = true;
    for line in [first, last] {
        let change = engine::Alteration::Delete;
        let act =
            engine::Act { seq: 9, at: NOON, from: person("eve", 3), mine: false, target: id(1), change };
        tells(&mut app, "lobby", RoomEvent::Changed { act, line });
    }
    let expected = [
        "12:01 bob: lunch at one? (edited)",
        "      👍 2",
        "      ↳ bob: lunch at one?",
        "12:02 ann: yes                         ✓",
        "12:03 eve: (deleted)",
    ];
    assert_eq!(screen(&mut app, 40, 12)[5..10], expected);
}

#[test]
fn own_message_says_how_far_it_got() {
    let mut app = in_lobby();
    let queued = engine::Event::Queued {
        token: String::new(),
        id: id(5),
        text: "hi".into(),
        reply_to: None,
        file: None,
    };
    happens(&mut app, "lobby", queued);
    let last = |app: &mut App| screen(app, 40, 8)[5].split_whitespace().next_back().unwrap().to_owned();
    assert_eq!(last(&mut app), "…");
    happens(&mut app, "lobby", message(5, person("ann", 1), "hi"));
    assert_eq!(last(&mut app), "✓");
    let said = screen(&mut app, 40, 8).join("\n").matches("hi").count();
    assert_eq!(said, 1, "what waited is not there twice");
    for (who, seq) in [(2, 4), (3, 5)] {
        let who = person("x", who);
        happens(&mut app, "lobby", engine::Event::Seen { who, seq, mine: false });
    }
    assert!(screen(&mut app, 40, 8)[5].ends_with("✓✓ 1"));
}

#[test]
fn message_that_was_handed_over_says_by_whom() {
    let mut app = in_lobby();
    let mut line = shared::message::timeline::Line::from(plain(1, person("bob", 2), "old"));
    line.handed_by = Some(person("eve", 3));
    tells(&mut app, "lobby", RoomEvent::Past(line));
    assert!(text(&mut app, 80, 10).contains("bob: (handed over by eve, not proven) old"));
}

#[test]
fn message_whose_time_is_over_is_gone() {
    let mut app = in_lobby();
    let going = Message { disappears: Some(NOON + 5_000), ..plain(1, person("bob", 2), "secret") };
    happens(&mut app, "lobby", engine::Event::Message(going));
    assert_eq!(app.next_wake(), Some(NOON + 5_000));
    assert!(text(&mut app, 80, 10).contains("secret"));
    app.set_now(NOON + 5_000);
    assert!(!text(&mut app, 80, 10).contains("secret"));
    assert_eq!(app.next_wake(), None);
}

#[test]
fn links_of_doubtful_targets_are_marked() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "https://аpple.com/ and https://a.example/"));
    let text = text(&mut app, 90, 10);
    assert!(text.contains("https://аpple.com/ (punycode: xn--pple-43d.com) and"), "{text}");
    assert_eq!(text.matches("punycode").count(), 1, "{text}");
}

#[test]
fn twelve_hours_are_enough_for_who_wants_that() {
    let mut settings = settings();
    settings.screen.times = crate::settings::Times::Hours12;
    let mut app = app_with(settings);
    happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
    happens(&mut app, "lobby", message(61, person("bob", 2), "hi"));
    assert!(text(&mut app, 60, 8).contains("01:01 pm bob: hi"));
}
