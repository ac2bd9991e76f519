use clap::CommandFactory;

use super::*;
use crate::{Fallback, relay::Config};

fn parse(arguments: &[&str]) -> Settings {
    Cli::parse_from([&["relay"], arguments].concat()).settings
}

#[test]
fn command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn defaults_are_those_of_the_library_but_for_what_surprises_an_embedder() {
    let ours = parse(&[]).config().unwrap();
    let library = Config { admin: true, fallback: Fallback::WhereFree, ..Config::default() };
    assert_eq!(format!("{ours:?}"), format!("{library:?}"));
}

#[test]
fn certificate_without_key_is_a_usage_error() {
    assert!(parse(&["--cert", "a.pem"]).config().is_err());
    assert!(parse(&["--key", "a.pem"]).config().is_err());
}

#[test]
fn help_fits_a_screen() {
    let help = help::short().term_width(80).render_help().to_string();
    assert!(help.lines().count() <= 40, "{} lines:\n{help}", help.lines().count());
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
}

#[test]
fn long_help_leaves_no_limit_unexplained() {
    let command = Cli::command();
    let help = command.clone().term_width(100).render_long_help().to_string();
    for limit in crate::metrics::Limit::ALL {
        let Some(argument) = command.get_arguments().find(|argument| argument.get_id() == limit.label())
        else {
            continue;
        };
        let (flag, why) = (argument.get_long().unwrap(), argument.get_long_help());
        assert!(help.contains(&format!("--{flag} ")), "{flag}");
        assert!(why.is_some_and(|why| why.to_string().lines().count() > 2), "{flag} has no reason");
        let said = argument.get_help().is_some_and(|help| help.to_string().contains("[default: "));
        assert!(said || !argument.get_default_values().is_empty(), "{flag} has no default");
    }
}
