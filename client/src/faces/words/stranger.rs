//! Somebody unverified in a room where all others are verified: no alarm, and not to be missed.

use shared::room::Stranger;

use super::{Among, called, who};
use crate::{
    failure::{Failure, exit_of},
    store::UNVERIFIED,
};

/// Who came, and what to do. `label` where the room's name is to be said.
pub fn stranger<'a>(told: &'a Stranger, label: Option<&str>, among: impl Into<Among<'a>>) -> String {
    let among = among.into();
    format!("{} {}", came(told, label, among), remedy(&who(&told.who, beside(told, among))))
}

impl From<&Stranger> for Failure {
    fn from(told: &Stranger) -> Self {
        let (message, remedy) = (came(told, None, Among::default()), remedy("NAME"));
        Self::new(exit_of(UNVERIFIED), UNVERIFIED, message, remedy)
    }
}

fn came<'a>(told: &'a Stranger, label: Option<&str>, among: Among<'a>) -> String {
    let among = beside(told, among);
    let there = label.map(|label| format!(" {}", called(label))).unwrap_or_default();
    let invited = match &told.by {
        Some(_) if told.is_ours => "by an invite that you made".to_owned(),
        Some(by) => format!("by an invite of {}", who(by, among)),
        None => "by the open room's name".to_owned(),
    };
    let who = who(&told.who, among);
    format!("NOT VERIFIED: {who}, who joined{there} {invited}. Everybody else here is verified.")
}

fn beside<'a>(told: &'a Stranger, among: Among<'a>) -> Among<'a> {
    among.beside(&told.who, told.by.as_ref().unwrap_or(&told.who))
}

fn remedy(name: &str) -> String {
    format!("Compare before you say what matters: /verify {name}. If nobody knows them: /kick {name}.")
}
