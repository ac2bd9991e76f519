//! A processor for the server and the others for the load, so that neither takes the other's time.

use std::fs;

use anyhow::Context;
use rustix::{
    process::Pid,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// The processors of this program, divided.
#[derive(Clone, Debug)]
pub(super) struct Division {
    server: CpuSet,
    load: CpuSet,
}

impl Division {
    /// The last one is the server's. `None` where there is only one.
    pub(super) fn new() -> anyhow::Result<Option<Self>> {
        let all = sched_getaffinity(None).context("asking which processors there are")?;
        if all.count() < 2 {
            return Ok(None);
        }
        let Some(last) = (0..CpuSet::MAX_CPU).rev().find(|index| all.is_set(*index)) else { return Ok(None) };
        let (mut server, mut load) = (CpuSet::new(), all);
        server.set(last);
        load.unset(last);
        Ok(Some(Self { server, load }))
    }

    /// This program keeps to its part from now on.
    pub(super) fn keep_load_apart(&self) -> anyhow::Result<()> {
        move_to(std::process::id(), &self.load)
    }

    /// A server keeps to its part from now on.
    pub(super) fn keep_server_apart(&self, process: u32) -> anyhow::Result<()> {
        move_to(process, &self.server)
    }
}

/// Moves all threads of a process; those that they start later follow.
fn move_to(process: u32, processors: &CpuSet) -> anyhow::Result<()> {
    let tasks = format!("/proc/{process}/task");
    for task in fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        let id = task?.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if id.is_some() {
            // A thread that has ended meanwhile needs no processor.
            let _ = sched_setaffinity(id, processors);
        }
    }
    Ok(())
}
