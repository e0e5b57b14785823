//! The server itself and the way to it.

mod cluster;
mod faults;
mod pgbouncer;
mod pool;
mod tls;
