//! `schat daemon`: owns the profile, for faces that come and go.

use clap::Subcommand;

use super::{
    Globals, backup,
    interrupt::interrupted,
    plan::{self, Plan},
    setup::profile,
};
use crate::{
    daemon::{self, Daemon},
    faces::{stdout, words},
    failure::{Exit, Failure},
    runtime::Past,
    settings,
    store::{BackupPlan, ProfileDir},
};

/// What can be asked of a daemon.
#[derive(Debug, Subcommand)]
pub(super) enum DaemonCommand {
    /// End the daemon of the profile, and wait until it has let go of it.
    Stop,
    /// Tell how the daemon of the profile is; with --json, for programs.
    Status,
}

pub(super) async fn daemon(globals: &Globals, command: Option<DaemonCommand>) -> Result<Exit, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    match command {
        None => run(globals, &dir).await,
        Some(DaemonCommand::Stop) => match daemon::stop(&dir).await? {
            true => Ok(Exit::Ok),
            false => Err(none()),
        },
        Some(DaemonCommand::Status) => status(globals, &dir).await,
    }
}

async fn run(globals: &Globals, dir: &ProfileDir) -> Result<Exit, Failure> {
    // Another version's has the profile as well.
    if daemon::find(dir).await?.is_some() {
        return Err(words::command::relay::daemon_is_there());
    }
    let profile = profile(globals)?;
    let plan = Plan { past: Past::Nothing, only: None, own: None };
    let config = plan::config(globals, &profile, plan)?;
    let carried = settings::carried(&globals.settings);
    let backups = backup::again_and_again(carried, profile.vault.clone(), profile.dir().clone());
    let daemon = Daemon::start(profile, config).await?;
    eprintln!("schat: {}", words::command::relay::DAEMON_READY);
    let backups = tokio::spawn(backups);
    daemon.run(interrupted()).await;
    backups.abort();
    eprintln!("schat: {}", words::command::relay::DAEMON_ENDED);
    // Whoever manages services ends them by a signal, and that is no failure.
    Ok(Exit::Ok)
}

async fn status(globals: &Globals, dir: &ProfileDir) -> Result<Exit, Failure> {
    let status = daemon::status(dir).await?.ok_or_else(none)?;
    if globals.json {
        let daemon::Status { pid, version, uptime_s, faces, rooms, backup } = status;
        let out = serde_json::json!({
            "v": 1, "pid": pid, "version": version, "uptime_s": uptime_s, "faces": faces, "rooms": rooms,
            "backup": backup.as_ref().map(backups),
        });
        stdout::line(&out.to_string());
    } else {
        stdout::line(&words::command::relay::daemon_status(
            &status.version,
            status.pid,
            &words::duration(u32::try_from(status.uptime_s).unwrap_or(u32::MAX)),
            &words::counted(status.faces, "face"),
            &words::counted(status.rooms, "room"),
        ));
        for line in words::command::backup::by_itself(status.backup.as_ref()) {
            stdout::line(&line);
        }
    }
    Ok(Exit::Ok)
}

/// What a program is told of the backups that a daemon makes.
fn backups(plan: &BackupPlan) -> serde_json::Value {
    let failed = plan.failed.as_ref().map(|(at, failure)| {
        serde_json::json!({
            "at": at, "code": failure.code, "message": failure.message, "remedy": failure.remedy,
        })
    });
    serde_json::json!({
        "target": plan.target.to_string_lossy(), "every_s": plan.every_s, "last": plan.made, "next": plan.next(),
        "failed": failed,
    })
}

fn none() -> Failure {
    words::command::relay::no_daemon()
}
