//! Text to lines of a width in cells. Words stay whole where they fit; what is wider than a line is cut between
//! grapheme clusters (UAX #29), so that no emoji or accent is torn.

use std::ops::Range;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// Cells that a text takes: each grapheme cluster for itself, as it is drawn. Widths of whole strings join letters across
/// clusters (an Arabic lam and alef), and what is measured so is cut off at the end of a line.
pub(super) fn cells(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(|grapheme| usize::from(grapheme.cell_width())).sum()
}

/// Lines of at most `width` cells; at least one. `text` is one line, safe for a terminal.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    breaks(text, width, 0).into_iter().map(|line| text.get(line).unwrap_or_default().to_owned()).collect()
}

/// Where the lines of a text are in it. Lines after the first are narrower by `hang` cells.
pub(super) fn breaks(text: &str, width: usize, hang: usize) -> Vec<Range<usize>> {
    let later = width.saturating_sub(hang).max(1);
    let (mut lines, mut start, mut used, mut limit) = (Vec::new(), 0, 0, width.max(1));
    for chunk in chunks(text) {
        let part = text.get(chunk.clone()).unwrap_or_default();
        let wide = cells(part);
        if used + wide <= limit {
            used += wide;
            continue;
        }
        if part.starts_with(char::is_whitespace) {
            // A break takes the place of the space.
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.end, 0, later);
            continue;
        }
        if wide <= later {
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.start, wide, later);
            continue;
        }
        if part.contains("://") && used > 0 {
            // A link that is cut anyway is easier to see from its own line on.
            lines.push(start..chunk.start);
            (start, used, limit) = (chunk.start, 0, later);
        }
        for (at, word) in part.split_word_bound_indices() {
            let (at, wide) = (chunk.start + at, cells(word));
            if used + wide <= limit {
                used += wide;
                continue;
            }
            if wide <= later {
                lines.push(start..at);
                (start, used, limit) = (at, wide, later);
                continue;
            }
            for (offset, piece) in word.grapheme_indices(true).flat_map(|(at, it)| pieces(at, it, later)) {
                let wide = cells(piece);
                if used + wide > limit && used > 0 {
                    lines.push(start..at + offset);
                    (start, used, limit) = (at + offset, 0, later);
                }
                used += wide;
            }
        }
    }
    lines.push(start..text.len());
    for line in &mut lines {
        line.end = line.start + text.get(line.clone()).map_or(0, |line| line.trim_end().len());
    }
    lines
}

/// A grapheme cluster and where it is; one that is wider than a line is torn into its characters, or nothing of it
/// would be seen.
fn pieces(at: usize, grapheme: &str, width: usize) -> Vec<(usize, &str)> {
    if cells(grapheme) <= width {
        return vec![(at, grapheme)];
    }
    let ends = grapheme.char_indices().map(|(start, c)| (start, start + c.len_utf8()));
    ends.filter_map(|(start, end)| Some((at + start, grapheme.get(start..end)?))).collect()
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
pub(super) fn fit(text: &str, width: usize) -> String {
    // What fits with the mark behind it, and whether there is more: no further is looked than that.
    let (mut used, mut end) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        used += usize::from(grapheme.cell_width());
        if used > width {
            let mark = if width > 0 { "…" } else { "" };
            return format!("{}{mark}", text.get(..end).unwrap_or_default());
        }
        if used < width {
            end = at + grapheme.len();
        }
    }
    text.to_owned()
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
    fn letters_that_join_others_are_measured_as_they_are_drawn() {
        assert_eq!(wrap(&"لا".repeat(4), 4), ["لالا", "لالا"]);
        assert_eq!(fit(&"لا".repeat(4), 4), "لال…");
    }

    #[test]
    fn cluster_that_is_wider_than_a_line_is_torn() {
        // Hangul letters that begin a syllable, and a sign that takes what follows into its own cluster.
        assert_eq!(wrap(&"ᄀ".repeat(5), 4), ["ᄀᄀ", "ᄀᄀ", "ᄀ"]);
        assert_eq!(
            wrap(&format!("{}owe you", "\u{600}".repeat(6)), 4).concat().matches('\u{600}').count(),
            6
        );
        assert!(wrap(&"\u{600}".repeat(6), 4).iter().all(|line| cells(line) <= 4));
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
                // One character, with its marks, may be wider than any line.
                prop_assert!(cells(&line) <= width || line.chars().count() <= 3, "{:?}", line);
            }
        }
    }
}
