//! From the start to the end of a serving relay.

use std::{convert::Infallible, ffi::OsString, time::Duration};

use tokio::time::{Instant, interval_at, timeout};

use super::{notify, settings};
use crate::{
    cli::greeting,
    config::Loaded,
    net::sockets::Sockets,
    ops::{
        human::count,
        logging::Log,
        print,
        signal::{Asked, Signals},
    },
    relay::Relay,
};

/// Time between two lines for `systemctl status` where no watchdog asks more often: a minute is fresh enough.
const STATUS_EVERY: Duration = Duration::from_secs(60);

/// Serves until it is asked to stop. `arguments` are read again, with all other sources, on SIGHUP and at the
/// operator's request.
///
/// # Errors
/// Why it does not start, or that its database failed.
pub async fn run(
    arguments: Vec<OsString>,
    mut loaded: Loaded,
    log: Log,
    sockets: Sockets,
) -> anyhow::Result<()> {
    // Before anything else, so that no signal finds the relay half-way.
    let mut signals = Signals::new()?;
    let json = loaded.parsed.operations.json;
    let relay = Relay::start_on(loaded.config.clone(), sockets).await?;
    // Whoever closed stdout does not want to know; the relay serves on.
    let _ = print::line(greeting(&relay, json));
    notify::ready(&summary(&relay));

    let failed = attend(&arguments, &mut loaded, &relay, &log, &mut signals).await;
    tracing::info!(online = relay.online(), "stopping");
    notify::stopping();
    relay.shutdown().await;
    anyhow::ensure!(!failed, "the database failed; start the relay again, or restore a backup");
    Ok(())
}

/// Does what signals and the operator ask for until the end; true if it is the database that ends it.
async fn attend(
    arguments: &[OsString],
    loaded: &mut Loaded,
    relay: &Relay,
    log: &Log,
    signals: &mut Signals,
) -> bool {
    let reporting = report(relay);
    tokio::pin!(reporting);
    loop {
        let request = tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => return false,
                Asked::Reload => {
                    relay.did("reload");
                    None
                }
            },
            () = relay.failed() => return true,
            request = relay.reload_request() => Some(request),
            never = &mut reporting => match never {},
        };
        notify::reloading();
        let report = settings::reload(arguments, loaded, relay, log).await;
        notify::ready(&summary(relay));
        if let Some(request) = request {
            // Fails only if the operator did not wait.
            let _ = request.send(report);
        }
    }
}

/// Tells the service manager how it is, and that it is alive, if it is.
async fn report(relay: &Relay) -> Infallible {
    let watchdog = notify::watchdog();
    let every = watchdog.unwrap_or(STATUS_EVERY);
    let mut round = interval_at(Instant::now() + every, every);
    loop {
        round.tick().await;
        notify::status(&summary(relay));
        // Only if a worker of the runtime and the thread that writes both answer in time.
        if watchdog.is_some() && timeout(every, relay.is_alive()).await.unwrap_or(false) {
            notify::alive();
        }
    }
}

/// One line for the service manager.
fn summary(relay: &Relay) -> String {
    let addresses: Vec<_> = relay.addresses().iter().map(ToString::to_string).collect();
    format!("serving on {}, {} online", addresses.join(" "), count(relay.online() as u64, "member"))
}
