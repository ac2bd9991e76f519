//! Light Markdown, links and mentions: how parts of a text look. Nothing is taken away: marks stay where they were
//! written and are only dimmed, so that no text can say one thing here and another when it is copied.

mod inline;
mod links;

use std::ops::Range;

pub(super) use self::links::{has_userinfo, opening, targets};

/// How a part of a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A mark of Markdown.
    Mark,
    Bold,
    Italic,
    Code,
    Quote,
    Link,
    /// Where a link really goes, when its text does not say so. Not part of what was written.
    Warning,
    /// Somebody else is named.
    Mention,
    /// We are named.
    Me,
}

/// A line of text with the looks of its parts; later ones lie over earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    pub text: String,
    pub looks: Vec<(Range<usize>, Look)>,
    /// Cells by which the lines after the first are indented when it is wrapped.
    pub hang: usize,
}

impl Marked {
    /// Adds text at the end.
    pub(super) fn push(&mut self, text: &str, look: Look) {
        let start = self.text.len();
        self.text.push_str(text);
        self.looks.push((start..self.text.len(), look));
    }

    /// Puts text in front.
    pub(super) fn put_before(&mut self, text: &str, look: Look) {
        self.text.insert_str(0, text);
        for (range, _) in &mut self.looks {
            *range = range.start + text.len()..range.end + text.len();
        }
        self.looks.push((0..text.len(), look));
    }
}

/// Whom a text may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// What we are called.
    pub me: &'a str,
    /// What the others are called.
    pub others: &'a [String],
}

/// Reads a text whose lines are safe for a terminal.
pub(super) fn mark(text: &str, names: Names<'_>) -> Vec<Marked> {
    // How many backticks began the code that goes over lines, while it does.
    let (mut fence, mut signs) = (None, inline::MAX_AT);
    text.split('\n')
        .map(|line| {
            let mut marked = Marked { text: line.to_owned(), ..Marked::default() };
            let all = 0..line.len();
            if let Some(after) = fenced(line, fence) {
                fence = after;
                marked.looks.push((all, Look::Mark));
            } else if fence.is_some() {
                marked.looks.push((all, Look::Code));
            } else {
                let is_quote = line.starts_with('>');
                if is_quote {
                    marked.looks.push((all, Look::Quote));
                }
                marked.hang = list_mark(line);
                inline::mark(&mut marked, names, &mut signs);
                // Who was named there was told when it was said first.
                marked.looks.retain(|(_, look)| !is_quote || *look != Look::Me);
                links::warn(&mut marked);
            }
            marked
        })
        .collect()
}

/// Where a line begins or ends code of several lines: how many backticks that has begun with behind it. What began with
/// more ends with as many; and three of them that end on the same line are code in a line.
fn fenced(line: &str, open: Option<usize>) -> Option<Option<usize>> {
    let line = line.trim_start();
    let rest = line.trim_start_matches('`');
    let ticks = line.len() - rest.len();
    match open {
        Some(open) => (ticks >= open && rest.trim().is_empty()).then_some(None),
        None => (ticks >= 3 && !rest.contains('`')).then_some(Some(ticks)),
    }
}

/// Whether a text names us: what is shown so rings, and nothing else.
pub(super) fn names_us(text: &str, names: Names<'_>) -> bool {
    mark(text, names).iter().any(|line| line.looks.iter().any(|(_, look)| *look == Look::Me))
}

