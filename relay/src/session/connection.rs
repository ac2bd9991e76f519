//! The streams of a connection, and who may have how many of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use proto::CloseCode;
use tokio::task::JoinSet;
use tracing::{Instrument as _, debug};

use crate::{
    net::transport::Connection,
    policy::{
        limits::{Limits, REFUSED_JOINS, SPARE_STREAMS, STREAMS_AT_FIRST},
        refusal::Limit,
    },
    session::{
        join_gate::Turn,
        peer::Peer,
        spans,
        stream::{self, Outcome},
    },
};

/// Serves the streams of a connection until it is told to close.
pub(crate) async fn serve_rooms(peer: Peer, connection: &Connection) {
    let serving = async {
        debug!(carrier = connection.carrier(), "connected");
        serve(peer, connection).await;
        debug!("not connected any more");
    };
    serving.instrument(spans::connection()).await;
}

async fn serve(peer: Peer, connection: &Connection) {
    let peer = Arc::new(peer);
    let (shared, mut changes) = (&peer.shared, peer.streams.subscribe());
    let mut stopping = shared.stopping.subscribe();
    let mut streams = JoinSet::new();
    let (mut refused, mut is_guest, mut transfers, mut granted) = (0, false, 0, 0);
    let idle = tokio::time::sleep(shared.limits().join_time * 2);
    tokio::pin!(idle);
    let later = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(later);
    let close = |code, limit| {
        shared.metrics.limited_at(limit, peer.payer);
        debug!(?code, "hangs up");
        connection.close(code);
    };
    loop {
        let now = *changes.borrow_and_update();
        if now.have_joined && !is_guest {
            is_guest = true;
            connection.welcome(&shared.limits());
        }
        if is_guest && now.transfers != transfers {
            transfers = now.transfers;
            connection.make_room(&shared.limits(), transfers);
        }
        let grant = if is_guest { grant(&shared.limits(), streams.len()) } else { 0 };
        if grant > granted {
            granted = grant;
            connection.grant(granted);
        }
        let turn = now.gate.next(is_guest, Instant::now());
        if let Turn::At(instant) = turn {
            later.as_mut().reset(instant.into());
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            () = connection.closed() => break,
            () = &mut idle, if !is_guest && !idle.is_elapsed() => {
                return close(CloseCode::TimedOut, Limit::JoinTime);
            }
            Some(ended) = streams.join_next() => {
                refused += u32::from(matches!(ended, Ok(Outcome::Refused)));
                // Whoever opens an open room asked for it before, and opening has a limit of its own.
                let opened = changes.borrow().opened;
                if refused >= REFUSED_JOINS.saturating_add(opened) {
                    return close(CloseCode::RefusedJoins, Limit::RefusedJoins);
                }
            }
            Ok(()) = changes.changed() => {}
            () = &mut later, if matches!(turn, Turn::At(_)) => {}
            stream = connection.accept(), if turn == Turn::Now => {
                let Some((send, recv)) = stream else { break };
                let limits = shared.limits();
                // Whether it is a room's or a file's shows its first frame, and a file's is no Join.
                if !peer.may_join() {
                    return close(CloseCode::TooMany, Limit::Joins);
                }
                let is_over = streams.len() >= most(&limits) as usize;
                let joining = (!is_over).then(|| peer.joining());
                let peer = peer.clone();
                let serving = async move {
                    let outcome = match joining {
                        Some(joining) => stream::serve(&peer, send, recv, joining).await,
                        None => stream::refuse(&peer, send, recv, Limit::RoomsPerConnection).await,
                    };
                    debug!(?outcome, "stream over");
                    outcome
                };
                streams.spawn(serving.instrument(spans::stream()));
            }
        }
    }
    // Either the client is gone and the streams end by themselves, or the relay stops and they say so.
    while streams.join_next().await.is_some() {}
    connection.close(CloseCode::ShuttingDown);
}

/// Streams of rooms and of files that a connection may have at once, and one that is neither: a file is deleted also where all
/// places are taken.
fn most(limits: &Limits) -> u32 {
    limits.rooms_per_connection.saturating_add(limits.files.transfers_per_connection).saturating_add(1)
}

/// How many a connection may have at once that has so many: twice as many, and the rest a round trip later. QUIC keeps 70 bytes for
/// each one that may come, which are 5 KiB of an idle connection if all may.
fn grant(limits: &Limits, open: usize) -> u32 {
    let twice = u32::try_from(open.saturating_mul(2)).unwrap_or(u32::MAX);
    // QUIC says that one more may come only when an eighth of all may: so that what may come does, there are some above.
    let all = most(limits).saturating_add(SPARE_STREAMS);
    twice.max(STREAMS_AT_FIRST).min(all.saturating_add(all / 7 + 1))
}
