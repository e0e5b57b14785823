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

mod backup;
mod checkpoints;
mod http;
mod ledger;
mod overload;
mod pause;
mod rolling;
mod storm;
mod supervision;
