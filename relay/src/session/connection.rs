//! The streams of a connection, and who may have how many of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use proto::CloseCode;
use tokio::task::JoinSet;

use crate::{
    net::transport::Connection,
    policy::{limits::REFUSED_JOINS, refusal::Limit},
    session::{
        join_gate::Turn,
        peer::Peer,
        stream::{self, Outcome},
    },
};

/// Serves the streams of a connection until it is told to close.
pub(crate) async fn serve_rooms(peer: Peer, connection: &Connection) {
    let peer = Arc::new(peer);
    let (shared, mut joined) = (&peer.shared, peer.joined.subscribe());
    let mut stopping = shared.stopping.subscribe();
    let mut streams = JoinSet::new();
    let (mut refused, mut is_guest) = (0, false);
    let mut transfers = peer.transfers.subscribe();
    let idle = tokio::time::sleep(shared.limits().join_time * 2);
    tokio::pin!(idle);
    let later = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(later);
    let mut gate = peer.gate.subscribe();
    let close = |code, limit| {
        shared.metrics.limited_at(limit, peer.payer);
        connection.close(code);
    };
    loop {
        let turn = gate.borrow_and_update().next(is_guest, Instant::now());
        if let Turn::At(instant) = turn {
            later.as_mut().reset(instant.into());
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            _ = joined.wait_for(|joined| *joined), if !is_guest => {
                is_guest = true;
                connection.welcome(&shared.limits());
            }
            () = connection.closed() => break,
            () = &mut idle, if !is_guest && !idle.is_elapsed() => {
                return close(CloseCode::TimedOut, Limit::JoinTime);
            }
            Ok(()) = transfers.changed(), if is_guest => {
                connection.make_room(&shared.limits(), *transfers.borrow_and_update());
            }
            Some(ended) = streams.join_next() => {
                refused += u32::from(matches!(ended, Ok(Outcome::Refused)));
                if refused >= REFUSED_JOINS {
                    return close(CloseCode::RefusedJoins, Limit::RefusedJoins);
                }
            }
            Ok(()) = gate.changed() => {}
            () = &mut later, if matches!(turn, Turn::At(_)) => {}
            stream = connection.accept(), if turn == Turn::Now => {
                let Some((send, recv)) = stream else { break };
                let limits = shared.limits();
                // Whether it is a room's or a file's shows its first frame, and a file's is no Join.
                if !peer.may_join() {
                    return close(CloseCode::TooMany, Limit::Joins);
                }
                // And one that is neither: a file is deleted also where all places are taken.
                let most = limits.rooms_per_connection.saturating_add(limits.files.transfers_per_connection);
                let most = most.saturating_add(1);
                let is_over = streams.len() >= most as usize;
                let joining = (!is_over).then(|| peer.joining());
                let peer = peer.clone();
                streams.spawn(async move {
                    match joining {
                        Some(joining) => stream::serve(&peer, send, recv, joining).await,
                        None => stream::refuse(&peer, send, recv, Limit::RoomsPerConnection).await,
                    }
                });
            }
        }
    }
    // Either the client is gone and the streams end by themselves, or the relay stops and they say so.
    while streams.join_next().await.is_some() {}
    connection.close(CloseCode::ShuttingDown);
}
