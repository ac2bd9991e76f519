//! Links as people bring them: copied from a screen in several lines, with what stood around them.

/// The schemes of links.
const SCHEMES: [&str; 2] = ["schat://", "https://"];

/// The link in a text that is one: without the spaces, the ends of lines and the frames of windows that came between, and
/// without the quotes, brackets and stops around it. None for anything else, also where other words are with it: whoever
/// says something about a link does not join by it.
pub fn tidied(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !is_between(*c)).collect();
    let start = text.find(|c: char| c.is_alphanumeric())?;
    let (before, text) = text.split_at_checked(start)?;
    let scheme = SCHEMES.iter().find(|scheme| {
        text.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme))
    })?;
    let rest = text.get(scheme.len()..)?;
    let rest = rest.get(..rest.find(is_quote).unwrap_or(rest.len()))?.trim_end_matches(|c| !may_end(c));
    // `_so_` is how some write what is to stand out.
    let rest = rest.strip_suffix('_').filter(|_| before.ends_with('_')).unwrap_or(rest);
    Some(format!("{scheme}{rest}"))
}

/// The only link in a text that has other words as well, or the same one several times: for where nothing but a link can
/// be meant. None where there are two.
pub fn among(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut found = SCHEMES.iter().flat_map(|scheme| lower.match_indices(scheme)).map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | '|'));
        let mark = if text.get(..start)?.ends_with('_') { "_" } else { "" };
        tidied(&format!("{mark}{}", rest.get(..end.unwrap_or(rest.len()))?))
    });
    let first = found.next()??;
    found.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// What stands around a link, and is in none.
fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`' | '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›')
}

/// What comes into a link by copying it: spaces, ends of lines, what has no width, and the lines between panes.
fn is_between(c: char) -> bool {
    let is_invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    // Of panes, of letters that quote it, of a shell's command that goes on.
    let is_frame = matches!(c, '|' | '>' | '\\' | '\u{2500}'..='\u{257f}');
    c.is_whitespace() || c.is_control() || is_invisible || is_frame
}

/// The last character of a link: of base64url, or a digit; or of one that was cut, which is to be called so.
fn may_end(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "schat://relay.example:4443/#AbCd-_efGh012";

    #[test]
    fn link_is_taken_with_what_a_screen_or_a_letter_put_around_it() {
        for text in [
            LINK.to_owned(),
            format!("  {LINK}\n"),
            "schat://relay.example:4443/#AbCd\n-_efG\nh012".to_owned(),
            "schat://relay.example:4443/#AbCd  │\r\n│ -_efG  │\r\n│ h012".to_owned(),
            format!("{LINK}."),
            format!("{LINK},"),
            format!("‹{LINK}›"),
            format!("<{LINK}>."),
            format!("\"{LINK}\""),
            format!("“{LINK}”,"),
            format!("({LINK})!"),
            format!("`{LINK}`"),
            LINK.replace("schat", "SCHAT"),
            LINK.replace("schat", "Schat"),
            LINK.replace("AbCd", "Ab\u{200b}Cd\u{ad}"),
            LINK.replace("AbCd", "Ab\n> Cd"),
            LINK.replace("AbCd", "Ab\\\nCd"),
            format!("_{LINK}_"),
            format!("{LINK}'s"),
            format!("{LINK}’s room"),
        ] {
            assert_eq!(tidied(&text).as_deref(), Some(LINK), "{text:?}");
        }
        assert_eq!(tidied("HTTPS://h/#x").as_deref(), Some("https://h/#x"));
    }

    #[test]
    fn link_is_found_among_words() {
        for text in [
            format!("schat '{LINK}'"),
            format!("$ schat \"{LINK}\" # in a shell"),
            format!("{LINK} or again {LINK}"),
            format!("{LINK}\n{LINK}\n"),
            format!("see _{LINK}_ there"),
            format!("that is {LINK}'s room"),
        ] {
            assert_eq!(among(&text).as_deref(), Some(LINK), "{text:?}");
        }
        assert_eq!(among(&format!("{LINK} {LINK}2")), None, "two");
        assert_eq!(tidied(&format!("{LINK}_")), Some(format!("{LINK}_")), "it may end so");
    }

    #[test]
    fn what_is_no_link_stays_what_it_is() {
        for text in
            ["", "...", "lobby", "see schat://h:1/#x", "schat:", "http://h/#x", "schat//h:1/#x", "日本"]
        {
            assert_eq!(tidied(text), None, "{text:?}");
        }
    }
}
