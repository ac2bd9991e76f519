//! The relay under test: a process of its own, so that its memory and its processor time are its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::client::Ground;

/// Ticks of a process's times in /proc, per second (USER_HZ of the kernel's interface).
const TICKS: f64 = 100.0;

/// A running relay; killed on drop.
pub(super) struct Subject {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    directory: TempDir,
    settings: Vec<String>,
    program: PathBuf,
}

/// What a process holds and has used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Resident memory, in bytes.
    pub resident: u64,
    /// Greatest resident memory since [`Subject::forget_peak`], in bytes.
    pub peak: u64,
    /// Processor time, in seconds.
    pub processor: f64,
}

impl Subject {
    /// Starts a relay, this program or another build of it, with these settings on a free port of the loopback interface, its data in a new
    /// directory below `parent`.
    pub(super) async fn start(
        program: Option<&Path>,
        parent: &Path,
        settings: &[String],
    ) -> anyhow::Result<Self> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().context("finding this program")?,
        };
        let directory = tempfile::Builder::new().prefix("relay-bench-").tempdir_in(parent);
        let directory = directory.with_context(|| format!("making a directory in {}", parent.display()))?;
        let (child, address) = spawn(&program, directory.path(), "127.0.0.1:0", settings).await?;
        Ok(Self { child, address, directory, settings: settings.to_vec(), program })
    }

    /// How clients reach it.
    pub(super) fn ground(&self) -> anyhow::Result<Ground> {
        Ground::new(self.address, &self.data_dir())
    }

    /// Asks it to stop, waits until it has, and starts it on the same port and data. Says how long stopping
    /// took.
    pub(super) async fn restart(&mut self) -> anyhow::Result<Duration> {
        let asked = Instant::now();
        kill_process(self.pid()?, Signal::TERM).context("stopping the relay")?;
        while self.ended()?.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = asked.elapsed();
        let address = self.address.to_string();
        (self.child, self.address) = spawn(&self.program, &self.data_dir(), &address, &self.settings).await?;
        Ok(took)
    }

    /// What it holds and has used.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process())
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// From now on the peak counts anew.
    pub(super) fn forget_peak(&self) -> anyhow::Result<()> {
        // proc_pid_clear_refs(5): 5 resets the peak.
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
            .context("resetting the peak of memory")
    }

    /// Bytes of its files.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(i32::try_from(self.child.id())?).context("no such process")
    }

    fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }
}

impl Usage {
    /// Of a process.
    pub(super) fn of(process: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            fs::read_to_string(&path).with_context(|| format!("reading {path}: has the server ended?"))
        };
        let (status, stat) = (read("status")?, read("stat")?);
        // Behind the name, which may hold anything: user and system time are the 12th and 13th.
        let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: f64 = times.filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(Self {
            resident: kib(&status, "VmRSS:")?,
            peak: kib(&status, "VmHWM:")?,
            processor: ticks / TICKS,
        })
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // SIGKILL; fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn spawn(
    program: &Path,
    data_dir: &Path,
    listen: &str,
    settings: &[String],
) -> anyhow::Result<(Child, SocketAddr)> {
    let mut command = Command::new(program);
    // Nothing of the caller's settings reaches it, but what the allocator may be told.
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| name.starts_with("MALLOC_") || name == "LD_PRELOAD")
    }));
    command
        .args(["--config", "/dev/null", "--json", "--listen", listen, "--data-dir"])
        .arg(data_dir)
        .args(settings)
        // The plain program has no settings.
        .env("RELAY_DATA_DIR", data_dir);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("starting a relay")?;
    let stdout = child.stdout.take().context("no output of the relay")?;
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map(|_| line)
    });
    let line = line.await??;
    let greeting: Option<serde_json::Value> = serde_json::from_str(&line).ok();
    let address = greeting.as_ref().and_then(|greeting| greeting.get("address")?.as_str()?.parse().ok());
    match address {
        Some(address) => Ok((child, address)),
        None => {
            let _ = child.kill();
            let status = child.wait()?;
            bail!("the relay did not start ({status}): `relay {}`", settings.join(" "))
        }
    }
}

fn kib(status: &str, field: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.with_context(|| format!("no {field} in /proc"))? << 10)
}
