//! `schat host`: a relay and a chat in it, in one command.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use relay::{Relay, StartError};
use shared::room::Command;

use super::{
    Globals,
    attach::{self, Owner},
    face::{Start, face, is_full_screen, past},
    plan::Plan,
    setup::start,
};
use crate::{
    faces::{input, words::command::relay as words},
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::OwnRelay,
    store::{OpenProfile, ProfileDir},
    transport::{RelayAddress, route_to},
};

/// An address that packets to the internet would be sent to; nothing is sent (RFC 5737 reserves it).
const OUTSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// Where the relay listens unless somebody says otherwise.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 4443);

pub(super) async fn host(
    globals: &Globals,
    room: &str,
    listen: SocketAddr,
    advertise: Option<RelayAddress>,
) -> Result<Exit, Failure> {
    let profile = match attach::owner(globals).await? {
        Owner::Us(profile) => profile,
        Owner::Daemon(..) => {
            return Err(words::daemon_runs_none());
        }
    };
    let relay = begin(profile.dir(), listen, advertise.as_ref()).await?;
    let served = serve(globals, profile, room, &relay, advertise).await;
    relay.shutdown().await;
    served
}

/// Starts the relay of a profile.
pub(super) async fn begin(
    dir: &ProfileDir,
    listen: SocketAddr,
    advertise: Option<&RelayAddress>,
) -> Result<Relay, Failure> {
    let mut config = relay::Config::new(listen, dir.relay());
    config.fallback = relay::Fallback::WhereFree;
    config.host = advertise.map(|address| address.host.clone());
    Relay::start(config).await.map_err(|error| cannot_start(&error))
}

/// How to reach a relay, and what is said about it.
pub(super) fn own(relay: &Relay, advertise: Option<RelayAddress>) -> Result<(OwnRelay, String), Failure> {
    let address = relay.addresses().first().copied().unwrap_or(OUTSIDE);
    let (advertise, warning) = match advertise {
        Some(advertise) => (advertise, ""),
        None => reachable(address)?,
    };
    let said = words::listens(address, relay.has_fallback(), &advertise, warning);
    Ok((OwnRelay { dial: own_address(address)?, pin: relay.pin(), advertise }, said))
}

async fn serve(
    globals: &Globals,
    profile: OpenProfile,
    room: &str,
    relay: &Relay,
    advertise: Option<RelayAddress>,
) -> Result<Exit, Failure> {
    let (own, said) = own(relay, advertise)?;
    if !is_full_screen(globals) {
        eprintln!("{said}");
    }
    let plan = Plan { past: past(globals), only: None, own: Some(own) };
    let (runtime, events) = start(globals, profile, plan).await?;
    let label = enter(&runtime, room).await?;
    runtime.tell(&label, Command::INVITE).await?;
    let input = (!is_full_screen(globals)).then(input::stdin);
    face(globals, runtime, events, Start { input, current: Some(label), notes: vec![said], host: None }).await
}

/// The room from last time, or a new one.
async fn enter(runtime: &Runtime, room: &str) -> Result<String, Failure> {
    match runtime.room(room) {
        Ok(status) if status.over.is_none() => Ok(status.label),
        _ => Ok(runtime.create_own(room).await?),
    }
}

/// How this process reaches its own relay.
fn own_address(listen: SocketAddr) -> Result<RelayAddress, Failure> {
    let ip = match listen.ip() {
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    address_of(ip, listen.port())
}

/// The best guess how others reach it: the address that leads to the internet. And what to say if there is none.
fn reachable(listen: SocketAddr) -> Result<(RelayAddress, &'static str), Failure> {
    if !listen.ip().is_unspecified() {
        return Ok((address_of(listen.ip(), listen.port())?, ""));
    }
    match route_to(OUTSIDE) {
        Ok(ip) => Ok((address_of(ip, listen.port())?, "")),
        Err(_) => Ok((address_of(Ipv4Addr::LOCALHOST.into(), listen.port())?, words::NO_WAY_OUT)),
    }
}

fn address_of(ip: IpAddr, port: u16) -> Result<RelayAddress, Failure> {
    RelayAddress::new(&ip.to_string(), port).map_err(words::no_address)
}

fn cannot_start(error: &StartError) -> Failure {
    let exit = match error {
        StartError::InUse { .. } | StartError::NotPermitted { .. } | StartError::Bind { .. } => Exit::Network,
        _ => Exit::Local,
    };
    // Its message says what to do.
    Failure::new(exit, "relay", error.to_string(), "")
}
