//! A file is fetched: part after part, the next one read while the one before is sent.

use proto::{
    blob::{GetRequest, PART},
    relay::refused::Code,
};

use super::{
    super::{
        end::StreamEnd,
        output::{Gone, Output},
    },
    have,
    member::Member,
    pace, reserve,
};
use crate::{policy::refusal::Limit, session::peer::Peer};

/// Serves it to the end.
pub(super) async fn run(
    peer: &Peer,
    member: &mut Member<'_>,
    get: &GetRequest,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    member.check(false).await?;
    let (shared, proof) = (&peer.shared, &get.proof);
    let whole = shared.blobs.find(proof.room, proof.blob, shared.clock.now_ms()).await?;
    let layout = whole.row.layout;
    let range = get.range(layout).ok_or_else(|| StreamEnd::of(Code::Malformed))?;
    output.frame(have(&whole.row)).await?;
    let read = async |number: u32| {
        let length = layout.length(number).unwrap_or(PART);
        pace(peer, length).await;
        let memory = reserve(peer, length).await?;
        Ok::<_, StreamEnd>((shared.blobs.read(&whole, number).await?, memory))
    };
    let stall = shared.limits().files.stall;
    let mut ready = read(range.start).await?;
    for number in range.clone() {
        member.check(false).await?;
        let (bytes, memory) = ready;
        let length = bytes.len() as u64;
        let next = number + 1;
        let following = async { if next < range.end { Some(read(next).await) } else { None } };
        // Its memory is given back when it is sent, and not when the next part is there: those who hold one and wait for another
        // would wait for each other.
        let send = async {
            let sent = output.part(number, bytes, stall).await;
            drop(memory);
            sent
        };
        let (sent, following) = tokio::join!(send, following);
        if matches!(sent, Err(Gone::Stalled)) {
            shared.metrics.limited_at(Limit::TransferStall, peer.payer);
        }
        sent?;
        shared.metrics.file_bytes_out.inc_by(length);
        match following {
            Some(following) => ready = following?,
            None => break,
        }
    }
    Ok(())
}
