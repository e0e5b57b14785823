//! eventplanner: plans events automatically, privately and provably.
//!
//! # Layout
//! Floors, lowest first; imports only go down, and rooms of one floor don't import each other
//! (`tests/layering.rs` proves it). ARCHITECTURE.md tells the rest.

#![forbid(unsafe_code)]

/// Of all that links this library: the programs, the tests and the benches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// Floor 0
pub mod model;

// Floor 1
pub mod planning;

// Floor 2
pub mod catalog;
pub mod control;
pub mod documents;
pub mod llm;
pub mod store;
pub mod telemetry;

// Floor 3
pub mod config;

// Floor 4
pub mod actors;

// Floor 5
pub mod ctl;
pub mod daemon;
