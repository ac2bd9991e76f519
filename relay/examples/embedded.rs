//! A relay inside another program: `cargo run -p relay --example embedded -- DIRECTORY`.
//!
//! A program that has a relay of its own needs only [`Relay::start`] with a [`Config`]: certificate, log and limits have
//! good values. `schat host` does the same. The features of the relay's own program are not needed for it:
//! `relay = { default-features = false }`.

use std::{error::Error, net::SocketAddr};

use relay::{Config, Limits, Relay};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The log and the relay's identity are kept there: with the same directory it is the same relay after a restart, and
    // links that were given out go on leading to it.
    let directory = std::env::args_os().nth(1).ok_or("say in which directory the relay keeps its data")?;

    let config = Config {
        // Whoever has the link can find the relay there. `None` guesses a name.
        host: Some("localhost".to_owned()),
        // Every bound has a default that suits a small machine; what is to be another is named.
        limits: Limits::default(),
        // Port 0 takes any free one; a real relay has a port that stays.
        ..Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), directory)
    };

    // When this returns, it serves. It runs on this tokio runtime, beside whatever else the program does.
    let relay = Relay::start(config).await?;
    for address in relay.addresses() {
        println!("listening on {address}; clients join rooms there by: {}", relay.link(*address));
    }

    println!("Ctrl-C ends it.");
    tokio::signal::ctrl_c().await?;

    // Tells everybody who is connected, and lets what was accepted reach the disk.
    relay.shutdown().await;
    Ok(())
}
