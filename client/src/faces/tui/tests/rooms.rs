//! Several rooms, and what happens behind somebody's back.

use super::*;

#[test]
fn message_elsewhere_counts_until_the_room_is_looked_at() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    happens(&mut app, "team", message(1, person("bob", 2), "ann?"));
    happens(&mut app, "team", message(2, person("bob", 2), "anyone"));
    let counts = |app: &App| {
        let team = app.panes.iter().find(|pane| pane.label == "team").unwrap();
        (team.unread, team.mentions)
    };
    assert_eq!(counts(&app), (2, 1));
    press(&mut app, KeyCode::Char('a'), KeyModifiers::ALT);
    assert_eq!((app.current(), counts(&app)), (Some("team"), (0, 0)));
}

#[test]
fn news_are_only_for_who_looks_elsewhere() {
    let mut app = in_lobby();
    let told = |app: &mut App| app.take_news().into_iter().map(|news| news.mentions).collect::<Vec<_>>();
    happens(&mut app, "lobby", message(1, person("bob", 2), "ann!"));
    assert!(told(&mut app).is_empty());
    app.input(Input::FocusLost);
    happens(&mut app, "lobby", message(2, person("bob", 2), "hello"));
    happens(&mut app, "lobby", message(3, person("bob", 2), "ann!"));
    happens(&mut app, "lobby", message(4, person("ann", 1), "mine"));
    assert_eq!(told(&mut app), [false, true]);
    assert!(told(&mut app).is_empty());
    app.input(Input::FocusGained);
    happens(&mut app, "lobby", message(5, person("bob", 2), "ann!"));
    assert!(told(&mut app).is_empty());
}

#[test]
fn muted_room_and_old_messages_are_no_news() {
    let mut app = in_lobby();
    app.input(Input::FocusLost);
    happens(&mut app, "lobby", engine::Event::CatchingUp { done: 1, total: 9 });
    happens(&mut app, "lobby", message(1, person("bob", 2), "ann!"));
    assert!(app.take_news().is_empty());
    happens(&mut app, "lobby", engine::Event::CatchingUp { done: 9, total: 9 });
    let status = crate::runtime::RoomStatus {
        label: "lobby".into(),
        id: proto::RoomId([7; 32]),
        relay: None,
        view: Some(view("lobby", false).into()),
        is_verified: false,
        over: None,
        is_muted: true,
        is_pinned: false,
    };
    app.show_rooms(&[status]);
    happens(&mut app, "lobby", message(2, person("bob", 2), "ann!"));
    assert!(app.take_news().is_empty());
    assert!(screen(&mut app, 80, 12)[0].contains("muted"));
}

#[test]
fn switcher_finds_a_room_by_a_part_of_its_name() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    press(&mut app, KeyCode::Char('k'), KeyModifiers::CONTROL);
    type_line(&mut app, "ea");
    assert_eq!(app.current(), Some("team"));
}

#[test]
fn reading_above_is_not_disturbed_by_what_is_said() {
    let mut app = in_lobby();
    (1..=60)
        .for_each(|seq| happens(&mut app, "lobby", message(seq, person("bob", 2), &format!("line {seq}"))));
    screen(&mut app, 80, 14);
    key(&mut app, KeyCode::PageUp);
    let before = screen(&mut app, 80, 14);
    assert!(before.join("\n").contains("line 50"), "{before:?}");
    happens(&mut app, "lobby", message(61, person("bob", 2), "news"));
    let after = screen(&mut app, 80, 14);
    assert_eq!(before[1..12], after[1..12]);
}

#[test]
fn invite_link_can_be_copied_and_any_other_key_closes_it() {
    let mut app = in_lobby();
    app.overlay = Some(app::Overlay::Link("schat://h:1/#x".into()));
    assert!(text(&mut app, 80, 24).contains("schat://h:1/#x"));
    let copied = key(&mut app, KeyCode::Char('c'));
    assert_eq!(copied, [Effect::Copy("schat://h:1/#x".into())]);
    key(&mut app, KeyCode::Esc);
    assert_eq!(app.overlay, None);
}

