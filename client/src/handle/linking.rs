//! Linking another device.

use super::Runtime;
use crate::{ask, failure::Failure, runtime::LinkAnswer, transport::RelayAddress};

impl Runtime {
    /// Links this device: by the code that the other one shows, or by showing one. How it stands comes as events.
    ///
    /// # Errors
    /// [`Failure`] when the code is none, its relay cannot be asked, or another linking is under way.
    pub async fn link(&self, code: Option<String>, relay: Option<RelayAddress>) -> Result<(), Failure> {
        self.ask(ask::LinkDevice { code, relay }).await
    }

    /// Says to the linking under way what a person says.
    ///
    /// # Errors
    /// [`Failure`] when there is none, or nothing is asked.
    pub async fn answer_link(&self, answer: LinkAnswer) -> Result<(), Failure> {
        self.ask(ask::AnswerLink(answer)).await
    }
}
