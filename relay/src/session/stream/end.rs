//! How a stream ends: with a frame that says why, with a code, or with nothing left to say.

use proto::{CloseCode, relay::refused::Code};

use super::input::InputError;
use crate::{policy::refusal::Limit, session::router::Refusal};

/// The end of a stream.
#[derive(Debug)]
pub(super) struct StreamEnd {
    /// The last frame, if there is one.
    pub refusal: Option<Refusal>,
    /// For halves that cannot be ended in order.
    pub code: CloseCode,
}

impl StreamEnd {
    /// The client ended in order.
    pub(super) fn done() -> Self {
        Self { refusal: None, code: CloseCode::Done }
    }

    /// A no without a publish.
    pub(super) fn of(code: Code) -> Self {
        Refusal::of(code).into()
    }
}

impl From<Refusal> for StreamEnd {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            Code::Superseded => CloseCode::Superseded,
            Code::ShuttingDown => CloseCode::ShuttingDown,
            Code::Malformed => CloseCode::Malformed,
            Code::TooLarge => CloseCode::TooLarge,
            Code::RateLimited => CloseCode::TooMany,
            Code::NotAllowed | Code::TokenRequired | Code::TokenSpent | Code::Dropped => {
                CloseCode::NotAllowed
            }
            Code::Conflict
            | Code::MissingPieces
            | Code::NoSpace
            | Code::NoBlob
            | Code::Frozen
            | Code::Unspecified => CloseCode::Done,
        };
        Self { refusal: Some(refusal), code }
    }
}

impl From<InputError> for StreamEnd {
    fn from(error: InputError) -> Self {
        match error {
            InputError::TooLarge => Refusal::over(Limit::MessageSize).into(),
            InputError::Malformed => Self::of(Code::Malformed),
            InputError::NoMemory { .. } => Refusal::no_memory().into(),
            InputError::TimedOut => Self { refusal: None, code: CloseCode::TimedOut },
            InputError::Gone => Self::done(),
        }
    }
}
