//! The full-screen face.
//!
//! ```text
//!  keys ──▶ app (state, no I/O) ──▶ effects ──▶ runtime
//!  events ─▶   │
//!              └──▶ draw (state to cells)
//! ```
//!
//! It draws when something happened, never by the clock: idle, it costs nothing.

mod app;
mod draw;
mod editor;
mod terminal;
mod theme;
mod wrap;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use self::{
    app::{App, Effect},
    terminal::Screen,
};
pub use self::{terminal::is_capable, theme::Theme};
use super::{
    lines::{self, Line},
    obey::obey,
    pending::Pending,
    words,
};
use crate::{
    failure::{Exit, Failure},
    runtime::{Event, Runtime},
};

/// Stored lines that are fetched at once when somebody scrolls up: some screens.
const PAGE: u32 = 200;

/// How the face begins.
pub struct Options {
    /// The room that is shown first.
    pub current: Option<String>,
    /// What was said before the screen was there.
    pub notes: Vec<String>,
    /// Colours.
    pub theme: Theme,
}

/// Serves a person until they quit.
///
/// # Errors
/// [`Failure`] when the terminal cannot be used.
pub async fn run(
    runtime: &Runtime,
    mut events: mpsc::Receiver<Event>,
    options: Options,
) -> Result<Exit, Failure> {
    let mut app = App::new(options.theme, TimeZone::system());
    app.set_me(runtime.me().0);
    app.show_rooms(&runtime.rooms());
    options.notes.into_iter().for_each(|note| app.note(note));
    let pending = Pending::default();
    if let Some(room) = options.current {
        pending.join(runtime, &room);
        app.go(&room);
    }
    let (mut screen, mut input) = Screen::enter()?;
    loop {
        screen.draw(&mut app)?;
        if app.wants_older() {
            older(runtime, &mut app).await;
            continue;
        }
        tokio::select! {
            // Keys first: a flood of messages must not make the keyboard wait.
            biased;
            key = input.recv() => {
                let Some(key) = key else { break };
                let mut effects = app.input(key);
                while let Ok(key) = input.try_recv() {
                    effects.extend(app.input(key));
                }
                if carry_out(runtime, &pending, &mut app, &mut screen, effects).await {
                    break;
                }
            }
            event = events.recv() => {
                let Some(event) = event else { break };
                take(runtime, &pending, &mut app, event).await;
                // One picture for all that came at once.
                while let Ok(event) = events.try_recv() {
                    take(runtime, &pending, &mut app, event).await;
                }
                if app.take_bell() {
                    screen.bell();
                }
            }
        }
    }
    drop(screen);
    Ok(leave(&pending, events).await)
}

async fn take(runtime: &Runtime, pending: &Pending, app: &mut App, event: Event) {
    let notice = event.notice();
    app.event(event, pending);
    if let Some(notice) = notice {
        // What cannot be marked comes again at the next start.
        let _ = runtime.seen(notice).await;
    }
}

/// Does what the keys asked for. True: the person quits.
async fn carry_out(
    runtime: &Runtime,
    pending: &Pending,
    app: &mut App,
    screen: &mut Screen,
    effects: Vec<Effect>,
) -> bool {
    for effect in effects {
        match effect {
            Effect::Quit => return true,
            Effect::Copy(text) => screen.copy(&text),
            Effect::Redraw => screen.clear(),
            Effect::Line(text) => {
                let parsed = match lines::parse(&text) {
                    // A link that is pasted where there is no room cannot be meant for anybody else.
                    Ok(Line::Say(text)) if app.current().is_none() && lines::is_link(&text) => {
                        Ok(Line::Link(text))
                    }
                    parsed => parsed,
                };
                match parsed {
                    Ok(Line::Quit) => return true,
                    Ok(line) => act(runtime, pending, app, line, text).await,
                    Err(failure) => refuse(app, &failure, text),
                }
            }
        }
    }
    false
}

async fn act(runtime: &Runtime, pending: &Pending, app: &mut App, line: Line, text: String) {
    let current = app.current().map(str::to_owned);
    match obey(runtime, pending, current.as_deref(), line).await {
        Ok(done) => {
            if let Some(room) = &done.go {
                app.go(room);
            }
            app.set_me(runtime.me().0);
            done.notes.into_iter().for_each(|note| app.note(note));
        }
        Err(failure) => refuse(app, &failure, text),
    }
}

/// Nothing that was typed is lost: it stands in the input again.
fn refuse(app: &mut App, failure: &Failure, text: String) {
    app.alert(words::failure(failure));
    app.put_back(text);
}

async fn older(runtime: &Runtime, app: &mut App) {
    let Some((room, before)) = app.older_from() else { return };
    match runtime.history_before(&room, before, PAGE).await {
        Ok(lines) => app.add_older(&room, lines),
        Err(failure) => {
            app.add_older(&room, Vec::new());
            app.alert(words::failure(&failure));
        }
    }
}

/// Waits for what was said last, while the rooms go on.
async fn leave(pending: &Pending, mut events: mpsc::Receiver<Event>) -> Exit {
    let mut rest = App::new(Theme::plain(), TimeZone::UTC);
    let drain = async {
        while let Some(event) = events.recv().await {
            rest.event(event, pending);
        }
    };
    tokio::select! {
        () = drain => {}
        sent = pending.settle() => if !sent {
            eprintln!("Not everything was sent; what is left is sent at the next start.");
        }
    }
    Exit::Ok
}

#[cfg(test)]
mod tests;
