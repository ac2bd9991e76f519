//! Files, in a line beside other words.

use shared::file::Manifest;

use super::called;

/// A file that came with a message: its name and its size. Its name stands so that it passes for nothing else.
pub fn file(file: &Manifest) -> String {
    let what = match file.duration_ms {
        0 => "file".to_owned(),
        length => format!("voice message of {}", seconds(length)),
    };
    format!("{what} {}, {}", called(&file.name), bytes(file.size))
}

/// So many bytes in the largest unit of which there is one, in powers of 1,000 as file managers count.
pub fn bytes(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((length, unit)) = units.into_iter().find(|(length, _)| bytes >= *length) else {
        return format!("{bytes} B");
    };
    let tenths = bytes / (length / 10);
    match tenths {
        100.. => format!("{} {unit}", tenths / 10),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

fn seconds(length_ms: u32) -> String {
    let seconds = length_ms.div_ceil(1_000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (size, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (12_345_678, "12 MB"),
            (1 << 30, "1.0 GB"),
            (32 << 30, "34 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(size), shown);
        }
        assert_eq!(seconds(61_001), "1:02");
    }
}
