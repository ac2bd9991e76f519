//! The MLS crypto provider.
