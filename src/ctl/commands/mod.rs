//! One file for each group of commands.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod drain;
pub(crate) mod plan;
pub(crate) mod replan;
pub(crate) mod report;
pub(crate) mod vendors;
pub(crate) mod verify;
