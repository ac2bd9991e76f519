//! Text to lines of a width in cells. Words stay whole where they fit; what is wider than a line is cut between
//! grapheme clusters (UAX #29), so that no emoji or accent is torn.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Lines of at most `width` cells; at least one. `text` is one line, safe for a terminal.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_word_bounds() {
        let cells = word.width();
        if used + cells <= width {
            line.push_str(word);
            used += cells;
            continue;
        }
        if word.chars().all(char::is_whitespace) {
            // A break takes the place of the space.
            lines.push(std::mem::take(&mut line));
            used = 0;
            continue;
        }
        if cells <= width {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
            used = cells;
            continue;
        }
        for grapheme in word.graphemes(true) {
            let cells = grapheme.width();
            if used + cells > width && used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += cells;
        }
    }
    lines.push(line);
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
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
    }

    #[test]
    fn wide_characters_count_double_and_families_stay_together() {
        assert_eq!(wrap("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrap("a👨‍👩‍👧b", 3), ["a👨‍👩‍👧", "b"]);
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
