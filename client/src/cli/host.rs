//! `schat host`: a relay and a chat in it, in one command.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use relay::{Relay, StartError};
use shared::engine::Command;

use super::{
    Globals,
    chat::{face, past},
    setup::{Plan, on_terminal, profile, start},
};
use crate::{
    faces::input,
    failure::{Exit, Failure},
    runtime::{OwnRelay, Runtime},
    transport::{RelayAddress, route_to},
};

/// An address that packets to the internet would be sent to; nothing is sent (RFC 5737 reserves it).
const OUTSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

pub(super) async fn host(
    globals: &Globals,
    room: &str,
    listen: SocketAddr,
    advertise: Option<RelayAddress>,
) -> Result<Exit, Failure> {
    let profile = profile(globals)?;
    let mut config = relay::Config::new(listen, profile.dir().relay());
    config.fallback = relay::Fallback::WhereFree;
    config.host = advertise.as_ref().map(|address| address.host.clone());
    let relay = Relay::start(config).await.map_err(|error| cannot_start(&error))?;
    let served = serve(globals, profile, room, &relay, advertise).await;
    relay.shutdown().await;
    served
}

async fn serve(
    globals: &Globals,
    profile: crate::store::OpenProfile,
    room: &str,
    relay: &Relay,
    advertise: Option<RelayAddress>,
) -> Result<Exit, Failure> {
    let address = relay.addresses().first().copied().unwrap_or(OUTSIDE);
    let advertise = match advertise {
        Some(advertise) => advertise,
        None => reachable(address)?,
    };
    let ports = if relay.has_fallback() { "UDP and TCP" } else { "UDP only" };
    eprintln!("The relay listens on {address} ({ports}); links say {advertise}.");
    let own = OwnRelay { dial: own_address(address)?, pin: relay.pin(), advertise };
    let plan = Plan { past: past(globals), only: None, own: Some(own) };
    let (runtime, events) = start(globals, profile, plan).await?;
    let label = enter(&runtime, room)?;
    runtime.tell(&label, Command::Invite).await?;
    let with_qr = on_terminal() && !globals.plain;
    Ok(face(globals, runtime, events, input::stdin(), Some(label), with_qr).await)
}

/// The room from last time, or a new one.
fn enter(runtime: &Runtime, room: &str) -> Result<String, Failure> {
    match runtime.room(room) {
        Ok(status) if status.over.is_none() => Ok(status.label),
        _ => runtime.create_own(room),
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

/// The best guess how others reach it: the address that leads to the internet.
fn reachable(listen: SocketAddr) -> Result<RelayAddress, Failure> {
    if !listen.ip().is_unspecified() {
        return address_of(listen.ip(), listen.port());
    }
    let ip = route_to(OUTSIDE).unwrap_or_else(|_| {
        eprintln!(
            "This machine has no way to the internet: the link works on this machine only. See --advertise."
        );
        Ipv4Addr::LOCALHOST.into()
    });
    address_of(ip, listen.port())
}

fn address_of(ip: IpAddr, port: u16) -> Result<RelayAddress, Failure> {
    let bad =
        |error: crate::transport::AddressError| Failure::usage(error.to_string(), "Choose another --listen.");
    RelayAddress::new(&ip.to_string(), port).map_err(bad)
}

fn cannot_start(error: &StartError) -> Failure {
    let exit = match error {
        StartError::InUse { .. } | StartError::NotPermitted { .. } | StartError::Bind { .. } => Exit::Network,
        _ => Exit::Local,
    };
    // Its message says what to do.
    Failure::new(exit, "relay", error.to_string(), "")
}
