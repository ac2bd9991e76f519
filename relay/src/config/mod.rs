//! Where each setting comes from: flags, then the environment, then relay.toml, then defaults.
//!
//! The command line is the one description of all settings. What the file says becomes the default of the flag
//! of the same name, so each value goes through the same parser, and `origin` only has to ask which won.

mod error;
mod example;
mod file;
mod origin;
pub mod settings;
pub mod show;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, FromArgMatches, builder::Resettable, parser::ValueSource};

pub use self::{error::ConfigError, example::example, origin::Origin, settings::Settings};
use crate::relay::Config;

/// Prefix of every variable.
const PREFIX: &str = "RELAY_";

/// Suffix of a variable that names a file with the value.
const FILE_SUFFIX: &str = "_FILE";

/// The variable that names the settings file; it is no setting itself.
const CONFIG: &str = "RELAY_CONFIG";

/// How alike a variable and a setting must be for the one to be a slip of the other (Jaro-Winkler, 0 to 1).
const SLIP: f64 = 0.92;

/// Settings that must not stand on a command line, where other users of the machine see them.
const SECRETS: &[&str] = &["acme-eab-key"];

/// The settings in force, and where each comes from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, each as what it means.
    pub parsed: Settings,
    /// What they ask for.
    pub config: Config,
    /// The settings file, if there is one.
    pub file: Option<PathBuf>,
    /// Every setting in the order of the help.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name: the flag without dashes, and the key in relay.toml.
    pub name: String,
    /// Its values as text; none when it is unset.
    pub values: Vec<String>,
    /// It may have several values.
    pub is_list: bool,
    /// It must not be shown.
    pub is_secret: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// What is likely a slip, although it is no error: a settings file in the current directory that nobody named.
pub fn hint(loaded: &Loaded) -> Option<String> {
    let here = Path::new(file::NAME);
    let is_read = loaded.file.as_deref().is_some_and(|file| same(file, here));
    (here.exists() && !is_read)
        .then(|| "relay.toml in this directory is not read; name it with --config relay.toml".to_owned())
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Reads all sources. `command` is the command line that `arguments` are of, with all settings among its own; what it makes
/// of them is returned as well, for what is no setting.
///
/// # Errors
/// [`ConfigError`] with the source and the remedy.
pub fn load(arguments: &[OsString], command: clap::Command) -> Result<(Loaded, ArgMatches), ConfigError> {
    let known = known(&command);
    let command = without_empty_variables(command);
    // Errors of this pass are those of the command line and the environment.
    let matches = command.clone().try_get_matches_from(arguments)?;
    let file = match matches.get_one::<PathBuf>("config") {
        Some(file) => Some(file.clone()),
        None => file::default(),
    };
    let mut given = match &file {
        Some(path) => file::read(path, &known)?,
        None => BTreeMap::new(),
    };
    let from_files = variables(&known)?;
    given.extend(from_files.iter().map(|(name, (value, _))| (name.clone(), vec![value.clone()])));

    let mut layered = command;
    for (name, values) in &given {
        let values = values.clone();
        layered = layered.mut_arg(id(name), |arg| arg.default_values(values));
    }
    // Errors of this pass are those of the files.
    let matches = layered.clone().try_get_matches_from(arguments).map_err(|error| ConfigError::Value {
        file: file.clone().unwrap_or_else(|| PathBuf::from("the environment")),
        message: first_line(&error),
    })?;
    let parsed = Settings::from_arg_matches(&matches)?;
    let config = parsed.config()?;
    let settings = known
        .iter()
        .map(|known| {
            let origin = match matches.value_source(&id(&known.name)) {
                Some(ValueSource::CommandLine) => Origin::Flag,
                Some(ValueSource::EnvVariable) => Origin::Variable(known.variable.clone()),
                Some(_) => match (from_files.get(&known.name), &file) {
                    (Some((_, variable)), _) => Origin::Variable(variable.clone()),
                    (None, Some(file)) if given.contains_key(&known.name) => Origin::File(file.clone()),
                    _ => Origin::Default,
                },
                None => Origin::Unset,
            };
            known.setting(&matches, origin)
        })
        .collect::<Vec<_>>();
    if let Some(secret) = settings.iter().find(|setting| setting.is_secret && setting.origin == Origin::Flag)
    {
        return Err(ConfigError::SecretOnCommandLine { name: secret.name.clone() });
    }
    if let (Some(secret), Some(path)) = (
        settings.iter().find(|setting| setting.is_secret && matches!(setting.origin, Origin::File(_))),
        &file,
    ) && file::is_public(path)
    {
        return Err(ConfigError::SecretInPublicFile { name: secret.name.clone(), path: path.clone() });
    }
    Ok((Loaded { parsed, config, file, settings }, matches))
}

/// A setting as the command line describes it.
#[derive(Debug)]
struct KnownSetting {
    name: String,
    variable: String,
    is_list: bool,
}

impl KnownSetting {
    fn setting(&self, matches: &ArgMatches, origin: Origin) -> Setting {
        let raw = matches.get_raw(&id(&self.name)).into_iter().flatten();
        let values = raw.map(|value| value.to_string_lossy().into_owned());
        let values = if self.is_list {
            values.flat_map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
        } else {
            values.collect()
        };
        Setting {
            name: self.name.clone(),
            values,
            is_list: self.is_list,
            is_secret: SECRETS.contains(&&*self.name),
            origin,
        }
    }
}

fn known(command: &clap::Command) -> Vec<KnownSetting> {
    let settings = command.get_arguments().filter(|argument| argument.get_id() != "config");
    settings
        .filter_map(|argument| {
            let variable = argument.get_env()?.to_str()?.to_owned();
            let name = argument.get_long()?.to_owned();
            let is_list = argument.get_value_delimiter().is_some();
            Some(KnownSetting { name, variable, is_list })
        })
        .collect()
}

/// A variable that is empty counts as one that is not there: scripts and containers pass on what they were not given.
/// As deep as commands have commands.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let without = |argument: Arg| {
        let value = argument.get_env().and_then(env::var_os);
        if value.is_some_and(|value| value.is_empty()) { argument.env(Resettable::Reset) } else { argument }
    };
    command.mut_args(without).mut_subcommands(without_empty_variables)
}

