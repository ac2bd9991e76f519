//! Where UDP does not get through: the same relay by TCP, under the same rules of trust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::net::SocketAddr;

use client::{
    failure::Failure,
    reason::Reason,
    runtime::{Event, Past, RelayState},
    transport::{Carrier, DialError, ExpectedRelay, Pin, Refusal, RelayAddress, Transport, Trust},
};
use relay::{Config, Fallback, Limits, Relay};
use support::Person;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
};

async fn relay_with_fallback(dir: &TempDir, name: &str) -> Relay {
    let config = Config::new(([127, 0, 0, 1], 0).into(), dir.path().join(name));
    Relay::start(Config { fallback: Fallback::Required, ..config }).await.unwrap()
}

/// A port whose UDP is taken in and never answered, with its TCP listener.
async fn no_udp() -> (UdpSocket, TcpListener, RelayAddress) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if let Ok(silent) = UdpSocket::bind(address).await {
            return (silent, listener, RelayAddress::new("127.0.0.1", address.port()).unwrap());
        }
    }
}

/// The way to a relay in a network that lets no UDP through.
async fn blocked(relay: SocketAddr) -> RelayAddress {
    let (silent, listener, address) = no_udp().await;
    tokio::spawn(async move {
        let _silent = silent;
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(relay).await.unwrap();
                // Either side may break it off.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

/// The way to a relay in a network that lets UDP through until somebody says stop.
async fn until_told(relay: SocketAddr) -> (RelayAddress, watch::Sender<bool>) {
    let (near, listener, address) = no_udp().await;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut client = None;
        let (mut out, mut back) = ([0; 65_536], [0; 65_536]);
        loop {
            tokio::select! {
                got = near.recv_from(&mut out) => {
                    // What is sent to a closed port comes back as an error.
                    let Ok((length, from)) = got else { continue };
                    client = Some(from);
                    if !*stopped.borrow() {
                        let _ = far.send_to(&out[..length], relay).await;
                    }
                }
                got = far.recv_from(&mut back) => {
                    let (Ok((length, _)), Some(client)) = (got, client) else { continue };
                    if !*stopped.borrow() {
                        let _ = near.send_to(&back[..length], client).await;
                    }
                }
                taken = listener.accept() => {
                    let (mut near, _) = taken.unwrap();
                    tokio::spawn(async move {
                        let mut far = TcpStream::connect(relay).await.unwrap();
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    });
                }
            }
        }
    });
    (address, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_that_dies_while_people_talk_is_left_for_tcp_before_the_connection_is_given_up() {
    let dir = TempDir::new().unwrap();
    let relay = relay_with_fallback(&dir, "relay").await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own("team").await.unwrap();
    ann.joined().await;
    let mut link = ann.link("team").await;
    let (way, stop) = until_told(relay.addresses()[0]).await;
    (link.host, link.port) = (way.host, way.port);
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.join(&link).await.unwrap();
    assert_eq!(carrier(&mut bob).await, Carrier::Quic);
    bob.joined().await;
    ann.is_among(2).await;
    stop.send(true).unwrap();
    bob.say("team", "t1", "hello?").await;
    // The next word about the relay is the other carrier, and not that it was lost.
    let next = bob.until(|event| match event {
        Event::Relay { state, .. } => Some(state),
        Event::Room { .. } | Event::Linking(_) => None,
    });
    let next = next.await;
    assert!(matches!(next, RelayState::Connected { carrier: Carrier::Tcp, .. }), "{next:?}");
    ann.hears("hello?").await;
    bob.runtime.shutdown().await;
    ann.runtime.shutdown().await;
    relay.shutdown().await;
}

async fn carrier(person: &mut Person) -> Carrier {
    let connected = |event| match event {
        Event::Relay { state: RelayState::Connected { carrier, .. }, .. } => Some(carrier),
        _ => None,
    };
    person.until(connected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn room_works_over_tcp_where_udp_is_swallowed_and_by_quic_where_it_is_not() {
    let dir = TempDir::new().unwrap();
    let relay = relay_with_fallback(&dir, "relay").await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own("team").await.unwrap();
    assert_eq!(carrier(&mut ann).await, Carrier::Quic);
    ann.joined().await;
    let mut link = ann.link("team").await;
    let way = blocked(relay.addresses()[0]).await;
    (link.host, link.port) = (way.host, way.port);
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.join(&link).await.unwrap();
    assert_eq!(carrier(&mut bob).await, Carrier::Tcp);
    assert_eq!(bob.joined().await.members.len(), 2);
    bob.say("team", "t1", "by the back door").await;
    bob.sent("t1").await;
    ann.hears("by the back door").await;
    ann.say("team", "", "and back").await;
    bob.hears("and back").await;
    bob.runtime.shutdown().await;
    ann.runtime.shutdown().await;
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_that_quic_would_refuse_is_refused_over_tcp() {
    let dir = TempDir::new().unwrap();
    let relay = relay_with_fallback(&dir, "relay").await;
    let way = blocked(relay.addresses()[0]).await;
    let transport = Transport::new(None).unwrap().trusting_first_use();
    let other = Pin::from([7; 32]);
    for (known, verdict) in [
        (ExpectedRelay::Pinned(relay.pin()), Ok(Trust::Pinned(relay.pin()))),
        (ExpectedRelay::Remembered(relay.pin()), Ok(Trust::Remembered(relay.pin()))),
        (ExpectedRelay::default(), Ok(Trust::FirstUse(relay.pin()))),
        (ExpectedRelay::Pinned(other), Err(Refusal::Pin)),
        (ExpectedRelay::Remembered(other), Err(Refusal::Changed)),
    ] {
        match (transport.dial(&way, known).await, verdict) {
            (Ok(dialed), Ok(trust)) => {
                assert_eq!((dialed.trust, dialed.connection.carrier()), (trust, Carrier::Tcp));
            }
            (Err(DialError::Elsewhere { refusal, .. }), Err(expected)) => assert_eq!(refusal, expected),
            (dialed, expected) => panic!("{dialed:?} and not {expected:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_relay_over_tcp_is_told_apart_from_a_silent_one() {
    let dir = TempDir::new().unwrap();
    let config = Config::new(([127, 0, 0, 1], 0).into(), dir.path().join("relay"));
    let limits = Limits { connections: 1, ..Limits::default() };
    let relay = Relay::start(Config { fallback: Fallback::Required, limits, ..config }).await.unwrap();
    let way = blocked(relay.addresses()[0]).await;
    let known = ExpectedRelay::Pinned(relay.pin());
    let transport = Transport::new(None).unwrap();
    let first = transport.dial(&way, known).await.unwrap();
    let error = transport.dial(&way, known).await.unwrap_err();
    assert!(matches!(error, DialError::HungUp(_)), "{error:?}");
    let failure = Failure::from(Reason::from(&error));
    assert!(failure.remedy.contains("as many connections as it takes"), "{failure:?}");
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_relay_on_tcp_is_told_apart_and_never_remembered() {
    let (_silent, listener, address) = no_udp().await;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut hello = [0; 1024];
            let _ = socket.read(&mut hello).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = Transport::new(None).unwrap().dial(&address, ExpectedRelay::default()).await.unwrap_err();
    assert!(matches!(error, DialError::Protocol(_)), "{error:?}");
}
