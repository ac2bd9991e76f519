//! The program's log: on stderr, as text or JSON, at a level that can change while it runs.

mod filter;

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt,
    layer::SubscriberExt,
    reload::{self, Handle},
    util::SubscriberInitExt,
};

pub use self::filter::{LevelError, parse};

/// A filter for tests and for looking closely; it beats the setting.
const VARIABLE: &str = "SCHAT_LOG";

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log, once it is there.
#[derive(Clone, Debug)]
pub struct Log {
    filter: Handle<EnvFilter, Registry>,
    is_forced: bool,
}

impl Log {
    /// Everything that is logged from now on goes to stderr.
    ///
    /// # Errors
    /// [`LevelError`] for a level that is none.
    pub fn start(format: Format, level: &str) -> Result<Self, LevelError> {
        let forced = EnvFilter::try_from_env(VARIABLE).ok();
        let is_forced = forced.is_some();
        let (filter, handle) = reload::Layer::new(match forced {
            Some(filter) => filter,
            None => parse(level)?,
        });
        let lines = match format {
            Format::Text => {
                let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                fmt::layer().with_ansi(colour).with_writer(io::stderr).boxed()
            }
            Format::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
        };
        tracing_subscriber::registry().with(filter).with(lines).init();
        Ok(Self { filter: handle, is_forced })
    }

    /// Another level from now on. Without effect while `SCHAT_LOG` says what is logged.
    ///
    /// # Errors
    /// [`LevelError`]; then the one before stays.
    pub fn set_level(&self, level: &str) -> Result<(), LevelError> {
        let filter = parse(level)?;
        if !self.is_forced {
            // Fails only when nothing is logged any more.
            let _ = self.filter.reload(filter);
        }
        Ok(())
    }
}
