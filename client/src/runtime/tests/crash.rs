//! The program ends at each call of the store in turn, in the middle of everything that can be said. Then it starts
//! again, and the person goes on: the room works, both see the same, nothing that was taken is lost.

use std::{sync::atomic::AtomicUsize, time::Duration};

use shared::{
    message::timeline::Line,
    room::{Alteration, MessageBody},
};

use super::*;
use crate::store::crash_point::CrashPoint;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(240);

/// Lives at once.
const SIDE_BY_SIDE: usize = 4;

/// Things that are done, in order.
const STEPS: usize = 9;

struct Person {
    runtime: Runtime,
    vault: Vault,
    links: mpsc::UnboundedReceiver<shared::invite::link::InviteLink>,
    alarms: Arc<AtomicUsize>,
}

async fn person(dir: &TempDir, name: &str, relay: &Relay) -> Person {
    let (runtime, mut events, vault) = enter(dir, name, relay).await;
    let (sender, links) = mpsc::unbounded_channel();
    let alarms = Arc::new(AtomicUsize::new(0));
    let counted = alarms.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Room { event: RoomEvent::Invite { link, .. }, .. } => drop(sender.send(link)),
                Event::Room { event: RoomEvent::Notice { notice: Notice::Alarm(_), .. }, .. } => {
                    counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                _ => {}
            }
        }
    });
    Person { runtime, vault, links, alarms }
}

fn set(person: &Person, point: CrashPoint) {
    let set = |store: &mut Store| {
        store.crash_point = point;
        Ok(())
    };
    person.vault.now(set).unwrap();
}

/// Waits until it is so.
async fn until_so<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// The line with this text, once it is in the log.
async fn line(runtime: &Runtime, text: &str) -> Result<Line, Reason> {
    let looking = async {
        loop {
            let lines = runtime.history(ROOM, 0, 100).await?;
            if let Some(line) = lines.into_iter().find(|line| line.message.text == text) {
                return Ok(line);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{text} is lost"))
}

async fn step(runtime: &Runtime, number: usize) -> Result<(), Reason> {
    let say = |text: &str, reply_to| MessageBody::Text { text: text.to_owned(), reply_to, file: None };
    let said = match number {
        0 => say("one", None),
        1 => return runtime.set_draft(ROOM, "half a sentence").await,
        2 => {
            let change = Alteration::React { emoji: "👍".to_owned(), withdrawn: false };
            MessageBody::Act { target: line(runtime, "one").await?.message.id, change }
        }
        3 => {
            let lines = runtime.history(ROOM, 0, 100).await?;
            let target = lines.first().map(|line| line.message.id).unwrap_or_default();
            MessageBody::Act { target, change: Alteration::Edit("1".to_owned()) }
        }
        4 => return runtime.tell(ROOM, Command::Disappear(3_600)).await,
        5 => return runtime.describe("busy", "🐝").await,
        6 => say("two", Some(line(runtime, "1").await?.message.id)),
        7 => MessageBody::Act { target: line(runtime, "two").await?.message.id, change: Alteration::Delete },
        _ => say("end", None),
    };
    runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await
}

/// What somebody's history comes to.
async fn told(runtime: &Runtime) -> Result<Vec<(u64, String, bool, bool, usize)>, Reason> {
    let lines = runtime.history(ROOM, 0, 100).await?;
    let told = |line: Line| {
        let reactions = line.reactions.len();
        (line.message.seq, line.message.text, line.edited.is_some(), line.deleted, reactions)
    };
    Ok(lines.into_iter().map(told).collect())
}

/// False: the program did not end, since there are fewer calls than that.
async fn life(point: CrashPoint) -> bool {
    // Shown with whatever fails in it.
    println!("{point:?}");
    let dir = TempDir::new().unwrap();
    let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
    let relay = Relay::start(config).await.unwrap();
    let mut ann = person(&dir, "ann", &relay).await;
    let bob = person(&dir, "bob", &relay).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    ann.runtime.tell(ROOM, Command::INVITE).await.unwrap();
    bob.runtime.join(&ann.links.recv().await.unwrap()).await.unwrap();
    let both = |runtime: Runtime| async move {
        runtime.room(ROOM).is_ok_and(|room| room.view.is_some_and(|view| view.members.len() == 2))
    };
    until_so("both are in", || both(ann.runtime.clone())).await;
    until_so("both are in", || both(bob.runtime.clone())).await;

    set(&ann, point);
    let (mut ended, mut number) = (false, 0);
    while number <= STEPS {
        let done = match number {
            STEPS => read_to_the_end(&ann.runtime, &bob.runtime).await,
            number => step(&ann.runtime, number).await,
        };
        if done.is_ok() {
            number += 1;
            continue;
        }
        assert!(!ended, "{point:?}: step {number} fails after a restart");
        ended = true;
        // As if killed: what is not stored is gone.
        ann.runtime.shutdown().await;
        drop(ann.vault);
        ann = person(&dir, "ann", &relay).await;
        until_so("the room is there again", || both(ann.runtime.clone())).await;
    }
    set(&ann, CrashPoint::default());
    let seen = told(&bob.runtime).await.unwrap();
    let first = seen.first().unwrap();
    assert_eq!((first.1.as_str(), first.2, first.4), ("1", true, 1), "{point:?}: {seen:?}");
    assert!(seen.iter().any(|line| line.3), "{point:?}: {seen:?}");
    until_so("what is for all is with all", || async {
        let view = bob.runtime.room(ROOM).unwrap().view.unwrap();
        view.disappear_s == 3_600 && view.members.iter().any(|member| member.glyph == "🐝")
    })
    .await;
    let draft = ann.runtime.draft(ROOM).await.unwrap();
    assert_eq!(draft.as_deref().map(String::as_str), Some("half a sentence"), "{point:?}");
    for person in [&ann, &bob] {
        assert_eq!(person.alarms.load(std::sync::atomic::Ordering::Relaxed), 0, "{point:?}: an alarm");
    }
    ended
}

/// Both have the same, up to the last thing said.
async fn read_to_the_end(ann: &Runtime, bob: &Runtime) -> Result<(), Reason> {
    let reading = async {
        loop {
            let (ours, theirs) = (told(ann).await?, told(bob).await?);
            if ours == theirs && ours.last().is_some_and(|line| line.1 == "end") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the end is read")
}

#[tokio::test(flavor = "multi_thread")]
async fn program_that_ends_at_any_call_of_the_store_loses_nothing() {
    // Every call, in turn just before and just after it. A life mostly waits, so some are lived side by side.
    let mut lives = tokio::task::JoinSet::new();
    let (mut next, mut last) = (1, None::<u32>);
    loop {
        while last.is_none() && lives.len() < SIDE_BY_SIDE {
            let calls = next;
            next += 1;
            let point = CrashPoint { calls: Some(calls), is_carried_out: calls % 2 == 0 };
            lives.spawn(async move { (calls, life(point).await) });
        }
        let Some(lived) = lives.join_next().await else { break };
        let (calls, ended) = lived.unwrap();
        if !ended {
            last = Some(last.map_or(calls, |last| last.min(calls)));
        }
    }
    // All before the first life that needed fewer calls were cut short.
    let last = last.unwrap();
    assert!(last > 20, "only {last} calls were tried");
}
