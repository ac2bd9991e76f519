//! The full-screen face.
//!
//! ```text
//!  keys ──▶ app (state, no I/O) ──▶ effects ──▶ act ──▶ runtime
//!  events ─▶   │  ◀── answers ◀──────────────────┘
//!              └──▶ draw (state to cells)
//! ```
//!
//! It draws when something happened, never by the clock: idle, it costs nothing. It wakes up by itself only for what ends by
//! itself: a pause in typing, somebody else's typing, a message that disappears.

mod act;
mod answer;
mod app;
mod begin;
mod bidi;
mod classical;
mod draw;
mod dropped;
mod editor;
mod jobs;
mod keymap;
mod notify;
mod opener;
mod paths;
mod pictures;
mod placed;
mod spell;
mod terminal;
mod theme;
mod times;
mod wrap;

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use self::{act::Act, answer::Answer, app::App, keymap::Keymap, notify::Notifier, terminal::Screen};
pub use self::{
    begin::{Host, Hosted},
    terminal::is_capable,
};
use super::{
    meanwhile::{meanwhile, next},
    pending::Pending,
    words, zone,
};
use crate::{
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Event, now_ms},
    settings::Settings,
};

/// Answers that wait to be shown: there are only as many as questions. Full: whoever answers waits.
const ANSWERS: usize = 64;

/// How the face begins.
pub struct Options {
    /// The room that is shown first.
    pub current: Option<String>,
    /// What was said before the screen was there.
    pub notes: Vec<String>,
    /// What the person wants.
    pub settings: Settings,
    /// Runs a relay in this process, if that can be.
    pub host: Option<Host>,
}

/// Serves a person until they quit.
///
/// # Errors
/// [`Failure`] when the terminal cannot be used or the settings name no key.
pub async fn run(
    runtime: &Runtime,
    mut events: mpsc::Receiver<Event>,
    options: Options,
) -> Result<Exit, Failure> {
    let Options { current, notes, settings, host } = options;
    let keys = Keymap::new(&settings.keys.actions, settings.keys.vim)?;
    let notifier = Notifier::new(settings.notify, |name| std::env::var(name).ok());
    let with_mouse = settings.screen.mouse;
    let (zone, said) = zone::here();
    let spelling = settings.spelling.clone();
    let mut app = App::new(settings, keys, zone);
    said.into_iter().for_each(|said| app.note(said));
    app.set_me(runtime.me());
    app.show_rooms(&runtime.rooms());
    notes.into_iter().for_each(|note| app.note(note));
    let pending = Pending::default();
    let (answers, mut answered) = mpsc::channel::<Answer>(ANSWERS);
    let mut act = Act::new(runtime, &pending, answers, host);
    app.spelling.set(act.look_up_words(&spelling));
    act.load_drafts(&mut app).await;
    act.load_unread(&mut app).await;
    if let Some(room) = current {
        pending.join(runtime, &room);
        app.go(&room);
    }
    let (mut screen, mut input) = Screen::enter(with_mouse)?;
    app.find_pictures();
    // What the rooms told while they were asked for something.
    let mut waiting = VecDeque::new();
    loop {
        app.set_now(now_ms());
        app.round_trip = app.current().and_then(|room| runtime.round_trip(room));
        app.set_verified(|who| runtime.is_verified(who));
        act.ask_words(&mut app);
        screen.draw(&mut app)?;
        act.ask_pictures(&mut app).await;
        app.tell_seen();
        app.tell_read();
        let effects = app.take_effects();
        meanwhile(&mut events, &mut waiting, act.carry_out(&mut app, &mut screen, effects)).await;
        if let Some(wanted) = app.wants() {
            act.fetch(&mut app, wanted).await;
            continue;
        }
        let wake =
            app.next_wake().map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now_ms())));
        tokio::select! {
            // Keys first: a flood of messages must not make the keyboard wait.
            biased;
            key = input.recv() => {
                let Some(key) = key else { break };
                app.set_now(now_ms());
                screen.heed(&key, &mut app);
                let key = dropped::meant(key, &app.editor);
                let mut effects = app.input(key);
                while let Ok(key) = input.try_recv() {
                    screen.heed(&key, &mut app);
                    let key = dropped::meant(key, &app.editor);
                    effects.extend(app.input(key));
                }
                let done = act.carry_out(&mut app, &mut screen, effects);
                if meanwhile(&mut events, &mut waiting, done).await {
                    break;
                }
            }
            event = next(&mut waiting, &mut events) => {
                let Some(event) = event else { break };
                act.take(&mut app, event).await;
                // One picture for all that came at once.
                while let Some(event) = waiting.pop_front().or_else(|| events.try_recv().ok()) {
                    act.take(&mut app, event).await;
                }
                screen.tell(&notifier.tell(&app.take_news()));
            }
            () = screen.continued() => screen.resume(&mut app),
            Some(answer) = answered.recv() => act.answer(&mut app, answer),
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
        }
    }
    app.keep_draft();
    app.keep_read();
    let effects = app.take_effects();
    meanwhile(&mut events, &mut waiting, act.carry_out(&mut app, &mut screen, effects)).await;
    waiting.into_iter().for_each(|event| app.event(event, &pending));
    screen.tell(app.gallery.closing());
    drop(screen);
    // What looks words up ends before whoever typed them has to wait for anything else.
    drop(act);
    Ok(leave(app, runtime, &pending, events).await)
}

/// Waits for what was said last, while the rooms go on.
async fn leave(
    mut app: App,
    runtime: &Runtime,
    pending: &Pending,
    mut events: mpsc::Receiver<Event>,
) -> Exit {
    let drain = async {
        while let Some(event) = events.recv().await {
            app.event(event, pending);
        }
    };
    tokio::select! {
        () = drain => {}
        sent = pending.leave(runtime, |line| eprintln!("{line}")) => if !sent {
            eprintln!("{}", words::UNSENT);
        }
    }
    Exit::Ok
}

#[cfg(test)]
mod tests;
