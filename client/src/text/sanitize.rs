//! Nothing that others chose controls a terminal: control characters, marks that reorder text and marks that
//! hide text are shown as visible escapes. The only module that decides this.

use std::fmt::Write;

use shared::identity::names::is_needed;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Most marks over one letter; what is beyond is only counted. Every script in use does with fewer, and towers of them
/// reach into other lines.
const MARKS: usize = 8;

/// Most characters of one grapheme cluster, which takes a cell or two however long it is: joined pictures, stacked
/// consonants. The longest emoji in use has ten; the character beyond is shown as an escape, which ends the cluster.
const CLUSTER: usize = 24;

/// Text for one line of a terminal. Line breaks and tabs become spaces. What shows nothing stays where a script or an
/// emoji needs it, and is left out where leaving it out hides nothing.
pub fn line(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let has_rtl = chars.iter().copied().any(is_rtl);
    let mut out = String::with_capacity(text.len());
    let mut marks = 0_usize;
    for (at, c) in chars.iter().copied().enumerate() {
        let needed = is_hidden(c) && is_needed(&chars, at);
        let is_mark = !is_hidden(c) && UnicodeWidthChar::width(c) == Some(0);
        marks = if is_mark { marks + 1 } else { tell_marks(&mut out, marks) };
        match c {
            '\n' | '\t' => out.push(' '),
            '\r' => {}
            _ if is_mark && marks > MARKS => {}
            c if needed || !is_hidden(c) => out.push(c),
            // Where a word may be broken; and what only helps text of both directions.
            '\u{ad}' | '\u{2060}' => {}
            '\u{61c}' | '\u{200e}' | '\u{200f}' if has_rtl => {}
            '\u{200b}' if is_between_words(&chars, at) => {}
            c => {
                // A String takes everything.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    tell_marks(&mut out, marks);
    if out.is_ascii() { out } else { cut_clusters(&out) }
}

/// Cells from one tab stop to the next, as terminals have them.
const TAB: usize = 8;

/// A line whose tabs are spaces up to the next stop, so that columns stay columns.
pub fn tabs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (nth, part) in text.split('\t').enumerate() {
        if nth > 0 {
            let used = out.width();
            out.extend(std::iter::repeat_n(' ', TAB - used % TAB));
        }
        out.push_str(part);
    }
    out
}

/// A space of no width stands where Khmer, Thai and their neighbours, which write no spaces, end a word.
fn is_between_words(chars: &[char], at: usize) -> bool {
    let near = |at: Option<usize>| at.and_then(|at| chars.get(at)).copied().is_some_and(writes_no_spaces);
    near(at.checked_sub(1)) && near(at.checked_add(1))
}

/// Thai, Lao, Tibetan, Myanmar, Khmer, Tai Le, New Tai Lue and Tai Tham.
fn writes_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19ff}' | '\u{1a20}'..='\u{1aaf}')
}

/// Letters of scripts that are written from right to left, by the blocks that Unicode keeps for them.
pub fn is_rtl(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
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

/// Text for several lines: only its own line breaks break lines. Tabs are spaces up to the next stop.
pub fn paragraph(text: &str) -> Vec<String> {
    text.split('\n').map(|text| if text.contains('\t') { tabbed(text) } else { line(text) }).collect()
}

/// What is between the tabs is made harmless before it is measured.
fn tabbed(text: &str) -> String {
    let parts: Vec<String> = text.split('\t').map(line).collect();
    tabs(&parts.join("\t"))
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
    fn what_scripts_need_stays_and_is_not_shown_as_an_escape() {
        for text in [
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "ශ\u{dca}\u{200d}රී",
            "👩🏽\u{200d}💻",
            "🏳\u{fe0f}\u{200d}🌈",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "ᠰ\u{180b}ᠠ",
            "葛\u{e0100}城",
        ] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn what_only_helps_to_set_text_is_left_out() {
        for (text, shown) in [
            ("Donau\u{ad}dampf\u{ad}schiff", "Donaudampfschiff"),
            ("\u{ad}", ""),
            ("a\u{2060}b", "ab"),
            ("שלום\u{200f}!", "שלום!"),
            ("ភាសា\u{200b}ខ្មែរ", "ភាសាខ្មែរ"),
        ] {
            assert_eq!(line(text), shown);
        }
        assert_eq!(line("ab\u{200f}c"), "ab\\u{200f}c", "nothing there is written from the right");
    }

    #[test]
    fn tab_reaches_to_the_next_stop() {
        assert_eq!(paragraph("a\tb\nabcdefgh\tc\n\td"), ["a       b", "abcdefgh        c", "        d"]);
        assert_eq!(paragraph("日本\tx\n\u{1b}\tx"), ["日本    x", "\\u{1b}  x"]);
    }

    #[test]
    fn joiner_that_joins_nothing_is_shown() {
        for (wrong, shown) in [
            ("ad\u{200c}min", "ad\\u{200c}min"),
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
