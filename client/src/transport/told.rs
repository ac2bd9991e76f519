//! What a relay means by closing a connection.

use proto::CloseCode;

/// When there is nothing to do.
const AGAIN: &str = "It is tried again by itself.";

/// What the relay does, as the rest of a sentence that begins with it, and the remedy. Codes of a later version are said
/// like none at all.
pub(crate) fn told(code: Option<CloseCode>) -> (&'static str, &'static str) {
    match code {
        Some(CloseCode::ShuttingDown) => ("is restarting", AGAIN),
        Some(CloseCode::TimedOut) => (
            "closed the connection, because no room was joined on it in time",
            "It is tried again by itself; if it goes on, the network is too slow or loses too much.",
        ),
        Some(CloseCode::TooMany) => (
            "closed the connection, because rooms were joined on it too often",
            "It is tried again by itself; if it goes on, the relay's operator can raise --joins-per-connection.",
        ),
        Some(CloseCode::RefusedJoins) => (
            "closed the connection, because too many rooms of this profile do not exist there or do not let it in",
            "It is tried again by itself; leave the rooms that are over.",
        ),
        Some(CloseCode::Malformed | CloseCode::TooLarge) => (
            "closed the connection, because it does not understand this program",
            "Update Schat, or the relay.",
        ),
        Some(CloseCode::Done | CloseCode::Superseded | CloseCode::NotAllowed) | None => {
            ("closed the connection", AGAIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_close_of_a_limit_is_left_unexplained() {
        for code in [CloseCode::TimedOut, CloseCode::TooMany, CloseCode::RefusedJoins] {
            let (why, remedy) = told(Some(code));
            assert!(why.contains("because") && remedy.len() > AGAIN.len(), "{code:?}");
        }
        assert_eq!(told(CloseCode::from_value(7777)), told(None));
    }
}
