//! Moments as somebody reads them.

use jiff::{Timestamp, tz::TimeZone};

use crate::settings::Times;

/// Date and time of day.
pub(super) fn moment(at: u64, zone: &TimeZone) -> String {
    local(at, zone)
        .map_or_else(|| "unknown".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string())
}

/// Time of day.
pub(super) fn time(at: u64, zone: &TimeZone, times: Times) -> String {
    let (form, none) = match times {
        Times::Hours24 => ("%H:%M", "--:--"),
        Times::Hours12 => ("%I:%M %P", "--:-- --"),
    };
    local(at, zone).map_or_else(|| none.to_owned(), |at| at.strftime(form).to_string())
}

/// A moment in a time zone, if there is one.
pub(super) fn local(at: u64, zone: &TimeZone) -> Option<jiff::Zoned> {
    let at = Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?;
    Some(at.to_zoned(zone.clone()))
}
