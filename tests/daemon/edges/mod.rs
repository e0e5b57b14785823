//! What lies at the edges, each from `tests/cases/edges`: times, days, places, and what comes after
//! the offer.

mod after;
mod days;
mod options;
mod places;
mod times;
