//! Linking another device.

use super::Runtime;
use crate::{ask, reason::Reason, runtime::LinkAnswer, transport::RelayAddress};

impl Runtime {
    /// Links this device: by the code that the other one shows, or by showing one. How it stands comes as events.
    ///
    /// # Errors
    /// [`Reason`] when the code is none, its relay cannot be asked, or another linking is under way.
    pub async fn link(&self, code: Option<String>, relay: Option<RelayAddress>) -> Result<(), Reason> {
        self.ask(ask::LinkDevice { code, relay }).await
    }

    /// Says to the linking under way what a person says.
    ///
    /// # Errors
    /// [`Reason`] when there is none, or nothing is asked.
    pub async fn answer_link(&self, answer: LinkAnswer) -> Result<(), Reason> {
        self.ask(ask::AnswerLink(answer)).await
    }
}
