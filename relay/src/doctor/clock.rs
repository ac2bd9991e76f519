//! The clock: certificates carry dates, and clients compare the times of entries.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use super::{Finding, Patient};
use crate::clock::{self, ClockStatus, unix_ms};

const CHECK: &str = "clock";
const OWN: &str = "relay's clock";
/// 1 November 2025, in seconds since 1970. The compiler that this needs is not older, so no clock before it is right.
const SOURCE: u64 = 1_761_955_200;
/// How far a file may lie in the future before the clock is doubted: file systems of other machines drift.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Time for the system to say whether its clock is kept.
const ASK_TIME: Duration = Duration::from_secs(5);
const REMEDY: &str = "`sudo timedatectl set-ntp true`, or install chrony (`sudo apt-get install chrony`); `timedatectl` shows the state";

/// Plausible, and kept by somebody.
pub(super) async fn check(data_dir: &Path) -> Finding {
    let newest = std::fs::metadata(data_dir.join("relay.redb")).and_then(|metadata| metadata.modified()).ok();
    let ahead = newest.and_then(|newest| newest.duration_since(SystemTime::now()).ok());
    finding(unix_ms() / 1000, ahead, synchronised(Path::new("/run/systemd/timesync")).await)
}

/// The clock that the relay goes by, or would if it started now.
pub(super) fn own(patient: &Patient) -> Option<Finding> {
    let clock = match &patient.status {
        Some(status) => status.clock,
        None => clock::preview(&patient.data_dir),
    };
    clock.map(|clock| own_finding(&clock))
}

fn own_finding(clock: &ClockStatus) -> Finding {
    let (off, side) = (clock.ahead_s.unsigned_abs(), if clock.ahead_s < 0 { "behind" } else { "ahead of" });
    if !clock.held {
        return Finding::ok(OWN, "the relay's own clock goes with the system's");
    }
    Finding::warn(
        OWN,
        format!(
            "the system's clock is {} h {} min {side} the relay's own, and not believed",
            off / 3600,
            off / 60 % 60
        ),
        format!("look at `date`: if it is right, `relay clock accept`; if not, {REMEDY}"),
    )
}

fn finding(now: u64, newest_ahead: Option<Duration>, synchronised: Option<bool>) -> Finding {
    if now < SOURCE {
        return Finding::fail(CHECK, "it stands before this program was written", REMEDY);
    }
    if newest_ahead.is_some_and(|ahead| ahead > TOLERANCE) {
        return Finding::fail(CHECK, "the database was last written in what is the future now", REMEDY);
    }
    match synchronised {
        Some(true) => Finding::ok(CHECK, "plausible, and kept right over the network"),
        Some(false) => Finding::warn(CHECK, "plausible, but nothing keeps it right over the network", REMEDY),
        None => Finding::warn(
            CHECK,
            "plausible; this system does not say whether anything keeps it right",
            REMEDY,
        ),
    }
}

/// What systemd or chrony say; `None` when neither is there.
async fn synchronised(timesync: &Path) -> Option<bool> {
    if timesync.join("synchronized").exists() {
        return Some(true);
    }
    // Speaks for any daemon that disciplines the kernel's clock.
    match said("timedatectl", &["show", "--property=NTPSynchronized", "--value"])
        .await
        .as_deref()
        .map(str::trim)
    {
        Some("yes") => return Some(true),
        Some("no") => return Some(false),
        _ => {}
    }
    let said = said("chronyc", &["-c", "tracking"]).await?;
    Some(!said.contains("Not synchronised") && said.split(',').count() > 5)
}

async fn said(program: &'static str, arguments: &'static [&'static str]) -> Option<String> {
    tokio::task::spawn_blocking(move || ask(program, arguments)).await.ok()?
}

/// Runs it, but not for longer than [`ASK_TIME`].
fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let begun = Instant::now();
    while begun.elapsed() < ASK_TIME {
        match child.try_wait().ok()? {
            // A few lines fit into the pipe, so it never waits for its reader.
            Some(_) => {
                let output = child.wait_with_output().ok()?;
                return output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn clock_of_an_empty_battery_and_one_set_back_fail() {
        assert_eq!(finding(86_400, None, Some(true)).level, Level::Fail);
        let set_back = finding(SOURCE + 1, Some(Duration::from_secs(86_400)), Some(true));
        assert_eq!(set_back.level, Level::Fail);
        assert_eq!(finding(SOURCE + 1, Some(Duration::from_secs(2)), Some(true)).level, Level::Ok);
    }

    #[test]
    fn clock_that_nothing_keeps_is_a_warning() {
        for kept in [Some(false), None] {
            let finding = finding(SOURCE + 1, None, kept);
            assert!(finding.level == Level::Warn && finding.remedy.is_some());
        }
    }

    #[test]
    fn clock_that_is_not_believed_is_told_with_the_command_that_takes_it() {
        let right =
            ClockStatus { now_ms: 0, ahead_s: 1, held: false, believed_in_s: None, retention_behind_s: 0 };
        assert_eq!(own_finding(&right).level, Level::Ok);
        let held = own_finding(&ClockStatus { ahead_s: -7260, held: true, ..right });
        assert_eq!((held.level, held.found.contains("is 2 h 1 min behind")), (Level::Warn, true));
        assert!(held.remedy.unwrap().contains("`relay clock accept`"));
    }

    #[tokio::test]
    async fn mark_of_systemd_is_believed() {
        let run = tempfile::TempDir::new().unwrap();
        std::fs::write(run.path().join("synchronized"), "").unwrap();
        assert_eq!(synchronised(run.path()).await, Some(true));
    }
}
