//! Browsers.

use std::path::PathBuf;

use clap::Args;

use super::Conflict;
use crate::net::web::{Web, origin::Origin};

/// What the relay is to browsers.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Browsers")]
pub struct Browsers {
    /// Serve browsers [default: true].
    ///
    /// The page at https://HOST/ on the TCP port, which joins rooms as the program does, and the ways by which it connects. With
    /// `false`, nothing is there for browsers. Without TCP there is no page.
    #[arg(long, hide_short_help = true, env = "RELAY_WEB", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub web: Option<bool>,
    /// Directory with a build of the page, instead of the one in the program.
    ///
    /// It is read when the relay starts, whole: at most 1000 files and 64 MiB.
    #[arg(long, hide_short_help = true, env = "RELAY_WEB_DIR", value_name = "DIR")]
    pub web_dir: Option<PathBuf>,
    /// Whose pages may connect, beside the relay's own, repeatable.
    ///
    /// As the browser spells it: https://chat.example.org, http://localhost:8080. Pages from elsewhere are refused.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_WEB_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub web_origin: Vec<Origin>,
}

impl Browsers {
    /// What they ask for.
    pub(super) fn web(&self) -> Result<Web, Conflict> {
        if self.web != Some(false) {
            return Ok(Web::On { directory: self.web_dir.clone(), origins: self.web_origin.clone() });
        }
        match self.web_dir.is_some() || !self.web_origin.is_empty() {
            true => {
                Err(Conflict("web is false; set web-dir and web-origin with it on only, or drop them".into()))
            }
            false => Ok(Web::Off),
        }
    }
}
