//! No attack: a thread that computes, as an attacker's does, and sends nothing. What it costs honest members is the machine's
//! doing, and none of a relay's.

use std::time::{Duration, Instant};

use super::Attack;

/// For so long it computes without a look at whether it is to end.
const STEP: Duration = Duration::from_millis(1);

pub(in crate::bench) fn attack() -> anyhow::Result<Attack> {
    Attack::launch(move |orders| {
        orders.repeat(1, move |_, tries| async move {
            let begun = Instant::now();
            while begun.elapsed() < STEP {
                std::hint::spin_loop();
            }
            tries.add(1);
            tokio::task::yield_now().await;
            Ok(())
        })
    })
}
