//! What is said, and what has become of it.

mod body;
mod here;
mod line;
mod private;
pub mod timeline;

pub use body::{BodyError, MAX_EMOJI, MAX_TEXT, MessageBody};
pub use here::{Day, DeviceHere, MAX_HERE};
pub use line::{Act, Alteration, Message, MessageId, Millis};
pub use private::Private;
