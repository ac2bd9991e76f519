//! demo
use crate::failure::{Exit, Failure};
pub(super) async fn demo() -> Result<Exit, Failure> { Ok(Exit::Ok) }
