//! What stands in a line: code, links, emphasis, names.

use std::{collections::HashMap, ops::Range};

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::{super::work, Look, Marked, Names, links};

/// Signs before names that are looked at in one text; one with more of them is no conversation.
pub(super) const MAX_AT: usize = 64;

/// `signs`: how many of those before names are still looked at.
pub(super) fn mark(marked: &mut Marked, names: Names<'_>, signs: &mut usize) {
    let text = marked.text.clone();
    // What is inside of these is not looked at again.
    let mut taken: Vec<Range<usize>> = Vec::new();
    for (code, ticks) in code(&text) {
        taken.push(code.start - ticks..code.end + ticks);
        emphasise(marked, &code, ticks, Look::Code);
    }
    let links: Vec<_> = links::find(&text).into_iter().filter(|link| is_free(&taken, link.start)).collect();
    marked.looks.extend(links.iter().map(|link| (link.clone(), Look::Link)));
    taken.extend(links);
    taken.sort_by_key(|range| range.start);
    for (mark, look) in [("**", Look::Bold), ("*", Look::Italic), ("_", Look::Italic)] {
        for inside in pairs(&text, mark, &taken) {
            emphasise(marked, &inside, mark.len(), look);
        }
    }
    let apart = no_prose(&text);
    let is_said = |at: usize| is_free(&taken, at) && is_free(&apart, at);
    for named in words(&text, names.me).filter(|word| is_said(word.start)) {
        // Somebody else's name may begin with ours, where no space ends one.
        let rest = text.get(named.start..).and_then(|rest| rest.strip_prefix('@'));
        let is_longer = |name: &String| rest.and_then(|rest| called(rest, name)) > Some(named.len() - 1);
        if !names.others.iter().inspect(|_| work::step()).any(is_longer) {
            marked.looks.push((named, Look::Me));
        }
    }
    for (at, _) in text.match_indices('@').take(*signs).filter(|(at, _)| is_said(*at)) {
        *signs = signs.saturating_sub(1);
        let rest = text.get(at + 1..).unwrap_or_default();
        let others = names.others.iter().inspect(|_| work::step());
        let found = others.filter_map(|name| called(rest, name)).max();
        if let Some(length) = found {
            marked.looks.push((at..at + 1 + length, Look::Mention));
        }
    }
}

/// Where paths and addresses are: what is in them names nobody.
fn no_prose(text: &str) -> Vec<Range<usize>> {
    let pieces = text.split(char::is_whitespace).map(|piece| {
        // Where it stands: both are of the same text.
        let start = piece.as_ptr().addr() - text.as_ptr().addr();
        (start..start + piece.len(), piece)
    });
    pieces.filter(|(_, piece)| is_path(piece) || is_address(piece)).map(|(range, _)| range).collect()
}

fn is_path(piece: &str) -> bool {
    let inner = piece.trim_start_matches(['(', '[', '"', '\'', '“', '*']);
    let begins = ["/", "~/", "./", "../"].iter().any(|begin| inner.starts_with(begin));
    begins || piece.contains("://") || piece.contains('\\')
}

/// Letters on both sides of an @, the left ones not of a script that has no spaces.
fn is_address(piece: &str) -> bool {
    piece.match_indices('@').any(|(at, _)| {
        let before = piece.get(..at).and_then(|text| text.chars().next_back());
        let after = piece.get(at + 1..).and_then(|text| text.chars().next());
        before.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c))
            && after.is_some_and(char::is_alphanumeric)
    })
}

/// Where a text has a name as a word, with the @ before it. What is a part of an address is no name.
fn words<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut before = [None; 2];
    text.char_indices().filter_map(move |(at, c)| {
        let is_outside = |c: char| is_unspaced(c) || !c.is_alphanumeric() && c != '/';
        let has_at = before[1] == Some('@');
        let is_glued = (glues(before[1]) || before[1] == Some('-'))
            && before[0].is_some_and(char::is_alphanumeric)
            || is_variable(before);
        let is_start = if has_at { before[0].is_none_or(is_outside) } else { is_end(before[1]) && !is_glued };
        before = [before[1], Some(c)];
        if !is_start {
            return None;
        }
        let rest = text.get(at..)?;
        let length = if has_at { called(rest, name) } else { whole(rest, name) }?;
        let behind = rest.get(length..)?;
        let mut after = behind.chars();
        let next = after.next();
        // Several may be spoken to at once: `ann/bob: look`.
        let is_path = next == Some('/') && !behind.split_whitespace().next()?.ends_with([':', ',']);
        let goes_on = (glues(next) || is_path) && after.next().is_some_and(char::is_alphanumeric);
        (!goes_on).then_some(at - usize::from(has_at)..at + length)
    })
}

