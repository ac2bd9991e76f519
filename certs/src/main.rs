//! `certs`: makes a relay's authority and its server certificate, and prints the pin.

use std::{path::PathBuf, process::ExitCode};

use certs::{Authority, CA_CERT_FILE, CA_KEY_FILE, CertsError, SERVER_CERT_FILE, SERVER_KEY_FILE};
use clap::Parser;

/// Make certificates for a Schat relay. Run again with the same --out, it keeps the authority and its pin and
/// renews the server certificate. The pin is printed on standard output.
#[derive(Parser)]
#[command(name = "certs", version)]
struct Args {
    /// The directory for ca.pem, ca.key, server.pem and server.key.
    #[arg(long, value_name = "DIR", default_value = "certs-out")]
    out: PathBuf,
    /// A DNS name or IP address under which clients reach the relay. May be repeated.
    #[arg(long = "name", value_name = "HOST", required = true, value_parser = host)]
    names: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("certs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let authority = Authority::load_or_create(&args.out)?;
    authority.leaf(&args.names)?.save(&args.out)?;
    println!("{}", authority.pin());
    eprintln!(
        "In {}: {SERVER_CERT_FILE} and {SERVER_KEY_FILE} are for the relay and last 30 days, {CA_CERT_FILE} is \
         for clients. Keep {CA_KEY_FILE} secret and backed up: the pin stands for it.",
        args.out.display()
    );
    Ok(())
}

fn host(text: &str) -> Result<String, CertsError> {
    Ok(certs::parse_name(text)?.to_str().into_owned())
}
