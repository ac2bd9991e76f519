//! How much of a whole one of many may have.

/// Whether so many bytes are at most their part of themselves and what is left beside them.
pub(crate) fn within(bytes: u64, left: u64, percent: u64) -> bool {
    let rest = u128::from(100_u64.saturating_sub(percent));
    u128::from(bytes) * rest <= u128::from(left) * u128::from(percent)
}
