//! One face at the daemon: who it is, what it asks, what it is told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt, ReadHalf, WriteHalf},
    sync::{Semaphore, mpsc},
    task::AbortHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    HELLO, MAX_DOWN, MAX_UP, REQUESTS, WINDOW, frame,
    hub::Only,
    place::Stream,
    replay::Feed,
    served::Served,
    wire::{Attach, Down, Hello, MAGIC, MAX_HELLO, Snapshot, Up},
};
use crate::{
    ask::Asked,
    reason::{DaemonReason, Reason},
    runtime::{Event, FaceId, RoomEvent},
};

/// Frames that wait to be written: the queue of events is another.
const FRAMES: usize = 8;

/// How often a face learns of round trips, if they changed; in seconds.
const TRIPS_S: u64 = 5;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves whoever connected.
pub(super) async fn serve(stream: Stream, served: Arc<Served>) {
    let (mut read, mut write) = tokio::io::split(stream);
    // Whoever says nothing, or rubbish, is hung up on.
    let Ok(Ok(Some(hello))) = timeout(HELLO, frame::read::<Hello>(&mut read, MAX_HELLO)).await else {
        return;
    };
    if hello.magic != MAGIC || frame::write(&mut write, &Hello::ours(false), MAX_HELLO).await.is_err() {
        return;
    }
    if hello.stop {
        served.stop.notify_one();
        return;
    }
    if !hello.is_ours() {
        return;
    }
    let Ok(Ok(Some(first))) = timeout(HELLO, frame::read::<Up>(&mut read, MAX_UP)).await else { return };
    let attach = match first {
        Up::Attach(attach) => attach,
        Up::Status => {
            // Whoever asked may be gone.
            let _ = frame::write(&mut write, &Down::Status(served.status().await), MAX_DOWN).await;
            return;
        }
        _ => return,
    };
    let refused = match served.faces.clone().try_acquire_owned() {
        Ok(permit) => {
            let known = attach.only.as_deref().map(|room| served.local.room(room)).transpose();
            match known {
                Ok(known) => {
                    // By its own label, however it was typed.
                    let only = known.map(|room| room.label);
                    attached(read, write, &served, Attach { only, ..attach }).await;
                    drop(permit);
                    return;
                }
                Err(reason) => reason,
            }
        }
        Err(_) => DaemonReason::TooManyFaces.into(),
    };
    let _ = frame::write(&mut write, &Down::Bye(refused), MAX_DOWN).await;
}

async fn attached(read: ReadHalf<Stream>, write: WriteHalf<Stream>, served: &Arc<Served>, attach: Attach) {
    let Attach { face, begin, is_behind, only } = attach;
    let labels = || -> Vec<String> {
        let rooms = served.local.rooms().into_iter().map(|room| room.label);
        rooms.filter(|label| only.as_ref().is_none_or(|only| label == only)).collect()
    };
    let relay = |room: &String| served.local.room(room).ok().and_then(|room| room.relay);
    let one = only.clone().map(|room| Only { relay: relay(&room).map(|relay| relay.to_string()), room });
    let mut queue = served.hub.attach(face, one, labels().into_iter().collect());
    // Once more: one that was entered in between told of that when this face had no queue yet.
    let labels = labels();

    let (out, frames) = mpsc::channel(FRAMES);
    let credit = Arc::new(Semaphore::new(if is_behind { 0 } else { WINDOW }));
    let mut writer = tokio::spawn(tell(write, frames, served.clone()));
    let mut reader = tokio::spawn(hear(read, served.clone(), face, out.clone(), credit.clone()));
    let feed = Feed { local: &served.local, hub: &served.hub, face, out: out.clone(), credit, only };
    let mut cut = std::mem::replace(&mut queue.cut, tokio::sync::oneshot::channel().1);
    let mut ending = served.ending.subscribe();
    let why = tokio::select! {
        _ = &mut cut => Some(too_slow()),
        _ = feed.run(&begin, &labels, &mut queue) => Some(too_slow()),
        _ = &mut reader => None,
        _ = &mut writer => None,
        _ = ending.wait_for(|ends| *ends) => Some(ended()),
    };
    reader.abort();
    drop(feed);
    served.hub.detach(queue.number, face, queue.events, queue.first);
    if let Some(why) = why {
        // It may be just that it does not read.
        let _ = timeout(GOODBYE, out.send(Down::Bye(why))).await;
        drop(out);
        if !writer.is_finished() {
            let _ = timeout(GOODBYE, &mut writer).await;
        }
    }
    if !writer.is_finished() {
        writer.abort();
        // It takes nothing more: that is an error, or nothing.
        let _ = (&mut writer).await;
    }
    // Last: what was begun meanwhile is among it, or its answer finds nobody.
    served.local.end_passing(face).await;
}

