//! All numbers in the OpenMetrics text format. What can be looked up is looked up when somebody asks.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use super::{Admin, Answer, Reply};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`. No label holds a room, a key or an address.
pub(super) async fn answer(admin: &Admin) -> Answer {
    let mut text = admin.shared.metrics.text();
    let registry = looked_up(admin).await;
    // Writing to a string cannot fail.
    let _ = encode_registry(&mut text, &registry);
    let _ = encode_registry(&mut text, &process(admin.started_ms));
    let _ = encode_eof(&mut text);
    Ok(Reply::text(OPENMETRICS, text))
}

/// What tells one program from another: who speaks with it, and which databases it writes.
fn build() -> Vec<(&'static str, String)> {
    let protocol = String::from_utf8_lossy(proto::ALPN).into_owned();
    let (version, format) = (env!("CARGO_PKG_VERSION").into(), crate::log::redb::FORMAT.to_string());
    vec![("version", version), ("protocol", protocol), ("data_format", format)]
}

async fn looked_up(admin: &Admin) -> Registry {
    let mut registry = Registry::with_prefix("schat_relay");
    registry.register("build", "What is running", Info::new(build()));
    let stats = admin.backend.stats();
    registry.register_with_unit(
        "commit",
        "Time of a transaction with its fsync",
        Unit::Seconds,
        stats.commit_seconds.clone(),
    );
    registry.register("commit_jobs", "Publishes and other jobs in one transaction", stats.batch_jobs.clone());
    registry.register("published", "Envelopes appended to logs", stats.published.clone());
    registry.register("published_bytes", "Bytes of these envelopes", stats.published_bytes.clone());
    registry.register("database_reads", "Snapshots of the database that were read", stats.reads.clone());
    registry.register(
        "trimmed",
        "Entries that logs did not keep, by the bound that they were over",
        stats.trimmed.clone(),
    );
    gauge(&mut registry, "online", "Members online", admin.shared.router().online() as u64);
    let ready = u64::from(admin.is_taking_appends().await);
    gauge(&mut registry, "ready", "1 when messages are taken, 0 when not", ready);
    let clock = admin.shared.clock.status();
    let held = u64::from(clock.held);
    gauge(&mut registry, "clock_held", "1 while the system's clock is not believed", held);
    measured(
        &mut registry,
        "retention_behind",
        "How far retention is behind the relay's time",
        Unit::Seconds,
        clock.retention_behind_s,
    );
    let expiry = admin.certificate.not_after_unix();
    measured(&mut registry, "certificate_expiry", "Last moment of the certificate", Unit::Seconds, expiry);
    if let Some(free) = admin.free_bytes() {
        measured(&mut registry, "disk_free", "Free space of the data directory's disk", Unit::Bytes, free);
    }
    let files = admin.shared.blobs.totals();
    gauge(&mut registry, "files", "Files that members sent", files.files);
    measured(&mut registry, "files_size", "What these count against limits", Unit::Bytes, files.bytes);
    let memory = admin.shared.files_in_memory();
    measured(&mut registry, "files_memory", "Memory that parts of files hold now", Unit::Bytes, memory);
    // A database that cannot be read has no numbers; `ready` says so.
    if let Ok(overview) = admin.overview().await {
        gauge(&mut registry, "rooms", "Rooms", overview.rooms);
        gauge(&mut registry, "frozen_rooms", "Rooms that the operator froze", overview.frozen);
        gauge(&mut registry, "frozen_openers", "Openers that the operator froze", overview.frozen_openers);
        gauge(&mut registry, "dropped_rooms", "Rooms that the operator dropped lately", overview.dropped);
        gauge(&mut registry, "entries", "Entries kept", overview.entries);
        gauge(&mut registry, "access_keys", "Access keys of all rooms", overview.keys);
        measured(&mut registry, "entries_size", "Size of these entries", Unit::Bytes, overview.bytes);
        let slots = overview.slot_bytes;
        measured(&mut registry, "slots_size", "Size of slots and their pieces", Unit::Bytes, slots);
        measured(
            &mut registry,
            "keys_size",
            "Size of access keys and cards",
            Unit::Bytes,
            overview.key_bytes,
        );
        measured(
            &mut registry,
            "database",
            "Blocks of the disk that the database takes",
            Unit::Bytes,
            overview.file_bytes,
        );
    }
    registry
}

/// What Prometheus calls by the same names for every program.
fn process(started_ms: u64) -> Registry {
    let mut registry = Registry::with_prefix("process");
    let started = started_ms / 1000;
    measured(&mut registry, "start_time", "Start, Unix seconds", Unit::Seconds, started);
    if let Some(resident) = resident() {
        measured(&mut registry, "resident_memory", "Memory in use", Unit::Bytes, resident);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge(&mut registry, "open_fds", "Open file descriptors", open.count() as u64);
    }
    registry
}

/// Linux tells it in kB.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, set(value));
}

fn measured(registry: &mut Registry, name: &str, help: &str, unit: Unit, value: u64) {
    registry.register_with_unit(name, help, unit, set(value));
}

fn set(value: u64) -> Gauge<u64, AtomicU64> {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}
