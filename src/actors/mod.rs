//! Floor 4: one file = one actor.
