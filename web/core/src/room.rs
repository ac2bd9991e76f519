//! One room: inputs in, and then what is to be stored, sent and shown.

use proto::{
    FrameReader, MAX_COMMIT_FRAME, Token, encode_frame,
    relay::{RelayFrame, relay_frame},
};
use shared::{
    message::timeline::Line,
    room::{Alteration, Change, Command, Engine, Input, MessageBody, Millis, Output, Policy},
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::{
    link,
    profile::Profile,
    told::{self, Place},
};

/// A room in this browser.
#[wasm_bindgen]
pub struct Room {
    engine: Engine,
    reader: FrameReader,
    host: String,
    port: u16,
    step: Step,
    /// When the engine wants the next tick, as its last step said: that holds until its next step.
    wake_at: Option<Millis>,
    /// The engine wants a fresh stream: what the old one still brings is not read.
    is_hung_up: bool,
}

/// What came of the inputs since the last [`Room::take`].
#[derive(Default)]
struct Step {
    changes: Vec<Change>,
    frames: Vec<u8>,
    events: Vec<String>,
    reopen: bool,
}

#[wasm_bindgen]
impl Room {
    fn of(engine: Engine, host: String, port: u16) -> Self {
        let reader = FrameReader::new(MAX_COMMIT_FRAME);
        Self { engine, reader, host, port, step: Step::default(), wake_at: None, is_hung_up: false }
    }

    /// The room behind a link, by what stands after its `#`.
    ///
    /// # Errors
    /// Why the link, or the name, is none.
    pub fn join(
        profile: &Profile,
        fragment: &str,
        host: String,
        port: u16,
        now: f64,
    ) -> Result<Self, JsError> {
        let link = link::read(fragment)?;
        Ok(Self::of(Engine::join(&profile.engine, &link, millis(now))?, host, port))
    }

    /// A new private room.
    ///
    /// # Errors
    /// Why the name is none.
    pub fn create(profile: &Profile, name: &str, host: String, port: u16, now: f64) -> Result<Self, JsError> {
        Ok(Self::of(Engine::create(&profile.engine, name, Policy::default(), millis(now))?, host, port))
    }

    /// A room as its rows say: keys, and the values beside them.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn load(
        profile: &Profile,
        keys: Vec<String>,
        values: Vec<js_sys::Uint8Array>,
        host: String,
        port: u16,
        now: f64,
    ) -> Result<Self, JsError> {
        let values = values.iter().map(|value| Zeroizing::new(value.to_vec()));
        let rows = keys.into_iter().zip(values).collect();
        Ok(Self::of(Engine::load(&profile.engine, rows, millis(now))?, host, port))
    }

    /// What the relay calls the room; zeros until a link's card was read.
    pub fn id(&self) -> String {
        hex::encode(self.engine.room_id().as_bytes())
    }

    /// What people call it.
    pub fn name(&self) -> String {
        self.engine.room_name().to_owned()
    }

    /// The group as JSON, once we are in.
    pub fn view(&self) -> Option<String> {
        serde_json::to_string(&self.engine.view()?).ok()
    }

    /// The number of the last entry that was read, as it is told.
    pub fn read(&self) -> f64 {
        number(self.engine.told_as(self.engine.cursor()))
    }

    /// Lines go so many seconds after they were said; 0 for never.
    pub fn disappears(&self) -> u32 {
        self.engine.disappear_s()
    }

    /// What waits for the relay, as events.
    pub fn queued(&self, now: f64) -> String {
        let place = Place { seq: None, at: millis(now) };
        let events = self.engine.queued().into_iter();
        list(events.filter_map(|event| told::event(event, place, &self.host, self.port)).collect())
    }

    /// A fresh stream is open.
    ///
    /// # Errors
    /// `damaged` where a part has another length.
    pub fn connected(
        &mut self,
        binding: &[u8],
        pin: Option<Vec<u8>>,
        token: Option<Vec<u8>>,
        now: f64,
    ) -> Result<(), JsError> {
        let damaged = || JsError::new("damaged");
        let binding = binding.try_into().map_err(|_| damaged())?;
        let pin = pin.map(|pin| pin.try_into().map_err(|_| damaged())).transpose()?;
        let token = token.map(|token| token.try_into().map_err(|_| damaged())).transpose()?.map(Token::new);
        self.reader = FrameReader::new(MAX_COMMIT_FRAME);
        self.is_hung_up = false;
        // Another stream asked for these, or was to get them.
        (self.step.reopen, self.step.frames) = (false, Vec::new());
        self.apply(vec![Input::Connected { binding, token, pin }], now);
        Ok(())
    }

    /// Bytes of the stream.
    ///
    /// # Errors
    /// `malformed`: the stream is beyond repair. What came before it counts.
    pub fn received(&mut self, bytes: &[u8], now: f64) -> Result<(), JsError> {
        if self.is_hung_up {
            return Ok(());
        }
        self.reader.push(bytes);
        let mut inputs = Vec::new();
        let broken = loop {
            match self.reader.next_frame() {
                Ok(Some(frame)) => inputs.push(Input::Frame(frame)),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        self.apply(inputs, now);
        if broken { Err(JsError::new("malformed")) } else { Ok(()) }
    }

    /// The stream is gone.
    pub fn disconnected(&mut self, now: f64) {
        self.apply(vec![Input::Disconnected], now);
    }

    /// The time came that the last step named.
    pub fn tick(&mut self, now: f64) {
        self.apply(vec![Input::Tick], now);
    }

    /// Says something; `reply_to` is what it answers.
    ///
    /// # Errors
    /// `damaged` where that is no id.
    pub fn say(
        &mut self,
        token: String,
        text: String,
        reply_to: Option<String>,
        now: f64,
    ) -> Result<(), JsError> {
        let reply_to = reply_to.as_deref().map(link::id).transpose()?;
        self.said(token, MessageBody::Text { text, reply_to, file: None }, now);
        Ok(())
    }

    /// Another text for a line of ours.
    ///
    /// # Errors
    /// `damaged` where that is no id.
    pub fn edit(&mut self, token: String, target: &str, text: String, now: f64) -> Result<(), JsError> {
        self.act(token, target, Alteration::Edit(text), now)
    }

    /// Takes a line of ours back.
    ///
    /// # Errors
    /// `damaged` where that is no id.
    pub fn delete(&mut self, token: String, target: &str, now: f64) -> Result<(), JsError> {
        self.act(token, target, Alteration::Delete, now)
    }

    /// A sign under a line, or its end.
    ///
    /// # Errors
    /// `damaged` where that is no id.
    pub fn react(
        &mut self,
        token: String,
        target: &str,
        emoji: String,
        withdrawn: bool,
        now: f64,
    ) -> Result<(), JsError> {
        self.act(token, target, Alteration::React { emoji, withdrawn }, now)
    }

    /// Tells that we type.
    pub fn typing(&mut self, stopped: bool, now: f64) {
        self.command(Command::Typing { stopped }, now);
    }

    /// Asks for an invite link.
    pub fn invite(&mut self, now: f64) {
        self.command(Command::INVITE, now);
    }

    /// Another name in this room.
    pub fn rename(&mut self, name: String, now: f64) {
        self.command(Command::Rename(name), now);
    }

    /// What the room is about.
    pub fn topic(&mut self, text: String, now: f64) {
        self.command(Command::Topic(text), now);
    }

    /// Removes a person.
    ///
    /// # Errors
    /// `damaged` where that is no fingerprint.
    pub fn remove(&mut self, who: &str, now: f64) -> Result<(), JsError> {
        self.command(Command::Remove(link::fingerprint(who)?), now);
        Ok(())
    }

    /// Makes somebody a moderator, or not any more.
    ///
    /// # Errors
    /// `damaged` where that is no fingerprint.
    pub fn moderator(&mut self, who: &str, is_moderator: bool, now: f64) -> Result<(), JsError> {
        self.command(Command::Moderator { who: link::fingerprint(who)?, is_moderator }, now);
        Ok(())
    }

    /// Lines go so many seconds after they were said.
    pub fn disappear(&mut self, seconds: u32, now: f64) {
        self.command(Command::Disappear(seconds), now);
    }

    /// Goes on with a relay that was restored.
    pub fn accept(&mut self, now: f64) {
        self.command(Command::Accept, now);
    }

    /// Leaves.
    pub fn leave(&mut self, now: f64) {
        self.command(Command::Leave, now);
    }

    /// The answer to the event `HandOver`: stored lines, oldest first.
    ///
    /// # Errors
    /// Where these are no lines.
    #[wasm_bindgen(js_name = handOver)]
    pub fn hand_over(&mut self, joiner: Vec<u8>, lines: &str, now: f64) -> Result<(), JsError> {
        let lines: Vec<Line> = serde_json::from_str(lines)?;
        self.command(Command::HandOver { joiner, lines }, now);
        Ok(())
    }

    /// What came of all inputs since the last call: `[changes, frames, events, reopen, wakeAt]`. Changes are pairs of a key and
    /// bytes, or `undefined` for a row that goes; frames are bytes for the stream; events are JSON.
    ///
    /// Changes are stored first; only then frames are sent, and only then events are shown. Where storing fails, this room is
    /// dropped and loaded again: nothing of it has happened.
    pub fn take(&mut self) -> js_sys::Array {
        self.step.changes.extend(self.engine.changes());
        let step = std::mem::take(&mut self.step);
        let changes: js_sys::Array = step.changes.into_iter().map(pair).collect();
        let frames = js_sys::Uint8Array::from(step.frames.as_slice());
        let wake_at = self.wake_at.map_or(JsValue::UNDEFINED, |at| number(at).into());
        let events = list(step.events).into();
        [changes.into(), frames.into(), events, step.reopen.into(), wake_at].into_iter().collect()
    }

    fn act(&mut self, token: String, target: &str, change: Alteration, now: f64) -> Result<(), JsError> {
        let target = link::id(target)?;
        self.said(token, MessageBody::Act { target, change }, now);
        Ok(())
    }

    fn said(&mut self, token: String, body: MessageBody, now: f64) {
        self.command(Command::Say { token, body }, now);
    }

    fn command(&mut self, command: Command, now: f64) {
        self.apply(vec![Input::Command(command)], now);
    }

    fn apply(&mut self, inputs: Vec<Input>, now: f64) {
        let now = millis(now);
        let mut looked_at = 0;
        let mut waiting = std::collections::VecDeque::from(inputs);
        while !waiting.is_empty() {
            if looked_at == 0 {
                looked_at = self.engine.look_ahead(&waiting);
            }
            looked_at = looked_at.saturating_sub(1);
            let Some(input) = waiting.pop_front() else { break };
            let entry = delivered(&input);
            let output = self.engine.step(input, now);
            let seq = entry.map(|(seq, _)| self.engine.told_as(seq));
            if output.reopen {
                // The stream ends here for the engine, so that what people say next waits for the fresh one; what else came
                // belongs to the old one.
                waiting = [Input::Disconnected].into();
                (self.is_hung_up, looked_at) = (true, 0);
            }
            self.add(output, Place { seq, at: entry.map_or(now, |(_, at)| at) });
        }
    }

    fn add(&mut self, output: Output, place: Place) {
        self.step.changes.extend(output.changes);
        output.frames.iter().for_each(|frame| self.step.frames.extend(encode_frame(frame)));
        let events = output.events.into_iter();
        self.step.events.extend(events.filter_map(|event| told::event(event, place, &self.host, self.port)));
        self.step.reopen |= output.reopen;
        self.wake_at = output.wake_at;
    }
}

/// Number and time of the entry that an input is, if it is one.
fn delivered(input: &Input) -> Option<(u64, Millis)> {
    match input {
        Input::Frame(RelayFrame { frame: Some(relay_frame::Frame::Deliver(entry)) }) => {
            Some((entry.seq, entry.at_ms))
        }
        _ => None,
    }
}

fn pair(change: Change) -> js_sys::Array {
    let value =
        change.value.map_or(JsValue::UNDEFINED, |value| js_sys::Uint8Array::from(value.as_slice()).into());
    [change.key.into(), value].into_iter().collect()
}

fn list(items: Vec<String>) -> String {
    format!("[{}]", items.join(","))
}

/// The time as JavaScript has it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn millis(now: f64) -> Millis {
    now.max(0.0) as Millis
}

/// A number as JavaScript has it: exact below 2^53.
#[allow(clippy::cast_precision_loss)]
fn number(number: u64) -> f64 {
    number as f64
}