/// What `RELAY_…_FILE` variables bring: value and variable by the setting's name.
fn variables(known: &[KnownSetting]) -> Result<BTreeMap<String, (String, String)>, ConfigError> {
    let mut found = BTreeMap::new();
    for (variable, path) in env::vars_os() {
        let Some(variable) = variable.to_str().filter(|variable| variable.starts_with(PREFIX)) else {
            continue;
        };
        let is_known = |name: &str| name == CONFIG || known.iter().any(|known| known.variable == name);
        let plain = match variable.strip_suffix(FILE_SUFFIX) {
            Some(plain) if !is_known(variable) => plain,
            _ => {
                known_or_strange(variable, is_known(variable), known)?;
                continue;
            }
        };
        let Some(setting) = known.iter().find(|known| known.variable == plain) else {
            known_or_strange(plain, false, known)?;
            continue;
        };
        if path.is_empty() {
            continue;
        }
        if env::var_os(plain).is_some_and(|value| !value.is_empty()) {
            return Err(ConfigError::Twice { variable: plain.to_owned() });
        }
        let value = file::read_value(Path::new(&path)).map_err(|source| ConfigError::VariableFile {
            variable: variable.to_owned(),
            path: path.into(),
            source,
        })?;
        found.insert(setting.name.clone(), (value, variable.to_owned()));
    }
    Ok(found)
}

/// Other programs have variables of this prefix as well, so only one that looks like a slip is an error.
fn known_or_strange(variable: &str, is_known: bool, known: &[KnownSetting]) -> Result<(), ConfigError> {
    let name = variable.trim_start_matches(PREFIX).to_lowercase();
    let nearest = (!is_known).then(|| file::nearest(&name, known, SLIP)).flatten();
    let nearest = nearest.and_then(|name| known.iter().find(|known| known.name == name));
    match nearest {
        Some(nearest) => Err(ConfigError::UnknownVariable {
            variable: variable.to_owned(),
            nearest: nearest.variable.clone(),
        }),
        None => Ok(()),
    }
}

/// The id that clap derives from a field: its name with underscores.
fn id(name: &str) -> String {
    name.replace('-', "_")
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
