//! `schat demo`: a relay and people on real QUIC over loopback; each promise is checked, not only told.
//!
//! A check that could not see a failure is worth nothing, so each has a control: the engine that refuses a replay
//! reads the original, the relay that refuses Eve admits Bob, the search that finds no word finds the ciphertext.

mod attack;
mod own_relay;
mod person;
mod report;

use std::{path::Path, sync::Arc};

use relay::Relay;
use shared::{invite::link::InviteLink, room::GroupView};

use crate::{
    faces::words,
    failure::{Exit, Failure},
};
use attack::{Tape, feed, forged, knock, replayed, up_to};
use own_relay::DemoRelay;
use person::Person;
use report::{Report, Scratch};

const ROOM: &str = "canary-room";
const LINES: [&str; 5] = [
    "canary-line: hello",
    "canary-line: hi ann",
    "canary-line: good day",
    "canary-line: without eve",
    "canary-line: late",
];

/// Why the demonstration cannot go on.
type Stop = String;

pub(super) async fn demo() -> Result<Exit, Failure> {
    let scratch = Scratch::new().map_err(|error| words::command::program::no_scratch(&error))?;
    let mut report = Report::default();
    let played = tokio::select! {
        played = play(scratch.path(), &mut report) => played,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    if let Err(stop) = played {
        report.check(&format!("the demonstration comes to its end ({stop})"), false);
    }
    Ok(report.end())
}

async fn play(dir: &Path, report: &mut Report) -> Result<(), Stop> {
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let config = relay::Config::new(listen, dir.join("relay"));
    let relay = Relay::start(config).await.map_err(|error| error.to_string())?;
    let done = scenes(dir, &relay, report).await;
    relay.shutdown().await;
    let tape = done?;

    report.scene("The relay is stopped. All that it knew is on its disk.");
    let files = attack::read_all(&dir.join("relay")).map_err(|error| error.to_string())?;
    let holds =
        |needle: &[u8]| files.iter().any(|file| file.windows(needle.len()).any(|part| part == needle));
    let sealed = tape.envelopes();
    report.check(
        &format!("control: the search finds all {} sealed envelopes there", sealed.len()),
        sealed.len() >= LINES.len() && sealed.iter().all(|envelope| holds(envelope)),
    );
    let words = LINES.iter().chain(&[ROOM, "canary-ann", "canary-bob", "canary-eve", "canary-dan", "canary"]);
    report.check(
        "no word of what was said, no name of a person or room is there",
        words.into_iter().all(|word| !holds(word.as_bytes())),
    );
    Ok(())
}

async fn scenes(dir: &Path, relay: &Relay, report: &mut Report) -> Result<Tape, Stop> {
    let place = DemoRelay::of(relay)?;
    let mut tape = Tape::default();
    let mut ann = Person::enter(dir, "canary-ann", &place, None).await?;
    let mut bob = Person::enter(dir, "canary-bob", &place, Some(tape.tap())).await?;
    let mut eve = Person::enter(dir, "canary-eve", &place, None).await?;

    report.scene("Ann opens a private room; Bob and Eve join by her link.");
    ann.create(ROOM).await?;
    let first_link = ann.link(ROOM).await?;
    bob.join(&first_link).await?;
    bob.members(ROOM, 2).await?;
    eve.join(&first_link).await?;
    let views = together(&mut [&mut ann, &mut bob, &mut eve], 3).await?;
    for (name, view) in ["Ann", "Bob", "Eve"].iter().zip(&views) {
        report.note(&format!("{name}: epoch {}, authenticator {}", view.epoch, hex(&view.authenticator)));
    }
    report.check("all three have the same epoch authenticator", same(&views));

    let [first, second, third, without_eve, late] = LINES;
    let before = bob.snapshot(ROOM).await?;
    report.scene("Everybody says something.");
    ann.say(ROOM, first).await?;
    bob.hears(first, "canary-ann").await?;
    let recorded = up_to(&mut tape, &before, first).await?;
    bob.say(ROOM, second).await?;
    eve.say(ROOM, third).await?;
    for person in [&mut ann, &mut bob, &mut eve] {
        for (text, name) in [(first, "canary-ann"), (second, "canary-bob"), (third, "canary-eve")] {
            person.hears(text, name).await?;
        }
    }
    report.check("each of the three messages arrives at all three, from who said it", true);

    report.scene("A hostile relay recorded Ann's envelope and plays it to Bob's device.");
    let original = feed(&before, &recorded)?;
    report.check(
        "control: as it was, Bob's device reads it",
        original.texts == [first] && original.alarms.is_empty(),
    );
    let twice = feed(&before, &replayed(&recorded))?;
    report.check(
        "delivered a second time it is refused, with an alarm",
        twice.texts == [first] && twice.alarms == ["replay"],
    );
    let flipped = forged(&recorded);
    let read = flipped.iter().map(|entries| feed(&before, entries)).collect::<Result<Vec<_>, _>>()?;
    report.check(
        &format!("with one bit changed, at any of {} places, it is refused", flipped.len()),
        !read.is_empty() && read.iter().all(|fed| fed.texts.is_empty() && fed.refusals > 0),
    );

    report.scene("Ann removes Eve.");
    let (bob_before, eve_before) = (bob.snapshot(ROOM).await?, eve.snapshot(ROOM).await?);
    ann.remove(ROOM, eve.fingerprint()).await?;
    eve.is_out(ROOM).await?;
    let views = together(&mut [&mut ann, &mut bob], 2).await?;
    report.check("Ann and Bob go on with a new authenticator", same(&views));
    ann.say(ROOM, without_eve).await?;
    bob.hears(without_eve, "canary-ann").await?;
    let since = up_to(&mut tape, &bob_before, without_eve).await?;
    report.check(
        "control: Bob's device reads what Ann says then",
        feed(&bob_before, &since)?.texts == [without_eve],
    );
    let stolen = eve_before.only_last(&since);
    report.check("Eve's keys open nothing of it", feed(&eve_before, &stolen)?.texts.is_empty());
    let stranger = Person::enter(dir, "canary-mal", &place, None).await?;
    report.check("the link that Eve knows lets nobody in any more", stranger.is_refused(&first_link).await?);
    stranger.go().await;

    report.scene("Ann makes a new link. Then everybody goes away, and Dan comes.");
    let second_link = ann.link(ROOM).await?;
    let (ann_dir, bob_now) = (ann.dir(), bob.snapshot(ROOM).await?);
    for person in [ann, bob, eve] {
        person.go().await;
    }
    nobody_online(relay).await?;
    report.check("control: the relay lets Bob's device in", knock(&place, &bob_now).await?);
    report.check(
        "the relay keeps Eve's device out: it may vote against that, no more",
        !knock(&place, &eve_before).await?,
    );
    nobody_online(relay).await?;
    dan_alone(report, dir, &place, (&second_link, late)).await?;

    report.scene("Ann comes back.");
    let mut ann = Person::enter(&ann_dir, "canary-ann", &place, None).await?;
    ann.hears(late, "canary-dan").await?;
    let view = ann.members(ROOM, 3).await?;
    report.check(
        "she reads what Dan said, and sees him as a member",
        view.members.iter().any(|m| m.person.name == "canary-dan"),
    );
    ann.go().await;
    Ok(tape)
}

async fn dan_alone(
    report: &mut Report,
    dir: &Path,
    place: &DemoRelay,
    (link, text): (&InviteLink, &str),
) -> Result<(), Stop> {
    let mut dan = Person::enter(dir, "canary-dan", place, None).await?;
    dan.join(link).await?;
    let view = dan.members(ROOM, 3).await?;
    let names: Vec<_> = view.members.iter().map(|member| member.person.name.as_str()).collect();
    report.check(
        "Dan is in while all others are offline",
        names.contains(&"canary-ann") && names.contains(&"canary-dan"),
    );
    dan.say(ROOM, text).await?;
    dan.hears(text, "canary-dan").await?;
    dan.go().await;
    Ok(())
}

/// The views of all, once each sees `count` members.
async fn together(people: &mut [&mut Person], count: usize) -> Result<Vec<Arc<GroupView>>, Stop> {
    let mut views = Vec::new();
    for person in people {
        views.push(person.members(ROOM, count).await?);
    }
    Ok(views)
}

fn same(views: &[Arc<GroupView>]) -> bool {
    views.windows(2).all(|pair| {
        matches!(pair, [a, b] if a.epoch == b.epoch && a.authenticator == b.authenticator && !a.authenticator.is_empty())
    })
}

/// The relay notices that streams ended a moment after the clients.
async fn nobody_online(relay: &Relay) -> Result<(), Stop> {
    let wait = async {
        while relay.online() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(own_relay::PATIENCE, wait).await.map_err(|_| "somebody stays online".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