/// What stands before the name of a variable in a shell.
fn is_variable(before: [Option<char>; 2]) -> bool {
    before[1] == Some('$') || before == [Some('$'), Some('{')]
}

/// Between letters it makes one name of a file, a host or a variable of them.
fn glues(c: Option<char>) -> bool {
    matches!(c, Some('.' | '_' | '@' | '='))
}

fn is_end(c: Option<char>) -> bool {
    c.is_none_or(|c| !c.is_alphanumeric() && !is_combining_mark(c))
}

/// How much of the beginning of a text is this name as a whole word.
fn whole(text: &str, name: &str) -> Option<usize> {
    let length = beginning(text, name)?;
    is_end(text.get(length..)?.chars().next()).then_some(length)
}

/// The same behind an @. Where a script has no spaces between words, what follows a name stands right behind it.
fn called(text: &str, name: &str) -> Option<usize> {
    let length = beginning(text, name)?;
    let next = text.get(length..)?.chars().next();
    let is_next = |c: char| is_unspaced(c) && !is_combining_mark(c);
    (is_end(next) || next.is_some_and(is_next)).then_some(length)
}

/// A letter of a script that writes words, or their endings, without a space between them: Chinese, Japanese, Korean, Thai, Lao,
/// Burmese, Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// How much of a text this name is, if the text begins with it, however the letters of either are composed.
fn beginning(text: &str, name: &str) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let (mut wanted, mut end) = (name.chars().flat_map(char::to_lowercase).nfd(), 0);
    let mut next = wanted.next();
    let mut chars = text.chars();
    while next.is_some() {
        let c = chars.next()?;
        for lower in c.to_lowercase().nfd() {
            if next != Some(lower) {
                return None;
            }
            next = wanted.next();
        }
        end += c.len_utf8();
    }
    Some(end)
}

fn emphasise(marked: &mut Marked, inside: &Range<usize>, mark: usize, look: Look) {
    marked.looks.push((inside.start - mark..inside.start, Look::Mark));
    marked.looks.push((inside.clone(), look));
    marked.looks.push((inside.end..inside.end + mark, Look::Mark));
}

/// What stands between as many backticks as are before it, and how many they are: so that code may have backticks too.
fn code(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    // Where the next run of the same length begins, looked for from the end: a run that has none costs no search.
    let mut seen = HashMap::new();
    let nexts: Vec<_> = runs.iter().rev().map(|run| seen.insert(run.len(), run.start)).collect();
    let mut found = Vec::new();
    let mut end = 0;
    for (run, next) in runs.iter().zip(nexts.into_iter().rev()) {
        if let Some(next) = next.filter(|_| run.start >= end) {
            found.push((run.end..next, run.len()));
            end = next + run.len();
        }
    }
    found
}

/// What stands between two equal marks: they touch what is inside, and no letters outside.
fn pairs(text: &str, mark: &str, taken: &[Range<usize>]) -> Vec<Range<usize>> {
    let side = |at: usize| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + mark.len()..).and_then(|text| text.chars().next());
        (before, after)
    };
    let is_solid = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && !mark.contains(c));
    let is_outside = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || mark.contains(c)));
    let places = text.match_indices(mark).map(|(at, _)| at).filter(|at| is_free(taken, *at));
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for at in places {
        let (before, after) = side(at);
        match open {
            Some(start) if is_solid(before) && is_outside(after) => {
                found.push(start..at);
                open = None;
            }
            None if is_outside(before) && is_solid(after) => open = Some(at + mark.len()),
            _ => {}
        }
    }
    found
}

/// Whether a place is in none of the ranges, which are in order.
fn is_free(taken: &[Range<usize>], at: usize) -> bool {
    let next = taken.partition_point(|range| range.end <= at);
    taken.get(next).is_none_or(|range| !range.contains(&at))
}
