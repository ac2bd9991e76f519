//! Connections that change their address many times a second.

use std::{net::UdpSocket, time::Duration};

use anyhow::Context;

use super::Attack;
use crate::bench::client::{Ground, address};

/// Time between two changes of one connection.
const STAY: Duration = Duration::from_millis(10);

/// Connects from several places, joins nothing, and moves on again and again.
pub(in crate::bench) fn attack(ground: Ground, places: usize) -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(places, move |place, tries| {
            let ground = ground.clone();
            async move {
                let endpoint = ground.endpoint(1 + place)?;
                let connection = ground.connect(&endpoint).await?;
                while connection.close_reason().is_none() {
                    let socket = UdpSocket::bind((address(1 + place), 0)).context("opening a socket")?;
                    endpoint.rebind(socket)?;
                    tries.add(1);
                    tokio::time::sleep(STAY).await;
                }
                Ok(())
            }
        })
    })
}
