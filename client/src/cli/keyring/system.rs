//! The keyring itself: Secret Service, Keychain, Credential Manager.

use std::{sync::mpsc::channel, thread, time::Duration};

use keyring::v1::{Entry, Error, Result as Asked};
use zeroize::Zeroizing;

use super::{SERVICE, unusable};
use crate::{
    faces::words::command::profile as words,
    failure::{Exit, Failure},
};

/// After so long without an answer the person is told what is waited for: it may be themselves.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long it counts as one that cannot be used: its question may stand on a screen that nobody sees.
const LONGEST: Duration = Duration::from_secs(120);
/// How long the command gets to end after Ctrl-C: longer than a daemon takes to say goodbye.
const GRACE: Duration = Duration::from_secs(20);

/// Keeps a text for an account.
pub(super) fn put(account: String, text: Zeroizing<String>) -> Result<(), Failure> {
    ask(account, move |entry| entry.set_password(&text))
}

/// The text of an account.
pub(super) fn get(account: String) -> Result<Zeroizing<String>, Failure> {
    ask(account, |entry| entry.get_password().map(Zeroizing::new))
}

/// From now on there is none for this account.
pub(super) fn delete(account: String) -> Result<(), Failure> {
    ask(account, |entry| match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        done => done,
    })
}

/// In a thread of its own: the keyring may ask the person first, and it waits in its own way.
fn ask<T: Send + 'static>(
    account: String,
    what: impl FnOnce(&Entry) -> Asked<T> + Send + 'static,
) -> Result<T, Failure> {
    let (answer, answered) = channel();
    let stopped = answer.clone();
    let ask = move || {
        let asked = match Entry::store_status() {
            Ok(()) => Entry::new(SERVICE, &account).and_then(|entry| what(&entry)),
            // It cannot be cloned, and "no default store" says nothing.
            Err(error) => Err(Error::NoStorageAccess(error.to_string().into())),
        };
        let asked = asked.map_err(|error| match error {
            Error::NoEntry => missing(),
            error => unusable(&error.to_string()),
        });
        // Fails only when nobody waits any more.
        let _ = answer.send(asked);
    };
    let started = thread::Builder::new().name("keyring".to_owned()).spawn(ask);
    started.map_err(|error| unusable(&error.to_string()))?;
    if let Ok(asked) = answered.recv_timeout(PATIENCE) {
        return asked;
    }
    eprintln!("schat: {}", words::WAITING_FOR_KEYRING);
    // Once somebody hears Ctrl-C it ends nothing by itself any more, also where a command has no end of its own for it.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = stopped.send(Err(words::stopped()));
            tokio::time::sleep(GRACE).await;
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    answered.recv_timeout(LONGEST).unwrap_or_else(|_| Err(unusable(words::NO_ANSWER)))
}

fn missing() -> Failure {
    words::not_in_keyring()
}
