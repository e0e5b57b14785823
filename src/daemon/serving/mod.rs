//! The control server: listening, connections, peers, the audit line.

pub(crate) mod activation;
pub(crate) mod audit;
pub(crate) mod connections;
pub(crate) mod context;
pub(crate) mod failure;
pub(crate) mod listener;
pub(crate) mod peer;
