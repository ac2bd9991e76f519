//! Of the devices of a person.

use crate::{faces::sanitize, reason::DeviceReason};

/// What happened, and what to do.
pub(super) fn words(reason: &DeviceReason) -> (String, String) {
    let (message, remedy) = match reason {
        DeviceReason::Unknown(name) => (
            format!("No device of yours is called {}.", sanitize::line(name)),
            "/devices and `schat devices` list them.",
        ),
        DeviceReason::ThisOne => {
            ("That is this device.".to_owned(), "Take it out at another one; or leave the rooms, one by one.")
        }
        DeviceReason::Several { named, ids } => (
            format!("Several devices are called {}: {}.", sanitize::line(named), ids.join(", ")),
            "Name one by its id; /devices and `schat devices` show since when each is there.",
        ),
        DeviceReason::BadName(error) => (error.to_string(), "Choose another name."),
    };
    (message, remedy.to_owned())
}
