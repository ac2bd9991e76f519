//! What a face asks of the rooms of a profile, wherever they are.
//!
//! Each question is a type: what it needs to know, what it is answered, and how. The handle asks rooms in this process by
//! [`Request::answer`], and those of a daemon by sending the same value, which is answered there by the same code.
//!
//! ```text
//!  face ── handle ──▶ Request::answer ──▶ rooms here
//!             └──▶ Asked (bytes) ──▶ daemon ──▶ Request::answer ──▶ rooms there
//! ```

mod answer;
mod devices;
mod files;
mod linking;
mod people;
mod rooms;
mod stored;
mod talk;

use std::future::Future;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use answer::{MAX_ANSWER, MAX_PAGE};
pub(crate) use devices::{BeyondHere, Devices, KeyRooms, NameDevice, RemoveDevice, ReplaceKey};
pub(crate) use files::{FilePlace, GetFile, GetPassing, SendFile, SteerFile, Transfers};
pub(crate) use linking::{AnswerLink, LinkDevice};
pub(crate) use people::{KeyChanges, Mark, People, Person};
pub(crate) use rooms::{Create, Forget, Join, LastRelay, Mute, Open, Pin, UseRelay};
pub(crate) use stored::{
    Draft, History, HistoryBefore, LineOf, PastAfter, PastBefore, Queued, Search, SetDraft,
};
pub(crate) use talk::{Ack, Acked, AvatarOf, Describe, Rename, Seen, SetAvatar, Tell};

use crate::{
    reason::Reason,
    runtime::{FaceId, Local},
};

/// A question. Labels name rooms.
pub(crate) trait Request: Into<Asked> + Send {
    /// What comes back when nothing fails.
    type Answer: Serialize + DeserializeOwned;

    /// Done twice it is as if done once: where nobody knows whether it was, it is asked again.
    const REPEATS: bool = true;

    /// It may change what faces know without asking.
    const CHANGES: bool = false;

    /// Asks rooms in this process. `asker`: the face of a daemon whose question it is.
    fn answer(
        self,
        local: &Local,
        asker: Option<FaceId>,
    ) -> impl Future<Output = Result<Self::Answer, Reason>> + Send;

    /// As much of an answer as fits into so many bytes; what is left out can be asked for. Most have nothing of that kind.
    fn cut(answer: Self::Answer, most: usize) -> Self::Answer {
        let _ = most;
        answer
    }
}

macro_rules! requests {
    ($($name:ident),+ $(,)?) => {
        /// Any question, on its way to a daemon.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) enum Asked {
            $($name($name)),+
        }

        $(impl From<$name> for Asked {
            fn from(request: $name) -> Self {
                Self::$name(request)
            }
        })+

        impl Asked {
            /// Done twice it is as if done once.
            pub(crate) fn repeats(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$name as Request>::REPEATS),+
                }
            }

            /// It may change what faces know without asking.
            pub(crate) fn changes(&self) -> bool {
                match self {
                    $(Self::$name(_) => <$name as Request>::CHANGES),+
                }
            }

            /// Asks rooms in this process for a face of a daemon: the answer as bytes, which [`read`] reads.
            pub(crate) async fn carry_out(self, local: &Local, asker: FaceId) -> Vec<u8> {
                match self {
                    $(Self::$name(request) => {
                        let done = request.answer(local, Some(asker)).await;
                        answer::written(&done.map(|answer| <$name as Request>::cut(answer, MAX_PAGE)))
                    }),+
                }
            }
        }
    };
}

requests! {
    Tell,
    Rename,
    Describe,
    Ack,
    Acked,
    Seen,
    Join,
    Open,
    Create,
    Forget,
    UseRelay,
    LastRelay,
    Mute,
    Pin,
    People,
    Person,
    Mark,
    History,
    HistoryBefore,
    PastAfter,
    PastBefore,
    LineOf,
    Search,
    Draft,
    SetDraft,
    Queued,
    SendFile,
    GetFile,
    GetPassing,
    Transfers,
    SteerFile,
    FilePlace,
    SetAvatar,
    AvatarOf,
    Devices,
    RemoveDevice,
    NameDevice,
    ReplaceKey,
    KeyRooms,
    LinkDevice,
    AnswerLink,
    BeyondHere,
    KeyChanges,
}

/// What a daemon answered. None: it is no such answer.
pub(crate) fn read<R: Request>(bytes: &[u8]) -> Option<Result<R::Answer, Reason>> {
    answer::read(bytes)
}