#[test]
fn invite_link_is_shown_to_its_end_or_not_at_all() {
    let link = format!("schat://relay.example:4433/#{}", "abcdefgh".repeat(20));
    let mut app = in_lobby();
    app.overlay = Some(app::Overlay::Link(link.clone().into()));
    let alert = "ALARM (fork): something is wrong with the room, and this says so at some length.";
    let heights = [4, 6, 8, 9, 10, 12, 15, 24, 50];
    for alert in [None, Some(alert.to_owned())] {
        app.alert = alert;
        for (width, height) in
            (3..60).step_by(4).flat_map(|width| heights.into_iter().map(move |height| (width, height)))
        {
            let rows = screen(&mut app, width, height);
            let (all, shown) = (rows.concat(), rows.join(" "));
            assert!(all.contains(&link) || !all.contains("schat://relay"), "{width}x{height}: {rows:#?}");
            let says = all.contains(&link) || shown.contains("c copies it");
            assert!(says || width < 21 || height < 15, "{width}x{height}: {rows:#?}");
        }
    }
    app.alert = None;
    assert!(screen(&mut app, 40, 10).concat().contains(&link), "the explanation goes first");
    assert!(text(&mut app, 40, 7).contains("too small for the link"), "{}", text(&mut app, 40, 7));
    assert!(text(&mut app, 59, 50).contains("Anybody with this link"), "{}", text(&mut app, 59, 50));
}

#[test]
fn command_that_is_typed_over_a_link_is_whole() {
    let link = app::Overlay::Link("schat://h:1/#x".into());
    for overlay in [link.clone(), app::Overlay::Code("schat://h:1/#x".into())] {
        let mut app = in_lobby();
        app.overlay = Some(overlay);
        assert_eq!(type_line(&mut app, "/kick dan"), [Effect::Line("/kick dan".into())]);
        assert_eq!(app.overlay, None);
    }
    let mut app = in_lobby();
    app.overlay = Some(link.clone());
    app.input(Input::Paste("/kick dan".into()));
    assert_eq!((app.editor.text(), &app.overlay), ("/kick dan", &None));
    // What types nothing only closes it, and the other view goes back to it.
    for code in [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Up] {
        let mut app = in_lobby();
        app.overlay = Some(link.clone());
        key(&mut app, code);
        assert_eq!((app.editor.text(), &app.overlay), ("", &None));
        app.overlay = Some(app::Overlay::Code("schat://h:1/#x".into()));
        key(&mut app, code);
        assert_eq!((app.editor.text(), &app.overlay), ("", &Some(link.clone())));
    }
    // Where a message is chosen its letters are keys.
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("ann", 1), "mine"));
    key(&mut app, KeyCode::Esc);
    app.overlay = Some(link);
    key(&mut app, KeyCode::Char('d'));
    assert_eq!((app.editor.text(), &app.overlay), ("", &None));
}

#[test]
fn happening_of_the_past_is_in_its_place_once_and_not_unread() {
    use crate::store::{Happening, Item, RoomLogItem};
    let mut app = in_lobby();
    app.go("elsewhere");
    happens(&mut app, "lobby", engine::Event::MemberJoined { who: person("bob", 2), by: None });
    happens(&mut app, "lobby", message(3, person("bob", 2), "hello"));
    assert_eq!(app.panes.iter().find(|pane| pane.label == "lobby").unwrap().unread, 1);
    app.go("lobby");
    let joined = Happening {
        seq: Some(2),
        at: NOON,
        expires: None,
        what: RoomLogItem::Joined { who: person("bob", 2), by: None },
    };
    let page = vec![Item::Line(plain(1, person("eve", 3), "before").into()), Item::Happening(joined)];
    let older = app::Wanted::Older { room: "lobby".into(), before: 3 };
    app.take_page(&older, page);
    let text = text(&mut app, 100, 24);
    assert_eq!(text.matches("bob joined").count(), 1, "{text}");
    let at = |what| text.find(what).unwrap();
    assert!(at("eve: before") < at("bob joined") && at("bob joined") < at("bob: hello"), "{text}");
}

