//! The store against a real PostgreSQL: a private cluster, one database per test.

mod common;

#[path = "store/cluster.rs"]
mod cluster;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/fleet.rs"]
mod fleet;
#[path = "store/hangs.rs"]
mod hangs;
#[path = "store/indexes.rs"]
mod indexes;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/plans.rs"]
mod plans;
#[path = "store/pool.rs"]
mod pool;
#[path = "store/replies.rs"]
mod replies;
#[path = "store/selection.rs"]
mod selection;
#[path = "store/tls.rs"]
mod tls;
#[path = "store/trends.rs"]
mod trends;
#[path = "store/vendors.rs"]
mod vendors;
