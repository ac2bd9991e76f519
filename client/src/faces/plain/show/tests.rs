use shared::{
    identity::Fingerprint,
    room::{Message, Person},
};

use super::*;

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), fingerprint: Fingerprint([1; 32]) }
}

fn message(from: &str, text: &str) -> Line {
    Line::from(Message {
        seq: 1,
        id: [0; 16],
        at: 0,
        from: person(from),
        text: text.to_owned(),
        mine: false,
        reply_to: Some([1; 16]),
        disappears: None,
        file: None,
    })
}

#[test]
fn line_break_in_a_message_fakes_no_speaker() {
    let eve = "eve\u{1b}[2J";
    let mut line = message(eve, "hi\nann: I agree\u{202e}");
    let shown = "\"eve\\u{1b}[2J\"";
    assert_eq!(
        lines(&line, Among::default(), None),
        [format!("{shown}: hi"), "  | ann: I agree\\u{202e}".to_owned()]
    );
    assert_eq!(format(&line, None, None, None), format!("{shown}: hi ⏎ ann: I agree\\u{{202e}}"));
    assert!(format(&line, None, None, Some("team")).starts_with(&format!("[team] {shown}: hi")));
    let acts = message(eve, "/me waves\nann: I agree");
    assert_eq!(format(&acts, None, None, Some("team")), format!("[team] * {shown} waves ⏎ ann: I agree"));
    assert_eq!(
        lines(&acts, Among::default(), None),
        [format!("* {shown} waves"), "  | ann: I agree".to_owned()]
    );
    // Nor does what is answered, or what was handed over.
    let answered = line.clone();
    line.handed_by = Some(line.message.from.clone());
    let told = format(&line, Some(&answered), None, None);
    let about = format!("(as {shown} remembers it; answers {shown}: \"hi…\")");
    assert!(told.starts_with(&format!("{shown} {about}: hi")), "{told}");
}

/// What somebody reads in a line who begins at its beginning, as docs/commands.md tells.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    room: Option<String>,
    name: String,
    /// Who handed it over, whom it answers and with which words before, and whether it was edited.
    about: (Option<String>, Option<(String, String)>, bool),
    said: Shown,
}

#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Words(String),
    Action(String),
    Nothing,
}

/// A name or a cited text: in quotation marks, or a word.
fn name(line: &mut &str) -> Option<String> {
    let Some(inside) = line.strip_prefix('"') else {
        let end = line.find([' ', ':', ']', ')', ';']).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        *line = rest;
        return (!word.is_empty()).then(|| word.to_owned());
    };
    let (mut name, mut chars) = (String::new(), inside.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            '"' => {
                *line = &inside[at + 1..];
                return Some(name);
            }
            c => name.push(c),
        }
    }
    None
}

fn skip(line: &mut &str, what: &str) -> Option<()> {
    *line = line.strip_prefix(what)?;
    Some(())
}

type About = (Option<String>, Option<(String, String)>, bool);

/// What stands in brackets behind a name.
fn about(line: &mut &str) -> Option<About> {
    let mut about = (None, None, false);
    loop {
        if skip(line, "as ").is_some() {
            about.0 = Some(name(line)?);
            skip(line, " remembers it")?;
        } else if skip(line, "answers ").is_some() {
            let who = name(line)?;
            skip(line, ": ")?;
            about.1 = Some((who, name(line)?));
        } else {
            skip(line, "edited")?;
            about.2 = true;
        }
        if skip(line, ")").is_some() {
            return Some(about);
        }
        skip(line, "; ")?;
    }
}

fn read(line: &str) -> Option<Read> {
    let mut rest = line;
    let is_told = skip(&mut rest, "- ").is_some();
    let room = match skip(&mut rest, "[") {
        Some(()) => {
            let room = name(&mut rest)?;
            skip(&mut rest, "] ")?;
            Some(room)
        }
        None => None,
    };
    let mut told = About::default();
    if skip(&mut rest, "* ").is_some() {
        if skip(&mut rest, "(").is_some() {
            told = about(&mut rest)?;
            skip(&mut rest, " ")?;
        }
        let name = name(&mut rest)?;
        skip(&mut rest, " ")?;
        return Some(Read { room, name, about: told, said: Shown::Action(rest.to_owned()) });
    }
    let name = name(&mut rest)?;
    if skip(&mut rest, " (").is_some() {
        told = about(&mut rest)?;
    }
    let said = match rest {
        " deleted a message." if is_told => Shown::Nothing,
        _ if is_told => return None,
        rest => Shown::Words(rest.strip_prefix(": ")?.to_owned()),
    };
    Some(Read { room, name, about: told, said })
}