#[test]
fn page_of_the_past_takes_nothing_away_that_it_does_not_hold() {
    use crate::store::{Happening, Item, RoomLogItem};
    let mut app = in_lobby();
    happens(&mut app, "lobby", engine::Event::MemberJoined { who: person("bob", 2), by: None });
    happens(&mut app, "lobby", engine::Event::MemberJoined { who: person("eve", 3), by: None });
    let joined = Happening {
        seq: Some(2),
        at: NOON,
        expires: None,
        what: RoomLogItem::Joined { who: person("bob", 2), by: None },
    };
    let older = app::Wanted::Older { room: "lobby".into(), before: u64::MAX };
    app.take_page(&older, vec![Item::Happening(joined)]);
    let text = text(&mut app, 100, 24);
    assert_eq!((text.matches("bob joined").count(), text.matches("eve joined").count()), (1, 1), "{text}");
}

#[test]
fn happening_that_a_page_brought_first_is_not_shown_twice() {
    use crate::store::{Happening, Item, RoomLogItem};
    let mut app = in_lobby();
    let joins = |seq, who| Happening {
        seq: Some(seq),
        at: NOON,
        expires: None,
        what: RoomLogItem::Joined { who, by: None },
    };
    let (bob, eve) = (joins(2, person("bob", 2)), joins(4, person("eve", 3)));
    let line = |seq| Item::Line(plain(seq, person("bob", 2), "hello").into());
    let page = vec![line(1), Item::Happening(bob.clone()), line(3), Item::Happening(eve.clone())];
    app.take_page(&app::Wanted::Older { room: "lobby".into(), before: u64::MAX }, page);
    // The same again, as a start tells it; and one that is new.
    for happening in [bob, eve, joins(5, person("zoe", 4))] {
        tells(&mut app, "lobby", RoomEvent::PastHappening(happening));
    }
    let text = text(&mut app, 100, 24);
    let count = |name: &str| text.matches(&format!("{name} joined")).count();
    assert_eq!((count("bob"), count("eve"), count("zoe")), (1, 1, 1), "{text}");
}

#[test]
fn what_was_not_read_before_is_counted_once_and_kept_when_it_is_read() {
    use crate::faces::unread::Unread;
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    app.take_effects();
    app.set_unread("team", &Unread { count: 3, mentions: 1, after: 4, upto: 7 });
    let counts = |app: &App| {
        let team = app.panes.iter().find(|pane| pane.label == "team").unwrap();
        (team.unread, team.mentions)
    };
    // It was on the disk when the others were counted, and is told as well.
    happens(&mut app, "team", message(7, person("bob", 2), "ann?"));
    assert_eq!(counts(&app), (3, 1));
    happens(&mut app, "team", message(8, person("bob", 2), "ann!"));
    assert_eq!(counts(&app), (4, 2));
    app.tell_read();
    assert!(
        !app.take_effects()
            .iter()
            .any(|effect| matches!(effect, Effect::Read { room, .. } if room == "team"))
    );
    app.go("team");
    // Where it begins is not here, and nobody waits for it.
    key(&mut app, KeyCode::Left);
    app.set_now(NOON + 5_000);
    app.tell_read();
    assert!(app.take_effects().contains(&Effect::Read { room: "team".into(), seq: 8 }));
    app.set_now(NOON + 10_000);
    app.tell_read();
    assert_eq!(app.take_effects(), [], "nothing is new");
    // Whoever looks elsewhere reads nothing.
    app.input(Input::FocusLost);
    happens(&mut app, "team", message(9, person("bob", 2), "well"));
    app.keep_read();
    assert_eq!(app.take_effects(), []);
}

