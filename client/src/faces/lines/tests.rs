use super::*;
use crate::runtime::LinkAnswer;

fn confirms(past: HandedPast) -> TypedLine {
    TypedLine::DeviceAnswer(LinkAnswer::Confirm { digits: "012345678901".to_owned(), past })
}

/// Whoever says yes has looked at the new device: nothing but what stands there is a yes.
#[test]
fn nobody_confirms_a_device_without_its_digits() {
    for line in [
        "/link yes",
        "/link yes history=none",
        "/link yes 0123 4567 890",
        "/link yes 0123 4567 89012",
        "/link yes 0123 4567 890a",
        "/link yes dog cat lion horse unicorn pig elephant",
        "/link yes 0123 4567 8901 history=some",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn lines_mean_what_they_say() {
    for (text, line) in [
        ("", TypedLine::Empty),
        ("  ", TypedLine::Empty),
        (" hello there ", TypedLine::Say(" hello there".into())),
        ("\n\n    if x:\n        y\n ", TypedLine::Say("    if x:\n        y".into())),
        ("//etc/passwd", TypedLine::Say("/etc/passwd".into())),
        (" /leave", TypedLine::Say(" /leave".into())),
        ("\t/nick evil", TypedLine::Say("\t/nick evil".into())),
        ("\n/leave", TypedLine::Say("/leave".into())),
        ("  //etc", TypedLine::Say("  //etc".into())),
        ("/leave ", TypedLine::Leave),
        ("/forget", TypedLine::Forget(None)),
        ("/forget two words", TypedLine::Forget(Some("two words".into()))),
        ("/rooms all", TypedLine::Rooms(true)),
        ("/link", TypedLine::Device(None)),
        ("/link yes 0123 4567 8901", confirms(HandedPast::Newest(1_000))),
        ("/link yes 0123-4567-8901", confirms(HandedPast::Newest(1_000))),
        ("/link yes 012345678901 history=none", confirms(HandedPast::Nothing)),
        ("/link yes history=all 0123 4567 8901", confirms(HandedPast::All)),
        ("/link yes 0123 4567 8901 history=50", confirms(HandedPast::Newest(50))),
        ("/link no", TypedLine::DeviceAnswer(LinkAnswer::Refuse)),
        ("/link cancel", TypedLine::DeviceAnswer(LinkAnswer::Cancel)),
        ("/link schat://h:1/#x", TypedLine::Device(Some("schat://h:1/#x".into()))),
        ("/link AbCd", TypedLine::Device(Some("AbCd".into()))),
        ("/join lobby", TypedLine::Join("lobby".into())),
        ("/join two words", TypedLine::Join("two words".into())),
        ("/join \"two words\"", TypedLine::Join("two words".into())),
        ("/join „two words“", TypedLine::Join("two words".into())),
        (
            "/create 'two words' past=50",
            TypedLine::Create("two words".into(), Policy { past_lines: 50, ..Policy::default() }),
        ),
        ("/forget \"two words\"", TypedLine::Forget(Some("two words".into()))),
        ("/join schat://h:1/#x", TypedLine::Link("schat://h:1/#x".into())),
        ("/invite", TypedLine::Invite(Limits::default())),
        ("/invite uses=3 expires=2h", TypedLine::Invite(Limits { uses: Some(3), lives_s: Some(7_200) })),
        ("/invite expires=never", TypedLine::Invite(Limits { uses: None, lives_s: Some(0) })),
        ("/invite uses=any", TypedLine::Invite(Limits { uses: Some(0), lives_s: None })),
        ("/invites", TypedLine::Invites),
        ("/info ", TypedLine::Info),
        ("/revoke 3fa2", TypedLine::Revoke("3fa2".into())),
        ("/moderator bob b.", TypedLine::Moderator("bob b.".into(), true)),
        ("/moderator bob no", TypedLine::Moderator("bob".into(), false)),
        ("/moderator no", TypedLine::Moderator("no".into(), true)),
        ("/policy", TypedLine::Policy(Allowed::default())),
        (
            "/policy invite=moderators seats=2",
            TypedLine::Policy(Allowed { moderators_invite: Some(true), seats: Some(2) }),
        ),
        ("/verify", TypedLine::Verify(None)),
        ("/verify bob", TypedLine::Verify(Some("bob".into()))),
        ("/verify bob yes", TypedLine::Mark("bob".into())),
        ("/verify bob b. yes", TypedLine::Mark("bob b.".into())),
        ("/verify yes", TypedLine::Verify(Some("yes".into()))),
        ("/unverify bob", TypedLine::Unverify("bob".into())),
        ("/kick bob b.", TypedLine::Kick("bob b.".into())),
        ("/create two words", TypedLine::Create("two words".into(), Policy::default())),
        (
            "/create team past=50 disappear=1h",
            TypedLine::Create(
                "team".into(),
                Policy { disappear_s: 3_600, past_lines: 50, ..Policy::default() },
            ),
        ),
        ("/disappear 2w", TypedLine::Disappear(Some(1_209_600))),
        ("/disappear off", TypedLine::Disappear(Some(0))),
        ("/topic", TypedLine::Topic(None)),
        ("/topic  soup, at eight ", TypedLine::Topic(Some("soup, at eight".into()))),
        ("/topic off", TypedLine::Topic(Some(String::new()))),
        ("/status", TypedLine::Status(String::new())),
        ("/react 👍", TypedLine::React("👍".into())),
        ("/me waves\n at all", TypedLine::Say("/me waves\n at all".into())),
        ("/quote well\n yes", TypedLine::Quote("well\n yes".into())),
        ("/help", TypedLine::Help(String::new())),
        ("/help remove", TypedLine::Help("remove".into())),
        ("/pin", TypedLine::Pin(true)),
        ("/unpin ", TypedLine::Pin(false)),
        ("/accept", TypedLine::Accept),
        ("/quit ", TypedLine::Quit),
    ] {
        assert_eq!(parse(text), Ok(line), "{text:?}");
    }
}

#[test]
fn number_that_cannot_be_meant_is_refused_with_one_that_can() {
    for (text, remedy) in [
        ("/invite uses=0", "Write one from 1 on: uses=5, or uses=any for no limit."),
        ("/policy seats=0", "Write one from 1 on: seats=5."),
    ] {
        assert_eq!(parse(text).unwrap_err().remedy, remedy);
    }
}

#[test]
fn unknown_or_incomplete_command_is_never_sent_as_a_message() {
    for text in [
        "/",
        "/jion lobby",
        "/join",
        "/kick ",
        "/leave now",
        "/accept all",
        "/invite bob",
        "/invite uses=0",
        "/invite expires=soon",
        "/invites all",
        "/revoke",
        "/me",
        "/quote ",
        "/pin lobby",
        "/moderator",
        "/policy invite=nobody",
        "/policy seats=0",
        "/disappear soon",
        "/create",
        "/create past=9",
        "/create x past=9999",
        "/disappear 9999999w",
        "/\u{1b}[2J",
    ] {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.code, "usage", "{text:?}");
        assert!(!failure.message.contains('\u{1b}'));
    }
}

#[test]
fn every_command_in_the_help_parses() {
    for (usage, _) in COMMANDS {
        let text =
            usage.replace("ROOM|LINK", "x").replace("NAME|FINGERPRINT", "x").replace("[TIME|off]", "1h");
        let text =
            text.replace("=N", "=3").replace("=TIME", "=1h").replace("everybody|moderators", "everybody");
        let text = text.replace("NUMBER", "3").replace("DIGITS", "0123 4567 8901");
        let text = text.replace(['[', ']'], "");
        assert!(parse(&text).is_ok(), "{usage}");
    }
}
