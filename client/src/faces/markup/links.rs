//! Links in a text, and where they really go. Nothing is ever fetched, and the terminal is not told of a target either: what is
//! shown is all there is.

use std::ops::Range;

use url::Url;

use super::{super::work, Look, Marked};

/// What begins a link.
const SCHEMES: [&str; 3] = ["https://", "http://", "schat://"];

/// Links of one message that can be opened from here; nobody chooses among more.
const OPENING: usize = 64;

/// What cannot be in one; people put links between these.
const ENDS: [char; 5] = ['<', '>', '"', '|', '`'];

/// What is taken for the sentence's and not for the link's at its end.
const TRAILING: [char; 12] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '*', '_'];

/// Where the links of a line are.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")).map(|at| from + at) {
        let before = text.get(..at + 3).unwrap_or_default();
        let scheme = SCHEMES.iter().find(|scheme| before.to_ascii_lowercase_ends_with(scheme));
        let Some(scheme) = scheme else {
            from = at + 3;
            continue;
        };
        let start = at + 3 - scheme.len();
        let rest = text.get(at + 3..).unwrap_or_default();
        let length = rest.find(|c: char| c.is_whitespace() || ENDS.contains(&c)).unwrap_or(rest.len());
        let host = trim(rest.get(..length).unwrap_or_default());
        from = at + 3 + length;
        if !host.is_empty() {
            found.push(start..at + 3 + host.len());
        }
    }
    found
}

/// Says behind each link where it goes, if its text hides that.
pub(super) fn warn(marked: &mut Marked) {
    let links: Vec<Range<usize>> =
        marked.looks.iter().filter(|(_, look)| *look == Look::Link).map(|(range, _)| range.clone()).collect();
    let found = links.into_iter().filter_map(|link| Some((link.end, warning(marked.text.get(link)?)?)));
    let mut warnings: Vec<(usize, String)> = found.collect();
    warnings.sort_by_key(|(end, _)| *end);
    // Where each is put in, and how much was put in up to there.
    let (mut text, mut put, mut from, mut grown) = (String::new(), Vec::new(), 0, 0);
    for (end, warning) in &warnings {
        work::step();
        text.push_str(marked.text.get(from..*end).unwrap_or_default());
        text.push_str(warning);
        (from, grown) = (*end, grown + warning.len());
        put.push((*end, grown));
    }
    text.push_str(marked.text.get(from..).unwrap_or_default());
    // What begins where a warning was put in stands behind it, and what ends there before it.
    let grown = |count: usize| count.checked_sub(1).and_then(|at| put.get(at)).map_or(0, |(_, grown)| *grown);
    for (range, _) in &mut marked.looks {
        range.start += grown(put.partition_point(|(end, _)| *end <= range.start));
        range.end += grown(put.partition_point(|(end, _)| *end < range.end));
    }
    for ((end, warning), (_, grown)) in warnings.iter().zip(&put) {
        marked.looks.push((end + grown - warning.len()..end + grown, Look::Warning));
    }
    marked.text = text;
}

/// The links of a text and where each goes, for the details.
pub(crate) fn targets(text: &str) -> Vec<(String, String)> {
    let links = text.split('\n').flat_map(|line| find(line).into_iter().filter_map(|link| line.get(link)));
    links
        .map(|link| {
            let host = Url::parse(link).ok().and_then(|url| url.host_str().map(str::to_owned));
            (link.to_owned(), host.unwrap_or_else(|| "nowhere: it is no valid link".to_owned()))
        })
        .collect()
}

/// Whether a link has a name or a password before its host (RFC 3986, section 3.2.1): what reads like a host may be that.
pub(crate) fn has_userinfo(link: &str) -> bool {
    Url::parse(link).is_ok_and(|url| names_somebody(&url))
}

/// The links of a text that a browser opens, as it is given them, and where each goes. None with a name before the host:
/// hardly anybody sends one but to deceive.
pub(crate) fn opening(text: &str) -> Vec<(String, String)> {
    let mut links: Vec<(String, String)> = Vec::new();
    for (link, _) in targets(text) {
        let Some(url) = Url::parse(&link).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            continue;
        };
        if names_somebody(&url) {
            continue;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        if links.len() < OPENING && !links.iter().any(|(other, _)| *other == url.as_str()) {
            links.push((url.into(), host));
        }
    }
    links
}

