//! Answers as bytes.

use serde::{Serialize, de::DeserializeOwned};

use crate::reason::{DaemonReason, Reason};

/// Lines of an answer, in bytes; what is over it is left out, and asked for with the next page.
pub(crate) const MAX_PAGE: usize = 8 << 20;

/// Longest answer, in bytes: a page of history, with its last line, which may be long.
pub(crate) const MAX_ANSWER: usize = (16 << 20) - 64;

/// The bytes of an answer, or of a failure where it is too long.
pub(super) fn written<T: Serialize>(done: &Result<T, Reason>) -> Vec<u8> {
    let whole = postcard::to_extend(done, Vec::new()).ok();
    whole.filter(|bytes| bytes.len() < MAX_ANSWER).unwrap_or_else(|| {
        let reason = Reason::from(DaemonReason::LongAnswer);
        postcard::to_extend(&Err::<(), _>(reason), Vec::new()).unwrap_or_default()
    })
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<Result<T, Reason>> {
    match postcard::take_from_bytes(bytes) {
        Ok((answer, [])) => Some(answer),
        _ => None,
    }
}

/// As many lines as fit into so many bytes, and one at least. `from_end`: the last ones are kept.
pub(super) fn page<T: Serialize>(mut lines: Vec<T>, most: usize, from_end: bool) -> Vec<T> {
    if from_end {
        lines.reverse();
    }
    let mut left = most;
    let fits = lines.iter().take_while(|line| {
        let size = postcard::experimental::serialized_size(line).unwrap_or(usize::MAX);
        let fits = left > 0;
        left = left.saturating_sub(size);
        fits
    });
    let count = fits.count();
    lines.truncate(count);
    if from_end {
        lines.reverse();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_over_the_cap_is_cut_at_the_end_that_can_be_asked_for_again() {
        let lines: Vec<String> = (0..5).map(|n| n.to_string().repeat(MAX_PAGE / 2)).collect();
        assert_eq!(page(lines.clone(), MAX_PAGE, false), lines[..2]);
        assert_eq!(page(lines.clone(), MAX_PAGE, true), lines[3..]);
        let one = vec!["x".repeat(MAX_PAGE + 1)];
        assert_eq!(page(one.clone(), MAX_PAGE, false), one);
    }

    #[test]
    fn answer_comes_back_and_one_that_is_too_long_or_another_is_told() {
        let bytes = written(&Ok::<_, Reason>("hello".to_owned()));
        assert_eq!(read::<String>(&bytes), Some(Ok("hello".to_owned())));
        assert_eq!(read::<String>(&[&bytes[..], &[0]].concat()), None);
        let long = written(&Ok::<_, Reason>("x".repeat(MAX_ANSWER)));
        assert_eq!(read::<String>(&long).unwrap().unwrap_err().code(), "too_long");
    }
}
