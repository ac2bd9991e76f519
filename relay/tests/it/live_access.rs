//! Members who are online while commits are offered, dropped and undone: memory shows them what the disk would, and
//! nothing to a key from the moment on at which it loses its access.

use proto::relay::{Deliver, Ephemeral, Publish, client_frame, refused::Code, relay_frame::Frame};
use relay::Limits;

use crate::common::*;

/// Memory for everything, for little, and for nothing.
const TAILS: [usize; 3] = [32 << 20, 1 << 10, 0];

async fn server(tail: usize) -> Server {
    Server::with(Limits { tail, ..Limits::default() }).await
}

fn id(number: u8) -> [u8; 16] {
    [number; 16]
}

async fn typing(stream: &mut Stream) {
    let envelope = b"typing".as_slice().into();
    stream.frame(client_frame::Frame::Ephemeral(Ephemeral { envelope })).await;
}

/// Reads up to an entry that comes yet.
async fn up_to(stream: &mut Stream, seq: u64) {
    loop {
        match stream.next().await {
            Frame::Deliver(entry) if entry.seq >= seq => return,
            Frame::Deliver(_) | Frame::Published(_) | Frame::Ephemeral(_) => {}
            other => panic!("expected entries, found {other:?}"),
        }
    }
}

/// What a stream still gets until it ends: entries, signals, and why it ended.
async fn rest(mut stream: Stream) -> (Vec<u64>, usize, Option<Code>) {
    let (mut seqs, mut signals, mut code) = (Vec::new(), 0, None);
    let read = async {
        while let Some(frame) = stream.try_next().await {
            match frame {
                Frame::Deliver(entry) => seqs.push(entry.seq),
                Frame::Ephemeral(_) => signals += 1,
                Frame::Refused(refused) => code = Some(refused.code()),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the stream ends");
    (seqs, signals, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_came_with_a_dropped_join_gets_nothing_of_what_follows() {
    for tail in TAILS {
        let server = server(tail).await;
        let client = server.client().await;
        let keys = vec![member(&key(2)), invite(&key(9), 0, 0)];
        let mut a = client.create(room(1), &key(1), keys).await;
        let (mut b, _) = client.join(room(1), &key(2), 0).await;
        let (mut guest, _) = client.join(room(1), &key(9), 0).await;
        guest.publish(id(1), b"join", Some(commit(0, vec![member(&key(66))], vec![]))).await;
        assert_eq!(guest.published().await.seq, 1);
        let (mut newcomer, _) = client.join(room(1), &key(66), 0).await;
        a.publish(id(2), b"line", None).await;
        up_to(&mut newcomer, 2).await;

        a.publish(id(3), b"in its place", Some(in_place(1))).await;
        while a.published().await.seq < 3 {}
        typing(&mut a).await;
        a.publish(id(4), b"secret", None).await;
        up_to(&mut b, 4).await;
        assert_eq!(rest(newcomer).await, (vec![], 0, Some(Code::NotAllowed)), "tail {tail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_commit_ends_whom_it_added_and_leaves_whom_it_removed_without_a_word() {
    for tail in TAILS {
        let server = server(tail).await;
        let client = server.client().await;
        let mut a = client.create(room(1), &key(1), vec![member(&key(2)), member(&key(3))]).await;
        let (mut b, _) = client.join(room(1), &key(2), 0).await;
        let (mut c, _) = client.join(room(1), &key(3), 0).await;
        a.publish(id(1), b"offer", Some(commit(0, vec![member(&key(66))], vec![&key(2)]))).await;
        up_to(&mut b, 1).await;
        let (mut added, _) = client.join(room(1), &key(66), 0).await;
        let (suspended, joined) = client.join(room(1), &key(2), 0).await;
        assert_eq!(joined.suspended_by, 1);
        a.publish(id(2), b"line", None).await;
        up_to(&mut added, 2).await;

        // Its author need not wait.
        a.publish(id(3), b"in its place", Some(in_place(1))).await;
        while a.published().await.seq < 3 {}
        typing(&mut a).await;
        a.publish(id(4), b"secret", None).await;
        up_to(&mut c, 4).await;
        assert_eq!(rest(b).await, (vec![], 0, Some(Code::NotAllowed)), "removed, tail {tail}");
        assert_eq!(rest(added).await, (vec![], 0, Some(Code::NotAllowed)), "added, tail {tail}");
        // It waits to be brought back.
        server.relay.unwrap().shutdown().await;
        assert_eq!(rest(suspended).await, (vec![], 0, Some(Code::ShuttingDown)), "suspended, tail {tail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undone_commit_ends_its_author_and_whom_it_added_at_once() {
    for tail in TAILS {
        let server = server(tail).await;
        let client = server.client().await;
        let others = (2..=5).map(|n| member(&key(n))).collect();
        let mut author = client.create(room(1), &key(1), others).await;
        let mut voters = Vec::new();
        let mut generation = bytes::Bytes::new();
        for n in 2..=4 {
            let (stream, joined) = client.join(room(1), &key(n), 0).await;
            generation = joined.generation;
            voters.push(stream);
        }
        let (mut witness, _) = client.join(room(1), &key(5), 0).await;
        let takeover = commit(0, vec![member(&key(66))], vec![]);
        let named = name(&room(1), &key(1), b"takeover", &takeover);
        author.publish(id(1), b"takeover", Some(takeover)).await;
        up_to(&mut witness, 1).await;
        let (mut added, _) = client.join(room(1), &key(66), 0).await;
        witness.acknowledge(id(2), 1, named).await;
        assert_eq!(witness.published().await.seq, 2);
        for (n, voter) in voters.iter_mut().take(2).enumerate() {
            voter.vote(id(10 + n as u8), &generation, (1, named)).await;
            assert_eq!(voter.published().await.seq, 3 + n as u64);
        }
        up_to(&mut author, 4).await;
        up_to(&mut added, 4).await;

        let reads = server.relay.as_ref().unwrap().database_reads();
        voters[2].vote(id(12), &generation, (1, named)).await;
        assert_eq!(voters[2].published().await.seq, 5);
        typing(&mut voters[2]).await;
        voters[2].publish(id(13), b"secret", None).await;
        up_to(&mut witness, 6).await;
        assert_eq!(rest(author).await, (vec![], 0, Some(Code::NotAllowed)), "author, tail {tail}");
        assert_eq!(rest(added).await, (vec![], 0, Some(Code::NotAllowed)), "added, tail {tail}");
        if tail == TAILS[0] {
            let looked_up = server.relay.as_ref().unwrap().database_reads() - reads;
            assert_eq!(looked_up, 2, "whom it does not concern is not looked up");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_from_memory_is_the_entry_from_the_disk() {
    let server = server(TAILS[0]).await;
    let client = server.client().await;
    let others = (2..=4).map(|n| member(&key(n))).collect();
    let mut a = client.create(room(1), &key(1), others).await;
    let (mut b, joined) = client.join(room(1), &key(2), 0).await;
    let (mut c, _) = client.join(room(1), &key(3), 0).await;
    // It has looked its key up.
    a.publish(id(1), b"line", None).await;
    let mut live: Vec<Deliver> = vec![c.delivered().await];
    a.published().await;

    let reads = server.relay.as_ref().unwrap().database_reads();
    let offer = commit(0, vec![member(&key(66))], vec![]);
    let named = name(&room(1), &key(1), b"offer", &offer);
    a.publish(id(2), b"offer", Some(offer)).await;
    a.published().await;
    b.acknowledge(id(3), 2, named).await;
    let resync =
        Publish { id: id(4).to_vec().into(), resync: b"let me in".as_slice().into(), ..Publish::default() };
    b.frame(client_frame::Frame::Publish(resync)).await;
    b.vote(id(5), &joined.generation, (2, named)).await;
    while live.len() < 5 {
        live.push(c.delivered().await);
    }
    assert_eq!(server.relay.as_ref().unwrap().database_reads(), reads, "all of it came out of memory");

    // The third of four voters undoes it.
    a.vote(id(6), &joined.generation, (2, named)).await;
    c.vote(id(7), &joined.generation, (2, named)).await;
    while live.len() < 7 {
        live.push(c.delivered().await);
    }
    assert_eq!(live.last().unwrap().undone, 2);
    let (mut late, _) = client.join(room(1), &key(4), 0).await;
    for entry in live {
        assert_eq!(late.delivered().await, entry);
    }
}
