use std::{fs, time::Duration};

use rand_core::UnwrapErr;
use relay::Relay;
use shared::{
    crypto::random::Random,
    file::Manifest,
    room::{self as engine, Command},
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use super::{kept::Download, tail::Tail, target::Target, *};
use crate::{
    runtime::{Config, Event, OwnRelay, Past, RoomEvent, Sink, transfer::TransferState},
    store::{OpenProfile, ProfileDir},
    transport::{RelayAddress, Transport},
};

const ROOM: &str = "team";

struct Ann {
    dir: TempDir,
    relay: Relay,
    local: Local,
    events: mpsc::Receiver<Event>,
}

impl Ann {
    /// Alone in a room of her own relay, where she sent a file.
    async fn with_file() -> (Self, MessageId, Manifest) {
        let dir = TempDir::new().unwrap();
        let config = relay::Config::new("127.0.0.1:0".parse().unwrap(), dir.path().join("relay"));
        let relay = Relay::start(config).await.unwrap();
        let chosen = ProfileDir::choose(Some(dir.path().join("ann"))).unwrap();
        let random = Random::new(UnwrapErr(getrandom::SysRng));
        let profile = OpenProfile::open(chosen, Some("ann"), random).unwrap();
        let dial = RelayAddress::new("127.0.0.1", relay.addresses()[0].port()).unwrap();
        let own = Some(OwnRelay { dial: dial.clone(), pin: relay.pin(), advertise: dial });
        let config = Config {
            transport: Transport::new(None).unwrap(),
            relay: None,
            own,
            past: Past::Nothing,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: false,
            tap: None,
        };
        let (sender, events) = mpsc::channel(1000);
        let local = Local::start(profile, config, Sink::Face(sender)).await.unwrap();
        local.create_own(ROOM).unwrap();
        let mut ann = Self { dir, relay, local, events };
        ann.until(|event| matches!(event, RoomEvent::Engine(engine::Event::Joined(_)))).await;
        fs::write(ann.dir.path().join("sent.bin"), vec![7; 3 << 20]).unwrap();
        ann.local.send_file(ROOM, ann.outgoing("sent.bin")).await.unwrap();
        loop {
            ann.until(|event| matches!(event, RoomEvent::Engine(_) | RoomEvent::Transfer(_))).await;
            let lines = ann.local.history_before(ROOM, u64::MAX >> 1, 9).await.unwrap();
            let found = lines.into_iter().find_map(|line| Some((line.message.id, *line.message.file?)));
            if let Some((message, file)) = found {
                return (ann, message, file);
            }
        }
    }

    fn outgoing(&self, name: &str) -> Outgoing {
        Outgoing {
            path: self.dir.path().join(name),
            text: String::new(),
            reply_to: None,
            keeps_metadata: true,
            duration_ms: 0,
            token: String::new(),
        }
    }

    /// Until a room says so. What never comes ends the test.
    async fn until(&mut self, mut found: impl FnMut(&RoomEvent) -> bool) {
        let next = async {
            loop {
                let event = self.events.recv().await.expect("the runtime goes on");
                if let Event::Room { event, .. } = event
                    && found(&event)
                {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(60), next).await.expect("it is told");
    }

    async fn until_it_is(&mut self, is: impl Fn(&TransferState) -> bool) {
        self.until(|event| matches!(event, RoomEvent::Transfer(transfer) if is(&transfer.state))).await;
    }

    async fn end(self) {
        self.local.shutdown().await;
        self.relay.shutdown().await;
    }
}

fn download(message: MessageId, file: Manifest, target: PathBuf) -> Download {
    let [is_exact, is_unasked, is_passing, has_begun] = [true, false, false, true];
    Download { message, file, target, is_exact, is_unasked, is_passing, has_begun, named: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_many_times_at_once_is_begun_once() {
    let (mut ann, message, _) = Ann::with_file().await;
    fs::write(ann.dir.path().join("new.bin"), b"new").unwrap();
    let (file, output) = (ann.outgoing("new.bin"), Some(ann.dir.path().join("got.bin")));
    // Nothing comes through any more, so that all of them meet.
    ann.relay.shutdown().await;
    while !matches!(
        ann.events.recv().await.unwrap(),
        Event::Relay { state: crate::runtime::RelayState::Lost { .. }, .. }
    ) {}
    let sends: Vec<_> = (0..6)
        .map(|_| {
            let (local, file) = (ann.local.clone(), file.clone());
            tokio::spawn(async move { local.send_file(ROOM, file).await.unwrap().number })
        })
        .collect();
    let gets: Vec<_> = (0..6)
        .map(|_| {
            let (local, wanted) = (ann.local.clone(), Wanted { message, output: output.clone() });
            tokio::spawn(async move { local.get_file(ROOM, wanted).await.unwrap().number })
        })
        .collect();
    let mut begun = Vec::new();
    for asked in [sends, gets] {
        let mut numbers = BTreeSet::new();
        for one in asked {
            numbers.insert(one.await.unwrap());
        }
        begun.push(numbers.len());
    }
    assert_eq!(begun, [1, 1]);
    ann.local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_left_leaves_nothing_unfinished() {
    let (mut ann, message, file) = Ann::with_file().await;
    let id = ann.local.room(ROOM).unwrap().id;
    let [paused, passing, foreign] = ["paused", "passing", "foreign"].map(|name| ann.dir.path().join(name));
    let down = |place: &PathBuf| download(message, file.clone(), place.clone());
    let left = |place: &PathBuf| {
        [Target::path(place, &file.parts), Tail::path(place, &file.parts)].map(|path| path.exists())
    };
    for place in [&paused, &passing, &foreign] {
        Target::begin(place, &file.parts).unwrap();
    }
    // One that a command was interrupted at, which nobody runs, and one that has begun nothing.
    let of_command = Kept::new(Job::Down(Download { is_passing: true, ..down(&passing) }));
    let begun_nothing =
        Kept::new(Job::Down(Download { is_passing: true, has_begun: false, ..down(&foreign) }));
    for kept in [of_command, begun_nothing] {
        ann.local.0.vault.run(move |store| store.add_transfer(id, &kept)).await.unwrap();
    }
    let waits = Kept { paused: true, ..Kept::new(Job::Down(down(&paused))) };
    ann.local.add_file(ROOM, id, waits, None).await.unwrap();
    assert_eq!([left(&paused), left(&passing)], [[true; 2]; 2]);
    ann.local.tell(ROOM, Command::LeaveAll).await.unwrap();
    ann.until_it_is(|state| matches!(state, TransferState::Cancelled(Some(_)))).await;
    assert_eq!([left(&paused), left(&passing)], [[false; 2]; 2]);
    assert_eq!(left(&foreign), [true; 2], "it is not known to be ours");
    assert_eq!(ann.local.files(None), []);
    ann.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_called_as_an_unfinished_one_is_neither_written_into_nor_removed() {
    let (mut ann, message, file) = Ann::with_file().await;
    let place = ann.dir.path().join("got.bin");
    let wanted = || Wanted { message, output: Some(place.clone()) };
    for theirs in [Target::path(&place, &file.parts), Tail::path(&place, &file.parts)] {
        fs::write(&theirs, b"somebody's").unwrap();
        let number = ann.local.get_file(ROOM, wanted()).await.unwrap().number;
        let taken = Reason::from(FileReason::Exists(theirs.clone()));
        ann.until_it_is(|state| *state == TransferState::Stopped(taken.clone())).await;
        ann.local.steer_file(number, Steer::Cancel).unwrap();
        ann.until_it_is(|state| matches!(state, TransferState::Cancelled(_))).await;
        assert_eq!(fs::read(&theirs).unwrap(), b"somebody's");
        fs::remove_file(&theirs).unwrap();
    }
    // What an interrupted command began goes on, and nothing is left of it.
    Target::begin(&place, &file.parts).unwrap();
    fs::write(Target::path(&place, &file.parts), vec![7; 1 << 20]).unwrap();
    let before =
        Kept::new(Job::Down(Download { is_passing: true, ..download(message, file.clone(), place.clone()) }));
    let id = ann.local.room(ROOM).unwrap().id;
    ann.local.0.vault.run(move |store| store.add_transfer(id, &before)).await.unwrap();
    ann.local.get_file(ROOM, wanted()).await.unwrap();
    ann.until_it_is(|state| matches!(state, TransferState::Done(Some(_)))).await;
    assert_eq!(fs::read(&place).unwrap(), vec![7; 3 << 20]);
    assert!(!Target::path(&place, &file.parts).exists());
    let left: Vec<(RoomId, i64, Kept)> = ann.local.0.vault.run(|store| store.transfers()).await.unwrap();
    assert_eq!(left.len(), 0);
    ann.end().await;
}
