//! The client as a library: a bot that answers `ping`.
//!
//! ```text
//! cargo run -p client --example bot -- DIRECTORY LINK
//! ```
//!
//! `DIRECTORY` keeps its profile: the account, the rooms, what was read. With the invite link of a room it joins; without one
//! it goes on in the rooms that it is in. A bot is a member like any other: everybody sees it come, and it reads what they
//! read. (For other languages than Rust there is `schat --json`, which says the same as lines of JSON.)

use std::{error::Error, path::PathBuf, pin::pin, sync::Arc};

use client::{
    failure::Failure,
    handle::Runtime,
    runtime::{Config, Event, Past, RoomEvent},
    store::{OpenProfile, ProfileDir},
    transport::Transport,
};
use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    invite::link::InviteLink,
    message::timeline::Line,
    room::{self as engine, Command},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("say where the bot keeps its profile")?);
    let link = arguments.next().map(|link| link.parse::<InviteLink>()).transpose()?;

    // A profile belongs to one process at a time; it is made on first use.
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let profile = OpenProfile::open(ProfileDir::choose(Some(directory))?, Some("ping bot"), random)?;

    // All rooms of the profile start with the runtime, and stay connected by themselves.
    let config = Config {
        transport: Transport::new(None)?,
        relay: None,
        own: None,
        // What came while the bot did not run is read first, so that nobody is left without an answer.
        past: Past::Unacknowledged,
        only: None,
        downloads: None,
        keeps_metadata: false,
        fetches_images: false,
        tells_drafts: false,
        tap: None,
    };
    let (runtime, mut events) = Runtime::start(profile, config).await?;
    if let Some(link) = link {
        let room = runtime.join(&link).await?;
        println!("joining {room}");
    }

    // One for the whole run: a Ctrl-C while an answer is sent counts as well.
    let mut asked_to_end = pin!(tokio::signal::ctrl_c());
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = &mut asked_to_end => None,
        };
        let Some(event) = event else { break };
        if let Event::Room { room, event } = event {
            heard(&runtime, room, event).await?;
        }
    }
    // What was said is on the disk, and goes out at the next start if it has not yet.
    runtime.shutdown().await;
    Ok(())
}

/// Answers what asks for it.
async fn heard(runtime: &Runtime, room: Arc<str>, event: RoomEvent) -> Result<(), Box<dyn Error>> {
    match event {
        RoomEvent::Engine(engine::Event::Joined(view)) => {
            println!("in {room}, with {} members", view.members.len());
        }
        // Said now, or before the bot was started.
        RoomEvent::Engine(engine::Event::Message(message)) | RoomEvent::Past(Line { message, .. }) => {
            if !message.mine && message.text.trim() == "ping" {
                println!("{} pings in {room}", message.from.name);
                let answer = Command::Send { token: String::new(), text: "pong".to_owned() };
                // When this returns, the answer is stored: it is sent, sooner or later, whatever happens.
                runtime.tell(&room, answer).await?;
            }
            // Only now: had the bot died before, it would read the line again.
            runtime.ack(&room, message.seq).await?;
        }
        // What is wrong comes as values; `Failure` has the words, and what to do.
        RoomEvent::Failed(reason) => {
            let Failure { message, remedy, .. } = reason.into();
            eprintln!("{room}: {message} {remedy}");
        }
        _ => {}
    }
    Ok(())
}
