//! Commands that do one thing and end.

use std::cell::OnceCell;

use shared::{
    message::timeline::Line,
    room::{self as engine, BodyError, Command, GroupView},
};

use super::{
    Globals, archive, attach,
    random::random,
    wait::{Patience, one, wait},
};
use crate::{
    faces::{
        json::{Out, RoomOut},
        lines::Limits,
        mention, sanitize, stdout,
        unread::Unread,
        words,
    },
    failure::{Exit, Failure},
    runtime::RoomEvent,
    store::{Cursor, OpenProfile, Over, RoomRecord, Where},
};

pub(super) async fn send(
    globals: &Globals,
    room: &str,
    text: String,
    patience: Patience,
) -> Result<Exit, Failure> {
    if text.trim().is_empty() {
        return Err(BodyError::Empty.into());
    }
    let (runtime, mut events) = one(globals, room).await?;
    let token = hex::encode(random().bytes::<8>());
    let asking = runtime.tell(room, Command::Send { token: token.clone(), text });
    let sending = wait(globals, &runtime, (room, patience), &mut events, asking, |event| match event {
        RoomEvent::Engine(engine::Event::Sent { token: sent, seq }) if sent == token => Some(seq),
        _ => None,
    });
    let sent = sending.await.map_err(|mut failure| {
        if failure.exit == Exit::Network {
            words::command::room::KEPT.clone_into(&mut failure.remedy);
        }
        failure
    });
    runtime.shutdown().await;
    let seq = sent?;
    if globals.json {
        stdout::line(&Out::Sent { room: room.to_owned(), id: token, seq }.to_line());
    }
    Ok(Exit::Ok)
}

pub(super) async fn invite(
    globals: &Globals,
    room: &str,
    limits: &Limits,
    patience: Patience,
) -> Result<Exit, Failure> {
    let (runtime, mut events) = one(globals, room).await?;
    let asking = runtime.tell(room, words::invite(limits));
    let asked = wait(globals, &runtime, (room, patience), &mut events, asking, |event| match event {
        RoomEvent::Invite { link, expires_ms, max_uses } => Some((link, expires_ms, max_uses)),
        _ => None,
    });
    let asked = asked.await;
    runtime.shutdown().await;
    let (link, expires, max_uses) = asked?;
    let link = link.to_string();
    if globals.json {
        stdout::line(&Out::Invite { room: room.to_owned(), link, expires, max_uses }.to_line());
    } else {
        stdout::line(&link);
    }
    Ok(Exit::Ok)
}

/// `all`: with those that were left.
pub(super) async fn rooms(globals: &Globals, with_ids: bool, all: bool) -> Result<Exit, Failure> {
    let rooms = match attach::quiet(globals).await? {
        Ok(profile) => {
            let rooms = profile.vault.now(|store| store.shown_rooms())?.into_iter();
            let rooms = rooms.filter(|room| all || !room.is_left());
            rooms.map(|room| stored(&profile, room, globals.json)).collect::<Result<Vec<_>, _>>()?
        }
        Err(runtime) => match Out::rooms(&runtime, all).await {
            Out::Rooms { rooms } => rooms,
            _ => Vec::new(),
        },
    };
    if globals.json {
        stdout::line(&Out::Rooms { rooms }.to_line());
        return Ok(Exit::Ok);
    }
    for RoomOut { room, id, relay, closed, unread, mentions, .. } in rooms {
        let place = relay.unwrap_or_else(|| "schat host".to_owned());
        let over = match closed.as_deref() {
            None => String::new(),
            Some(why) if why == words::over(&Over::Left) => "\tleft".to_owned(),
            Some(why) => format!("\tover: {}", sanitize::line(why)),
        };
        let id = if with_ids { format!("\t{id}") } else { String::new() };
        let unread = Unread::told(unread.unwrap_or(0), mentions.unwrap_or(0));
        let unread = unread.map(|unread| format!("\t{unread}")).unwrap_or_default();
        stdout::line(&format!("{}\t{place}{id}{over}{unread}", sanitize::line(&room)));
    }
    Ok(Exit::Ok)
}

/// A room as it was when the program ran last. What is not known, or cannot be read, is null; of the group that is
/// everything, unless it `is_whole`.
fn stored(profile: &OpenProfile, room: RoomRecord, is_whole: bool) -> Result<RoomOut, Failure> {
    let view = if is_whole { archive::view(profile, &room).ok().flatten() } else { None };
    let others = view.iter().flat_map(GroupView::others);
    let others = others.map(|member| member.person.fingerprint);
    let unread = if room.closed.is_none() { unread(profile, &room).ok() } else { None };
    let (unread, mentions) = unread.map(|unread| (unread.count, unread.mentions)).unzip();
    let shut_out = profile.vault.now(|store| store.shut_out())?;
    let shut_out = shut_out.iter().find(|(id, _)| *id == room.id).map(|(_, why)| why);
    let pinned = profile.vault.now(|store| store.pinned())?.contains(&room.label);
    Ok(RoomOut {
        unread,
        mentions,
        pinned,
        room: room.label,
        id: words::room_id(&room.id),
        open: view.as_ref().map(|view| view.open),
        topic: view.as_ref().map(|view| view.topic.clone()).filter(|topic| !topic.is_empty()),
        relay: match room.place {
            Where::Own => None,
            Where::Relay { address, .. } => Some(address.to_string()),
        },
        members: view.as_ref().map(GroupView::count),
        verified: profile.vault.now(|store| Ok(store.people().are_verified(others)))?,
        closed: room.closed.as_ref().or(shut_out).map(words::over),
    })
}

fn unread(profile: &OpenProfile, room: &RoomRecord) -> Result<Unread, Failure> {
    let me = profile.engine.name.clone();
    // The group costs more than all lines, and is only looked at where one seems to name us.
    let view = OnceCell::new();
    let names_us = |line: &Line| {
        mention::names_us(line, &me, None) && {
            let view = view.get_or_init(|| archive::view(profile, room).ok().flatten());
            mention::names_us(line, &me, view.as_ref())
        }
    };
    let upto = profile.vault.now(|store| store.acked(room.id, &Cursor::read()))?;
    let mut unread = Unread { upto, ..Unread::default() };
    while !unread.is_enough() {
        let page = profile.vault.now(|store| store.history(room.id, unread.upto, Unread::PAGE))?;
        if page.is_empty() {
            break;
        }
        page.iter().for_each(|line| unread.add(line, names_us(line)));
    }
    Ok(unread)
}

/// Where no directory was named there is nothing to misspell: then this may be the first thing that somebody does,
/// and makes the profile.
pub(super) async fn fingerprint(globals: &Globals) -> Result<Exit, Failure> {
    let owner = match globals.profile {
        Some(_) => attach::existing(globals).await,
        None => attach::owner(globals).await,
    };
    let (name, fingerprint) = match attach::looked_at(globals, owner).await? {
        Ok(profile) => (profile.engine.name.clone(), profile.engine.identity.fingerprint()),
        Err(runtime) => runtime.me(),
    };
    let fingerprint = fingerprint.to_string();
    if globals.json {
        stdout::line(&Out::Fingerprint { name, fingerprint }.to_line());
    } else {
        stdout::line(&fingerprint);
    }
    Ok(Exit::Ok)
}
