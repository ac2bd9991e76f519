//! What people know from other programs: help that is searched, quotes, links that open, actions.

use super::{
    super::{
        app::{Details, Kind, Overlay, Row, Telling},
        editor::Editor,
    },
    *,
};
use crate::store::{Happening, Notice, RoomLogItem};

fn talked() -> App {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "soup?\nat eight"));
    happens(&mut app, "lobby", message(2, person("ann", 1), "see https://a.example/x"));
    app
}

fn alt(app: &mut App, c: char) -> Vec<Effect> {
    press(app, KeyCode::Char(c), KeyModifiers::ALT)
}

#[test]
fn line_of_somebody_whose_name_another_turns_out_to_have_had_is_shown_with_the_digits() {
    let mut app = app();
    tells(&mut app, "lobby", RoomEvent::Past(plain(1, person("guest", 0x1f), "one").into()));
    let renamed = RoomLogItem::Renamed { who: person("Bob", 0x1f), was: "guest".into() };
    let happening = Happening { seq: Some(2), at: NOON, expires: None, what: renamed };
    tells(&mut app, "lobby", RoomEvent::PastHappening(happening));
    app.go("lobby");
    let shown = text(&mut app, 100, 12);
    assert!(shown.contains("guest: one") && shown.contains("guest is called Bob"), "{shown}");
    tells(&mut app, "lobby", RoomEvent::Past(plain(3, person("guest", 0x2a), "two").into()));
    let shown = text(&mut app, 100, 12);
    for wanted in ["guest#1f1f: one", "guest#1f1f is called Bob", "guest#2a2a: two"] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
}

#[test]
fn stranger_in_a_verified_room_is_told_loudly_and_raises_no_alarm() {
    let mut app = in_lobby();
    let stranger = engine::Stranger { who: person("eve", 3), by: Some(person("bob", 2)), is_ours: false };
    let notice = Notice::Stranger(stranger.clone());
    tells(&mut app, "lobby", RoomEvent::Notice { ordinal: 1, notice, again: false });
    assert_eq!(app.alert, None, "no banner");
    app.input(Input::FocusLost);
    let notice = Notice::Stranger(stranger);
    tells(&mut app, "lobby", RoomEvent::Notice { ordinal: 2, notice, again: false });
    assert!(app.take_news().iter().any(|news| news.mentions), "it rings");
    let shown = text(&mut app, 100, 12);
    assert!(shown.contains("- NOT VERIFIED: eve, who joined lobby by an invite of"), "{shown}");
    assert!(!shown.contains("ALARM") && !shown.contains("! NOT"), "{shown}");
    let mut rows = app.panes.iter().flat_map(|pane| &pane.rows);
    assert!(
        rows.any(|row| matches!(row, Row::Note { kind: Kind::Loud, .. })),
        "in the colour of alarms, and bold"
    );
}

#[test]
fn help_is_searched_by_typing_and_says_when_nothing_fits() {
    let mut app = in_lobby();
    key(&mut app, KeyCode::F(1));
    types(&mut app, "Remove member");
    let found = text(&mut app, 100, 24);
    assert!(found.contains("/kick NAME|FINGERPRINT") && found.contains("Invites and roles"), "{found}");
    assert!(!found.contains("/join") && !found.contains("Ctrl+K"), "{found}");
    types(&mut app, " zebra");
    assert!(text(&mut app, 100, 24).contains("Nothing has these words."));
    (0.." zebra".len()).for_each(|_| drop(key(&mut app, KeyCode::Backspace)));
    assert!(text(&mut app, 100, 24).contains("/kick"));
    key(&mut app, KeyCode::Esc);
    assert_eq!((&app.overlay, app.editor.text()), (&None, ""));
}

#[test]
fn key_tells_what_the_room_is() {
    let mut app = app();
    assert_eq!(key(&mut app, KeyCode::F(3)), [], "there is no room");
    let mut app = in_lobby();
    assert_eq!(key(&mut app, KeyCode::F(3)), [Effect::Line("/info".to_owned())]);
    app.details("Room", vec![format!("Id at the relay: {}", "07".repeat(32))]);
    let shown = text(&mut app, 100, 24);
    assert!(shown.contains(" Room: any key closes ") && shown.contains(&"07".repeat(32)), "{shown}");
}

#[test]
fn help_has_every_command_and_every_key_in_a_group() {
    let mut app = in_lobby();
    key(&mut app, KeyCode::F(1));
    let Some(Overlay::Help(help)) = app.overlay.clone() else { panic!("no help") };
    let sections = app.sections(&help);
    let rows: Vec<&str> =
        sections.iter().flat_map(|(_, rows)| rows.iter().map(|(what, _)| what.as_str())).collect();
    for (usage, _) in crate::faces::lines::COMMANDS {
        assert!(rows.contains(usage), "{usage}");
    }
    for bound in app.keys.help() {
        assert!(rows.contains(&bound.keys.as_str()), "{}", bound.keys);
    }
}

