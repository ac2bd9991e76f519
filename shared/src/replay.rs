//! The sliding replay window.
