//! Instants, zones, and local times as people write them.

pub(crate) mod anchor;
pub(crate) mod local_time;
pub(crate) mod time;
