//! Waiting for what a command asked for, and what ends the waiting.

use std::{pin::pin, time::Duration};

use clap::Args;
use shared::room as engine;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{Globals, attach, plan::Plan, telling};
use crate::{
    faces::words,
    failure::{Exit, Failure},
    handle::Runtime,
    reason::Reason,
    runtime::{Event, Past, RelayState, RoomEvent},
};

/// How long a command waits for the relay.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Patience {
    /// Give up when the relay has not answered for so long; it is done at the next start.
    // Several tries.
    #[arg(long = "timeout", value_name = "SECONDS", default_value_t = Self::USUAL.seconds, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
}

impl Patience {
    /// Where nobody says otherwise.
    pub(super) const USUAL: Self = Self { seconds: 30 };

    pub(super) fn time(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// A command that waits longer than this, in seconds, says for what: people begin to wonder.
const HINT_S: u64 = 2;

/// A runtime with this room only.
pub(super) async fn one(globals: &Globals, room: &str) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    attach::runtime(globals, Plan { past: Past::Nothing, only: Some(room.to_owned()), own: None }).await
}

/// Asks, and waits for the answer; ends early with what makes it impossible, and says once when it takes longer. What comes
/// before the room takes the question is heard meanwhile: a room waits for whoever does not listen, and may have hundreds of
/// messages to tell of that are still to be sent.
pub(super) async fn wait<T>(
    globals: &Globals,
    runtime: &Runtime,
    (room, patience): (&str, Patience),
    events: &mut mpsc::Receiver<Event>,
    ask: impl Future<Output = Result<(), Reason>>,
    mut answer: impl FnMut(RoomEvent) -> Option<T>,
) -> Result<T, Failure> {
    let hint = async {
        sleep(Duration::from_secs(HINT_S)).await;
        // Whoever is about to give up says why in a moment.
        if patience.time() > Duration::from_secs(HINT_S) {
            eprintln!("{}", waiting_for(runtime, room, patience));
        }
        std::future::pending().await
    };
    let mut told = None;
    let waiting = async {
        let (mut ask, mut is_asked) = (pin!(ask), false);
        loop {
            let event = tokio::select! {
                asked = &mut ask, if !is_asked => {
                    asked?;
                    is_asked = true;
                    continue;
                }
                event = events.recv() => event,
            };
            let Some(event) = event else { return Ok(None) };
            told = limit(&event).or(told.take());
            let failure = hopeless(globals, &event);
            seen(runtime, event.notice()).await;
            if let Some(failure) = failure {
                return Err(failure);
            }
            if let Event::Room { event, .. } = event
                && let Some(answer) = answer(event)
            {
                return Ok(Some(answer));
            }
        }
    };
    let answer = tokio::select! {
        answer = timeout(patience.time(), waiting) => answer.unwrap_or(Ok(None))?,
        never = hint => never,
    };
    answer.ok_or_else(|| late(runtime, told))
}

fn waiting_for(runtime: &Runtime, room: &str, patience: Patience) -> String {
    let relay = runtime.room(room).ok().and_then(|status| status.relay);
    let relay = relay.map(|relay| relay.to_string());
    let why = runtime.why().filter(|why| why.exit() == Exit::Network);
    words::command::room::waiting_for(relay, patience.seconds, why.map(|why| words::reason(&why)))
}

/// Told, or about to be as the reason why the program ends.
pub(super) async fn seen(runtime: &Runtime, notice: Option<i64>) {
    if let Some(notice) = notice {
        // What cannot be marked comes again at the next start.
        let _ = runtime.seen(notice).await;
    }
}

/// The relay takes nothing for the moment, or the room nothing of this device; what was asked is kept, and done as soon
/// as it can be.
fn is_limit(code: &str) -> bool {
    matches!(code, "rate_limited" | "no_space" | "too_many_rooms" | "out" | "frozen")
}

/// Goes away by itself, or is about what somebody else did: it is told, and waited through. Else any member could make
/// every command fail by a forged entry.
fn passes(code: &str) -> bool {
    let others = [
        "forged",
        "unreadable",
        "invalid_commit",
        "inviter_absent",
        "missed_by_newcomer",
        "back",
        "thawed",
        "joins_unwitnessed",
        "other_rules",
        "return_refused",
        "bridged",
        "taken_back",
        "place_lost",
        "another_came",
        "undone",
        // Whom somebody let in is not this command's affair.
        "unverified",
    ];
    is_limit(code) || others.contains(&code)
}

/// What the relay does not take now, if that is what the event tells.
pub(super) fn limit(event: &Event) -> Option<Failure> {
    match event {
        Event::Room { event: RoomEvent::Notice { notice, again: false, .. }, .. } => {
            notice.code().is_some_and(is_limit).then(|| notice.into())
        }
        _ => None,
    }
}

/// It took too long; `limit` is what the relay said meanwhile.
pub(super) fn late(runtime: &Runtime, limit: Option<Failure>) -> Failure {
    let why = runtime.why().filter(|why| why.exit() == Exit::Network);
    let why = limit.or(why.map(Failure::from)).map(|why| Failure { exit: Exit::Network, ..why });
    why.unwrap_or_else(words::command::room::no_answer)
}

/// The failure that ends the waiting, if the event is one. Alarms are told and waited through.
pub(super) fn hopeless(globals: &Globals, event: &Event) -> Option<Failure> {
    match event {
        Event::Relay { state: RelayState::Lost { reason, retry: None }, .. } => Some(reason.into()),
        Event::Relay { state: RelayState::Connected { trust, .. }, .. } if trust.name() == "first-use" => {
            eprintln!("{}", words::command::relay::trusted(words::trust(*trust)));
            None
        }
        Event::Relay { .. } | Event::Linking(_) => None,
        Event::Room { event: RoomEvent::Failed(reason), .. } => Some(reason.into()),
        Event::Room { event: RoomEvent::Engine(event), .. } => match event {
            engine::Event::Closed { reason, .. } => Some(reason.into()),
            _ => None,
        },
        Event::Room { event: RoomEvent::Notice { notice, again, .. }, .. } => match notice.code() {
            Some(code) if !again && !passes(code) => Some(notice.into()),
            Some(_) | None => {
                telling::notice(globals, event);
                None
            }
        },
        Event::Room { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Earlier, Notice};

    fn told(code: &str, again: bool) -> Event {
        let notice = Notice::Earlier(Earlier {
            alarm: None,
            code: code.to_owned(),
            message: "No.".to_owned(),
            remedy: String::new(),
        });
        Event::Room { room: "lobby".into(), event: RoomEvent::Notice { ordinal: 1, notice, again } }
    }

    #[test]
    fn command_fails_by_what_it_asked_for_and_not_by_what_others_did() {
        let globals = Globals::default();
        for code in ["outbox_full", "refused", "not_joined", "too_long", "relay_restored"] {
            assert!(hopeless(&globals, &told(code, false)).is_some(), "{code}");
            assert!(hopeless(&globals, &told(code, true)).is_none(), "{code}, of the last time");
        }
        for code in [
            "forged",
            "unreadable",
            "invalid_commit",
            "inviter_absent",
            "missed_by_newcomer",
            "rate_limited",
            "no_space",
            "out",
            "frozen",
            "thawed",
            "back",
            "taken_back",
            "place_lost",
            "undone",
            "unverified",
        ] {
            assert!(hopeless(&globals, &told(code, false)).is_none(), "{code}");
        }
    }
}
