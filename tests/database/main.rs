//! The store against a real PostgreSQL: a private cluster, one database per test.

mod fencing_simulation;
mod fleet;
mod hangs;
mod indexes;
mod migrations;
mod plans;
mod replies;
mod selection;
mod server;
mod trends;
mod vendors;
