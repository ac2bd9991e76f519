//! Linking another device.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Request;
use crate::{
    reason::Reason,
    runtime::{FaceId, LinkAnswer, Local},
    transport::RelayAddress,
};

/// Links by the code that the other device shows, or shows one; how it stands comes as events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LinkDevice {
    pub(crate) code: Option<String>,
    pub(crate) relay: Option<RelayAddress>,
}

impl Request for LinkDevice {
    type Answer = ();

    const REPEATS: bool = false;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        let code = self.code.map(Zeroizing::new);
        local.link(code.as_ref().map(|code| code.as_str()), self.relay).await
    }
}

/// What a person says to the linking under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AnswerLink(pub(crate) LinkAnswer);

impl Request for AnswerLink {
    type Answer = ();

    const REPEATS: bool = false;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.answer_link(self.0).await
    }
}
