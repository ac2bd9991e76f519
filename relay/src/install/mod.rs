//! The program as a service of systemd: what `relay install` does, and `relay uninstall` takes back.
//!
//! First a [`Plan`] is made, which only reads; it can be shown; then it is carried out. All steps can be done
//! twice, so whatever stopped half-way is finished by doing it again. Where a package has installed the relay,
//! nothing is done.

mod layout;
mod manual;
mod seal;
mod step;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::{layout::DATA_DIR, step::StepError};
use self::{
    layout::{BINARY, CONFIG, CONFIG_DIR, NAME, PACKAGED_UNIT, SERVICE, SERVICE_PATH, SOCKET, texts},
    seal::Comment,
    step::Step,
};

/// Why there is nothing to do, or nothing that may be done.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A package looks after it.
    #[error(
        "a package has installed the service; use `systemctl enable --now {NAME}`, and the package manager"
    )]
    Packaged,
    /// Somebody changed the file, or it never was ours.
    #[error(
        "{} was not written by `relay install`, or was changed since; move it away \
         (own changes of the service belong to `systemctl edit {NAME}`)", .0.display()
    )]
    Changed(PathBuf),
    /// Another program of that name.
    #[error("there is another program at {}; move it away", .0.display())]
    OtherProgram(PathBuf),
    /// Nothing is installed.
    #[error("`relay install` has installed nothing here")]
    Nothing,
    /// Something cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Where to install: the system, or a directory that stands for one.
#[derive(Clone, Debug)]
pub struct InstallRoot {
    /// `/`, or the directory that stands for it.
    pub root: PathBuf,
}

/// Steps in their order.
#[derive(Debug)]
pub struct Plan(Vec<Step>);

impl Plan {
    /// What it takes to install `program` with these settings and these manual pages, by name.
    ///
    /// # Errors
    /// [`PlanError`] when that would overwrite what is not ours.
    pub fn install(
        place: &InstallRoot,
        program: &Path,
        settings: String,
        pages: Vec<(String, String)>,
    ) -> Result<Self, PlanError> {
        if place.path(PACKAGED_UNIT).exists() {
            return Err(PlanError::Packaged);
        }
        let mut steps = Vec::new();
        let is_ours = place.holds_ours(SERVICE_PATH)?;
        let binary = place.path(BINARY);
        match (place.read(BINARY)?, read(program)?) {
            (Some(there), new) if Some(&there) == new.as_ref() => steps.push(Step::Keep(binary)),
            (Some(_), _) if !is_ours => return Err(PlanError::OtherProgram(binary)),
            _ => steps.push(Step::Copy { from: program.to_owned(), to: binary }),
        }
        for (path, text) in texts() {
            let text = seal::seal(&text, Comment::Hash);
            let path_there = place.path(path);
            match place.read(path)? {
                Some(there) if there == text.as_bytes() => steps.push(Step::Keep(path_there)),
                Some(there) if !seal::is_whole(&there) => return Err(PlanError::Changed(path_there)),
                _ => steps.push(Step::Write { path: path_there, text }),
            }
        }
        steps.extend(manual::write(place, pages)?);
        let config = place.path(CONFIG);
        let mut guard = None;
        steps.push(match place.read(CONFIG)? {
            Some(_) => Step::Keep(config),
            None => {
                let groups = place.path("/etc/group");
                guard = Some(Step::Guard { path: config.clone(), groups, group: NAME });
                Step::WriteSecret { path: config, text: settings }
            }
        });
        // Nobody is disconnected for nothing.
        let changes = steps.iter().any(|step| !matches!(step, Step::Keep(_)));
        steps.push(place.run("systemd-sysusers", &[&format!("{NAME}.conf")]));
        steps.extend(guard);
        if changes && place.is_alive() {
            steps.push(place.run("systemctl", &["daemon-reload"]));
        }
        steps.push(place.run("systemctl", &["enable", SERVICE]));
        if place.is_alive() {
            // Where it runs already, `start` does nothing.
            steps.push(place.run("systemctl", &[if changes { "restart" } else { "start" }, SERVICE]));
        }
        Ok(Self(steps))
    }

