//! Values of the command line that are more than a text.

use std::{convert::Infallible, str::FromStr};

use clap::CommandFactory as _;

use super::Cli;
use crate::{
    faces::{lines, words},
    runtime::HandedPast,
    settings::nearest,
    text::names,
    transport::{AddressError, RelayAddress},
};

/// A room's label, in the one form that labels have, without the quotation marks in which it may have been shown.
pub(super) fn labelled(room: &str) -> Result<String, Infallible> {
    Ok(names::label(&names::unquoted(room)))
}

pub(super) fn lifetime(text: &str) -> Result<u32, String> {
    lines::lifetime(text).map_err(|failure| format!("{} {}", failure.message, failure.remedy))
}

pub(super) fn address(text: &str) -> Result<RelayAddress, String> {
    text.parse().map_err(|error: AddressError| words::address(error).to_owned())
}

pub(super) fn handed_past(text: &str) -> Result<HandedPast, &'static str> {
    lines::history(text).ok_or(words::command::program::NO_NUMBER)
}

/// Whoever misspells a command does not mean a link.
pub(super) fn link_text(text: &str) -> Result<String, String> {
    let is_link = text == "-" || text.contains("://");
    let cli = Cli::command();
    let commands: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    match nearest(text, commands).filter(|_| !is_link) {
        Some(command) => Err(words::command::program::no_link_but(command)),
        None => Ok(text.to_owned()),
    }
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| words::command::program::NO_NUMBER)
}
