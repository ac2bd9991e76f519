//! What the program says once it serves.

use serde::Serialize;

use crate::relay::Relay;

/// What the program says on stdout once it serves.
pub fn greeting(relay: &Relay, json: bool) -> String {
    let lines = relay.addresses().iter().map(|address| {
        let (pin, link) = (relay.pin().to_string(), relay.link(*address));
        let address = address.to_string();
        match json {
            true => {
                let event = Listening { v: 1, event: "listening", address, pin, link };
                serde_json::to_string(&event).unwrap_or_default()
            }
            false => format!("Listening  {address}\nPin        {pin}\nLink       {link}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Serialize)]
struct Listening {
    v: u32,
    event: &'static str,
    address: String,
    pin: String,
    link: String,
}
