//! Nothing that others chose controls a terminal: control characters, marks that reorder text and marks that
//! hide text are shown as visible escapes. The only module that decides this.

use std::fmt::Write;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Most marks over one letter; what is beyond is only counted. Every script in use does with fewer, and towers of them
/// reach into other lines.
const MARKS: usize = 8;

/// Most characters of one grapheme cluster, which takes a cell or two however long it is: joined pictures, stacked
/// consonants. The longest emoji in use has ten; the character beyond is shown as an escape, which ends the cluster.
const CLUSTER: usize = 24;

/// Text for one line of a terminal. Line breaks and tabs become spaces.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut before, mut marks) = (None, 0_usize);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Joins two pictures into one, and hides nothing there.
        let joins = c == '\u{200d}'
            && before.is_some_and(is_picture)
            && chars.peek().copied().is_some_and(is_picture);
        let is_mark = !joins && !is_hidden(c) && UnicodeWidthChar::width(c) == Some(0);
        marks = if is_mark { marks + 1 } else { tell_marks(&mut out, marks) };
        match c {
            '\n' | '\t' => out.push(' '),
            '\r' => {}
            _ if is_mark && marks > MARKS => {}
            c if is_hidden(c) && !joins => {
                // A String takes everything.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
        before = Some(c);
    }
    tell_marks(&mut out, marks);
    if out.is_ascii() { out } else { cut_clusters(&out) }
}

fn cut_clusters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for cluster in text.graphemes(true) {
        for (place, c) in cluster.chars().enumerate() {
            if place % CLUSTER == CLUSTER - 1 {
                // A String takes everything.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            } else {
                out.push(c);
            }
        }
    }
    out
}

/// All of a text in one line: its line breaks are shown, and fake no line of somebody else.
pub fn one_line(text: &str) -> String {
    let lines: Vec<String> = paragraph(text);
    lines.join(BREAK)
}

/// Stands for a line break.
const BREAK: &str = " ⏎ ";

/// Says how many marks were left out, and begins to count anew.
fn tell_marks(out: &mut String, marks: usize) -> usize {
    if marks > MARKS {
        let _ = write!(out, "[+{} marks]", marks - MARKS);
    }
    0
}

/// A part of an emoji: a picture, the tone of its skin, or what makes a sign a picture.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{2190}'..='\u{21ff}' | '\u{fe0f}')
}

/// Text for several lines: only its own line breaks break lines.
pub fn paragraph(text: &str) -> Vec<String> {
    text.split('\n').map(line).collect()
}

/// One line of JSON whose strings may hold anything: hidden characters become `\uXXXX`, which means the same
/// to a program and nothing to a terminal.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// C0, DEL and C1 controls; bidirectional marks, overrides and isolates; zero-width, filler and tag characters; line
/// separators; annotation marks.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_becomes_visible() {
        for code in (0..0x20).chain(0x7f..0xa0).filter(|code| ![0x09, 0x0a, 0x0d].contains(code)) {
            let c = char::from_u32(code).unwrap();
            assert_eq!(line(&format!("a{c}b")), format!("a\\u{{{code:x}}}b"));
        }
        assert_eq!(line("a\tb\r\nc"), "a b c");
    }

    #[test]
    fn terminal_sequences_and_reordering_marks_are_defused() {
        for (wrong, shown) in [
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("ad\u{200b}min", "ad\\u{200b}min"),
            ("x\u{feff}\u{e0041}", "x\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(line(wrong), shown);
        }
    }

    #[test]
    fn usual_text_of_any_script_stays() {
        let family = "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥";
        for text in ["Zoë 🦊", "日本語", "שלום", "مرحبا", "नमस्ते", "a\\u{1b}", family]
        {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn joiner_that_joins_no_pictures_is_shown() {
        for (wrong, shown) in [
            ("ad\u{200d}min", "ad\\u{200d}min"),
            ("👨\u{200d}", "👨\\u{200d}"),
            ("\u{200d}👨", "\\u{200d}👨"),
        ] {
            assert_eq!(line(wrong), shown);
        }
    }

    #[test]
    fn tower_of_marks_is_cut_and_counted() {
        let marks = |count| "\u{301}".repeat(count);
        assert_eq!(line(&format!("e{}x", marks(8))), format!("e{}x", marks(8)));
        assert_eq!(line(&format!("e{}x", marks(1000))), format!("e{}[+992 marks]x", marks(8)));
        assert_eq!(line(&format!("e{}", marks(9))), format!("e{}[+1 marks]", marks(8)));
    }

    #[test]
    fn cluster_without_end_is_cut() {
        let families = "👨\u{200d}".repeat(5_000);
        // Khmer letters below each other: no marks, and all of them in one cell.
        let letters = "ក\u{17d2}".repeat(5_000);
        for hostile in [
            families,
            letters,
            "ᄀ".repeat(9_000),
            "👍🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽🏽".to_owned(),
        ] {
            let shown = line(&hostile);
            let longest = shown.graphemes(true).map(|cluster| cluster.chars().count()).max();
            assert!(longest <= Some(CLUSTER) && shown.contains("\\u{"), "{longest:?}");
        }
    }

    #[test]
    fn line_breaks_of_a_text_in_one_line_are_shown() {
        assert_eq!(one_line("a\nb\r\n\u{1b}"), "a ⏎ b ⏎ \\u{1b}");
    }

    #[test]
    fn paragraph_breaks_only_at_its_own_line_breaks() {
        assert_eq!(paragraph("one\ntwo\u{2028}three\rfour"), ["one", "two\\u{2028}threefour"]);
    }

    #[test]
    fn json_means_the_same_and_holds_nothing_hidden() {
        let text = "a\u{1b}[2J\u{9b}\u{202e}\u{200b}\u{e0041}é";
        let line = json(&serde_json::to_string(text).unwrap());
        assert!(!line.chars().any(is_hidden), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
