use clap::CommandFactory;

use super::*;
use crate::relay::Config;

fn parse(arguments: &[&str]) -> Settings {
    Cli::parse_from([&["relay"], arguments].concat()).settings
}

#[test]
fn command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn defaults_are_those_of_the_library_but_for_the_operators_socket() {
    let (ours, library) = (parse(&[]).config().unwrap(), Config { admin: true, ..Config::default() });
    assert_eq!(format!("{ours:?}"), format!("{library:?}"));
}

#[test]
fn certificate_without_key_is_a_usage_error() {
    assert!(parse(&["--cert", "a.pem"]).config().is_err());
    assert!(parse(&["--key", "a.pem"]).config().is_err());
}

#[test]
fn help_fits_a_screen() {
    let help = Cli::command().term_width(80).render_help().to_string();
    assert!(help.lines().count() <= 44, "{} lines:\n{help}", help.lines().count());
}
