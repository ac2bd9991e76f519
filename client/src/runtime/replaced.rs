//! Has rooms look at accounts whose place another one took: the change may have been seen elsewhere.

use super::{Local, room::Ask};

impl Local {
    /// Each room in which an account is whose place another one took looks at it: the change may have been seen elsewhere.
    pub(super) async fn look_for_replaced(&self) {
        for status in self.all_rooms().into_iter().filter(|status| status.over.is_none()) {
            let mut members = status.view.iter().flat_map(|view| &view.members);
            if members.any(|member| self.0.people.is_replaced(&member.person.fingerprint))
                && let Ok(asks) = self.asks(&status.label)
            {
                // A room that ends now looks at nobody.
                let _ = asks.send(Ask::Look).await;
            }
        }
    }
}
