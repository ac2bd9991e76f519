//! Lengths and moments of time, the beginning of a text, failures, and whole sentences.

use jiff::Timestamp;

use crate::{
    faces::{sanitize, zone},
    failure::Failure,
};

/// A length of time in its largest whole unit.
pub fn duration(seconds: u32) -> String {
    let units = [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fits = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    let (length, unit) = fits.unwrap_or((1, "second"));
    counted(seconds / length, unit)
}

/// So many of something: `1 room`, `2 rooms`.
pub fn counted(count: impl TryInto<u64>, what: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A moment as people here write it, from Unix milliseconds.
pub fn when(at: u64) -> String {
    let at = Timestamp::from_millisecond(i64::try_from(at).unwrap_or(0)).unwrap_or_default();
    at.to_zoned(zone::here().0).strftime("%F %H:%M").to_string()
}

/// A day, from Unix milliseconds within it.
pub(super) fn day(at: u64) -> String {
    let at = Timestamp::from_millisecond(i64::try_from(at).unwrap_or(0)).unwrap_or_default();
    at.strftime("%F").to_string()
}

/// The first words of a text, to name it by.
pub fn beginning(text: &str) -> String {
    const CELLS: usize = 40; // half a usual line
    let line = sanitize::line(text.lines().next().unwrap_or_default());
    let mut short: String = line.chars().take(CELLS).collect();
    if short.len() < line.len() || text.lines().nth(1).is_some() {
        short.push('…');
    }
    short
}

/// Cause and remedy in one sentence each.
pub fn failure(failure: &Failure) -> String {
    let text = format!("{} {}", sentence(&failure.message), sanitize::line(&failure.remedy));
    text.trim_end().to_owned()
}

/// With a capital letter, and an end.
pub(super) fn sentence(text: &str) -> String {
    let mut text = sanitize::line(text);
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
