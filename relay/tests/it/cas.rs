//! Races for the next commit: exactly one wins, and the others learn where it is.
//!
//! `SCHAT_RACES` sets the number of races (default 300); `just soak-cas` runs a hundred thousand.

use std::sync::Arc;

use proto::{PublicKey, PublishId, RoomId};
use relay::{
    Limits, Retention,
    access::{AccessKey, Change, Grant},
    log::{self, AppendError, Appended, Author, Commit, Log, Opening, Publish},
    policy::token::Right,
};
use tempfile::TempDir;
use tokio::{
    sync::{Barrier, mpsc},
    task::JoinSet,
};

use crate::common::{authority, part, public, sign_publish};

const ROOM: RoomId = RoomId([1; 32]);

/// Members that commit at once.
const WRITERS: u8 = 16;

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_writers_exactly_one_wins_each_race() {
    let races: u64 = std::env::var("SCHAT_RACES").ok().and_then(|races| races.parse().ok()).unwrap_or(300);
    let directory = TempDir::new().unwrap();
    // A short log: what is tested are its heads.
    let retention = Retention { entries: 1000, ..Retention::default() };
    let backend = log::open(directory.path(), &Limits { retention, ..Limits::default() }).unwrap();
    let keys = (0..WRITERS).map(|writer| AccessKey { key: key(writer), grant: Grant::Member }).collect();
    backend
        .create(
            ROOM,
            Opening { slot: b"0".as_slice().into(), keys, authority: public(&authority()), address: None },
            Right::Anybody,
            0,
        )
        .await
        .unwrap();

    let (start, (answers, mut waiting)) = (Arc::new(Barrier::new(usize::from(WRITERS))), mpsc::channel(16));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (backend, start, answers) = (backend.clone(), start.clone(), answers.clone());
        writers.spawn(async move {
            let mut last = 0;
            for race in 0..races {
                start.wait().await;
                let answer = commit(&*backend, writer, race, last).await;
                last = match answer {
                    Ok(Appended { seq, repeated: false, .. }) => seq,
                    Err(AppendError::Conflict { last_commit, .. }) => last_commit,
                    other => panic!("race {race}: {other:?}"),
                };
                answers.send((race, answer.is_ok(), last)).await.unwrap();
            }
        });
    }
    drop(answers);
    let (mut last, mut losers) = (0, 0);
    for race in 0..races {
        let mut results = Vec::new();
        for _ in 0..WRITERS {
            results.push(waiting.recv().await.unwrap());
        }
        assert!(results.iter().all(|(of, ..)| *of == race));
        let winners: Vec<_> = results.iter().filter(|(_, won, _)| *won).collect();
        assert_eq!(winners.len(), 1, "race {race}");
        assert_eq!(winners[0].2, last + 1, "race {race}");
        last = winners[0].2;
        // All of them know where the last commit is.
        assert!(results.iter().all(|(_, _, told)| *told == last), "race {race}: {results:?}");
        losers += results.len() - 1;
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(
        backend.view(Author { room: ROOM, key: key(0), now_ms: 0 }).await.unwrap().unwrap().last_commit,
        races
    );
    println!("{races} races, {losers} losers told");
}

async fn commit(backend: &dyn Log, writer: u8, race: u64, expected: u64) -> Result<Appended, AppendError> {
    let author = Author { room: ROOM, key: key(writer), now_ms: 0 };
    let id = PublishId(((u128::from(race) << 8) | u128::from(writer)).to_be_bytes());
    let commit = Commit { slot: id.0.to_vec().into(), part: part(expected, Change::default()) };
    let publish = Publish { commit: Some(commit), ..Publish::plain(id, id.0.to_vec().into()) };
    let publish = sign_publish(&ROOM, &author.key, &authority(), publish);
    backend.append_commit(author, publish).await.wait().await
}

fn key(writer: u8) -> PublicKey {
    PublicKey([0xa0 + writer; 32])
}