/// Cells before the text of a list's item or a quote.
fn list_mark(line: &str) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = line.get(indent..).unwrap_or_default();
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let mark = match rest.get(digits..).unwrap_or_default() {
        after if (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") ")) => {
            digits + 2
        }
        _ if ["- ", "* ", "+ ", "> "].iter().any(|mark| rest.starts_with(mark)) => 2,
        _ => 0,
    };
    if mark == 0 { 0 } else { indent + mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with the looks of its parts in brackets.
    fn shown(text: &str) -> String {
        let others = ["bob".to_owned(), "Zoë".to_owned()];
        let marked = mark(text, Names { me: "ann", others: &others });
        let lines = marked.iter().map(|line| {
            let mut looks = line.looks.clone();
            looks.sort_by_key(|(range, _)| range.start);
            let parts = looks.iter().map(|(range, look)| format!("{look:?}[{}]", &line.text[range.clone()]));
            parts.collect::<Vec<_>>().join(" ")
        });
        lines.collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn marks_are_found_and_stay() {
        for (text, looks) in [
            ("**b** and *i*", "Mark[**] Bold[b] Mark[**] Mark[*] Italic[i] Mark[*]"),
            ("_so_ it is", "Mark[_] Italic[so] Mark[_]"),
            ("`a*b*c`", "Mark[`] Code[a*b*c] Mark[`]"),
            ("`` a ` ann `` b", "Mark[``] Code[ a ` ann ] Mark[``]"),
            ("``` *a* ``` *b*", "Mark[```] Code[ *a* ] Mark[```] Mark[*] Italic[b] Mark[*]"),
            ("``a` ann", "Me[ann]"),
            ("````\n```\nann\n````\nann", "Mark[````] / Code[```] / Code[ann] / Mark[````] / Me[ann]"),
            ("> quoted", "Quote[> quoted]"),
            ("```\n*x*\n```\nout", "Mark[```] / Code[*x*] / Mark[```] / "),
        ] {
            assert_eq!(shown(text), looks, "{text}");
            let lines: Vec<String> =
                mark(text, Names { me: "", others: &[] }).into_iter().map(|line| line.text).collect();
            assert_eq!(lines.join("\n"), text, "nothing is taken away");
        }
    }

    #[test]
    fn sums_and_names_of_variables_are_no_marks() {
        for text in ["2 * 3 * 4", "a*b*c", "snake_case_name", "**", "* *", "`", "*a", "_ _", "__init__.py"] {
            assert_eq!(shown(text), "", "{text}");
        }
    }

    #[test]
    fn names_are_seen_as_words_only() {
        assert_eq!(shown("ann, @bob and @zoë"), "Me[ann] Mention[@bob] Mention[@zoë]");
        assert_eq!(shown("@Ann"), "Me[@Ann]");
        assert_eq!(shown("anna, bob and planned"), "");
        assert_eq!(shown("@bobby"), "");
    }

    #[test]
    fn mention_is_a_whole_word() {
        let names = |text, me| names_us(text, Names { me, others: &[] });
        let yes = ["bob: look", "@Bob!", "ask bob", "BOB", "(@bob)", "bob@", "**bob**", "@bobさん", "bob's"];
        let no = ["bobsled", "kebob", "", "b ob", "@bobby"];
        assert!(yes.iter().all(|text| names(text, "bob")) && !no.iter().any(|text| names(text, "bob")));
        assert!(!names("anything", ""));
    }

    #[test]
    fn address_link_or_code_names_nobody() {
        for text in [
            "bob@x.org",
            "mail a.bob@x.org",
            "ann@bob.org",
            "http://x/@bob",
            "see https://bob.example/bob",
            "x.example/@bob",
            "`bob`",
            "```\nbob\n```",
            "a `@bob` b",
            "a ` @bob ` b",
            "`` a ` @bob ``",
            "``@bob``",
            "``` a `` @bob ```",
            "```` @bob ````",
            "````\n```\n@bob\n````",
            "```\n``` x\n@bob\n```",
            "/home/bob/notes",
            "~/bob/x",
            "C:\\Users\\bob\\x",
            "see bob.txt",
            "www.bob.org",
            "bob.example",
            "@bob.example",
            "@bob@x.org",
            "ssh://bob@host",
            "git@x.org:bob/tool",
            "ftp://x/bob",
            "bob:pw@x.org",
            "file_bob",
            "> bob said",
            ">bob: look",
            "$bob",
            "${bob}",
            "a=bob",
            "bob=1",
            "bob/x",
            "@bob/x",
            "ad-bob",
            "bob_file",
        ] {
            assert!(!names_us(text, Names { me: "bob", others: &[] }), "{text}");
        }
    }

    #[test]
    fn name_is_found_however_its_letters_are_composed() {
        for (text, me, is_named) in [
            ("jose\u{301}: look", "jos\u{e9}", true),
            ("jos\u{e9}: look", "jose\u{301}", true),
            ("@Jose\u{301}!", "jos\u{e9}", true),
            ("\u{1112}\u{1161}\u{11ab}: look", "\u{d55c}", true),
            ("jose\u{301}: look", "jose", false),
            ("@jose\u{301} look", "jose", false),
        ] {
            assert_eq!(names_us(text, Names { me, others: &[] }), is_named, "{text} {me}");
        }
    }

    #[test]
    fn name_beside_marks_of_a_sentence_is_one() {
        for text in [
            "bob. Look",
            "so, bob.",
            "(bob)",
            "ann/bob: look",
            "bob/ann: look",
            "bob / ann",
            "- bob",
            "so - bob",
            "> what?\nbob: look",
            "``a` bob",
            "`a`` bob",
            "```x``` look\n@bob",
            "``x`` @bob ``y``",
            "bob… look",
            "'bob'",
            "bob's",
            "bob-1",
            "~bob",
            "bob?!",
            "and/or bob",
        ] {
            assert!(names_us(text, Names { me: "bob", others: &[] }), "{text}");
        }
    }

    #[test]
    fn name_is_found_where_no_space_ends_it() {
        let others = ["日本太郎".to_owned(), "김".to_owned()];
        for (text, me) in [
            ("@日本太郎さん", "日本太郎"),
            ("ねえ@日本太郎", "日本太郎"),
            ("你好@evil你好", "evil"),
            ("한글@민수", "민수"),
            ("@민수님", "민수"),
            ("@บ๊อบครับ", "บ๊อบ"),
        ] {
            assert!(names_us(text, Names { me, others: &[] }), "{text}");
        }
        assert!(
            !names_us("@日本太郎さん", Names { me: "日本", others: &others }),
            "somebody else's name is longer"
        );
        assert!(names_us("@日本さん", Names { me: "日本", others: &others }));
    }

    #[test]
    fn items_hang() {
        for (line, hang) in [("- a", 2), ("  * a", 4), ("12. a", 4), ("> a", 2), ("-a", 0), ("1234. a", 0)] {
            assert_eq!(list_mark(line), hang, "{line}");
        }
    }

    #[test]
    fn long_hostile_lines_are_read_in_one_go() {
        let runs: String = (1..360).map(|ticks| format!("{} ", "`".repeat(ticks))).collect();
        mark(&runs, Names { me: "ann", others: &[] });
        for part in ["*a ", "`", "` ``", "_a ", "@", "**a ", "http://", "http://x.example ", "ann "] {
            let text = part.repeat(65_536 / part.len());
            mark(&text, Names { me: "ann", others: &vec!["@".to_owned(); 1000] });
        }
    }
}