#[test]
fn question_mark_explains_the_screen_and_leads_back_to_it() {
    // Where nothing is typed it is a key, and what works there comes first.
    let mut app = talked();
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('?'));
    assert!(
        screen(&mut app, 100, 24)[3].contains("Keys: a message is chosen"),
        "{}",
        text(&mut app, 100, 24)
    );
    key(&mut app, KeyCode::Char('?'));
    assert!(app.overlay.is_none() && app.chosen().is_some(), "back where it was asked");
    let details = Details { title: "Message", lines: vec!["From: ann".into()], scroll: 0 };
    for (overlay, title) in [
        (Overlay::Link("schat://h:1/#x".into()), "A link"),
        (Overlay::Delete(id(2)), "Deleting a message"),
        (Overlay::Details(details), "What is told"),
    ] {
        app.overlay = Some(overlay.clone());
        assert_eq!(key(&mut app, KeyCode::Char('?')), [], "{title}");
        assert!(screen(&mut app, 100, 24)[3].contains(title), "{title}");
        key(&mut app, KeyCode::Esc);
        assert_eq!(app.overlay, Some(overlay));
    }
    // Where text is typed it is text, and F1 is the key.
    let typed = |app: &App| match &app.overlay {
        Some(Overlay::Switcher(text, 0)) => text.text().to_owned(),
        other => panic!("{other:?}"),
    };
    app.overlay = Some(Overlay::Switcher(Editor::default(), 0));
    key(&mut app, KeyCode::Char('?'));
    assert_eq!(typed(&app), "?");
    key(&mut app, KeyCode::F(1));
    assert!(text(&mut app, 100, 24).contains("Going to a room"));
    key(&mut app, KeyCode::F(1));
    assert_eq!(typed(&app), "?");
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Esc);
    types(&mut app, "?");
    assert_eq!((&app.overlay, app.editor.text()), (&None, "?"), "in the input it is a message");
    let mut new = super::app();
    key(&mut new, KeyCode::Char('?'));
    assert!(matches!(new.overlay, Some(Overlay::Help(_))), "the first screen");
}

#[test]
fn quote_has_every_line_and_answers_the_message() {
    let mut app = talked();
    types(&mut app, "yes");
    alt(&mut app, 'q');
    assert_eq!(app.editor.text(), "> soup?\n> at eight\nyes");
    let effects = type_line(&mut app, "!");
    let answer = Telling::Reply { to: id(1), text: "> soup?\n> at eight\nyes!".into() };
    assert_eq!(effects, [Effect::Tell { room: "lobby".into(), what: answer }]);
    // Of a chosen one, by a letter.
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('q'));
    assert_eq!(app.editor.text(), "> see https://a.example/x\n");
    key(&mut app, KeyCode::Esc);
    let mut alone = in_lobby();
    alt(&mut alone, 'q');
    assert!(alone.alert.is_some() && alone.editor.text().is_empty());
}

