//! The linking of a device, for programs.

use serde::{Deserialize, Serialize};

use crate::{faces::words, failure::Failure, reason::Reason, runtime::LinkNews};

/// How it stands: `state` says which of the fields are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkOut {
    /// What the other device is to be given; secret. `code`: without the relay.
    Code { link: String, code: String, expires: u64, new: bool },
    /// The other device is there.
    Found,
    /// Both show this. `asks`: this device waits for `link_confirm` with the digits, or `link_refuse`.
    Compare { device: String, emoji: Vec<String>, words: Vec<String>, digits: String, asks: bool },
    /// What is handed over is put together.
    Preparing { done: usize, of: usize },
    /// The relay has all of it.
    Posted { rooms: usize, without: Vec<WithoutOut> },
    /// The past of the rooms stays on the old device.
    NoPast,
    /// Parts that have come.
    Taking { done: u32, of: u32 },
    /// This device has the account.
    Received { name: String, fingerprint: String, rooms: usize },
    /// A room was entered.
    Room { room: String, left: usize },
    /// A room was not entered.
    NoRoom { room: String, left: usize, code: String, message: String, remedy: String },
    /// The new device has everything.
    Done,
    /// Nothing comes of it.
    Ended { code: String, message: String, remedy: String },
}

/// A room that the new device cannot enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutOut {
    pub room: String,
    pub code: String,
    pub message: String,
}

pub(super) fn out(news: LinkNews) -> LinkOut {
    match news {
        LinkNews::Code { link, code, expires_ms, is_new } => {
            LinkOut::Code { link: link.to_string(), code, expires: expires_ms, new: is_new }
        }
        LinkNews::Found => LinkOut::Found,
        LinkNews::Compare { agreed, is_asked } => LinkOut::Compare {
            device: agreed.device,
            emoji: agreed.phrase.emoji().map(|(sign, _)| sign.to_owned()).to_vec(),
            words: agreed.phrase.emoji().map(|(_, word)| word.to_owned()).to_vec(),
            digits: agreed.phrase.digits(),
            asks: is_asked,
        },
        LinkNews::Preparing { done, of } => LinkOut::Preparing { done, of },
        LinkNews::Posted { rooms, without } => {
            let one = |(room, why): (String, Reason)| {
                let why = Failure::from(why);
                WithoutOut { room, code: why.code.into_owned(), message: why.message }
            };
            LinkOut::Posted { rooms, without: without.into_iter().map(one).collect() }
        }
        LinkNews::NoPast => LinkOut::NoPast,
        LinkNews::Taking { done, of } => LinkOut::Taking { done, of },
        LinkNews::Received { name, fingerprint, rooms } => {
            LinkOut::Received { name, fingerprint: fingerprint.to_string(), rooms }
        }
        LinkNews::Room { room, left, why: None } => LinkOut::Room { room, left },
        LinkNews::Room { room, left, why: Some(why) } => {
            let Failure { code, message, remedy, .. } = why.into();
            LinkOut::NoRoom { room, left, code: code.into_owned(), message, remedy }
        }
        LinkNews::Done => LinkOut::Done,
        LinkNews::Ended { end, is_handed } => {
            let failure = words::link_ended(&end, is_handed);
            LinkOut::Ended {
                code: failure.code.into_owned(),
                message: failure.message,
                remedy: failure.remedy,
            }
        }
    }
}