fn names_somebody(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn warning(link: &str) -> Option<String> {
    let Ok(url) = Url::parse(link) else { return Some(" (no valid link)".to_owned()) };
    let host = url.host_str()?;
    let written = link.split_once("://").map_or("", |(_, rest)| rest);
    let written = written.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if host.split('.').any(|label| label.starts_with("xn--")) {
        return Some(format!(" (punycode: {host})"));
    }
    let written = written.to_ascii_lowercase();
    let is_plain = written.strip_prefix(host).is_some_and(|port| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.chars().all(|c| c.is_ascii_digit()))
    });
    (!is_plain).then(|| format!(" (goes to {host})"))
}

fn trim(link: &str) -> &str {
    let (mut link, mut opened) = (link, None);
    while let Some(last) = link.chars().next_back().filter(|c| TRAILING.contains(c)) {
        work::step();
        // A bracket that was opened in the link belongs to it: how many are closed and not opened is counted once.
        if last == ')' {
            let surplus = opened.get_or_insert_with(|| surplus(link));
            if *surplus == 0 {
                break;
            }
            *surplus -= 1;
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
    link
}

/// How many more brackets are closed than opened.
fn surplus(link: &str) -> usize {
    let count = |c| link.chars().inspect(|_| work::step()).filter(|other| *other == c).count();
    count(')').saturating_sub(count('('))
}

trait EndsWith {
    fn to_ascii_lowercase_ends_with(&self, end: &str) -> bool;
}

impl EndsWith for str {
    fn to_ascii_lowercase_ends_with(&self, end: &str) -> bool {
        let start = self.len().checked_sub(end.len());
        start.and_then(|start| self.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|link| &text[link]).collect()
    }

    #[test]
    fn link_ends_where_the_sentence_goes_on() {
        for (text, link) in [
            ("see https://a.example/x.", "https://a.example/x"),
            ("(http://a.example)", "http://a.example"),
            ("http://a.example/x_(y)", "http://a.example/x_(y)"),
            ("<HTTPS://a.example>", "HTTPS://a.example"),
            ("schat://h:1/#x, now", "schat://h:1/#x"),
        ] {
            assert_eq!(links(text), [link], "{text}");
        }
        assert_eq!(links("file:///etc/passwd javascript://x https:// ftp://x"), Vec::<&str>::new());
    }

    #[test]
    fn link_that_goes_elsewhere_says_where() {
        for (link, goes) in [
            ("https://bank.example@evil.example/login", "(goes to evil.example)"),
            ("https://bank.example\\@evil.example", ""),
            ("https://аpple.com/", "(punycode: xn--pple-43d.com)"),
            ("https://xn--pple-43d.com/", "(punycode: xn--pple-43d.com)"),
            ("http://2130706433/", "(goes to 127.0.0.1)"),
            ("http://ⓔvil.example/", "(goes to evil.example)"),
            ("https://e%76il.example/", "(goes to evil.example)"),
            ("https://[nonsense/", "(no valid link)"),
            ("https://Example.ORG:8443/x?y=a@b", ""),
            ("https://192.0.2.1:80", ""),
        ] {
            assert_eq!(warning(link).unwrap_or_default().trim(), goes, "{link}");
        }
    }

    #[test]
    fn link_with_a_name_before_its_host_is_not_offered() {
        let text = "https://bank.example%2Flogin@evil.example/ http://:x@evil.example https://a.example/x@y";
        assert_eq!(opening(text), [("https://a.example/x@y".to_owned(), "a.example".to_owned())]);
    }

    #[test]
    fn warning_stands_behind_its_link_and_moves_nothing_else() {
        let names = super::super::Names { me: "ann", others: &[] };
        let marked = super::super::mark("at https://a@b.example/ ann", names).remove(0);
        assert_eq!(marked.text, "at https://a@b.example/ (goes to b.example) ann");
        let me = marked.looks.iter().find(|(_, look)| *look == Look::Me).unwrap();
        assert_eq!(&marked.text[me.0.clone()], "ann");
    }
}
