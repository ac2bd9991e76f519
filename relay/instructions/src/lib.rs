//! Counts instructions: see `benches/`.
