//! A relay and people for tests.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod devices;
pub(crate) mod files;

use std::{net::SocketAddr, path::Path, time::Duration};

use client::{
    handle::Runtime,
    runtime::{Config, Event, OwnRelay, Past, RoomEvent},
    store::{OpenProfile, ProfileDir},
    transport::{RelayAddress, Transport},
};
use rand_core::UnwrapErr;
use relay::Relay;
use shared::{
    crypto::random::Random,
    invite::link::InviteLink,
    message::timeline::Line,
    room::{self as engine, Command},
};
use tokio::{sync::mpsc, time::timeout};

/// Far longer than anything takes; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

pub(crate) fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

/// A relay on loopback; port 0 takes a free one.
pub(crate) async fn relay(dir: &Path, port: u16) -> Relay {
    let listen = SocketAddr::from(([127, 0, 0, 1], port));
    let start = async {
        loop {
            match Relay::start(relay::Config::new(listen, dir)).await {
                Ok(relay) => return relay,
                // A port that was ours a moment ago; the client of another test may have it for a while.
                Err(error) if port != 0 => {
                    eprintln!("port {port} is not free yet: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(PATIENCE, start).await.expect("the relay starts")
}

pub(crate) fn address(relay: &Relay) -> RelayAddress {
    RelayAddress::new("127.0.0.1", relay.addresses()[0].port()).unwrap()
}

pub(crate) struct Person {
    pub runtime: Runtime,
    pub events: mpsc::Receiver<Event>,
}

impl Person {
    pub(crate) async fn enter(dir: &Path, name: &str, relay: &Relay, past: Past) -> Self {
        let dir = ProfileDir::choose(Some(dir.join(name))).unwrap();
        let profile = OpenProfile::open(dir, Some(name), random()).unwrap();
        let dial = address(relay);
        let own = Some(OwnRelay { dial: dial.clone(), pin: relay.pin(), advertise: dial });
        let transport = Transport::new(None).unwrap();
        let config = Config {
            transport,
            relay: None,
            own,
            past,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: false,
            tap: None,
        };
        let (runtime, events) = Runtime::start(profile, config).await.unwrap();
        Self { runtime, events }
    }

    pub(crate) async fn say(&self, room: &str, token: &str, text: &str) {
        let command = Command::Send { token: token.to_owned(), text: text.to_owned() };
        self.runtime.tell(room, command).await.unwrap();
    }

    pub(crate) async fn link(&mut self, room: &str) -> InviteLink {
        self.runtime.tell(room, Command::INVITE).await.unwrap();
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Invite { link, .. }, .. } => Some(link),
            _ => None,
        })
        .await
    }

    pub(crate) async fn joined(&mut self) -> engine::GroupView {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Joined(view)), .. } => Some(view),
            _ => None,
        })
        .await
    }

    /// Until so many are in a room: what somebody says before they know of a newcomer, the newcomer cannot read.
    pub(crate) async fn is_among(&mut self, members: usize) {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Epoch(view)), .. } => {
                (view.members.len() == members).then_some(())
            }
            _ => None,
        })
        .await;
    }

    pub(crate) async fn hears(&mut self, text: &str) -> engine::Message {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. }
            | Event::Room { event: RoomEvent::Past(Line { message, .. }), .. }
                if message.text == text =>
            {
                Some(message)
            }
            _ => None,
        })
        .await
    }

    /// Until this error is told.
    pub(crate) async fn told(&mut self, what: &str) {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, again: false, .. }, .. } => {
                (notice.code() == Some(what)).then_some(())
            }
            _ => None,
        })
        .await;
    }

    /// Until the room is told that somebody's device came back.
    pub(crate) async fn sees_back(&mut self, name: &str) {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::DeviceBack(who)), .. } => {
                (who.name == name).then_some(())
            }
            _ => None,
        })
        .await;
    }

    pub(crate) async fn sent(&mut self, token: &str) -> u64 {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Sent { token: sent, seq }), .. }
                if sent == token =>
            {
                Some(seq)
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn until<T>(&mut self, mut found: impl FnMut(Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the runtime goes on");
                seen.push(format!("{event:?}"));
                if let Some(found) = found(event) {
                    return found;
                }
            }
        };
        let ended = timeout(PATIENCE, search).await;
        ended.unwrap_or_else(|_| panic!("in vain; seen: {seen:#?}"))
    }
}
