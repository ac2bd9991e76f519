//! What carries the protocol where UDP does not get through: streams (yamux) in a WebSocket.
//!
//! ```text
//! stream ─┐
//! stream ─┼─▶ yamux ─▶ binary WebSocket messages ─▶ TLS ─▶ TCP
//! stream ─┘
//! ```
//!
//! Both ends use it: the relay after an HTTP upgrade ([`answer`], then [`Tunnel::server`]), a client on its TLS
//! connection ([`Tunnel::client`]). Neither plaintext nor keys are known here, nor frames of the protocol.
//!
//! A stream has no codes of its own, as yamux has none: it ends in order, or it is broken off. A connection ends
//! with a WebSocket close frame whose code is [`CLOSE_BASE`] and a `CloseCode`.

mod allowance;
mod driver;
mod end;
mod fragments;
mod handshake;
mod headers;
mod ledger;
mod limits;
mod socket;
mod stream;
mod tunnel;

#[cfg(test)]
mod tests;

pub use self::{
    end::End,
    handshake::{HandshakeError, PAGE_SUBPROTOCOL, PATH, SUBPROTOCOL, answer, answer_page},
    limits::{CLOSE_BASE, Rules},
    stream::{RecvHalf, SendHalf, StreamGone},
    tunnel::Tunnel,
};
