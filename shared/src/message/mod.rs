//! What is said, and what has become of it.

pub mod timeline;
