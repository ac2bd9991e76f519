//! The AEAD engine and the envelope.
