//! What a hostile relay and a removed member can try.

use std::{fs, io, path::Path};

use proto::relay::{Deliver, Joined, RelayFrame, refused::Code, relay_frame::Frame};
use shared::room::{self as engine, Engine, Event, Input};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Stop,
    own_relay::{DemoRelay, PATIENCE},
};
use crate::{
    runtime::now_ms,
    store::Rows,
    transport::{ExpectedRelay, RoomStream, Transport},
};

/// Frames that wait on the tap; far more than the demonstration has.
const TAP: usize = 1024;

/// All log entries that went over one member's wire.
#[derive(Default)]
pub(super) struct Tape {
    frames: Option<mpsc::Receiver<RelayFrame>>,
    entries: Vec<Deliver>,
}

impl Tape {
    pub(super) fn tap(&mut self) -> mpsc::Sender<RelayFrame> {
        let (sender, frames) = mpsc::channel(TAP);
        self.frames = Some(frames);
        sender
    }

    /// All entries so far, once they are what was waited for.
    pub(super) async fn until(&mut self, enough: impl Fn(&[Deliver]) -> bool) -> Result<Vec<Deliver>, Stop> {
        let missing = || "the tape misses an entry".to_owned();
        while !enough(&self.entries) {
            let frames = self.frames.as_mut().ok_or_else(missing)?;
            let frame = timeout(PATIENCE, frames.recv()).await.ok().flatten().ok_or_else(missing)?;
            if let Some(Frame::Deliver(entry)) = frame.frame {
                self.entries.push(entry);
            }
        }
        Ok(self.entries.clone())
    }

    /// What was sealed, as the relay has it.
    pub(super) fn envelopes(mut self) -> Vec<Vec<u8>> {
        while let Some(frame) = self.frames.as_mut().and_then(|frames| frames.try_recv().ok()) {
            if let Some(Frame::Deliver(entry)) = frame.frame {
                self.entries.push(entry);
            }
        }
        self.entries.into_iter().map(|entry| entry.envelope.to_vec()).collect()
    }
}

/// A device's stored state of a room, at some moment.
pub(super) struct Snapshot {
    profile: engine::Profile,
    rows: Rows,
    /// The last entry that it had read.
    pub(super) cursor: u64,
}

impl Snapshot {
    pub(super) fn new(profile: engine::Profile, rows: Rows) -> Result<Self, Stop> {
        let engine = Engine::load(&profile, rows.clone(), now_ms()).map_err(|error| error.to_string())?;
        Ok(Self { profile, rows, cursor: engine.cursor() })
    }

    /// The entries that it had not read.
    pub(super) fn after(&self, entries: &[Deliver]) -> Vec<Deliver> {
        entries.iter().filter(|entry| entry.seq > self.cursor).cloned().collect()
    }

    /// The last entry alone, as the next one of this device's log.
    pub(super) fn only_last(&self, entries: &[Deliver]) -> Vec<Deliver> {
        entries.last().map(|entry| Deliver { seq: self.cursor + 1, ..entry.clone() }).into_iter().collect()
    }

    fn engine(&self) -> Result<Engine, Stop> {
        Engine::load(&self.profile, self.rows.clone(), now_ms()).map_err(|error| error.to_string())
    }
}

/// What a device made of entries.
#[derive(Default)]
pub(super) struct Fed {
    pub(super) texts: Vec<String>,
    pub(super) alarms: Vec<&'static str>,
    /// Alarms and errors together.
    pub(super) refusals: usize,
}