/// What people may call themselves and rooms, and more than that.
const NAMES: &[&str] = &[
    "ann",
    "Mary Ann",
    "ann deleted a message.",
    "ann: hi",
    "ann (edited)",
    "ann (as bob remembers it)",
    "ann (answers bob: \"x\")",
    "(edited) ann",
    "] ann: hi",
    "team] ann: hi",
    "[team] ann",
    "* ann",
    "- You are in team: 3 members, epoch 2.",
    "- ann joined",
    "ALARM (gap) in team",
    "Topic",
    "\"",
    "\"ann\"",
    "\"ann\": hi",
    "a\\",
    "\\\" ann: hi",
    "\\",
    "schat",
    "schat://h:1/#x",
    "ann remembers it; answers bob",
    "a;b",
    "2026-11-29 18:00 ann",
    "  | ann",
    "⏎ ann",
    "ann：hi",
    "日本 太郎",
];

const TEXTS: &[&str] = &[
    "hi",
    "(edited): hi",
    "(edited) waves",
    "): I agree",
    "\"); edited): I agree",
    "\\",
    "\\\"",
    ": hi",
    "deleted a message.",
    "a ⏎ ann: yes",
    "[team] ann: yes",
    "- ann joined team.",
];

#[test]
fn no_name_and_no_text_passes_for_another_part_of_a_line() {
    let mut count = 0;
    for who in NAMES {
        for other in NAMES {
            for text in TEXTS {
                for bits in 0..32_u8 {
                    let is = |bit: u8| bits & (1 << bit) != 0;
                    let (acts, deleted) = (is(0), is(1));
                    let said = if acts { action::text(text) } else { (*text).to_owned() };
                    let mut line = message(who, if deleted { "" } else { &said });
                    line.deleted = deleted;
                    line.edited = is(2).then_some(1);
                    line.handed_by = is(3).then(|| person(other));
                    let answered = is(4).then(|| message(other, text));
                    let room = (bits % 3 == 0).then_some(*other);
                    let shown = format(&line, answered.as_ref(), None, room);
                    // Somebody whose name has a # is shown with the digits.
                    let full = |name: &str| words::name(&person(name), None);
                    let wanted = Read {
                        room: room.map(str::to_owned),
                        name: full(who),
                        about: (
                            line.handed_by.as_ref().map(|_| full(other)),
                            answered.as_ref().map(|_| (full(other), (*text).to_owned())),
                            is(2) && !deleted,
                        ),
                        said: match (deleted, acts) {
                            (true, _) => Shown::Nothing,
                            (false, true) => Shown::Action((*text).to_owned()),
                            (false, false) => Shown::Words((*text).to_owned()),
                        },
                    };
                    assert_eq!(read(&shown), Some(wanted), "{shown}");
                    // What nobody said stands as what the program says.
                    assert_eq!(shown.starts_with(MARK), deleted, "{shown}");
                    assert!(!shown.starts_with("schat:"), "{shown}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100_000, "{count}");
}

#[test]
fn happenings_name_people_so_that_nothing_else_is_read() {
    for name in NAMES.iter().filter(|name| **name != "ann" && **name != "Topic") {
        let shown = words::who(&person(name), None);
        assert!(shown.starts_with('"') && shown.ends_with('"'), "{shown}");
        let joined = RoomLogItem::Joined { who: person(name), by: Some(person(name)) };
        let told = words::happening(&joined, Some(name), None);
        let label = words::called(name);
        assert_eq!(told, format!("{shown} joined {label} by an invite of {shown}."));
        let renamed = RoomLogItem::Renamed { who: person("bob"), was: (*name).to_owned() };
        assert_eq!(words::happening(&renamed, None, None), format!("{shown} is called bob from now on."));
    }
}

#[test]
fn answer_to_a_file_without_words_names_the_file() {
    let file = shared::file::Manifest {
        id: [1; 16],
        key: shared::file::FileKey::from_bytes([2; 32]),
        size: 1_234_567,
        name: "cat.jpg".to_owned(),
        media_type: String::new(),
        parts: [3; 32],
        preview: Vec::new(),
        duration_ms: 0,
    };
    let mut brought = message("bob", "");
    brought.message.file = Some(Box::new(file));
    let answer = message("ann", "nice");
    let told = format(&answer, Some(&brought), None, None);
    assert_eq!(told, "ann (answers bob: \"file cat.jpg, 1.2 MB\"): nice");
    brought.message.text = "look".to_owned();
    assert_eq!(format(&answer, Some(&brought), None, None), "ann (answers bob: \"look\"): nice");
}
