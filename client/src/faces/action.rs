//! `/me waves`: a message that says what its author does. It is sent as it is typed, so that every client shows it.

/// What a text begins with that is an action.
const MARK: &str = "/me ";

/// What the author does, if the text says so.
pub fn of(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|action| !action.trim().is_empty())
}

/// The text of an action.
pub fn text(action: &str) -> String {
    format!("{MARK}{action}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_with_something_behind_it_is_an_action() {
        for (said, action) in [
            ("/me waves", Some("waves")),
            ("/me  waves", Some(" waves")),
            ("/me ", None),
            ("/me  ", None),
            ("/me", None),
            ("/mean", None),
            (" /me waves", None),
            ("they said /me waves", None),
        ] {
            assert_eq!(of(said), action, "{said:?}");
        }
        assert_eq!(of(&text("waves")), Some("waves"));
    }
}