#[test]
fn focus_that_is_unknown_is_neither_here_nor_away() {
    let mut app = in_lobby();
    let told = |app: &mut App| app.take_news().len();
    let unread = |app: &App| app.shown().unwrap().unread;
    happens(&mut app, "lobby", message(1, person("bob", 2), "hello"));
    assert_eq!((told(&mut app), unread(&app)), (0, 0), "it has just begun");
    app.set_now(NOON + 60_000);
    for seq in 2..=5 {
        happens(&mut app, "lobby", message(seq, person("bob", 2), "still there?"));
    }
    assert_eq!((told(&mut app), unread(&app)), (4, 4), "nobody pressed a key");
    app.keep_read();
    assert_eq!(app.take_effects(), []);
    key(&mut app, KeyCode::Left);
    happens(&mut app, "lobby", message(6, person("bob", 2), "well"));
    assert_eq!((told(&mut app), unread(&app)), (0, 0), "somebody did");
    app.input(Input::FocusGained);
    app.set_now(NOON + 600_000);
    happens(&mut app, "lobby", message(7, person("bob", 2), "well"));
    assert_eq!((told(&mut app), unread(&app)), (0, 0), "the terminal says so");
}

#[test]
fn new_name_of_ones_own_is_not_told_twice() {
    let mut app = in_lobby();
    let renamed = |who: Person| engine::Event::ProfileChanged { who, was: "guest".into() };
    happens(&mut app, "lobby", renamed(person("ann", 1)));
    happens(&mut app, "lobby", renamed(person("bob", 2)));
    let text = text(&mut app, 80, 24);
    assert!(!text.contains("guest is called ann") && text.contains("guest is called bob"), "{text}");
}

#[test]
fn line_of_a_restored_relay_is_shown_although_its_number_was_another_lines() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(9, person("bob", 2), "what the relay lost"));
    happens(&mut app, "lobby", message(4, person("bob", 2), "what came then"));
    happens(&mut app, "lobby", message(5, person("bob", 2), "and more"));
    let text = text(&mut app, 100, 24);
    let at = |what| text.find(what).unwrap_or_else(|| panic!("no {what}: {text}"));
    assert!(at("what the relay lost") < at("what came then") && at("what came then") < at("and more"));
}

#[test]
fn topic_stands_last_in_the_head_and_passes_for_nothing_else() {
    let mut app = app();
    let about = |topic: &str| GroupView { topic: topic.to_owned(), ..view("lobby", true) };
    happens(&mut app, "lobby", engine::Event::Joined(about("soup · muted")));
    let open = " lobby · OPEN: anybody who knows the name can read this";
    assert_eq!(screen(&mut app, 100, 12)[0].trim_end(), format!("{open} · “soup - muted”"));
    happens(&mut app, "lobby", engine::Event::Epoch(about("soup” · ⏱ 1 day · “x")));
    assert_eq!(screen(&mut app, 100, 12)[0].trim_end(), format!("{open} · “soup' - - 1 day - 'x”"));
    happens(&mut app, "lobby", engine::Event::Epoch(about("soup · muted")));
    assert_eq!(
        screen(&mut app, 56, 12)[0].chars().take(50).collect::<String>(),
        open.chars().take(50).collect::<String>()
    );
    assert!(text(&mut app, 100, 12).contains("- Topic: soup · muted"));
    happens(&mut app, "lobby", engine::Event::Epoch(about("")));
    let by = person("ann", 1);
    happens(&mut app, "lobby", engine::Event::Topic { by, text: String::new() });
    assert!(!screen(&mut app, 100, 12)[0].contains('“'));
    assert!(text(&mut app, 100, 12).contains("- ann took the topic away."));
}

#[test]
fn room_that_is_muted_or_pinned_elsewhere_is_so_on_the_screen() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    assert!(!screen(&mut app, 80, 12)[0].contains("muted"));
    tells(&mut app, "lobby", RoomEvent::Listed { is_muted: true, is_pinned: false });
    tells(&mut app, "team", RoomEvent::Listed { is_muted: false, is_pinned: true });
    assert!(screen(&mut app, 80, 12)[0].contains("muted"));
    assert_eq!(app.by_activity()[0].label, "team");
    tells(&mut app, "lobby", RoomEvent::Listed { is_muted: false, is_pinned: false });
    assert!(!screen(&mut app, 80, 12)[0].contains("muted"));
    // One that was left does not come back on the screen by that.
    tells(&mut app, "left", RoomEvent::Listed { is_muted: true, is_pinned: true });
    assert!(app.panes.iter().all(|pane| pane.label != "left"));
}

