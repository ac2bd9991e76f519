//! A file is fetched: part after part, the next one read while the one before is sent.

use std::ops::Range;

use proto::{
    blob::{GetRequest, PART},
    relay::refused::Code,
};

use super::{
    super::{
        end::StreamEnd,
        output::{Output, Reservation},
    },
    Pace, have,
    member::Member,
};
use crate::{
    blobs::{Transfer, Whole},
    policy::files::{FileLimits, PARTS_AHEAD},
    session::peer::Peer,
};

/// Serves it to the end.
pub(super) async fn run(
    peer: &Peer,
    member: &mut Member<'_>,
    transfer: &Transfer,
    get: &GetRequest,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    member.check(false).await?;
    let (shared, proof) = (&peer.shared, &get.proof);
    let whole = shared.blobs.find(proof.room, proof.blob, shared.clock.now_ms()).await?;
    let range = get.range(whole.row.layout).ok_or_else(|| StreamEnd::of(Code::Malformed))?;
    tokio::select! {
        biased;
        () = transfer.gone(whole.row.number) => Err(StreamEnd::of(Code::NoBlob)),
        end = send(peer, member, &whole, range, output) => end,
    }
}

async fn send(
    peer: &Peer,
    member: &mut Member<'_>,
    whole: &Whole,
    range: Range<u32>,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    let (shared, layout) = (&peer.shared, whole.row.layout);
    let FileLimits { stall, part_time, .. } = shared.limits().files;
    output.frame_within(stall, have(&whole.row)).await?;
    let pace = Pace::new(peer);
    let read = async |number: u32| {
        let length = layout.length(number).unwrap_or(PART);
        pace.take(length).await;
        let memory = Reservation::of(&peer.share.files_out, &shared.files_out, length).await?;
        Ok::<_, StreamEnd>((shared.blobs.read(whole, number).await?, memory))
    };
    let mut ready = read(range.start).await?;
    // Of the last part, for as long as it is on its way: it takes memory, and so it takes of the address's share, but others go on.
    let mut share = None;
    for number in range.clone() {
        member.check(false).await?;
        let (bytes, memory) = ready;
        let length = bytes.len() as u64;
        let next = number + 1;
        let following = async { if next < range.end { Some(read(next).await) } else { None } };
        // Its memory is given back when it is sent, and not when the next part is there: those who hold one and wait for another
        // would wait for each other.
        let send = async {
            let sent = output.part(number, bytes, part_time, stall).await;
            share = Some(memory.share()).filter(|_| next >= range.end);
            sent
        };
        let (sent, following) = tokio::join!(send, following);
        sent?;
        shared.metrics.file_bytes_out.inc_by(length);
        match following {
            Some(following) => ready = following?,
            None => break,
        }
    }
    // What is on its way is a part, and on a slow line it takes as long as one. The transfer keeps its place for it.
    let taken = output.hand_over(part_time * PARTS_AHEAD).await;
    drop(share);
    Ok(taken?)
}
