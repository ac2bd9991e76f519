use std::time::Duration;

use proto::RoomId;
use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    identity::Fingerprint,
    room::{Message, Person},
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{
    runtime::{Config, Sink},
    store::{Batch, LineOrAct, OpenProfile, ProfileDir, RoomRecord, Vault, Where},
    transport::Transport,
};

const ID: RoomId = RoomId([7; 32]);

fn message(seq: u64) -> Message {
    let from = Person { name: "ann".into(), fingerprint: Fingerprint([1; 32]) };
    let id = [u8::try_from(seq).unwrap(); 16];
    Message {
        seq,
        id,
        at: 0,
        from,
        text: seq.to_string(),
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    }
}

/// As a room does it: on the disk first.
fn store(vault: &Vault, seqs: &[u64]) {
    let record = RoomRecord {
        id: ID,
        label: "team".into(),
        place: Where::Own,
        acked: 0,
        closed: Some(crate::store::Over::Left),
        kind: Default::default(),
    };
    let entries = seqs.iter().map(|seq| LineOrAct::Line(message(*seq).into())).collect();
    let batch = Batch { entries, ..Batch::default() };
    vault.now(|store| store.commit(ID, Some(&record), &batch)).unwrap();
}

fn tell(hub: &Hub, seqs: &[u64]) {
    for seq in seqs {
        let event = RoomEvent::Engine(engine::Event::Message(message(*seq)));
        hub.publish(&[], Event::Room { room: "team".into(), event });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn message_told_while_the_past_is_read_comes_once_and_in_its_place() {
    let dir = TempDir::new().unwrap();
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let chosen = ProfileDir::choose(Some(dir.path().to_owned())).unwrap();
    let profile = OpenProfile::open(chosen, Some("bob"), random).unwrap();
    let vault = profile.vault.clone();
    store(&vault, &[1, 2, 3]);
    let transport = Transport::new(None).unwrap();
    let config = Config {
        transport,
        relay: None,
        own: None,
        past: Past::Nothing,
        only: None,
        downloads: None,
        keeps_metadata: false,
        fetches_images: false,
        tells_drafts: false,
        tap: None,
    };
    let hub = Hub::default();
    let local = Local::start(profile, config, Sink::Faces(Arc::new(hub.clone()))).await.unwrap();

    let mut queue = hub.attach(FaceId(1), None, BTreeSet::from(["team".to_owned()]));
    let (out, mut frames) = mpsc::channel(100);
    // As much as the face takes: it waits before the third line.
    let credit = Arc::new(Semaphore::new(2));
    let (number, given, of) = (queue.number, credit.clone(), hub.clone());
    let feeds = tokio::spawn(async move {
        let feed = Feed { local: &local, hub: &of, face: FaceId(1), out, credit: given, only: None };
        let begin = Begin::Past(Past::Unacknowledged);
        let _ = feed.run(&begin, &["team".to_owned()], &mut queue).await;
    });
    let mut shown = Vec::new();
    let mut next = async |count: usize| {
        while shown.len() < count {
            let frame = timeout(Duration::from_secs(60), frames.recv()).await.expect("in vain").unwrap();
            let Down::Event(event) = frame else { continue };
            match *event {
                Event::Room { event: RoomEvent::Past(line), .. } => shown.push(line.message.seq),
                Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
                    shown.push(message.seq);
                }
                other => panic!("{other:?}"),
            }
        }
        shown.clone()
    };
    assert_eq!(next(2).await, [1, 2]);
    // Behind the gate: only on the disk.
    store(&vault, &[4, 5]);
    tell(&hub, &[4]);
    credit.add_permits(1);
    assert_eq!(next(3).await, [1, 2, 3]);
    while hub.is_gated(number, "team") {
        sleep(Duration::from_millis(1)).await;
    }
    // In front of it: on the disk, where it is being read or will be, and in the queue.
    store(&vault, &[6]);
    tell(&hub, &[5, 6, 7]);
    credit.add_permits(100);
    let all = next(7).await;
    feeds.abort();
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7]);
}