#[test]
fn code_of_a_device_is_a_page_that_goes_when_the_linking_goes_on() {
    use crate::runtime::LinkNews;
    use shared::invite::{InviteSecret, link};
    let secret = InviteSecret::from_bytes([3; 20]);
    let link = link::Link { secret, pin: Some([4; 20]) };
    let link = link::InviteLink { host: "relay.example".to_owned(), port: 4433, link };
    let (whole, code) = (link.to_string(), link.link.to_code());
    for is_new in [false, true] {
        let mut app = in_lobby();
        let news = LinkNews::Code { link: link.clone(), code: code.clone(), expires_ms: 0, is_new };
        app.event(Event::Linking(Box::new(news)), &Pending::default());
        let shown = screen(&mut app, 80, 24);
        assert!(shown.concat().contains(&whole) && shown.concat().contains(&code), "{shown:#?}");
        assert!(
            !shown.concat().contains('▀') && !shown.concat().contains("Anybody with this link"),
            "{shown:#?}"
        );
        assert_eq!(key(&mut app, KeyCode::Char('c')), [Effect::Copy(whole.clone())]);
        key(&mut app, KeyCode::Char('q'));
        assert!(matches!(app.overlay, Some(app::Overlay::Code(_))));
        app.event(Event::Linking(Box::new(LinkNews::Found)), &Pending::default());
        assert_eq!(app.overlay, None);
        let chat = text(&mut app, 140, 24);
        assert!(
            chat.contains("/link shows its code again") && chat.contains("The other device is there"),
            "{chat}"
        );
        assert!(!chat.contains("schat://"), "nothing of it stays in the chat: {chat}");
        // An invite link that is shown meanwhile stays.
        app.overlay = Some(app::Overlay::Link("schat://h:1/#x".into()));
        app.event(Event::Linking(Box::new(LinkNews::Done)), &Pending::default());
        assert!(app.overlay.is_some());
    }
}

#[test]
fn room_of_own_devices_is_in_no_list_whatever_it_tells() {
    let mut app = in_lobby();
    let reason = crate::reason::LinkReason::Nothing.into();
    tells(&mut app, "own devices~27649d", RoomEvent::Failed(reason));
    assert_eq!(app.panes.iter().map(|pane| &*pane.label).collect::<Vec<_>>(), ["lobby"]);
    assert!(text(&mut app, 140, 24).contains("No device is being linked"));
    // What people call theirs has its place.
    happens(&mut app, "own devices", engine::Event::Joined(view("own devices", false)));
    assert_eq!(app.panes.len(), 2);
}

#[test]
fn room_that_was_left_loses_the_place_of_its_pin() {
    let mut app = in_lobby();
    happens(&mut app, "team", engine::Event::Joined(view("team", false)));
    happens(&mut app, "lobby", message(1, person("bob", 2), "hello"));
    tells(&mut app, "team", RoomEvent::Listed { is_muted: false, is_pinned: true });
    assert_eq!(app.by_activity()[0].label, "team");
    app.panes.iter_mut().find(|pane| pane.label == "team").unwrap().over = Some(crate::store::Over::Left);
    assert_eq!(app.by_activity()[0].label, "lobby");
}

#[test]
fn key_of_the_camera_is_offered_where_it_shows_a_code() {
    let mut app = in_lobby();
    app.overlay = Some(app::Overlay::Link(format!("schat://relay.example:4433/#{}", "x".repeat(54)).into()));
    for (size, is_offered) in [((80, 40), true), ((60, 12), false)] {
        let shown = text(&mut app, size.0, size.1);
        assert_eq!(shown.contains("q shows it"), is_offered, "{size:?}:\n{shown}");
    }
}

#[test]
fn last_moderator_is_one_with_all_devices() {
    let is_last = crate::faces::execute::is_last_moderator;
    let mut view = view("lobby", false);
    view.members[0].is_moderator = true;
    assert!(is_last(&view));
    let phone = Member { me: false, ..view.members[0].clone() };
    view.members.push(phone);
    assert!(is_last(&view), "another device of the same person goes as well");
    view.members[1].is_moderator = true;
    assert!(!is_last(&view));
    view.members.retain(|member| member.person.name == "ann");
    assert!(!is_last(&view), "nobody is left behind");
}