    /// What it takes to take that back; with `purge` also settings, data and user.
    ///
    /// # Errors
    /// [`PlanError`] when what is there is not ours.
    pub fn uninstall(place: &InstallRoot, purge: bool) -> Result<Self, PlanError> {
        if place.path(PACKAGED_UNIT).exists() {
            return Err(PlanError::Packaged);
        }
        let mut steps = Vec::new();
        if place.holds_ours(SERVICE_PATH)? {
            let now: &[&str] = if place.is_alive() { &["--now"] } else { &[] };
            steps.push(place.run("systemctl", &[&["disable"], now, &[SERVICE, SOCKET]].concat()));
        }
        let mut files = Vec::new();
        for (path, _) in texts() {
            if place.read(path)?.is_some() {
                match place.holds_ours(path)? {
                    true => files.push(Step::Remove(place.path(path))),
                    false => return Err(PlanError::Changed(place.path(path))),
                }
            }
        }
        // Without our unit nothing says that the program is ours.
        if !files.is_empty() && place.path(BINARY).exists() {
            files.push(Step::Remove(place.path(BINARY)));
        }
        files.extend(manual::remove(place)?);
        if !files.is_empty() && place.is_alive() {
            files.push(place.run("systemctl", &["daemon-reload"]));
        }
        steps.extend(files);
        for (path, what) in [(CONFIG_DIR, "the settings"), (DATA_DIR, "all rooms and the relay's identity")] {
            let path = place.path(path);
            match (path.exists(), purge) {
                (true, true) => steps.push(Step::RemoveAll { path, what }),
                (true, false) => steps.push(Step::Keep(path)),
                (false, _) => {}
            }
        }
        if purge && place.knows_user()? {
            steps.push(place.run("userdel", &[NAME]));
        }
        if steps.iter().all(|step| matches!(step, Step::Keep(_))) {
            return Err(PlanError::Nothing);
        }
        Ok(Self(steps))
    }

    /// One line per step; with `contents`, files in full.
    pub fn describe(&self, contents: bool) -> String {
        self.0.iter().map(|step| step.describe(contents)).collect()
    }

    /// Does it all, in order.
    ///
    /// # Errors
    /// [`StepError`] at the first step that fails; what was done stays done.
    pub fn carry_out(&self) -> Result<(), StepError> {
        self.0.iter().try_for_each(Step::carry_out)
    }
}

impl InstallRoot {
    /// The running system.
    pub fn system() -> Self {
        Self { root: "/".into() }
    }

    /// Whether it is the running system.
    pub fn is_system(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Whether its systemd runs, so that services can be started.
    fn is_alive(&self) -> bool {
        self.is_system() && Path::new("/run/systemd/system").is_dir()
    }

    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    fn read(&self, absolute: &str) -> Result<Option<Vec<u8>>, PlanError> {
        read(&self.path(absolute))
    }

    fn holds_ours(&self, absolute: &str) -> Result<bool, PlanError> {
        Ok(self.read(absolute)?.is_some_and(|text| seal::is_whole(&text)))
    }

    fn knows_user(&self) -> Result<bool, PlanError> {
        let users = self.read("/etc/passwd")?.unwrap_or_default();
        let start = format!("{NAME}:");
        Ok(String::from_utf8_lossy(&users).lines().any(|line| line.starts_with(&start)))
    }

    /// A program that is told about a root that is not the system's.
    fn run(&self, program: &'static str, arguments: &[&str]) -> Step {
        let option = if program == "userdel" { "--prefix" } else { "--root" };
        let root = (!self.is_system()).then(|| [option.to_owned(), self.root.display().to_string()]);
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        Step::Run { program, arguments: root.into_iter().flatten().chain(arguments).collect() }
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PlanError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PlanError::Read { path: path.to_owned(), source }),
    }
}
