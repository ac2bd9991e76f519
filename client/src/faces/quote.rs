//! What somebody said, as lines that begin with `>`.

/// Lines of a quote. Whoever wants more points at the message by answering it.
const LINES: usize = 40;

/// Bytes of a quote, about; a line is cut between characters.
const BYTES: usize = 4 << 10;

/// A text as a quote, each line marked, with a line break behind the last. What is too long ends with `…`.
pub fn quoted(text: &str) -> String {
    let (mut quote, mut lines) = (String::new(), text.trim_end().split('\n'));
    for line in lines.by_ref().take(LINES) {
        let free = BYTES.saturating_sub(quote.len());
        let end = line.char_indices().map(|(at, _)| at).find(|at| *at > free).unwrap_or(line.len());
        quote.push_str("> ");
        quote.push_str(line.get(..end).unwrap_or_default());
        if end < line.len() {
            quote.push_str("…\n");
            return quote;
        }
        quote.push('\n');
    }
    if lines.next().is_some() {
        quote.push_str("> …\n");
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_marked_and_what_is_too_long_ends() {
        assert_eq!(quoted("one\n\n two\n"), "> one\n> \n>  two\n");
        let long = quoted(&"x\n".repeat(100));
        assert_eq!(long.lines().count(), LINES + 1);
        assert!(long.ends_with("> …\n"));
        let wide = quoted(&"ä".repeat(BYTES));
        assert!(wide.len() < BYTES + 16 && wide.ends_with("ä…\n"), "{}", wide.len());
        assert!(quoted(&"x".repeat(BYTES).repeat(3)).len() < BYTES + 16);
        assert_eq!(quoted(""), "> \n");
    }
}
