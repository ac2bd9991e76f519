//! `schat config`: the settings in force, where they are read from, and a file to begin with.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;

use super::Globals;
use crate::{
    faces::{
        stdout,
        words::{command::program, settings as words},
    },
    failure::{Exit, Failure},
    settings::{Settings, json, with},
    store::{Followed, ProfileDir},
};

/// What is started to edit a file when neither VISUAL nor EDITOR says.
const EDITOR: &str = if cfg!(windows) { "notepad" } else { "vi" };

#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    /// Print where the file is, whether or not there is one.
    #[arg(long, conflicts_with_all = ["example", "edit"])]
    path: bool,
    /// Print a config.toml to begin with: each setting explained, and commented out.
    #[arg(long, conflicts_with = "edit")]
    example: bool,
    /// Open the file in VISUAL or EDITOR, made from the example if there is none, and look whether it is right.
    #[arg(long)]
    edit: bool,
}

impl ConfigCommand {
    pub(super) fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let named = globals.config.as_deref();
        if self.edit {
            edit(&path(named)?)?;
        }
        let text = match self {
            Self { path: true, .. } => path(named)?.display().to_string(),
            Self { example: true, .. } => words::example().trim_end().to_owned(),
            Self { edit: true, .. } => {
                Settings::load(named)?;
                return Ok(Exit::Ok);
            }
            _ if globals.json => json(&settings(globals)?),
            _ => words::shown(&settings(globals)?),
        };
        stdout::line(&text);
        Ok(Exit::Ok)
    }
}

/// The settings in force: of the file, and of the person's other devices.
pub(super) fn settings(globals: &Globals) -> Result<Settings, Failure> {
    let settings = Settings::load(globals.config.as_deref())?;
    // Where nobody knows of a profile, the file alone says it.
    let followed = ProfileDir::choose(globals.profile.clone()).map(|dir| Followed::in_dir(dir.path()));
    Ok(with(settings, &followed.unwrap_or_default()))
}

fn path(named: Option<&Path>) -> Result<PathBuf, Failure> {
    Settings::path(named).ok_or_else(program::no_home)
}

fn edit(path: &Path) -> Result<(), Failure> {
    begin(path).map_err(|error| program::no_settings(path, &error))?;
    let named =
        ["VISUAL", "EDITOR"].into_iter().find_map(|name| env::var_os(name).filter(|value| !value.is_empty()));
    let editor = named.unwrap_or_else(|| OsString::from(EDITOR));
    // `code --wait` is a program and an argument.
    let line = editor.to_string_lossy().into_owned();
    let mut line = line.split_whitespace();
    let ended = Command::new(line.next().unwrap_or(EDITOR)).args(line).arg(path).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(program::editor_ended(status)),
        Err(error) => Err(program::no_editor(editor.display(), &error)),
    }
}

/// The example, where there is no file yet.
fn begin(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(words::example().as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
