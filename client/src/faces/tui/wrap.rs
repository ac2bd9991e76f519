//! Text to lines of a width in cells. Words stay whole where they fit; what is wider than a line is cut between
//! grapheme clusters (UAX #29), so that no emoji or accent is torn.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Lines of at most `width` cells; at least one. `text` is one line, safe for a terminal.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    breaks(text, width, 0).into_iter().map(|line| text.get(line).unwrap_or_default().to_owned()).collect()
}

/// Where the lines of a text are in it. Lines after the first are narrower by `hang` cells.
pub fn breaks(text: &str, width: usize, hang: usize) -> Vec<Range<usize>> {
    let later = width.saturating_sub(hang).max(1);
    let (mut lines, mut start, mut used, mut limit) = (Vec::new(), 0, 0, width.max(1));
    for chunk in chunks(text) {
        let part = text.get(chunk.clone()).unwrap_or_default();
        let cells = part.width();
        if used + cells <= limit {
            used += cells;
            continue;
        }
        if part.starts_with(char::is_whitespace) {
            // A break takes the place of the space.
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.end, 0, later);
            continue;
        }
        if cells <= later {
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.start, cells, later);
            continue;
        }
        if part.contains("://") && used > 0 {
            // A link that is cut anyway is easier to see from its own line on.
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.start, 0, later);
        }
        for (at, word) in part.split_word_bound_indices() {
            let (at, cells) = (chunk.start + at, word.width());
            if used + cells <= limit {
                used += cells;
                continue;
            }
            if cells <= later {
                lines.push(start..at);
                (start, used, limit) = (at, cells, later);
                continue;
            }
            for (offset, grapheme) in word.grapheme_indices(true) {
                let cells = grapheme.width();
                if used + cells > limit && used > 0 {
                    lines.push(start..at + offset);
                    (start, used, limit) = (at + offset, 0, later);
                }
                used += cells;
            }
        }
    }
    lines.push(start..text.len());
    for line in &mut lines {
        line.end = line.start + text.get(line.clone()).map_or(0, |line| line.trim_end().len());
    }
    lines
}

/// What is between white space, and white space, in turns: a link or a word with its comma stays whole where it fits.
fn chunks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let is_space = rest.starts_with(char::is_whitespace);
        let length = rest.find(|c: char| c.is_whitespace() != is_space).unwrap_or(rest.len());
        start += length;
        Some(start - length..start)
    })
}

/// The beginning of a text that fits into `width` cells, with a mark when something is cut off.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used + 1 > width {
            break;
        }
        out.push_str(grapheme);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole_and_long_ones_are_cut() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("see http://a.example/x", 20), ["see", "http://a.example/x"]);
        assert_eq!(wrap("see http://a.example/x", 12), ["see", "http://", "a.example/x"]);
        assert_eq!(wrap("well, now, so", 5), ["well,", "now,", "so"]);
    }

    #[test]
    fn wide_characters_count_double_and_families_stay_together() {
        assert_eq!(wrap("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrap("a👨‍👩‍👧b", 3), ["a👨‍👩‍👧", "b"]);
    }

    #[test]
    fn hanging_lines_are_narrower() {
        let text = "- one two three";
        let lines: Vec<_> = breaks(text, 9, 2).into_iter().map(|line| &text[line]).collect();
        assert_eq!(lines, ["- one two", "three"]);
        let lines: Vec<_> = breaks("abcdefgh", 4, 2).into_iter().map(|line| line.len()).collect();
        assert_eq!(lines, [4, 2, 2]);
    }

    #[test]
    fn cut_text_says_so() {
        assert_eq!(fit("lobby", 5), "lobby");
        assert_eq!(fit("lobbies", 5), "lobb…");
        assert_eq!(fit("日本語", 4), "日…");
    }

    proptest! {
        #[test]
        fn nothing_but_white_space_is_lost_and_no_line_is_too_wide(text in "\\PC{0,80}", width in 2usize..20) {
            let lines = wrap(&text, width);
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
            for line in lines {
                // One grapheme may be wider than any line.
                prop_assert!(line.width() <= width || line.graphemes(true).count() == 1, "{:?}", line);
            }
        }
    }
}
