//! What is said, and what has become of it.

mod here;
mod line;
mod private;
mod said;
pub mod timeline;

pub use here::{Day, DeviceHere, MAX_HERE};
pub use line::{Act, Alteration, Message, MessageId, Millis};
pub use private::Private;
pub use said::{MAX_EMOJI, MAX_TEXT, Said, SaidError};
