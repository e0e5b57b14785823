//! Connections: the pool, its sessions, and what each statement goes through.

pub(crate) mod conditions;
pub(crate) mod connector;
pub(crate) mod health;
pub(crate) mod manager;
pub(crate) mod observer;
pub(crate) mod pool;
pub(crate) mod row_reader;
pub(crate) mod session;
pub(crate) mod statements;
pub(crate) mod unpooled;
