use clap::CommandFactory;

use super::*;
use crate::{
    net::{listen::Fallback, web::Web},
    relay::Config,
};

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
    let web = Web::On { directory: None, origins: Vec::new() };
    let library = Config { admin: true, fallback: Fallback::WhereFree, web, ..Config::default() };
    assert_eq!(format!("{ours:?}"), format!("{library:?}"));
}

#[test]
fn certificate_without_key_is_a_usage_error() {
    assert!(parse(&["--cert", "a.pem"]).config().is_err());
    assert!(parse(&["--key", "a.pem"]).config().is_err());
}

#[test]
fn certificate_settings_that_contradict_each_other_are_usage_errors() {
    for wrong in [
        &["--domain", "a.example", "--cert", "a.pem", "--key", "a.key"][..],
        &["--acme-email", "a@example.org"],
        &["--domain", "a.example", "--acme-directory", "http://a.example/dir"],
        &["--domain", "a.example", "--acme-eab-kid", "1"],
    ] {
        assert!(parse(wrong).config().is_err(), "{wrong:?}");
    }
    assert!(Cli::try_parse_from(["relay", "--domain", "192.0.2.1"]).is_err());
}

#[test]
fn domain_is_spelled_as_in_a_certificate_and_becomes_the_host_of_links() {
    let config = parse(&["--domain", "Chat.Example.ORG.,b.example"]).config().unwrap();
    assert_eq!(config.host.as_deref(), Some("chat.example.org"));
    assert_eq!(config.tls.domains(), ["chat.example.org", "b.example"]);
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
    for limit in crate::ops::metrics::Limit::ALL {
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

#[test]
fn taken_tcp_port_matters_only_to_who_asked_for_it() {
    let fallback = |arguments: &[&str]| parse(arguments).config().unwrap().fallback;
    assert_eq!(fallback(&[]), Fallback::WhereFree);
    assert_eq!(fallback(&["--tcp"]), Fallback::Required);
    assert_eq!(fallback(&["--tcp=true"]), Fallback::Required);
    assert_eq!(fallback(&["--tcp=false"]), Fallback::Off);
}

#[test]
fn version_names_the_protocol_and_the_data_format_that_there_are() {
    let protocol = std::str::from_utf8(proto::ALPN).unwrap();
    let all = format!("(protocol {protocol}, data format {})", crate::log::redb::FORMAT);
    assert!(LONG_VERSION.ends_with(&all), "{LONG_VERSION} and {all}");
}
