//! Words against words: what a client wishes for, and what a vendor says of itself.

pub mod compatibility;
pub mod keywords;
pub mod tags;
