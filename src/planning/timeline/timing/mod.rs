//! Times for the activities: the network of their bounds, travel, and repair.

pub(crate) mod network;
pub(crate) mod place;
pub(crate) mod repair;
pub(crate) mod travel;
