//! The time zone of whoever reads: as the system's own programs take it from `TZ`.

use std::{fs, path::Path};

use jiff::{Timestamp, tz::TimeZone};

/// When summer time begins and ends, where `TZ` names one and says nothing of that: what the C library takes.
const RULE: &str = ",M3.2.0,M11.1.0";

/// Files that name the zone of a system.
const NAMES: [&str; 2] = ["/etc/localtime", "/etc/timezone"];

/// The zone, and what is to be said of it.
pub fn here() -> (TimeZone, Option<String>) {
    match std::env::var("TZ") {
        Ok(name) => named(&name),
        Err(_) => system(TimeZone::system(), NAMES.iter().any(|name| fs::symlink_metadata(name).is_ok())),
    }
}

/// The system's own. Where it names one that cannot be read, that is said; where it names none, it is UTC, as for everybody.
fn system(zone: TimeZone, is_named: bool) -> (TimeZone, Option<String>) {
    match zone.is_unknown() {
        true if is_named => {
            let said = "The time zone of this system cannot be read: times are UTC. TZ names another.";
            (TimeZone::UTC, Some(said.to_owned()))
        }
        true => (TimeZone::UTC, None),
        false => (zone, None),
    }
}

fn named(name: &str) -> (TimeZone, Option<String>) {
    let plain = name.strip_prefix(':').unwrap_or(name);
    if plain.is_empty() {
        return (TimeZone::UTC, None);
    }
    let file = || {
        let bytes = Path::new(plain).is_absolute().then(|| fs::read(plain).ok()).flatten()?;
        TimeZone::tzif(plain, &bytes).ok()
    };
    let posix = |rule: &str| TimeZone::posix(&format!("{plain}{rule}")).ok();
    let known = TimeZone::get(plain).ok().or_else(file).or_else(|| posix("")).or_else(|| posix(RULE));
    match known {
        Some(zone) => (zone, None),
        None => {
            let shown = super::sanitize::line(plain);
            let said = format!("The time zone {shown}, which TZ names, is not known here: times are UTC.");
            (TimeZone::UTC, Some(said))
        }
    }
}

/// A moment here, with the zone's offset: it means the same wherever it is read.
pub fn stamp(at: u64) -> String {
    let at = Timestamp::from_millisecond(i64::try_from(at).unwrap_or(0)).unwrap_or_default();
    at.to_zoned(here().0).strftime("%F %H:%M%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saturday, 14 November 2026, and Tuesday, 14 July 2026, at 12:00 UTC.
    fn offsets(name: &str) -> [String; 2] {
        let (zone, said) = named(name);
        assert_eq!(said, None, "{name}");
        let at = |seconds| Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
        [1_794_657_600, 1_784_030_400].map(|seconds| at(seconds).strftime("%H:%M%:z").to_string())
    }

    #[test]
    fn zone_that_is_named_is_not_utc() {
        for (name, winter, summer) in [
            ("CET-1CEST", "13:00+01:00", "14:00+02:00"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "13:00+01:00", "14:00+02:00"),
            ("<+0545>-5:45", "17:45+05:45", "17:45+05:45"),
            ("EST5EDT", "07:00-05:00", "08:00-04:00"),
            ("UTC0", "12:00+00:00", "12:00+00:00"),
            ("", "12:00+00:00", "12:00+00:00"),
        ] {
            assert_eq!(offsets(name), [winter, summer], "{name}");
        }
        if Path::new("/usr/share/zoneinfo/Asia/Kathmandu").exists() {
            for name in ["Asia/Kathmandu", ":Asia/Kathmandu", "/usr/share/zoneinfo/Asia/Kathmandu"] {
                assert_eq!(offsets(name), ["17:45+05:45"; 2], "{name}");
            }
        }
    }

    #[test]
    fn zone_of_the_system_that_cannot_be_read_is_said() {
        assert_eq!(system(TimeZone::UTC, true), (TimeZone::UTC, None));
        assert_eq!(system(TimeZone::unknown(), false), (TimeZone::UTC, None), "there is none at all");
        let (zone, said) = system(TimeZone::unknown(), true);
        assert_eq!(zone, TimeZone::UTC);
        assert!(said.unwrap().contains("times are UTC"));
    }

    #[test]
    fn zone_that_nobody_knows_is_said() {
        let (zone, said) = named("Nowhere/At_All");
        assert_eq!(zone, TimeZone::UTC);
        assert!(said.unwrap().contains("Nowhere/At_All"));
    }
}
