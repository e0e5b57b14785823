//! eventplanner: plans events automatically, privately and provably.
//!
//! # Layout
//! Floors, lowest first; imports only go down, and rooms of one floor don't import each other
//! (Cargo proves it; `tests/offline/layering.rs` holds what Cargo can't). ARCHITECTURE.md tells the rest.

#![forbid(unsafe_code)]

/// Of all that links this library: the programs, the tests and the benches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "daemon")]
pub use actors;
#[cfg(feature = "daemon")]
pub use catalog;
pub use control;
pub use ctl;
#[cfg(feature = "daemon")]
pub use daemon;
#[cfg(feature = "daemon")]
pub use documents;
#[cfg(feature = "daemon")]
pub use llm;
pub use model;
#[cfg(feature = "daemon")]
pub use planning;
#[cfg(feature = "daemon")]
pub use settings as config;
#[cfg(feature = "daemon")]
pub use store;
#[cfg(feature = "daemon")]
pub use telemetry;
pub use wire;
