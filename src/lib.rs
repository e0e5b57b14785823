//! eventplanner: plans events automatically, privately and provably.
//!
//! # Layout
//! Floors, lowest first; imports only go down, and rooms of one floor don't import each other
//! (Cargo proves it; `tests/offline/layering.rs` holds what Cargo can't). ARCHITECTURE.md tells the rest.

#![forbid(unsafe_code)]

/// Of all that links this library: the programs, the tests and the benches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use actors;
pub use catalog;
pub use control;
pub use ctl;
pub use daemon;
pub use documents;
pub use llm;
pub use model;
pub use planning;
pub use settings as config;
pub use store;
pub use telemetry;
pub use wire;