/// Takes requests. Ends with the stream, or at what is none.
async fn hear(
    mut read: ReadHalf<Stream>,
    served: Arc<Served>,
    face: FaceId,
    out: mpsc::Sender<Down>,
    credit: Arc<Semaphore>,
) {
    let places = Arc::new(Semaphore::new(REQUESTS));
    let mut searches = BTreeMap::<u64, AbortHandle>::new();
    while let Ok(Some(up)) = frame::read::<Up>(&mut read, MAX_UP).await {
        match up {
            Up::Ask(id, asked) => {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let (served, out) = (served.clone(), out.clone());
                let (changes, is_search) = (asked.changes(), matches!(asked, Asked::Search(_)));
                let is_passing = matches!(asked, Asked::GetPassing(_));
                let task = tokio::spawn(async move {
                    let answer = asked.carry_out(&served.local, face).await;
                    if changes {
                        served.hub.touch();
                    }
                    // Whoever asked may be gone.
                    let is_gone = out.send(Down::Answer(id, answer)).await.is_err();
                    if is_gone && is_passing {
                        served.local.end_passing(face).await;
                    }
                    drop(place);
                });
                if is_search {
                    searches.retain(|_, search| !search.is_finished());
                    searches.insert(id, task.abort_handle());
                }
            }
            // What changes something is carried out to its end.
            Up::Drop(id) => {
                if let Some(search) = searches.remove(&id) {
                    search.abort();
                }
            }
            Up::Took(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if count > WINDOW.saturating_sub(credit.available_permits()) {
                    // It says that it took what it did not get.
                    return;
                }
                credit.add_permits(count);
            }
            Up::Attach(_) | Up::Status => return,
        }
    }
}

/// Writes frames, each after the snapshot that it belongs to.
async fn tell(mut write: WriteHalf<Stream>, mut frames: mpsc::Receiver<Down>, served: Arc<Served>) {
    let mut version = served.hub.version();
    let mut tick = interval(Duration::from_secs(TRIPS_S));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        let (frame, look) = tokio::select! {
            biased;
            frame = frames.recv() => match frame {
                Some(frame) => (Some(frame), false),
                None => break,
            },
            _ = version.changed() => (None, true),
            _ = tick.tick() => (None, true),
        };
        if look || last.is_none() || version.has_changed().unwrap_or(false) {
            version.borrow_and_update();
            let now = Snapshot::of(&served.local);
            if last.as_ref() != Some(&now) {
                let snapshot = Down::Snapshot(Box::new(now.clone()));
                if frame::write(&mut write, &snapshot, MAX_DOWN).await.is_err() {
                    return;
                }
                last = Some(now);
            }
        }
        let Some(frame) = frame else { continue };
        let bytes = frame::encode(&frame, MAX_DOWN).or_else(|_| frame::encode(&instead(frame), MAX_DOWN));
        let Ok(bytes) = bytes else { return };
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}

/// For an event that no frame holds.
fn instead(frame: Down) -> Down {
    let reason = DaemonReason::LongEvent.into();
    match frame {
        Down::Event(event) => match *event {
            Event::Room { room, .. } => {
                Down::Event(Box::new(Event::Room { room, event: RoomEvent::Failed(reason) }))
            }
            event @ (Event::Relay { .. } | Event::Linking(_)) => Down::Event(Box::new(event)),
        },
        _ => Down::Bye(reason),
    }
}

fn too_slow() -> Reason {
    DaemonReason::TooSlow.into()
}

fn ended() -> Reason {
    DaemonReason::Ended.into()
}
