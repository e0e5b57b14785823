//! Floor 4: one file = one actor.

pub mod supervision;
