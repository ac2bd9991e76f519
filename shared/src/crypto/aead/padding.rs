//! Padding: the length of an envelope tells its bucket and nothing finer.
//!
//! A plaintext is `content ‖ 0x80 ‖ 0x00…`, filled up to the least bucket that holds it (the padding of
//! ISO/IEC 7816-4). One byte of overhead is enough at every size, where a length prefix would take three
//! or four: 255 bytes of content still fit the least bucket. The padding is inside the authenticated
//! bytes and only looked at afterwards, so there is no padding oracle. It is canonical: a content has
//! exactly one plaintext, and [`unpad`] refuses all others.

/// Least bucket, in bytes: a bucket below it would tell short chat lines from shorter ones.
const LEAST: usize = 256;
/// Up to here buckets are powers of two, in bytes; above it the waste of up to a half would hurt, so
/// they are multiples of it.
const STEP: usize = 64 << 10;
/// Ends the content.
const END: u8 = 0x80;

/// Authenticated bytes that are not `content ‖ 0x80 ‖ 0x00…` up to the least bucket that holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPadding;

/// The bucket of a content: the length of its plaintext in bytes. `None` when no length can hold it.
pub(super) fn bucket(content: usize) -> Option<usize> {
    let least = content.checked_add(1)?;
    match least {
        0..=STEP => Some(least.next_power_of_two().max(LEAST)),
        _ => least.checked_next_multiple_of(STEP),
    }
}

/// Whether a plaintext can have this length.
pub(super) fn is_bucket(plaintext: usize) -> bool {
    plaintext.checked_sub(1).and_then(bucket) == Some(plaintext)
}

/// Appends the padding of a content of `content` bytes, which `out` ends with.
pub(super) fn pad(out: &mut Vec<u8>, content: usize, bucket: usize) {
    let start = out.len().saturating_sub(content);
    out.push(END);
    out.resize(start.saturating_add(bucket), 0);
}

/// The length of the content in an authenticated plaintext.
pub(super) fn unpad(plaintext: &[u8]) -> Result<usize, BadPadding> {
    let end = plaintext.iter().rposition(|byte| *byte != 0).ok_or(BadPadding)?;
    let canonical = plaintext.get(end) == Some(&END) && bucket(end) == Some(plaintext.len());
    if canonical { Ok(end) } else { Err(BadPadding) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_what_the_specification_lists() {
        let table = [
            (0, 256),
            (1, 256),
            (255, 256),
            (256, 512),
            (511, 512),
            (512, 1024),
            (1023, 1024),
            (1024, 2048),
            (2048, 4096),
            (4096, 8192),
            (8192, 16_384),
            (16_384, 32_768),
            (32_767, 32_768),
            (32_768, 65_536),
            (65_535, 65_536),
            (65_536, 131_072),
            (131_071, 131_072),
            (131_072, 196_608),
            (4_128_767, 4_128_768),
        ];
        for (content, expected) in table {
            assert_eq!(bucket(content), Some(expected), "content of {content} bytes");
        }
        assert_eq!(bucket(usize::MAX), None);
        assert_eq!(bucket(usize::MAX - 1), None);
    }

    #[test]
    fn only_buckets_are_lengths_of_a_plaintext() {
        let found: Vec<usize> = (0..=200_000).filter(|length| is_bucket(*length)).collect();
        let expected = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072, 196_608];
        assert_eq!(found, expected);
    }

    #[test]
    fn padding_other_than_the_canonical_one_is_refused() {
        let mut good = b"hello".to_vec();
        pad(&mut good, 5, 256);
        assert_eq!(unpad(&good), Ok(5));
        let mut table: Vec<(&str, Vec<u8>)> = vec![
            ("nothing at all", vec![]),
            ("no end", vec![0; 256]),
            ("content without an end", vec![b'a'; 256]),
            ("short bucket", good[..255].to_vec()),
        ];
        let mut long = good.clone();
        long.resize(512, 0);
        table.push(("greater bucket than needed", long));
        for at in 6..256 {
            let mut dirty = good.clone();
            dirty[at] = 1;
            table.push(("padding not zero", dirty));
        }
        for (wrong, plaintext) in table {
            assert_eq!(unpad(&plaintext), Err(BadPadding), "{wrong}");
        }
    }

    #[test]
    fn content_that_looks_like_padding_survives() {
        for content in [&[][..], &[END], &[0, 0], &[END, 0, 0], &[0; 255], &[END; 256]] {
            let mut plaintext = content.to_vec();
            pad(&mut plaintext, content.len(), bucket(content.len()).unwrap());
            assert_eq!(unpad(&plaintext), Ok(content.len()));
        }
    }
}
