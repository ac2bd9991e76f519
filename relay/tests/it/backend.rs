//! The embedded backend alone: order, races, atomicity, retention.

use std::{sync::Arc, time::Duration};

use ed25519_dalek::{Signer, SigningKey};
use proto::{PublicKey, PublishId, RoomId};
use relay::{
    Limits, Retention,
    access::{AccessKey, Ack, Change, CommitName, CommitParts, Grant, ack_statement},
    log::{
        self, AppendError, Appended, Author, Backend, Batch, Commit, CreateError, Log, Measured, Opening,
        Publish,
    },
    policy::token::Right,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::common::{authority, key, part, public, sign_publish};

const ROOM: RoomId = RoomId([1; 32]);
const ALICE: PublicKey = PublicKey([0xa; 32]);

/// One that can sign; so below.
fn bob() -> PublicKey {
    public(&key(0xb))
}

fn an_invite() -> PublicKey {
    public(&key(0xc))
}

struct Fixture {
    backend: Arc<dyn Backend>,
    directory: TempDir,
}

impl Fixture {
    async fn new(limits: Limits) -> Self {
        let directory = TempDir::new().unwrap();
        let backend = log::open(directory.path(), &limits).unwrap();
        let keys = vec![member(ALICE), member(bob()), invite(an_invite())];
        backend.create(ROOM, opening(keys), Right::Anybody, 0).await.unwrap();
        Self { backend, directory }
    }

    async fn reopen(mut self, limits: Limits) -> Self {
        self.backend.close().await;
        self.backend = log::open(self.directory.path(), &limits).unwrap();
        self
    }

    async fn append(&self, key: PublicKey, now_ms: u64, publish: Publish) -> Result<Appended, AppendError> {
        append(&*self.backend, key, now_ms, publish).await
    }

    async fn read(&self, after: u64) -> Batch {
        match self.backend.read(by(ALICE), after, usize::MAX).await.unwrap() {
            Measured::Ready(batch) => batch,
            Measured::Large(_) => panic!("there is room for everything"),
        }
    }

    async fn has(&self, key: PublicKey) -> bool {
        self.backend.view(by(key)).await.unwrap().is_some_and(|view| view.is_member())
    }
}

async fn append(
    backend: &dyn Log,
    key: PublicKey,
    now_ms: u64,
    publish: Publish,
) -> Result<Appended, AppendError> {
    let author = Author { room: ROOM, key, now_ms };
    let signer = if key == an_invite() { crate::common::key(0xc) } else { authority() };
    let publish = sign_publish(&ROOM, &key, &signer, publish);
    let mut ticket = match publish.commit {
        Some(_) => backend.append_commit(author, publish).await,
        None => backend.append(author, publish).await,
    };
    ticket.wait().await
}

fn by(key: PublicKey) -> Author {
    Author { room: ROOM, key, now_ms: 0 }
}

fn opening(keys: Vec<AccessKey>) -> Opening {
    Opening { slot: b"slot 0".as_slice().into(), keys, authority: public(&authority()), address: None }
}

fn member(key: PublicKey) -> AccessKey {
    AccessKey { key, grant: Grant::Member }
}

fn invite(key: PublicKey) -> AccessKey {
    AccessKey { key, grant: Grant::Invite { expires_ms: 1000, max_uses: 2, card: Default::default() } }
}

fn id(number: u64) -> PublishId {
    PublishId((u128::from(number)).to_be_bytes())
}

fn line(number: u64) -> Publish {
    let envelope = format!("line {number}").into_bytes().into();
    Publish::plain(id(number), envelope)
}

fn commit(number: u64, expected: u64, change: Change) -> Publish {
    let slot = format!("slot {number}").into_bytes().into();
    Publish { commit: Some(Commit { slot, part: part(expected, change) }), ..line(number) }
}

/// A line by bob, who has taken a commit of alice's.
fn acknowledging(number: u64, seq: u64, commit: &Publish, signer: &SigningKey) -> Publish {
    let Some(Commit { slot, part }) = &commit.commit else { panic!("no commit") };
    let parts = CommitParts::of(&commit.envelope, slot.hash(), &part.change);
    let name = CommitName::of(&ROOM, part.expected, &ALICE, &part.authority, &parts);
    let statement = ack_statement(&ROOM, seq, &name, &bob());
    let (signature, key_signature) =
        (signer.sign(&statement).to_bytes(), key(0xb).sign(&statement).to_bytes());
    Publish { ack: Some(Ack { seq, signature, key_signature }), ..line(number) }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_leave_no_gap_and_no_double() {
    let fixture = Fixture::new(Limits::default()).await;
    let mut tasks = JoinSet::new();
    for author in 0..8 {
        let backend = fixture.backend.clone();
        tasks.spawn(async move {
            let mut seqs = Vec::new();
            for number in 0..25 {
                seqs.push(append(&*backend, ALICE, 0, line(author * 1000 + number)).await.unwrap().seq);
            }
            assert!(seqs.is_sorted(), "one author's order is kept");
            seqs
        });
    }
    let mut all: Vec<_> = tasks.join_all().await.concat();
    all.sort_unstable();
    assert_eq!(all, (1..=200).collect::<Vec<_>>());
    let batch = fixture.read(0).await;
    assert_eq!((batch.head, batch.oldest), (200, 1));
    assert_eq!(batch.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_commits_exactly_one_wins() {
    let fixture = Fixture::new(Limits::default()).await;
    let racers = (1..=8).map(|n| member(PublicKey([n; 32]))).collect();
    let change = Change { added: racers, removed: vec![] };
    let mut last_commit = fixture.append(ALICE, 0, commit(9000, 0, change.clone())).await.unwrap().seq;
    let taken = acknowledging(9001, last_commit, &commit(9000, 0, change), &authority());
    fixture.append(bob(), 0, taken).await.unwrap();
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for racer in 0..8 {
            let backend = fixture.backend.clone();
            let publish = commit(round * 100 + racer, last_commit, Change::default());
            let author = PublicKey([racer as u8 + 1; 32]);
            tasks.spawn(async move { append(&*backend, author, 0, publish).await });
        }
        let results = tasks.join_all().await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "round {round}: {results:?}");
        let told = |result: &&Result<_, _>| matches!(result, Err(AppendError::Conflict { last_commit, .. }) if *last_commit == won[0].seq);
        assert_eq!(results.iter().filter(told).count(), 7);
        last_commit = won[0].seq;
        append(&*fixture.backend, ALICE, 0, line(round * 100 + 99)).await.unwrap();
    }
    assert_eq!(fixture.backend.view(by(ALICE)).await.unwrap().unwrap().last_commit, last_commit);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_publish_keeps_its_position_and_other_bytes_are_malformed() {
    let fixture = Fixture::new(Limits::default()).await;
    let first = fixture.append(ALICE, 5, line(1)).await.unwrap();
    let again = fixture.append(ALICE, 9, line(1)).await.unwrap();
    assert_eq!(again, Appended { repeated: true, ..first });
    let other = Publish { envelope: b"other".as_slice().into(), ..line(1) };
    assert_eq!(fixture.append(ALICE, 9, other).await, Err(AppendError::Malformed));
    let as_commit = commit(1, 0, Change::default());
    assert_eq!(fixture.append(ALICE, 9, as_commit).await, Err(AppendError::Malformed));
    assert_eq!(fixture.read(0).await.head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_publish_within_one_batch_is_one_entry() {
    let fixture = Fixture::new(Limits::default()).await;
    let mut tickets = Vec::new();
    for _ in 0..10 {
        let author = Author { room: ROOM, key: ALICE, now_ms: 0 };
        tickets.push(fixture.backend.append(author, line(1)).await);
    }
    for ticket in &mut tickets {
        assert_eq!(ticket.wait().await.unwrap().seq, 1);
    }
    assert_eq!(fixture.read(0).await.head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_commit_is_answered_before_it_conflicts_with_itself() {
    let fixture = Fixture::new(Limits::default()).await;
    let first = fixture.append(ALICE, 0, commit(1, 0, Change::default())).await.unwrap();
    let again = fixture.append(ALICE, 0, commit(1, 0, Change::default())).await.unwrap();
    assert_eq!((again.seq, again.repeated), (first.seq, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_changes_entry_slot_and_keys_together_or_not_at_all() {
    let fixture = Fixture::new(Limits::default()).await;
    let carol = PublicKey([0xd; 32]);
    let change = Change { added: vec![member(carol)], removed: vec![bob()] };
    fixture.append(ALICE, 0, commit(1, 0, change.clone())).await.unwrap();
    assert!(fixture.has(carol).await && !fixture.has(bob()).await);
    assert_eq!(fixture.append(bob(), 0, line(9)).await, Err(AppendError::NotAllowed));

    // Loses its race: nothing of it happens.
    let change = Change { added: vec![member(bob())], removed: vec![carol] };
    let lost = fixture.append(ALICE, 0, commit(2, 7, change)).await;
    assert_eq!(lost, Err(AppendError::Conflict { last_commit: 1, confirmed: 0 }));
    assert!(fixture.has(carol).await && !fixture.has(bob()).await);
    let Some(Measured::Ready(slot)) = fixture.backend.slot(ROOM, false, usize::MAX).await.unwrap() else {
        panic!()
    };
    assert_eq!((slot.last_commit, &*slot.sealed), (1, b"slot 1".as_slice()));
    assert_eq!(fixture.read(0).await.head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_uses_are_counted_across_restarts() {
    let fixture = Fixture::new(Limits::default()).await;
    let join = |number: u8, expected| {
        let change = Change { added: vec![member(PublicKey([number; 32]))], removed: vec![] };
        commit(u64::from(number), expected, change)
    };
    assert_eq!(fixture.append(an_invite(), 1000, join(1, 0)).await, Err(AppendError::NotAllowed), "expired");
    fixture.append(an_invite(), 999, join(1, 0)).await.unwrap();
    let fixture = fixture.reopen(Limits::default()).await;
    fixture.append(an_invite(), 999, join(2, 1)).await.unwrap();
    assert_eq!(fixture.append(an_invite(), 999, join(3, 2)).await, Err(AppendError::NotAllowed), "used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn member_key_never_becomes_an_invite() {
    let fixture = Fixture::new(Limits::default()).await;
    for added in [invite(bob()), member(an_invite())] {
        let change = Change { added: vec![added], removed: vec![] };
        assert_eq!(fixture.append(ALICE, 0, commit(1, 0, change)).await, Err(AppendError::Malformed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_room_are_bounded() {
    let fixture = Fixture::new(Limits { keys_per_room: 4, ..Limits::default() }).await;
    let add = |number: u8| Change { added: vec![member(PublicKey([number; 32]))], removed: vec![] };
    fixture.append(ALICE, 0, commit(1, 0, add(1))).await.unwrap();
    assert_eq!(fixture.append(ALICE, 0, commit(2, 1, add(2))).await, Err(AppendError::TooLarge));
    let remove = Change { added: vec![], removed: vec![bob()] };
    fixture.append(ALICE, 0, commit(3, 1, remove)).await.unwrap();
    fixture.append(ALICE, 0, commit(4, 2, add(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_that_goes_back_does_not_turn_back_the_log() {
    let fixture = Fixture::new(Limits::default()).await;
    assert_eq!(fixture.append(ALICE, 500, line(1)).await.unwrap().at_ms, 500);
    assert_eq!(fixture.append(ALICE, 100, line(2)).await.unwrap().at_ms, 500);
    assert_eq!(fixture.append(ALICE, 501, line(3)).await.unwrap().at_ms, 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_reopening() {
    let fixture = Fixture::new(Limits::default()).await;
    fixture.append(ALICE, 7, line(1)).await.unwrap();
    fixture.append(ALICE, 8, commit(2, 0, Change { added: vec![], removed: vec![bob()] })).await.unwrap();
    let before = fixture.read(0).await.entries;
    let fixture = fixture.reopen(Limits::default()).await;
    assert_eq!(fixture.read(0).await.entries, before);
    assert!(!fixture.has(bob()).await);
    assert!(fixture.append(ALICE, 9, line(1)).await.unwrap().repeated);
    assert_eq!(fixture.append(ALICE, 9, line(3)).await.unwrap().seq, 3);
    let twice = opening(vec![member(bob())]);
    assert_eq!(fixture.backend.create(ROOM, twice, Right::Anybody, 0).await, Err(CreateError::Exists));
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_by_count_and_bytes_keeps_the_newest_and_the_slot() {
    for retention in [
        Retention { entries: 3, ..Retention::default() },
        Retention { bytes: 3 * 60, ..Retention::default() },
    ] {
        let fixture = Fixture::new(Limits { retention, ..Limits::default() }).await;
        fixture.append(ALICE, 0, commit(1, 0, Change::default())).await.unwrap();
        for number in 2..=20 {
            let envelope = vec![0; 30].into();
            fixture.append(ALICE, 0, Publish { envelope, ..line(number) }).await.unwrap();
        }
        let batch = fixture.read(0).await;
        assert_eq!(batch.head, 20);
        assert!((18..=19).contains(&batch.oldest), "{}", batch.oldest);
        assert_eq!(batch.entries.first().unwrap().seq, batch.oldest);
        assert!(matches!(fixture.backend.slot(ROOM, false, 100).await, Ok(Some(Measured::Ready(_)))));
        assert_eq!(fixture.backend.view(by(ALICE)).await.unwrap().unwrap().last_commit, 1);
        // An id lives as long as its entry.
        assert!(!fixture.append(ALICE, 0, line(2)).await.unwrap().repeated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_by_age_empties_a_quiet_room() {
    let retention = Retention { age: Duration::from_millis(100), ..Retention::default() };
    let fixture = Fixture::new(Limits { retention, ..Limits::default() }).await;
    fixture.append(ALICE, 1000, line(1)).await.unwrap();
    fixture.append(ALICE, 1050, line(2)).await.unwrap();
    fixture.backend.trim(1100).await;
    assert_eq!(fixture.read(0).await.oldest, 1);
    fixture.backend.trim(1101).await;
    assert_eq!(fixture.read(0).await.oldest, 2);
    fixture.backend.trim(9999).await;
    let batch = fixture.read(0).await;
    assert_eq!((batch.oldest, batch.head, batch.entries.len()), (3, 2, 0));
    assert_eq!(fixture.append(ALICE, 9999, line(3)).await.unwrap().seq, 3, "positions are never given twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn append_does_not_look_at_entries_that_are_only_old() {
    let retention = Retention { age: Duration::from_millis(100), ..Retention::default() };
    let fixture = Fixture::new(Limits { retention, ..Limits::default() }).await;
    let large = Publish { envelope: vec![0; 4 << 20].into(), ..line(1) };
    fixture.append(ALICE, 1000, large).await.unwrap();
    fixture.append(ALICE, 9999, line(2)).await.unwrap();
    assert_eq!(fixture.read(1).await.oldest, 1, "left to the regular round");
    fixture.backend.trim(9999).await;
    assert_eq!(fixture.read(1).await.oldest, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_entry_is_read_only_where_there_is_room() {
    let fixture = Fixture::new(Limits::default()).await;
    let envelope = vec![0; 300 << 10].into();
    fixture.append(ALICE, 0, Publish { envelope, ..line(1) }).await.unwrap();
    let read = fixture.backend.read(by(ALICE), 0, 128 << 10).await.unwrap();
    let Measured::Large(bytes) = read else { panic!("{read:?}") };
    assert!(matches!(fixture.backend.read(by(ALICE), 0, bytes).await, Ok(Measured::Ready(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_commit_stands_in_the_way_for_the_grace_and_no_longer() {
    let fixture = Fixture::new(Limits::default()).await;
    let removal = Change { added: vec![], removed: vec![an_invite()] };
    fixture.append(bob(), 1000, commit(1, 0, removal)).await.unwrap();
    let dropping = |number| {
        let mut publish = commit(number, 0, Change::default());
        if let Some(commit) = &mut publish.commit {
            commit.part.instead_of = 1;
        }
        publish
    };
    let conflict = Err(AppendError::Conflict { last_commit: 1, confirmed: 0 });
    assert_eq!(fixture.append(ALICE, 20_999, dropping(2)).await, conflict);
    // One that does not say what it drops was only late.
    assert_eq!(fixture.append(ALICE, 21_000, commit(2, 0, Change::default())).await, conflict);
    fixture.append(ALICE, 21_000, dropping(3)).await.unwrap();
    let view = fixture.backend.view(by(ALICE)).await.unwrap().unwrap();
    assert_eq!((view.last_commit, view.confirmed), (2, 0));
    // Of three slots two are kept, and the log has both commits.
    let slot = async |confirmed| match fixture.backend.slot(ROOM, confirmed, usize::MAX).await {
        Ok(Some(Measured::Ready(slot))) => (slot.last_commit, slot.sealed),
        other => panic!("{other:?}"),
    };
    assert_eq!(slot(false).await, (2, b"slot 3".as_slice().into()));
    assert_eq!(slot(true).await, (0, b"slot 0".as_slice().into()));
    let fixture = fixture.reopen(Limits::default()).await;
    let taken = acknowledging(4, 2, &commit(3, 0, Change::default()), &authority());
    fixture.append(bob(), 30_000, taken).await.unwrap();
    let view = fixture.backend.view(by(ALICE)).await.unwrap().unwrap();
    assert_eq!((view.last_commit, view.confirmed), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgement_under_another_authority_appends_nothing() {
    let fixture = Fixture::new(Limits::default()).await;
    let offer = commit(1, 0, Change::default());
    fixture.append(ALICE, 0, commit(1, 0, Change::default())).await.unwrap();
    let false_one = acknowledging(2, 1, &offer, &key(0xef));
    assert_eq!(fixture.append(bob(), 0, false_one).await, Err(AppendError::Malformed));
    assert_eq!(fixture.append(bob(), 0, line(3)).await.unwrap().seq, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_of_another_format_is_left_alone_and_the_way_out_is_said() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("relay.redb");
    let database = redb::Database::create(&path).unwrap();
    let rooms = redb::TableDefinition::<&[u8; 32], (u64, u64, u64, u64, u64, u64)>::new("rooms");
    let transaction = database.begin_write().unwrap();
    transaction.open_table(rooms).unwrap().insert(&[1; 32], (0, 1, 0, 0, 0, 0)).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = log::open(directory.path(), &Limits::default()).err().unwrap().to_string();
    assert!(refused.contains("another format") && refused.contains("relay.redb"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_backend_accepts_nothing() {
    let fixture = Fixture::new(Limits::default()).await;
    fixture.backend.close().await;
    assert_eq!(fixture.append(ALICE, 0, line(1)).await, Err(AppendError::Closed));
}
