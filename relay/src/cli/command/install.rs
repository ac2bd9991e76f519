//! `relay install` and `relay uninstall`.

use std::{
    io::{self, BufRead, IsTerminal},
    path::PathBuf,
};

use anyhow::{Context, ensure};
use clap::{Args, CommandFactory};

use super::man;
use crate::{
    cli::Cli,
    config::{Loaded, Origin, Setting, example},
    install::{DATA_DIR, InstallRoot, Plan},
    ops::print,
};

/// Installs this program as a service.
///
/// Copies itself to /usr/local/bin, writes manual pages, units for systemd and a relay.toml that holds the settings given here
/// (`relay --host chat.example.org install`), makes the user schat-relay, and starts the service. What somebody
/// has changed is not overwritten. Doing it again with a newer program is an upgrade.
#[derive(Clone, Debug, Args)]
pub struct InstallCommand {
    #[command(flatten)]
    manner: Manner,
}

/// Takes that back.
#[derive(Clone, Debug, Args)]
pub struct UninstallCommand {
    /// Remove settings, rooms, the relay's identity and its user, too.
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    manner: Manner,
}

/// How it is done.
#[derive(Clone, Debug, Args)]
struct Manner {
    /// Only show what would be done, with the contents of all files.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Install into a directory that holds another system, for example an image.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

impl InstallCommand {
    pub(super) fn run(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("this program does not find itself")?;
        let place = self.manner.place()?;
        let pages = man::pages().context("making the manual pages")?;
        let pages = pages.into_iter().map(|(name, page)| (name, String::from_utf8_lossy(&page).into_owned()));
        let plan =
            Plan::install(&place, &program, example(&settings(loaded)?, &Cli::command()), pages.collect())?;
        let is_done = self.manner.carry_out(&place, &plan)?;
        if is_done && !place.is_system() {
            let root = place.root.display();
            print::line(format_args!("Done, in {root}: the relay runs when that system does."))?;
        } else if is_done {
            print::line(
                "Done. Settings: /etc/schat-relay/relay.toml; after a change `systemctl restart schat-relay`,\n\
                 or `systemctl reload schat-relay` for limits, tokens and certificates.\n\
                 What it does: `relay status` as root, and `journalctl -u schat-relay`.",
            )?;
        }
        Ok(())
    }
}

impl UninstallCommand {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let place = self.manner.place()?;
        let plan = Plan::uninstall(&place, self.purge)?;
        if self.manner.carry_out(&place, &plan)? {
            print::line("Done.")?;
        }
        Ok(())
    }
}

impl Manner {
    fn place(&self) -> anyhow::Result<InstallRoot> {
        Ok(match &self.root {
            None => InstallRoot::system(),
            Some(root) => InstallRoot {
                root: root.canonicalize().with_context(|| format!("there is no {}", root.display()))?,
            },
        })
    }

    /// Whether it was done.
    fn carry_out(&self, place: &InstallRoot, plan: &Plan) -> anyhow::Result<bool> {
        if self.dry_run {
            print::all(plan.describe(true))?;
            return Ok(false);
        }
        let is_root = rustix::process::geteuid().is_root();
        ensure!(
            is_root || !place.is_system(),
            "this changes the system and needs root; use sudo, or --dry-run"
        );
        print::beside(format_args!(
            "This is what will be done (--dry-run shows the files' contents, too):\n{}",
            plan.describe(false)
        ));
        if !self.yes {
            ensure!(io::stdin().is_terminal(), "nobody is there to ask; say --yes");
            print::beside("Go on? [y/N] ");
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer)?;
            ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was done");
        }
        plan.carry_out()?;
        Ok(true)
    }
}

/// What is set, with the service's own directory for data.
fn settings(loaded: &Loaded) -> anyhow::Result<Vec<Setting>> {
    let mut settings = loaded.settings.clone();
    for setting in settings.iter_mut().filter(|setting| setting.name == "data-dir") {
        ensure!(
            matches!(setting.origin, Origin::Unset) || setting.values == [DATA_DIR],
            "the service keeps its data in {DATA_DIR}; leave out data-dir (a mount or a link can lead elsewhere)"
        );
        setting.values = vec![DATA_DIR.into()];
        setting.origin = Origin::Flag;
    }
    Ok(settings)
}