/// Plays entries to a device as its relay would.
pub(super) fn feed(device: &Snapshot, entries: &[Deliver]) -> Result<Fed, Stop> {
    let mut engine = device.engine()?;
    let head = entries.last().map_or(device.cursor, |entry| entry.seq);
    let joined =
        Joined { head, oldest: 1, last_commit: head, slot: None, now_ms: now_ms(), ..Joined::default() };
    let frame = |frame| Input::Frame(RelayFrame { frame: Some(frame) });
    let mut inputs = vec![
        Input::Connected { binding: [0; proto::CHANNEL_BINDING_LEN], token: None, pin: None },
        frame(Frame::Joined(joined)),
    ];
    inputs.extend(entries.iter().cloned().map(Frame::Deliver).map(frame));
    let mut fed = Fed::default();
    for input in inputs {
        for event in engine.handle(input, now_ms()).events {
            fed.refusals += usize::from(matches!(event, Event::Alarm(_) | Event::Problem(_)));
            match event {
                Event::Message(message) => fed.texts.push(message.text),
                Event::Alarm(alarm) => fed.alarms.push(alarm.kind().name()),
                _ => {}
            }
        }
    }
    Ok(fed)
}

/// What the device has not read, up to the line that it makes this text of: devices acknowledge changes before and after.
pub(super) async fn up_to(tape: &mut Tape, device: &Snapshot, text: &str) -> Result<Vec<Deliver>, Stop> {
    let says = |part: &[Deliver]| feed(device, part).is_ok_and(|fed| fed.texts == [text]);
    let heard = tape.until(|entries| says(&device.after(entries))).await?;
    let since = device.after(&heard);
    let end = (1..=since.len()).find(|end| since.get(..*end).is_some_and(says)).unwrap_or(since.len());
    Ok(since.into_iter().take(end).collect())
}

/// The entries, and the last one again in the next place.
pub(super) fn replayed(entries: &[Deliver]) -> Vec<Deliver> {
    let again = entries.last().map(|entry| Deliver { seq: entry.seq + 1, ..entry.clone() });
    entries.iter().cloned().chain(again).collect()
}

/// The entries with one bit of the last envelope changed: at each byte of its header, and at every 16th byte behind.
pub(super) fn forged(entries: &[Deliver]) -> Vec<Vec<Deliver>> {
    let Some((last, before)) = entries.split_last() else { return Vec::new() };
    let places = (0..last.envelope.len()).filter(|place| *place < 21 || place % 16 == 0);
    places
        .map(|place| {
            let mut envelope = last.envelope.to_vec();
            if let Some(byte) = envelope.get_mut(place) {
                *byte ^= 1;
            }
            let last = Deliver { envelope: envelope.into(), ..last.clone() };
            before.iter().cloned().chain([last]).collect()
        })
        .collect()
}

/// Connects with a device's state to the real relay: does it let the device into the room?
pub(super) async fn knock(place: &DemoRelay, device: &Snapshot) -> Result<bool, Stop> {
    let transport = Transport::new(None).map_err(|error| error.to_string())?;
    let known = ExpectedRelay::Pinned(place.own.pin);
    let dialed = transport.dial(&place.own.dial, known).await.map_err(|error| error.to_string())?;
    let mut stream = RoomStream::open(&dialed.connection).await.map_err(|error| error.to_string())?;
    let mut engine = device.engine()?;
    let pin = Some(*place.own.pin.as_bytes());
    let connected = Input::Connected { binding: stream.binding(), token: None, pin };
    for frame in engine.handle(connected, now_ms()).frames {
        stream.queue(&frame).map_err(|error| error.to_string())?;
    }
    let answer = timeout(PATIENCE, stream.drive()).await.map_err(|_| "the relay says nothing".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?.into_iter().next().and_then(|frame| frame.frame);
    stream.finish().await;
    transport.close().await;
    match answer {
        // Who was removed may vote against that, and nothing else.
        Some(Frame::Joined(joined)) => Ok(joined.suspended_by == 0 || joined.slot.is_some()),
        Some(Frame::Refused(refused)) if refused.code() == Code::NotAllowed => Ok(false),
        other => Err(format!("the relay answers {other:?}")),
    }
}

/// The contents of all files below a directory.
pub(super) fn read_all(dir: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(read_all(&path)?);
        } else {
            files.push(fs::read(path)?);
        }
    }
    Ok(files)
}
