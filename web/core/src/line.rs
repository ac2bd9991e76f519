//! What becomes of chat lines: the one rule of all clients, for lines that a page has stored.

use shared::message::{Act, timeline::Line};
use wasm_bindgen::prelude::*;

/// Applies an act to a line, both as they came. None where nothing changes.
///
/// # Errors
/// `refused` where it may not: somebody else's line, or a flood of signs.
#[wasm_bindgen]
pub fn apply(line: &str, act: &str) -> Result<Option<String>, JsError> {
    let (mut line, act): (Line, Act) = (serde_json::from_str(line)?, serde_json::from_str(act)?);
    match line.apply(&act) {
        Ok(true) => Ok(Some(serde_json::to_string(&line)?)),
        Ok(false) => Ok(None),
        Err(_) => Err(JsError::new("refused")),
    }
}
