//! `relay doctor`: looks for what will bite later, and says which command mends it.
//!
//! Each check is a module with a pure function from what was seen to a [`Finding`], and a thin part that looks. It
//! works beside a running relay and without one, and changes nothing.

mod browsers;
mod buffers;
mod certificate;
mod clock;
mod database;
mod descriptors;
mod disk;
mod finding;
mod halves;
mod offload;
mod ports;
mod probe;
mod reach;
mod running;

use std::path::PathBuf;

use self::running::Running;
pub use self::{
    finding::{Finding, Level},
    reach::{Target, remote},
};
use crate::{admin::status::Status, identity::acme, relay::Config};

/// What the checks look at.
pub(crate) struct Patient {
    /// The settings in force: the running relay's, as far as it tells them.
    pub config: Config,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// The running relay's word, if there is one.
    pub status: Option<Status>,
    /// How the last orders of a certificate went, if they were ordered.
    pub orders: Option<acme::State>,
}

/// All checks, in the order in which they should be mended.
pub async fn examine(config: Config, data_dir: PathBuf) -> Vec<Finding> {
    let (running, status) = match running::look(&data_dir).await {
        Running::Yes(status) => (running::finding(&Ok(Some(&status))), Some(*status)),
        Running::No => (running::finding(&Ok(None)), None),
        Running::Unknown(reason) => (running::finding(&Err(reason)), None),
    };
    let orders = acme::State::read(&data_dir);
    let config = match &status {
        Some(status) => running::settings(config, status),
        None => config,
    };
    let patient = Patient { config, data_dir, status, orders };
    let mut findings = vec![running];
    findings.extend(ports::check(&patient));
    findings.extend(disk::check(&patient));
    let (database, rooms) = database::check(&patient).await;
    findings.extend(database);
    findings.extend(halves::check(&patient, rooms));
    findings.push(descriptors::check(&patient));
    findings.extend(buffers::check(&patient));
    findings.push(offload::check());
    findings.push(clock::check(&patient.data_dir).await);
    findings.extend(clock::own(&patient));
    findings.extend(certificate::check(&patient).await);
    findings.extend(browsers::check(&patient).await);
    findings.extend(reach::check(&patient).await);
    findings
}
