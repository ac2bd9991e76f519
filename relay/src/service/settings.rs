//! The settings read again while the relay runs: what changes at once, what waits for a restart, and what is wrong.

use std::{collections::BTreeSet, ffi::OsString};

use clap::Args;

use crate::{
    admin::{Change, Report},
    cli,
    config::{
        Loaded, Setting,
        settings::{Access, Connections, Files, Settings, Storage, Traffic},
    },
    ops::logging::Log,
    relay::Relay,
};

/// Limits that are only looked at when the relay starts.
const AT_START: [&str; 1] = ["transfer-memory-mib"];

/// Settings outside of the limits that change at once.
const OTHERS: [&str; 2] = ["log-level", "log-addresses"];

/// Reads all sources again and brings what can change to the relay. `loaded` is what is in force, before and after.
///
/// A source that makes no sense changes nothing at all: half of somebody's intention may be worse than none.
pub(super) async fn reload(arguments: &[OsString], loaded: &mut Loaded, relay: &Relay, log: &Log) -> Report {
    let mut report = Report::default();
    match cli::load(arguments.iter().cloned()) {
        Ok((_, next)) => {
            let at_once = at_once();
            for (old, new) in loaded.settings.iter_mut().zip(&next.settings) {
                if old.name != new.name || old.values == new.values {
                    continue;
                }
                let change = change(old, new);
                if at_once.contains(&*new.name) {
                    report.changed.push(change);
                    *old = new.clone();
                } else {
                    report.needs_restart.push(change);
                }
            }
            take(&next.parsed, relay, log, &mut report, next.config.limits);
        }
        Err(error) => report.failed.push(error.to_string().trim_end().to_owned()),
    }
    // Also when a file of settings is broken: it may be the certificate that somebody cares about.
    match relay.reload_certificate().await {
        Ok(()) => tracing::info!(target: "security", event = "certificate", "the certificate was read again"),
        Err(error) => report.failed.push(error.to_string()),
    }
    tell(&report);
    report
}

fn take(
    settings: &Settings,
    relay: &Relay,
    log: &Log,
    report: &mut Report,
    limits: crate::policy::limits::Limits,
) {
    relay.reload(limits);
    relay.show_addresses(settings.operations.log_addresses);
    if let Err(error) = log.set_level(&settings.operations.log_level) {
        report.failed.push(error.to_string());
    }
}

/// Names of the settings that change at once.
fn at_once() -> BTreeSet<String> {
    let limits =
        Traffic::augment_args(Connections::augment_args(Storage::augment_args(clap::Command::new(""))));
    let limits = Files::augment_args(Access::augment_args(limits));
    let limits = limits.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned));
    limits.filter(|name| !AT_START.contains(&&**name)).chain(OTHERS.map(str::to_owned)).collect()
}

fn tell(report: &Report) {
    for Change { setting, from, to } in &report.changed {
        tracing::info!(setting, from, to, "a setting changed");
    }
    for Change { setting, .. } in &report.needs_restart {
        tracing::warn!(setting, "a setting changed that needs a restart");
    }
    for error in &report.failed {
        tracing::error!("not reloaded, what was in force stays: {error}");
    }
}

fn change(old: &Setting, new: &Setting) -> Change {
    let text = |setting: &Setting| match setting.is_secret {
        true => String::new(),
        false => setting.values.join(","),
    };
    Change { setting: new.name.clone(), from: text(old), to: text(new) }
}
