//! What happens, as the log has it: kinds, counts and codes; whoever is meant is a number of the span around it.

use shared::room as engine;
use tracing::{debug, info, warn};

use super::{Event, RelayState, RoomEvent};
use crate::{
    reason::Reason,
    transport::{Carrier, Trust},
};

/// Longest code that is written; ours are shorter.
const CODE: usize = 32;

/// Logs an event on its way to the faces.
pub(super) fn told(event: &Event) {
    match event {
        Event::Relay { state, .. } => relay(state),
        Event::Room { event, .. } => room(event),
        Event::Linking(_) => debug!("linking"),
    }
}

fn relay(state: &RelayState) {
    match state {
        RelayState::Connecting => debug!("dials"),
        RelayState::Ended => debug!("needed no more"),
        RelayState::Connected { trust, carrier } => {
            info!(carrier = carrier_of(*carrier), trust = trust_of(*trust), "connected");
        }
        RelayState::Lost { reason, retry } => {
            let retry_ms = retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
            info!(code = code(reason.code()), retry_ms, "not connected");
        }
    }
}

fn room(event: &RoomEvent) {
    match event {
        RoomEvent::Engine(event) => engine(event),
        RoomEvent::Notice { notice, again, .. } => match (notice.kind(), notice.code()) {
            (Some(kind), _) => warn!(kind = kind.name(), again, "alarm"),
            (None, told) => warn!(code = code(told.unwrap_or_default()), again, "problem"),
        },
        RoomEvent::Failed(reason) => failed(reason),
        RoomEvent::Changed { act, .. } => debug!(seq = act.seq, mine = act.mine, "message changed"),
        RoomEvent::DraftElsewhere(_) => debug!("typed elsewhere"),
        RoomEvent::ReadElsewhere(seq) => debug!(seq, "read elsewhere"),
        RoomEvent::Listed { is_muted, is_pinned } => debug!(is_muted, is_pinned, "listed"),
        RoomEvent::Gone(seqs) => debug!(count = seqs.len(), "messages gone"),
        RoomEvent::Invite { .. } => info!("invite ready"),
        RoomEvent::Namesake(namesake) => info!(is_me = namesake.is_me, "namesake"),
        RoomEvent::Transfer(transfer) => debug!(state = transfer.state.name(), "file"),
        RoomEvent::Pictured => debug!("picture fetched"),
        // It was told when it happened.
        RoomEvent::Past(_) | RoomEvent::PastHappening(_) => {}
    }
}

fn engine(event: &engine::Event) {
    use engine::Event as E;
    match event {
        E::Joined(view) => {
            info!(epoch = view.epoch, members = view.count(), open = view.open, "in the room");
        }
        E::Epoch(view) => info!(epoch = view.epoch, members = view.count(), "epoch"),
        E::Message(message) => debug!(seq = message.seq, mine = message.mine, "message"),
        E::Queued { .. } => debug!("message waits"),
        E::Sent { seq, .. } => debug!(seq, "message sent"),
        E::Handed { lines, .. } => info!(count = lines.len(), "past handed over"),
        E::HandOver { .. } => info!("past wanted"),
        E::Seen { seq, mine, .. } => debug!(seq, mine, "read mark"),
        E::Device { seq, mine, .. } => debug!(seq, mine, "to own devices"),
        E::Typing { stopped, .. } => debug!(stopped, "typing"),
        E::CatchingUp { done, total } => debug!(done, total, "catching up"),
        E::Closed { was_member, .. } => info!(was_member, "room over"),
        E::Heard { .. } => debug!("member heard"),
        E::Invited { .. } => info!("card read"),
        E::MemberJoined { .. } => info!("member joined"),
        E::MemberLeft { .. } => info!("member left"),
        E::DeviceJoined { .. } => info!("device joined"),
        E::DeviceLeft { .. } => info!("device left"),
        E::KeyChanged { .. } => warn!("key changed"),
        E::DeviceBack(_) => info!("device back"),
        E::ProfileChanged { .. } => info!("profile changed"),
        E::NewPicture { .. } => info!("picture changed"),
        E::Topic { .. } => info!("topic changed"),
        E::Disappearing { .. } => info!("messages disappear"),
        E::Lost { after, upto } => info!(after, upto, "log cut"),
        E::Accepted => info!("accepted"),
        E::DeviceHere { .. } => debug!("device here"),
        E::Alarm(_)
        | E::Problem(_)
        | E::Stranger(_)
        | E::Invite { .. }
        | E::DeviceInvite { .. }
        | E::Act(_) => {}
    }
}

/// Something on this side failed.
fn failed(reason: &Reason) {
    warn!(code = code(reason.code()), exit = u8::from(reason.exit()), "failed");
}

/// A code is one of our own words. Anything else, whoever wrote it, is not written.
fn code(code: &str) -> &str {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if code.len() <= CODE && code.chars().all(is_word) { code } else { "?" }
}

fn carrier_of(carrier: Carrier) -> &'static str {
    carrier.name()
}

fn trust_of(trust: Trust) -> &'static str {
    match trust {
        Trust::WebPki => "webpki",
        Trust::Pinned(_) => "pinned",
        Trust::CaFile => "ca-file",
        Trust::Remembered(_) => "remembered",
        Trust::FirstUse(_) => "first-use",
    }
}
