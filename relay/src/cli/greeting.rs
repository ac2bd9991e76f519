//! What the program says once it serves.

use serde::Serialize;

use crate::{policy::token::Admission, relay::Relay};

/// What the program says on stdout once it serves.
pub fn greeting(relay: &Relay, json: bool) -> String {
    let lines = relay.addresses().iter().map(|address| {
        let (pin, link) = (relay.pin().to_string(), relay.link(*address));
        let address = address.to_string();
        match json {
            true => {
                let access = name(relay.limits().admission);
                let event = Listening { v: 1, event: "listening", address, pin, link, access };
                serde_json::to_string(&event).unwrap_or_default()
            }
            false => format!("Listening  {address}\nPin        {pin}\nLink       {link}"),
        }
    });
    let access = (!json).then(|| format!("Access     {}", sentence(relay.limits().admission)));
    lines.chain(access).collect::<Vec<_>>().join("\n")
}

fn name(admission: Admission) -> &'static str {
    match admission {
        Admission::Open => "open",
        Admission::Token => "token",
    }
}

fn sentence(admission: Admission) -> &'static str {
    match admission {
        Admission::Open => {
            "Open: anybody who can reach this relay may open rooms. `relay token create` and `--access token` change that."
        }
        Admission::Token => {
            "By token: opening a room takes one (`relay token create`); joining a room by an invite takes none."
        }
    }
}

#[derive(Serialize)]
struct Listening {
    v: u32,
    event: &'static str,
    address: String,
    pin: String,
    link: String,
    access: &'static str,
}
