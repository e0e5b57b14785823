//! Chaos: real daemons on a real database, killed, paused, cut off, panicked and overloaded, while
//! clients keep a ledger of what was acknowledged to them. At the end the ledger and the database
//! must agree.
//!
//! `cargo test` runs the short form. The long form, with more of everything:
//!
//! ```sh
//! EVENTPLANNER_CHAOS_KILLS=1000 \
//!     cargo test --release --features fault-injection --test chaos -- --nocapture
//! ```
//!
//! Each storm prints its seed; `EVENTPLANNER_CHAOS_SEED` runs the same one again.

mod common;
#[path = "common/daemon.rs"]
mod daemon;

#[path = "chaos/arena.rs"]
mod arena;
#[path = "chaos/backup.rs"]
mod backup;
#[path = "chaos/checkpoints.rs"]
mod checkpoints;
#[path = "chaos/http.rs"]
mod http;
#[path = "chaos/ledger.rs"]
mod ledger;
#[path = "chaos/overload.rs"]
mod overload;
#[path = "chaos/pause.rs"]
mod pause;
#[path = "chaos/rolling.rs"]
mod rolling;
#[path = "chaos/storm.rs"]
mod storm;
#[path = "chaos/supervision.rs"]
mod supervision;
