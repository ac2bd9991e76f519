//! `relay man`: the manual pages, made from the command line's own description.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::{cli::Cli, ops::print};

/// Forty options in a row, as clap_mangen would write it, tell nobody anything.
const SYNOPSIS: &str = ".SH SYNOPSIS\n\\fBrelay\\fR [\\fIOPTION\\fR]... [\\fICOMMAND\\fR]\n";

/// What the description of the options does not say. Roff: a line that begins with a dot is a request.
const MORE: &str = r".SH FILES
.TP
\fI/etc/schat\-relay/relay.toml\fR
Settings of the installed service, and of every user who has no file of their own. A key is the name of an option.
.TP
\fI~/.config/schat\-relay/relay.toml\fR
A user's own settings.
.TP
\fI/var/lib/schat\-relay\fR
Data of the installed service.
.TP
\fI~/.local/share/schat\-relay\fR
Data of a relay that a user starts by hand: the log \fIrelay.redb\fR, the directory \fIidentity\fR, the operator's
socket \fIadmin.sock\fR.
.SH SIGNALS
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
Stop within five seconds: tell the clients, write what is under way, end.
.TP
\fBSIGHUP\fR
Read the settings again.
.SH ENVIRONMENT
.TP
\fBRELAY_\fR\fINAME\fR
Every setting. \fBRELAY_\fR\fINAME\fR\fB_FILE\fR names a file with the value.
.TP
\fBSCHAT_LOG\fR
What is logged, for example \fBdebug\fR. The default \fBinfo\fR names nobody.
";

/// Prints the manual page, or writes all of them.
#[derive(Clone, Debug, Args)]
pub struct ManCommand {
    /// Write one page per command into this directory instead of printing the first.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl ManCommand {
    /// Does it.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let pages = pages()?;
        match &self.directory {
            Some(directory) => write(&pages, directory),
            // The first is that of the program itself.
            None => Ok(pages.first().map_or(Ok(true), |(_, page)| print::all(page)).map(drop)?),
        }
    }
}

/// Name and text of every page, the program's own first.
pub(super) fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    page(&command, true, &mut pages)?;
    Ok(pages)
}

fn page(command: &clap::Command, is_first: bool, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let man = Man::new(command.clone());
    let name = man.get_filename();
    // Written here, because clap_mangen leaves out an empty date and so shifts what follows. No date: it would
    // differ from build to build.
    let title = name.trim_end_matches(".1").to_uppercase();
    let mut text =
        format!(".TH \"{title}\" 1 \"\" \"schat {}\" Schat\n", env!("CARGO_PKG_VERSION")).into_bytes();
    man.render_name_section(&mut text)?;
    match is_first {
        true => text.extend_from_slice(SYNOPSIS.as_bytes()),
        false => man.render_synopsis_section(&mut text)?,
    }
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if is_first {
        text.extend_from_slice(MORE.as_bytes());
    }
    pages.push((name, text));
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        page(command, false, pages)?;
    }
    Ok(())
}

fn write(pages: &[(String, Vec<u8>)], directory: &Path) -> anyhow::Result<()> {
    let remedy = || format!("cannot write the pages into {}; name another directory", directory.display());
    fs::create_dir_all(directory).with_context(remedy)?;
    for (name, text) in pages {
        fs::write(directory.join(name), text).with_context(remedy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_or_setting_without_a_manual_is_found() {
        let command = Cli::command();
        let pages = pages().unwrap();
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "relay.1");
        for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("relay-{}.1", subcommand.get_name());
            assert!(names.contains(&&*name), "{name} is not among {names:?}");
        }
        let first = String::from_utf8(pages[0].1.clone()).unwrap();
        for name in command.get_arguments().filter_map(clap::Arg::get_long) {
            let written = format!(r"\-\-{}", name.replace('-', r"\-"));
            assert!(first.contains(&written), "{name}");
        }
    }
}
