//! `schat man`: the manual pages, made from the command line's own description.

use std::{fs, io, path::Path};

use clap_mangen::Man;

use crate::{
    faces::{stdout, words},
    failure::{Exit, Failure},
};

/// Prints the first page, or writes all of them.
pub(super) fn man(command: &clap::Command, directory: Option<&Path>) -> Result<Exit, Failure> {
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let written = match directory {
        None => page(&command).map(|(_, text)| {
            stdout::all(&text);
        }),
        Some(directory) => fs::create_dir_all(directory).and_then(|()| write(&command, directory)),
    };
    written.map(|()| Exit::Ok).map_err(|error| words::command::program::no_manual(&error))
}

fn write(command: &clap::Command, directory: &Path) -> io::Result<()> {
    let (name, text) = page(command)?;
    fs::write(directory.join(name), text)?;
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| write(command, directory))
}

/// Its name and its text.
fn page(command: &clap::Command) -> io::Result<(String, Vec<u8>)> {
    let man = Man::new(command.clone());
    let name = man.get_filename();
    // Written here, because clap_mangen leaves out an empty date and so shifts what follows. No date: it would
    // differ from build to build.
    let title = name.trim_end_matches(".1").to_uppercase();
    let mut text =
        format!(".TH \"{title}\" 1 \"\" \"schat {}\" Schat\n", env!("CARGO_PKG_VERSION")).into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    Ok((name, text))
}
