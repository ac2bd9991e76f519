//! The one source of randomness of all commands.

use rand_core::UnwrapErr;
use shared::crypto::random::Random;

/// The system's generator.
pub(super) fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}