#[test]
fn link_opens_only_after_a_yes_and_where_it_goes_is_shown() {
    let mut app = in_lobby();
    let links = "https://аpple.com/ http://user@b.example/ schat://h:1/#x https://b.example/";
    happens(&mut app, "lobby", message(1, person("bob", 2), links));
    let ask = |app: &mut App| {
        app.selected = Some(id(1));
        key(app, KeyCode::Char('o'))
    };
    assert_eq!(ask(&mut app), []);
    let shown = text(&mut app, 100, 24);
    assert!(shown.contains("https://xn--pple-43d.com/") && shown.contains("goes to b.example"), "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with('│') && line.contains("schat://")), "{shown}");
    assert_eq!(key(&mut app, KeyCode::Enter), [], "Enter is no yes");
    assert_eq!(app.overlay, None);
    ask(&mut app);
    text(&mut app, 100, 24);
    assert_eq!(key(&mut app, KeyCode::Char('y')), [Effect::Open("https://xn--pple-43d.com/".into())]);
    ask(&mut app);
    (0..9).for_each(|_| drop(key(&mut app, KeyCode::Down)));
    text(&mut app, 100, 24);
    assert_eq!(key(&mut app, KeyCode::Char('y')), [Effect::Open("https://b.example/".into())]);
    happens(&mut app, "lobby", message(2, person("bob", 2), "schat://h:1/#x and no other"));
    app.selected = Some(id(2));
    key(&mut app, KeyCode::Char('o'));
    assert!(app.overlay.is_none() && app.alert.is_some());
}

#[test]
fn many_or_long_links_can_be_drawn_and_the_chosen_one_is_seen() {
    let mut app = in_lobby();
    let links: Vec<String> = (0..500).map(|n| format!("https://a.example/{n}")).collect();
    let long = format!("https://b.example/{}", "x".repeat(9_000));
    happens(&mut app, "lobby", message(1, person("bob", 2), &format!("{} {long}", links.join(" "))));
    app.selected = Some(id(1));
    key(&mut app, KeyCode::Char('o'));
    (0..99).for_each(|_| drop(key(&mut app, KeyCode::Down)));
    for (width, height) in [(1, 1), (20, 5), (80, 24)] {
        screen(&mut app, width, height);
    }
    assert!(text(&mut app, 80, 24).contains("https://a.example/63"));
}

#[test]
fn action_is_shown_as_one_and_can_be_edited() {
    let mut app = in_lobby();
    happens(&mut app, "lobby", message(1, person("bob", 2), "/me waves at ann\nbob: and I agree"));
    let rows = screen(&mut app, 60, 10);
    assert!(rows.iter().any(|row| row.ends_with("12:01 * bob waves at ann")), "{rows:?}");
    let second = rows.iter().find(|row| row.contains("and I agree")).unwrap();
    assert!(second.contains("            bob: and I agree"), "no line break fakes a speaker: {second}");
    assert_eq!(type_line(&mut app, "/me nods"), [Effect::Line("/me nods".into())]);
    happens(&mut app, "lobby", message(2, person("ann", 1), "/me nods"));
    key(&mut app, KeyCode::Esc);
    key(&mut app, KeyCode::Char('e'));
    assert_eq!(app.editor.text(), "/me nods");
    let edit = Telling::Edit { target: id(2), text: "/me nods!".into() };
    assert_eq!(type_line(&mut app, "!"), [Effect::Tell { room: "lobby".into(), what: edit }]);
}

#[test]
fn person_whose_key_changed_is_one_and_two_living_ones_of_a_name_are_two() {
    let changed = |view: GroupView| GroupView {
        members: view
            .members
            .into_iter()
            .map(|member| match member.person.name.as_str() {
                "bob" => Member { person: person("bob", 9), replaces: Some(Fingerprint([2; 32])), ..member },
                _ => member,
            })
            .collect(),
        ..view
    };
    // Live, and by a later start that reads the past before it knows the group, or has no group at all.
    for start in [0, 1, 2] {
        let mut app = app();
        let what = RoomLogItem::KeyChanged { who: person("bob", 9), was: Fingerprint([2; 32]) };
        if start == 0 {
            happens(&mut app, "lobby", engine::Event::Joined(view("lobby", false)));
            happens(&mut app, "lobby", message(1, person("bob", 2), "before"));
            let event = engine::Event::KeyChanged { who: person("bob", 9), was: Fingerprint([2; 32]) };
            happens(&mut app, "lobby", event);
            happens(&mut app, "lobby", engine::Event::Epoch(changed(view("lobby", false))));
            happens(&mut app, "lobby", message(3, person("bob", 9), "after"));
        } else {
            tells(&mut app, "lobby", RoomEvent::Past(plain(1, person("bob", 2), "before").into()));
            if start == 2 {
                let happening = Happening { seq: Some(2), at: NOON, expires: None, what };
                tells(&mut app, "lobby", RoomEvent::PastHappening(happening));
            }
            tells(&mut app, "lobby", RoomEvent::Past(plain(3, person("bob", 9), "after").into()));
            if start == 1 {
                happens(&mut app, "lobby", engine::Event::Joined(changed(view("lobby", false))));
            }
        }
        app.go("lobby");
        let shown = text(&mut app, 100, 20);
        assert!(shown.contains("bob: before") && shown.contains("bob: after"), "{start}: {shown}");
        assert!(!shown.contains("bob#"), "{start}: {shown}");
        // One who is here with the key that was replaced, and another one.
        for (byte, tag) in [(2, "bob#0202: I"), (7, "bob#0707: I")] {
            let mut view = changed(view("lobby", false));
            let other = Member { person: person("bob", byte), leaf: 9, ..view.members[0].clone() };
            view.members.push(Member { me: false, ..other });
            happens(&mut app, "lobby", engine::Event::Epoch(view));
            happens(&mut app, "lobby", message(u64::from(byte) + 10, person("bob", byte), "I"));
            let shown = text(&mut app, 100, 24);
            assert!(shown.contains(tag) && shown.contains("bob#0909: after"), "{start}: {shown}");
        }
    }
}
