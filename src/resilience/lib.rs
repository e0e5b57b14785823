//! Floor 1: how calls to others are repeated ([`Backoff`]) and shared ([`SingleFlight`]). Knows
//! nothing of events and plans, so that every room that calls somebody can use it.

mod backoff;
mod single_flight;

pub use backoff::{Backoff, Waits};
pub use single_flight::{Flight, Landed, SingleFlight};
